//! A key has leaked: in which order things go, and what is asked before an outage is caused on purpose.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::Ability;
use crate::ledger::LockedLedger;
use crate::ledger::Phase;
use crate::model::SecretName;
use crate::model::when::counted;
use crate::rotation::{self, Ask, Ending, Grace, Item, Manner, Move, Outcome, Standing, plan};
use crate::run::Run;

use super::drive::{self, Purpose};
use super::joined::Joined;

/// Replaces leaked keys. What rotakey itself works with goes first, and the rest goes out through the new credentials:
/// the old ones are dead by then.
pub(super) fn fight(
    run: &mut Run,
    joined: &Joined,
    ledger: &mut LockedLedger,
    purpose: Purpose,
    items: &[Item],
) -> Result<Vec<Outcome>> {
    let is_own = |item: &Item| !joined.about[&item.secret].used_by.is_empty();
    let (own, others): (Vec<Item>, Vec<Item>) = items.iter().cloned().partition(is_own);
    if own.is_empty() || others.is_empty() {
        return to_the_end(run, joined, ledger, purpose, items);
    }
    let (first, later) = purpose.split(|name| own.iter().any(|item| item.secret == *name));
    let mut outcomes = to_the_end(run, joined, ledger, first, &own)?;
    let exposed = |outcome: &&Outcome| {
        !matches!(
            outcome.result,
            Ending::Revoked { .. } | Ending::Promoted { .. }
        )
    };
    for Outcome { secret, .. } in outcomes.iter().filter(exposed) {
        run.ui.insist(&format!(
            "warning: rotakey's own credential `{secret}` is still the exposed one, and the others go out through it: \
             replace it, then run this command again"
        ));
    }
    let joined = joined.again(run, ledger)?;
    outcomes.extend(to_the_end(run, &joined, ledger, later, &others)?);
    Ok(outcomes)
}

/// Rotates, and answers what is left: a leak that was told in the middle of a rotation exposed the key that it brings
/// with the old one, so that another rotation follows it, through credentials that are loaded anew.
pub(super) fn to_the_end(
    run: &mut Run,
    joined: &Joined,
    ledger: &mut LockedLedger,
    purpose: Purpose,
    items: &[Item],
) -> Result<Vec<Outcome>> {
    let begins = |name: &SecretName| {
        let mut items = items.iter();
        items.any(|item| item.secret == *name && matches!(item.rotate, Some(Move::Begin(_))))
    };
    let told = purpose.leak.is_some();
    let (first, later) = purpose.split(begins);
    let mut outcomes = drive::with(run, joined, ledger, first, |tools| {
        rotation::rotate(tools, items)
    })?;
    // What was taken back would only be taken back again.
    let failed = |name: &SecretName| {
        let of = outcomes.iter().filter(|outcome| outcome.secret == *name);
        of.into_iter().any(|outcome| {
            matches!(
                outcome.result,
                Ending::RolledBack { .. } | Ending::Failed { .. } | Ending::NeedsPerson { .. }
            )
        })
    };
    let is_left = |item: &&Item| {
        let state = ledger.state().secret(&item.secret);
        // One that was on its way back already says nothing of the next.
        let back = [Phase::Undoing, Phase::Discarding].map(Standing::Open);
        let may = back.contains(&item.standing) || !failed(&item.secret);
        let state = state.filter(|_| item.rotate == Some(Move::Continue) && may);
        let state = state.filter(|state| state.rotation.is_none());
        state.is_some_and(|state| state.leak.is_some() || (told && state.lost))
    };
    let left: Vec<SecretName> = items
        .iter()
        .filter(is_left)
        .map(|item| item.secret.clone())
        .collect();
    if left.is_empty() || run.clock.stopping() {
        return Ok(outcomes);
    }
    let joined = joined.again(run, ledger)?;
    let ask = Ask {
        names: &left,
        now: run.now,
        manner: Manner::Emergency,
        grace: Grace::Kept,
        frozen: None,
        most: usize::MAX,
    };
    let items = plan(&joined.secrets, ledger.state(), &ask);
    outcomes.retain(|outcome| !left.contains(&outcome.secret));
    outcomes.extend(drive::with(run, &joined, ledger, later, |tools| {
        rotation::rotate(tools, &items)
    })?);
    Ok(outcomes)
}

/// Before the leaked key dies first: says what that breaks, and goes on only if somebody says that it is meant.
pub(super) fn meant(run: &mut Run, joined: &Joined, items: &[Item], yes: bool) -> Result<()> {
    for item in items {
        possible(joined, item)?;
    }
    let secrets = items.iter().map(|item| &joined.secrets[&item.secret]);
    for (secret, reach) in rotation::reach(secrets) {
        let who = match reach {
            Ok(reach) if reach.services.is_empty() => {
                format!(
                    "whatever reads its {}",
                    counted(reach.sites.len() as i64, "site")
                )
            }
            Ok(reach) => {
                let services: Vec<&str> = reach.services.values().map(String::as_str).collect();
                format!(
                    "{} ({})",
                    counted(services.len() as i64, "service"),
                    services.join(", ")
                )
            }
            Err(fault) => format!("every service that uses it (not counted: {})", fault.what),
        };
        run.ui.insist(&format!(
            "{}: the live key is revoked first. {who} will be refused from then until each runs the new key.",
            secret.name
        ));
    }
    if yes {
        return Ok(());
    }
    if run.input.is_terminal() {
        run.ui.insist("Is that meant? Type `yes` to go on:");
    }
    let answer = run.input.line();
    let answer =
        answer.map_err(|error| Error::new(Exit::Usage, error).context("read the answer"))?;
    match answer.as_deref().map(str::trim) {
        Some("yes") => Ok(()),
        Some(_) => Err(Error::says(Exit::Usage, "nothing was done: the answer was not `yes`")
            .hint("without `--revoke-first` the new key is everywhere before the old one dies")),
        None => Err(Error::says(
            Exit::Usage,
            "`--revoke-first` causes an outage, and nobody is here to say that it is meant",
        )
        .hint("add `--yes`, or leave `--revoke-first` out: the old key then dies as soon as nobody needs it")),
    }
}

/// Refuses what cannot be revoked first, before anything is sent.
fn possible(joined: &Joined, item: &Item) -> Result<()> {
    let can = joined.secrets[&item.secret].issuer.capabilities();
    let why = if !joined.about[&item.secret].used_by.is_empty() {
        "it is a credential of rotakey's own, which could not deliver the new one without it"
    } else if can.revokes == Ability::No {
        "only a person can end its keys"
    } else if can.shows_death == Ability::No {
        "nobody can tell when a value of it is dead"
    } else {
        return Ok(());
    };
    let what = format!(
        "secret `{}`: it cannot be revoked first: {why}",
        item.secret
    );
    Err(Error::says(Exit::Usage, what).hint("leave `--revoke-first` out"))
}
