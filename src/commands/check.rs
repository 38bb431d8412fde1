//! `rotakey check`: will it work, and what will it touch?

use std::collections::BTreeSet;

use crate::error::Result;
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::model::when::counted;
use crate::model::{Fault, FaultKind, Finding, SecretName};
use crate::run::Run;
use crate::ui::{Ink, Manner, Table};

use super::extent;
use super::joined::{Joined, join};
use super::policy;

/// Look at everything and change nothing
///
/// Reads the configuration, opens the ledger, and asks every account what its token may do, as far as a call that changes nothing shows: whether it may list, read and see what the configuration needs, and more only where a vendor tells the permissions of a token. Then looks at every target: which projects and services have the variable, which would be redeployed, and about how many calls a rotation will make.
///
/// Exits with 0 when all is well, 1 when something will not work, 75 when a vendor could not be asked. With `--policy`: 1 when a secret is older than its `max_age`, overdue for more than a day, or was never adopted.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Ask nobody: compare the age of every key with the policy, from the ledger alone
    #[arg(long)]
    pub policy: bool,
}

/// Asks every account what its token may do, as far as reading shows. Changes nothing.
pub fn check(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    if args.policy {
        return Ok(policy::check(run, &joined, ledger.state()));
    }
    let mut shut = Shut::new();
    let findings = findings(&joined, &ledger, &mut shut);
    let exit = show(run, &findings);
    Ok(exit.merge(extent::show(run, &joined, ledger.state(), &shut)))
}

/// Whether those can open the ledger whom the configuration names.
fn circle(joined: &Joined, ledger: &Ledger) -> Option<Finding> {
    let wanted = Some(joined.recipients()).filter(|wanted| !wanted.is_empty())?;
    let can = counted(wanted.len() as i64, "recipient");
    let result = match ledger.circle(wanted).is_unchanged() {
        true => Ok(format!("{can}, as configured")),
        false => Err(
            Fault::refused("others can open it than `ledger: recipients:` names")
                .hint("rotakey recipients"),
        ),
    };
    let what = "ledger: recipients".to_owned();
    Some(Finding { what, result })
}

/// The targets of each secret, by their number, whose check failed: looking further would only fail again.
pub(super) type Shut = BTreeSet<(SecretName, usize)>;

fn findings(joined: &Joined, ledger: &Ledger, shut: &mut Shut) -> Vec<Finding> {
    let mut findings = vec![Finding {
        what: "ledger".to_owned(),
        result: Ok(format!(
            "opens; {}, {}",
            counted(ledger.state().secrets.len() as i64, "secret"),
            counted(ledger.event_count() as i64, "audit event")
        )),
    }];
    findings.extend(circle(joined, ledger));
    for secret in joined.secrets.values() {
        add(&mut findings, secret.issuer.check());
        for (number, destination) in secret.destinations.iter().enumerate() {
            let found = destination.target.check();
            if found.iter().any(|finding| finding.result.is_err()) {
                shut.insert((secret.name.clone(), number));
            }
            add(&mut findings, found);
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
    for (name, known) in &ledger.state().secrets {
        let lives = known.current().is_some() || known.rotation.is_some();
        if lives && !joined.secrets.contains_key(name) {
            let fault =
                Fault::refused("the ledger knows its key, and the configuration does not have it");
            let hint = "put it back, or end its key at the issuer by hand: nobody rotates it";
            findings.push(Finding {
                what: format!("secret `{name}`"),
                result: Err(fault.hint(hint)),
            });
        }
    }
    for (name, channel) in &joined.channels {
        for Finding { what, result } in channel.check() {
            let what = format!("channel `{name}`: {what}");
            findings.push(Finding { what, result });
        }
    }
    own_credentials(joined, &mut findings);
    findings
}

fn own_credentials(joined: &Joined, findings: &mut Vec<Finding>) {
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
    let mut exit = Exit::Done;
    for fault in findings.iter().filter_map(|it| it.result.as_ref().err()) {
        exit = exit.merge(because_of(fault));
    }
    if run.ui.manner() == Manner::Json {
        let lines = findings.iter().map(|it| object(it).to_string() + "\n");
        let text: String = lines.collect();
        run.ui.data(&text);
        return exit;
    }
    let mut table = Table::new(["CHECK", "RESULT", "DETAIL"]);
    let mut hints = Vec::new();
    for Finding { what, result } in findings {
        let (ink, word, detail) = match result {
            Ok(detail) => (Ink::Good, "ok", detail.clone()),
            Err(fault) => {
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

/// What a fault means for the whole of the check.
pub(super) fn because_of(fault: &Fault) -> Exit {
    match fault.kind {
        FaultKind::Passing => Exit::TryLater,
        FaultKind::Refused | FaultKind::Missing => Exit::Failed,
    }
}

/// One finding for machines. The field names are stable.
fn object(finding: &Finding) -> serde_json::Value {
    let (result, detail, hint) = match &finding.result {
        Ok(detail) => ("ok", detail, None),
        Err(fault) if fault.kind == FaultKind::Passing => {
            ("try later", &fault.what, fault.hint.as_ref())
        }
        Err(fault) => ("failed", &fault.what, fault.hint.as_ref()),
    };
    serde_json::json!({
        "type": "check", "what": finding.what, "result": result, "detail": detail, "hint": hint,
    })
}
