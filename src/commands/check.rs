//! `rotakey check`: will it work?

use crate::error::Result;
use crate::exit::Exit;
use crate::model::when::counted;
use crate::model::{Fault, FaultKind, Finding};
use crate::run::Run;
use crate::ui::{Ink, Table};

use super::joined::join;

/// Look at everything and change nothing
///
/// Reads the configuration, opens the ledger, and asks every account whether its token may do what the configuration
/// needs, down to the permission to revoke.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// Asks every account whether the token may do what the configuration needs. Changes nothing.
pub fn check(run: &mut Run, _: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    let mut findings = vec![Finding {
        what: "ledger".to_owned(),
        result: Ok(format!(
            "opens; {}, {}",
            counted(ledger.state().secrets.len() as i64, "secret"),
            counted(ledger.event_count() as i64, "audit event")
        )),
    }];
    for secret in joined.secrets.values() {
        add(&mut findings, secret.issuer.check());
        for destination in &secret.destinations {
            add(&mut findings, destination.target.check());
        }
        if ledger
            .state()
            .secret(&secret.name)
            .and_then(|state| state.current())
            .is_none()
        {
            let fault = Fault::refused("the key that is live today is not known");
            let result = Err(fault.hint(format!("rotakey adopt {}", secret.name)));
            findings.push(Finding {
                what: format!("secret `{}`", secret.name),
                result,
            });
        }
    }
    for (name, channel) in &joined.channels {
        for Finding { what, result } in channel.check() {
            let what = format!("channel `{name}`: {what}");
            findings.push(Finding { what, result });
        }
    }
    for (name, about) in joined
        .about
        .iter()
        .filter(|(_, about)| !about.used_by.is_empty())
    {
        let accounts: Vec<String> = about
            .used_by
            .iter()
            .map(|account| format!("`{account}`"))
            .collect();
        let detail = format!(
            "used by rotakey's own account {}; its old key goes last",
            accounts.join(", ")
        );
        findings.push(Finding {
            what: format!("secret `{name}`"),
            result: Ok(detail),
        });
    }
    Ok(show(run, &findings))
}

/// Twelve secrets at one account ask the same question once.
fn add(findings: &mut Vec<Finding>, more: Vec<Finding>) {
    for finding in more {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
}

fn show(run: &mut Run, findings: &[Finding]) -> Exit {
    let mut table = Table::new(["CHECK", "RESULT", "DETAIL"]);
    let mut exit = Exit::Done;
    let mut hints = Vec::new();
    for Finding { what, result } in findings {
        let (ink, word, detail) = match result {
            Ok(detail) => (Ink::Good, "ok", detail.clone()),
            Err(fault) => {
                exit = exit.merge(if fault.kind == FaultKind::Passing {
                    Exit::TryLater
                } else {
                    Exit::Failed
                });
                hints.extend(fault.hint.clone());
                (Ink::Bad, "failed", fault.what.clone())
            }
        };
        table.row([
            (Ink::Plain, what.clone()),
            (ink, word.to_owned()),
            (Ink::Plain, detail),
        ]);
    }
    table.print(&mut run.ui);
    hints.dedup();
    for hint in hints {
        run.ui.insist(&format!("  hint: {hint}"));
    }
    exit
}
