//! Hands a locked ledger and everything else to the rotation, and watches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::ledger::{LedgerError, LockedLedger};
use crate::model::{Key, SecretName};
use crate::rotation::{Leak, Outcome, Tools};
use crate::run::Run;
use crate::ui::Manner;

use super::joined::{Joined, refused};
use super::report;

/// What a person said of this run.
#[derive(Debug, Default)]
pub(super) struct Purpose {
    /// Keys that a person handed over.
    pub(super) supplied: BTreeMap<SecretName, Key>,
    /// Why it is done.
    pub(super) reason: Option<String>,
    /// The leak, when that is why.
    pub(super) leak: Option<Leak>,
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
    let outcomes = {
        let mut progress = run.watch(joined.spoken());
        let tools = Tools {
            secrets: &joined.secrets,
            ledger,
            clock: &*clock,
            run: id,
            workers,
            supplied: purpose.supplied,
            reason: purpose.reason,
            leak: purpose.leak,
            refuge: joined.refuge(),
            progress: &mut *progress,
        };
        act(tools).map_err(refused)?
    };
    if run.ui.manner() == Manner::Json {
        run.ui.data(&report::json(&outcomes));
    }
    Ok(outcomes)
}
