//! What became of each secret: the exit code it stands for, and the words on stderr where people must hear of it.

use crate::error::{Error, Report};
use crate::exit::Exit;
use crate::ledger::State;
use crate::model::when;
use crate::rotation::{Course, Ending, Item, Manner, Move, Outcome, sentence};
use crate::run::Run;

use super::joined::Joined;

/// The exit code of an outcome.
fn exit(ending: &Ending) -> Exit {
    match ending {
        Ending::Promoted { .. } | Ending::Revoked { .. } => Exit::Done,
        Ending::Waiting {
            course: Course::Planned,
            ..
        } => Exit::Done,
        Ending::Waiting {
            course: Course::Trouble,
            ..
        } => Exit::TryLater,
        Ending::RolledBack { .. } | Ending::Failed { .. } => Exit::Failed,
        Ending::NeedsPerson { .. } | Ending::Watching { .. } => Exit::PersonNeeded,
    }
}

/// Says what has to be heard, and gives the exit code of all of it.
pub(super) fn outcomes(run: &mut Run, outcomes: &[Outcome]) -> Exit {
    let mut all = Exit::Done;
    for outcome in outcomes {
        let exit = exit(&outcome.result);
        all = all.merge(exit);
        let name = &outcome.secret;
        let (what, hint) = match &outcome.result {
            // Who has to do something was told so once; the exit code says that it is still to be done.
            Ending::Promoted { .. } | Ending::Revoked { .. } | Ending::Watching { .. } => continue,
            Ending::Waiting { why, until, course } => {
                let later = until.map(|until| format!("run again after {}", when::moment(until)));
                if *course == Course::Planned {
                    run.ui
                        .say(&format!("{name}: waiting: {why}{}", after(*until)));
                    continue;
                }
                (why, later)
            }
            Ending::RolledBack { why, hint } | Ending::Failed { why, hint } => (why, hint.clone()),
            Ending::NeedsPerson { why, hint } => (why, Some(hint.clone())),
        };
        let report = Report::new(anyhow::anyhow!("secret `{name}`: {what}"));
        let state = match outcome.result {
            Ending::RolledBack { .. } => format!("rolled back; {}", outcome.live),
            Ending::Failed { .. } => format!("no new key was made; {}", outcome.live),
            _ => outcome.live.clone(),
        };
        run.ui
            .error(&Error::all(exit, vec![report.state(state).hints(hint)]));
    }
    all
}

/// Says which secrets only a person can go on with. A run that was not asked for them by name goes on with the others,
/// and keeps quiet of a due date of which people were told already: the exit code says that it is still to be done.
pub(super) fn errands(run: &mut Run, items: &[Item], state: &State) -> Exit {
    let mut all = Exit::Done;
    for item in items {
        let Some(errand) = &item.person else { continue };
        if item.revoke == Some(Move::Watch) {
            // It was told when it came up, and `revoke` looks after it.
            continue;
        }
        all = all.merge(Exit::PersonNeeded);
        if item.is_announced(state.secret(&item.secret)) {
            continue;
        }
        let report = Report::new(anyhow::anyhow!(
            "secret `{}`: a person is needed: {}",
            item.secret,
            errand.why
        ));
        run.ui.error(&Error::all(
            Exit::PersonNeeded,
            vec![report.hints(Some(errand.hint.clone()))],
        ));
    }
    all
}

/// Says which secrets the ledger has something open for that the configuration does not have any more: nobody would go
/// on with them, and an old key or a leaked one would live for ever.
pub(super) fn forgotten(run: &mut Run, joined: &Joined, state: &State) -> Exit {
    let mut exit = Exit::Done;
    for (name, known) in &state.secrets {
        let left = match (&known.rotation, &known.leak) {
            (Some(_), _) => "a rotation is open",
            (None, Some(_)) => "its key leaked and lives",
            (None, None) => continue,
        };
        if joined.secrets.contains_key(name) {
            continue;
        }
        exit = exit.merge(Exit::PersonNeeded);
        let report = Report::new(anyhow::anyhow!(
            "secret `{name}`: {left}, and the configuration does not have it any more"
        ));
        let hint = format!(
            "put it back until `rotakey rotate` and `rotakey revoke {name}` are done with it"
        );
        let report = report.state(sentence(Some(known))).hints([hint]);
        run.ui.error(&Error::all(Exit::PersonNeeded, vec![report]));
    }
    exit
}

/// Says why nothing could be done for secrets that were asked for by name. An unattended run keeps quiet.
pub(super) fn idle(run: &mut Run, items: &[Item], manner: Manner) -> Exit {
    if manner == Manner::Unattended {
        return Exit::Done;
    }
    for item in items.iter().filter(|item| item.person.is_none()) {
        let why = match &item.wait {
            Some(wait) => format!("waiting: {}{}", wait.why, after(wait.until)),
            // `rotate` was asked, and the key before is still to be ended.
            None if item.revoke.is_some() => format!(
                "the rotation before is still open; `rotakey revoke {}` ends its old key",
                item.secret
            ),
            None => "there is nothing to do".to_owned(),
        };
        run.ui.say(&format!("{}: {why}", item.secret));
    }
    Exit::Done
}

/// What a machine reads: one JSON object for each outcome.
pub(super) fn json(outcomes: &[Outcome]) -> String {
    outcomes
        .iter()
        .map(|outcome| object(outcome).to_string() + "\n")
        .collect()
}

fn object(outcome: &Outcome) -> serde_json::Value {
    let (word, why, hint, until) = match &outcome.result {
        Ending::Promoted { grace_until, .. } => ("promoted", None, None, *grace_until),
        Ending::Revoked { .. } => ("revoked", None, None, None),
        Ending::RolledBack { why, hint } => ("rolled_back", Some(why), hint.clone(), None),
        Ending::Failed { why, hint } => ("failed", Some(why), hint.clone(), None),
        Ending::Watching { why } => ("watching", Some(why), None, None),
        Ending::Waiting { why, until, .. } => ("waiting", Some(why), None, *until),
        Ending::NeedsPerson { why, hint } => ("person_needed", Some(why), Some(hint.clone()), None),
    };
    serde_json::json!({
        "type": "outcome",
        "secret": outcome.secret,
        "outcome": word,
        "live": outcome.live,
        "why": why,
        "hint": hint,
        "until": until.map(when::moment),
        "exposed_seconds": exposed(&outcome.result),
    })
}

/// How long a leaked key lived after the command.
fn exposed(ending: &Ending) -> Option<i64> {
    match ending {
        Ending::Revoked { exposed, .. } => exposed.map(|exposed| exposed.num_seconds()),
        _ => None,
    }
}

fn after(until: Option<crate::model::Instant>) -> String {
    until
        .map(|until| format!(", until {}", when::moment(until)))
        .unwrap_or_default()
}
