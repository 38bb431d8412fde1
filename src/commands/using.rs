//! What a breached platform has seen: every secret that a kind, an account, a target or one site reaches, and what it
//! takes to replace them all.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::State;
use crate::model::when::counted;
use crate::model::{Account, SecretName};
use crate::rotation::{self, Reach, Secret};
use crate::run::Run;
use crate::ui::{Ink, Manner, Table};

use super::joined::Joined;

/// What went through a place.
pub(super) struct Exposed {
    /// rotakey's own credentials first: as long as those are in a stranger's hands, whatever is delivered with them is in
    /// the open again.
    pub(super) names: Vec<SecretName>,
    /// Not done where somebody could not be asked: there may be more.
    pub(super) exit: Exit,
}

/// The secrets that went through this place. What could not be looked at is named and left out: a platform that is down
/// must not keep the breach of another one from being answered.
pub(super) fn exposed(run: &mut Run, joined: &Joined, place: &str) -> Result<Exposed> {
    let all = joined.secrets.values();
    let mut names: Vec<&SecretName> = all
        .clone()
        .filter(|secret| goes_through(joined, secret, place))
        .map(|secret| &secret.name)
        .collect();
    let mut unseen = Vec::new();
    if names.is_empty() {
        // No kind, account or target is called so: a project, a service, an item.
        for (secret, reach) in rotation::reach(all) {
            match reach {
                Ok(reach) if holds(&reach, place) => names.push(&secret.name),
                Ok(_) => {}
                Err(fault) => unseen.push((&secret.name, fault)),
            }
        }
    }
    let said = place.escape_debug();
    let exit = match unseen.is_empty() {
        true => Exit::Done,
        false => Exit::TryLater,
    };
    for (name, fault) in unseen {
        run.ui.error(&Error::from(fault).context(format!(
            "secret `{name}`: whether it goes through `{said}` could not be looked at"
        )));
    }
    if names.is_empty() {
        return Err(match exit {
            Exit::Done => Error::says(Exit::Usage, format!("no secret goes through `{said}`")).hint(
                "name a kind of issuer or target, an account, a target as `rotakey plan` prints it, or a project or service",
            ),
            exit => Error::says(exit, format!("no secret is known to go through `{said}`, and not all could be looked at"))
                .hint("try again later, or name the secrets instead"),
        });
    }
    names.sort_by_key(|name| (joined.about[*name].used_by.is_empty(), *name));
    let names = names.into_iter().cloned().collect();
    Ok(Exposed { names, exit })
}

fn goes_through(joined: &Joined, secret: &Secret, place: &str) -> bool {
    let about = &joined.about[&secret.name];
    let called = |account: &Account| account.name().as_str() == place || account.kind() == place;
    let labels = secret.destinations.iter();
    let mut labels = labels.map(|destination| destination.target.label());
    about.kind == place
        || about.accounts().any(called)
        || labels.any(|label| label == place || label.split('/').next() == Some(place))
}

/// By its label, or by the last word of it: `vercel/web`, or `web`.
fn holds(reach: &Reach, place: &str) -> bool {
    let sites = reach.sites.iter().map(|(_, site)| site);
    sites
        .chain(reach.services.values())
        .any(|label| label == place || label.rsplit('/').next() == Some(place))
}

/// Shows what replacing these secrets would touch, looked at now. Changes nothing.
pub(super) fn show(
    run: &mut Run,
    joined: &Joined,
    state: &State,
    names: &[SecretName],
) -> Result<Exit> {
    let secrets = names.iter().map(|name| &joined.secrets[name]);
    let looked = rotation::reach(secrets);
    let took = |name: &SecretName| state.secret(name).and_then(|secret| secret.took);
    let longest = names.iter().filter_map(took).max();
    let found = || looked.iter().filter_map(|(_, reach)| reach.as_ref().ok());
    let sites: usize = found().map(|reach| reach.sites.len()).sum();
    let redeploys = rotation::redeploys(found());
    let seconds = longest.map(|longest| longest.delta().num_seconds());
    let mut exit = Exit::Done;
    let mut table = Table::new([
        "SECRET",
        "SITES",
        "SERVICES",
        "LAST TIME",
        "OWN CREDENTIAL OF",
    ]);
    for (secret, reach) in &looked {
        let count = |reach: &Reach| (reach.sites.len(), reach.services.len());
        let (sites, services) = match reach.as_ref().map(count) {
            Ok((sites, services)) => (sites.to_string(), services.to_string()),
            Err(fault) => {
                run.ui.error(
                    &Error::from(fault.clone()).context(format!("secret `{}`", secret.name)),
                );
                exit = exit.merge(Exit::TryLater);
                ("unknown".to_owned(), "unknown".to_owned())
            }
        };
        let own = joined.about[&secret.name].used_by.iter();
        let own: Vec<&str> = own.map(|account| account.as_str()).collect();
        if run.ui.manner() == Manner::Json {
            let reach = reach.as_ref().ok();
            let object = serde_json::json!({
                "type": "exposed",
                "secret": secret.name,
                "sites": reach.map(|reach| reach.sites.iter().map(|(target, site)| serde_json::json!({ "target": target, "site": site })).collect::<Vec<_>>()),
                "services": reach.map(|reach| reach.services.values().collect::<Vec<_>>()),
                "seconds_last_time": took(&secret.name).map(|took| took.delta().num_seconds()),
                "own_credential_of": own,
            });
            run.ui.data(&format!("{object}\n"));
            continue;
        }
        let last =
            took(&secret.name).map_or("-".to_owned(), |took| minutes(took.delta().num_seconds()));
        table.row([
            (Ink::Plain, secret.name.to_string()),
            (Ink::Plain, sites),
            (Ink::Plain, services),
            (Ink::Plain, last),
            (
                Ink::Warning,
                if own.is_empty() {
                    "-".to_owned()
                } else {
                    own.join(", ")
                },
            ),
        ]);
    }
    if run.ui.manner() == Manner::Json {
        let object = serde_json::json!({
            "type": "exposed_total", "secrets": names.len(), "sites": sites, "redeploys": redeploys, "seconds_last_time": seconds,
        });
        run.ui.data(&format!("{object}\n"));
        return Ok(exit);
    }
    table.print(&mut run.ui);
    let long = seconds.map_or("no rotation has been timed yet".to_owned(), |seconds| {
        format!(
            "about {}, as long as the slowest took last time",
            minutes(seconds)
        )
    });
    run.ui.data(&format!(
        "\n{}, {}, {}; {long}\n",
        counted(names.len() as i64, "secret"),
        counted(sites as i64, "site"),
        counted(redeploys as i64, "redeploy"),
    ));
    Ok(exit)
}

fn minutes(seconds: i64) -> String {
    match seconds {
        ..=90 => format!("{seconds} s"),
        _ => format!("{} min", (seconds + 59) / 60),
    }
}
