//! Hands a locked ledger and everything else to the rotation, and watches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Facts, LedgerError, LockedLedger};
use crate::model::{Key, SecretName};
use crate::rotation::{Leak, Outcome, Progress, Tools, sentence};
use crate::run::Run;
use crate::ui::Manner;

use super::joined::{Joined, refused};
use super::post::{self, Postman};
use super::report;
use super::teller::Teller;
use super::told;

/// What a person said of this run.
#[derive(Debug, Default)]
pub(super) struct Purpose {
    /// Keys that a person handed over.
    pub(super) supplied: BTreeMap<SecretName, Key>,
    /// Why it is done.
    pub(super) reason: Option<String>,
    /// The leak, when that is why.
    pub(super) leak: Option<Leak>,
    /// A ticket, an approver.
    pub(super) facts: Facts,
}

impl Purpose {
    /// The same purpose twice: with the keys that were handed over for these secrets, and with the others.
    pub(super) fn split(self, these: impl Fn(&SecretName) -> bool) -> (Self, Self) {
        let (first, later) = self.supplied.into_iter().partition(|(name, _)| these(name));
        let with = |supplied| Self {
            supplied,
            reason: self.reason.clone(),
            leak: self.leak.clone(),
            facts: self.facts.clone(),
        };
        (with(first), with(later))
    }
}

/// Does it, in front of whoever watches.
pub(super) fn with(
    run: &mut Run,
    joined: &Joined,
    ledger: &mut LockedLedger,
    purpose: Purpose,
    act: impl FnOnce(Tools<'_>) -> Result<Vec<Outcome>, LedgerError>,
) -> Result<Vec<Outcome>> {
    let (id, clock, workers) = (run.id.clone(), Arc::clone(&run.clock), run.workers);
    let mut postman = Postman::new(run, joined, ledger.state());
    let outcomes = {
        let beside = run.watch(joined.spoken());
        let now_head = post::head(ledger.event_count(), ledger.head());
        let known = (ledger.ready(), ledger.state(), now_head);
        let clock_too = Arc::clone(&clock);
        let mut progress: Box<dyn Progress + '_> = match joined.channels.is_empty() {
            true => beside,
            false => Box::new(Teller::new(
                beside,
                &mut postman,
                known,
                clock_too,
                joined.spoken(),
            )),
        };
        let tools = Tools {
            secrets: &joined.secrets,
            ledger,
            clock: &*clock,
            run: id,
            workers,
            supplied: purpose.supplied,
            reason: purpose.reason,
            leak: purpose.leak,
            facts: purpose.facts,
            refuge: joined.refuge(),
            progress: &mut *progress,
        };
        act(tools)
    };
    let outcomes = outcomes.map_err(|error| stopped(run, joined, error))?;
    told::failures(run, joined, ledger, &outcomes)?;
    if !ledger.state().outbox.is_empty() {
        postman.finish(run, ledger);
    }
    if run.ui.manner() == Manner::Json {
        run.ui.data(&report::json(&outcomes));
    }
    Ok(outcomes)
}

/// The ledger could not be written in the middle of the work. Which key is live is what it says that is stored.
fn stopped(run: &Run, joined: &Joined, error: LedgerError) -> Error {
    let error = refused(error);
    let Ok(stored) = joined.read(run) else {
        return error;
    };
    let open = stored.state().secrets.iter();
    let open = open.filter(|(_, known)| known.rotation.is_some());
    let live: Vec<String> = open
        .map(|(name, known)| format!("{name}: {}", sentence(Some(known))))
        .collect();
    match live.is_empty() {
        true => error.state("no rotation is open; every key is as it was"),
        false => error.state(live.join("\n         ")),
    }
}

/// Says what became of each secret. Which errands were said is on record only after that: a run that dies before it has
/// spoken leaves them to the next one.
pub(super) fn say(run: &mut Run, ledger: &mut LockedLedger, outcomes: &[Outcome]) -> Result<Exit> {
    let exit = report::outcomes(run, outcomes);
    told::heard(run, ledger, outcomes)?;
    Ok(exit)
}
