//! What must hold at every moment, whatever went wrong before (`I1`, `I2`, `I3`, `I4`), and what must come of it in the end.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::Value;

use super::sandbox::{Ran, Sandbox};
use super::shop::{SESSION_FILE, VARIABLE, session};

/// Every exit code the documentation knows, and a kill.
const EXITS: [Option<u8>; 6] = [None, Some(0), Some(1), Some(3), Some(75), Some(2)];

/// Looks at everything. `Err` says what is broken.
pub(crate) fn examine(sandbox: &Sandbox) -> Result<(), String> {
    let world = &sandbox.world;
    none("a service was refused", world.failures())?;
    none("a careful client never does that", world.violations())?;
    none("a dead key is in use", world.uses_dead_key())?;
    none("redirects followed", (0..world.trap_hits()).collect())?;
    let ledger = sandbox.ledger();
    let secrets = secrets_of(&ledger).to_string();
    recorded_before_used(sandbox, &secrets)?;
    orphans(sandbox, &secrets).map(drop)
}

pub(crate) fn none<T: std::fmt::Debug>(what: &str, found: Vec<T>) -> Result<(), String> {
    match found.is_empty() {
        true => Ok(()),
        false => Err(format!("{what}: {found:?}")),
    }
}

pub(crate) fn secrets_of(ledger: &Value) -> &Value {
    let secrets = &ledger["state"]["secrets"];
    assert!(secrets.is_object(), "the ledger has secrets");
    secrets
}

/// I2 and I3: what is stored or runs anywhere, and the key before it while it lives, is in the ledger.
fn recorded_before_used(sandbox: &Sandbox, secrets: &str) -> Result<(), String> {
    let world = &sandbox.world;
    let stored = world.stored().into_iter();
    let stored = stored.filter(|stored| stored.variable == VARIABLE);
    let running = world.running().into_iter();
    let running = running.filter(|running| running.variable == VARIABLE);
    let values: BTreeSet<String> = stored
        .map(|stored| stored.value)
        .chain(running.map(|running| running.value))
        .collect();
    none(
        "in use and not in the ledger",
        values
            .into_iter()
            .filter(|value| !secrets.contains(value.as_str()))
            .collect(),
    )?;
    if sandbox.path(SESSION_FILE).exists() && !secrets.contains(&session(sandbox)) {
        return Err("the session secret in use is not in the ledger".to_owned());
    }
    Ok(())
}

/// I4: live keys that the ledger does not know; at most one.
fn orphans(sandbox: &Sandbox, secrets: &str) -> Result<Vec<String>, String> {
    let live = sandbox.world.live_keys().into_iter();
    let unknown = live.filter(|key| !secrets.contains(key.id.as_str()));
    let unknown: Vec<String> = unknown.map(|key| key.id).collect();
    match unknown.len() {
        0 | 1 => Ok(unknown),
        _ => Err(format!("more than one orphan: {unknown:?}")),
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// One key lives, everything is on it, and nothing is open.
    Done,
    /// A person was told what to do.
    Person,
}

/// Whether everything has come to its end: no rotation open, one key alive, and everything on that key.
pub(crate) fn finished(sandbox: &Sandbox) -> bool {
    let ledger = sandbox.ledger();
    let secrets = secrets_of(&ledger);
    let open = secrets
        .as_object()
        .is_some_and(|all| all.values().any(|secret| !secret["rotation"].is_null()));
    let live = sandbox.world.live_keys();
    let [key] = &live[..] else { return false };
    let everywhere = |values: BTreeSet<String>| {
        values.len() == 1 && values.contains(&super::world::last4(&key.value))
    };
    !open
        && secrets.to_string().contains(&key.value)
        && everywhere(sandbox.world.stored_last4(VARIABLE))
        && everywhere(sandbox.world.running_last4(VARIABLE))
}

/// How much time passes before each of cron's next runs: a person looks at once and again, then the nights come.
fn nights() -> [TimeDelta; 8] {
    [
        TimeDelta::minutes(1),
        TimeDelta::minutes(11),
        TimeDelta::hours(25),
        TimeDelta::hours(25),
        TimeDelta::minutes(11),
        TimeDelta::hours(25),
        TimeDelta::hours(25),
        TimeDelta::hours(25),
    ]
}

/// What is looked at while a life goes on.
pub(crate) struct Watch<'w> {
    pub(crate) sandbox: &'w Sandbox,
    /// `Err` says what is broken.
    pub(crate) examine: &'w dyn Fn() -> Result<(), String>,
    /// Whether everything has come to its end.
    pub(crate) finished: &'w dyn Fn() -> bool,
}

/// Runs what cron runs until everything is done, and examines after every run and after all time that passes. `run`
/// carries out one command line.
pub(crate) fn live_on(sandbox: &Sandbox, run: impl FnMut(&str) -> Ran) -> Result<End, String> {
    let watch = Watch {
        sandbox,
        examine: &|| examine(sandbox),
        finished: &|| finished(sandbox),
    };
    watch.live_on(run)
}

impl Watch<'_> {
    /// Whether all that a person is to do was said by some run, this one or another. An errand of an open rotation is
    /// said once; after that the exit code says that it is still to be done.
    fn is_said(&self, ran: &Ran) -> bool {
        let speaks = |ran: &Ran| ran.stderr.contains("hint: ") && ran.stderr.contains("error: ");
        if speaks(ran) {
            return true;
        }
        let runs = self.sandbox.transcripts();
        let said = |name: &str, why: &str| {
            let names = format!("secret `{name}`: ");
            let mut runs = runs.iter().filter(|ran| speaks(ran));
            runs.any(|ran| ran.stderr.contains(&names) && ran.stderr.contains(why))
        };
        let ledger = self.sandbox.ledger();
        let secrets = secrets_of(&ledger).as_object().into_iter().flatten();
        let stuck: Vec<bool> = secrets
            .filter_map(|(name, secret)| Some(said(name, secret["rotation"]["stuck"].as_str()?)))
            .collect();
        !stuck.is_empty() && stuck.into_iter().all(|said| said)
    }

    /// The same for any scene.
    pub(crate) fn live_on(&self, mut run: impl FnMut(&str) -> Ran) -> Result<End, String> {
        let mut told = false;
        for night in std::iter::once(TimeDelta::zero()).chain(nights()) {
            self.sandbox.advance(night);
            (self.examine)()?;
            for line in ["rotate", "revoke"] {
                let ran = run(line);
                if !EXITS.contains(&ran.exit) {
                    return Err(format!("`{line}` exits with {:?}", ran.exit));
                }
                told = ran.exit == Some(3);
                if told && !self.is_said(&ran) {
                    return Err(format!("a person is needed and not told why: {ran:?}"));
                }
                (self.examine)().map_err(|broken| format!("after `{line}`: {broken}"))?;
                if told {
                    // The next command of that night is not run: cron's `&&`.
                    break;
                }
            }
            if night > TimeDelta::hours(1) && (self.finished)() {
                return quiet_at_last(self.sandbox).map(|()| End::Done);
            }
        }
        match told {
            true => Ok(End::Person),
            false => Err("it never ends".to_owned()),
        }
    }
}

/// I15: nothing is left to do, and nothing is done.
fn quiet_at_last(sandbox: &Sandbox) -> Result<(), String> {
    let before = sandbox.standing("ledger.json.age");
    for line in ["rotate", "revoke"] {
        let ran = sandbox.run(line);
        if (ran.exit, ran.requests) != (Some(0), 0) {
            return Err(format!("`{line}` with nothing to do: {ran:?}"));
        }
    }
    match sandbox.standing("ledger.json.age") == before {
        true => Ok(()),
        false => Err("the ledger was written with nothing to do".to_owned()),
    }
}
