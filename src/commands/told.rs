//! What only a person can mend and no change of the ledger says: told to the channels once.

use crate::error::Result;
use crate::exit::Exit;
use crate::ledger::{LockedLedger, Progress, State, What};
use crate::model::SecretName;
use crate::rotation::{Ending, Item, Outcome, Standing};
use crate::run::Run;

use super::joined::{Joined, record, refused};
use super::post::Postman;

/// Puts secrets that wait for a person into the outbox, unless people know. Where nobody is to be told, or everybody
/// was, no lock is taken.
pub(super) fn errands(run: &mut Run, joined: &Joined, items: &[Item], state: &State) -> Result<()> {
    let calls: Vec<(SecretName, String)> = items
        .iter()
        .filter_map(|item| Some((item.secret.clone(), errand(item, state)?)))
        .filter(|(secret, why)| is_news(joined, state, secret, why))
        .collect();
    if calls.is_empty() {
        return Ok(());
    }
    // A ledger that is busy is in the hands of a run that sees the same.
    let mut ledger = match joined.lock(run) {
        Ok(ledger) => ledger,
        Err(error) if error.exit() == Exit::TryLater => return Ok(()),
        Err(error) => return Err(error),
    };
    for (secret, why) in calls {
        call(run, joined, &mut ledger, secret, why)?;
    }
    ledger.commit().map_err(refused)?;
    let postman = Postman::new(run, joined, ledger.state());
    postman.finish(run, &mut ledger);
    Ok(())
}

/// Puts what keeps rotations from beginning, and old keys from being revoked, into the outbox, unless people know.
pub(super) fn failures(
    run: &Run,
    joined: &Joined,
    ledger: &mut LockedLedger,
    outcomes: &[Outcome],
) -> Result<()> {
    for outcome in outcomes {
        let state = ledger.state().secret(&outcome.secret);
        let stuck = state
            .and_then(|state| state.rotation.as_ref()?.stuck.as_ref())
            .cloned();
        match &outcome.result {
            Ending::Failed { why, .. } => {
                call(run, joined, ledger, outcome.secret.clone(), why.clone())?;
            }
            // What is stuck was told when it came to a stop.
            Ending::NeedsPerson { why, .. } if stuck.as_ref() != Some(why) => {
                call(run, joined, ledger, outcome.secret.clone(), why.clone())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes down which errands of open rotations this run has said.
pub(super) fn heard(run: &Run, ledger: &mut LockedLedger, outcomes: &[Outcome]) -> Result<()> {
    for outcome in outcomes {
        let Ending::NeedsPerson { why, .. } = &outcome.result else {
            continue;
        };
        let state = ledger.state().secret(&outcome.secret);
        let open = state.and_then(|state| state.rotation.as_ref());
        if !open.is_some_and(|open| !open.heard && open.stuck.as_ref() == Some(why)) {
            continue;
        }
        let what = What::Progress(Progress::Heard);
        record(run, ledger, outcome.secret.clone(), what)?;
    }
    ledger.commit().map_err(refused)
}

fn call(
    run: &Run,
    joined: &Joined,
    ledger: &mut LockedLedger,
    secret: SecretName,
    why: String,
) -> Result<()> {
    if !is_news(joined, ledger.state(), &secret, &why) {
        return Ok(());
    }
    record(run, ledger, secret, What::Told { why })
}

/// What a person has to do before a rotation can begin, where no warning has said so. What is open was told when it
/// came to a stop.
fn errand(item: &Item, state: &State) -> Option<String> {
    let errand = item.person.as_ref()?;
    let known = state.secret(&item.secret);
    let leaked = known.is_some_and(|known| known.leak.is_some() && known.rotation.is_none());
    match item.standing {
        _ if leaked => Some(errand.why.clone()),
        Standing::NotAdopted => Some(errand.why.clone()),
        Standing::Due if !item.is_announced(state.secret(&item.secret)) => Some(errand.why.clone()),
        _ => None,
    }
}

fn is_news(joined: &Joined, state: &State, secret: &SecretName, why: &str) -> bool {
    let told = state.secret(secret).and_then(|state| state.told.as_deref());
    told != Some(why) && joined.is_heard(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Alarm, Leaked, Order, SecretState, State};
    use crate::model::VersionNumber;
    use crate::rotation::Errand;

    #[test]
    fn a_leaked_key_that_is_not_due_and_waits_for_a_person_is_told() {
        let item = Item {
            secret: SecretName::new("stripe"),
            title: "Stripe".to_owned(),
            standing: Standing::Fresh,
            current: None,
            since: None,
            due: None,
            rotate: None,
            revoke: None,
            wait: None,
            person: Some(Errand {
                why: "the vendor has no call that makes this key".to_owned(),
                hint: "rotakey rotate stripe".to_owned(),
            }),
        };
        let leak = Leaked {
            reason: "it was in a log".to_owned(),
            alarm: Alarm {
                raised_at: "2024-02-18T09:00:00Z".parse().expect("an instant"),
                order: Order::DeliverFirst,
            },
            newest: VersionNumber(1),
        };
        let secret = SecretState {
            leak: Some(leak),
            ..SecretState::default()
        };
        let state = State {
            secrets: [(item.secret.clone(), secret)].into(),
            ..State::default()
        };
        assert!(errand(&item, &state).is_some());
    }
}
