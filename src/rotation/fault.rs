//! What a fault does to a rotation: it waits for a later run, is taken back, or waits for a person.

use std::collections::BTreeMap;

use crate::ledger::{LedgerError, Phase, Progress as Inside, Way};
use crate::model::{Fault, FaultKind, Instant, SecretName};

use super::drive::Drive;
use super::guard::Wait;
use super::outcome::Ending;
use super::plan::{PATIENCE, next_verb};

impl Drive<'_> {
    /// A later run has to go on, at the earliest then.
    pub(super) fn wait(&mut self, name: &SecretName, wait: Wait) {
        let Wait { why, until, course } = wait;
        self.end(name, Ending::Waiting { why, until, course });
    }

    /// Something is in the way that may pass: a later run goes on, at the earliest then where that is known.
    pub(super) fn later(
        &mut self,
        name: &SecretName,
        why: impl Into<String>,
        until: Option<Instant>,
    ) {
        self.wait(name, Wait::trouble(why, until));
    }

    /// Something did not work and may work later. After too many runs in a row somebody has to come.
    pub(super) fn stall(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<Patience, LedgerError> {
        if self.clock.stopping() {
            return Ok(Patience::Left);
        }
        self.inside(
            name,
            Inside::Stalled {
                why: fault.what.clone(),
            },
        )?;
        if self
            .open(name)
            .is_some_and(|open| open.attempts >= PATIENCE)
        {
            return Ok(Patience::Spent);
        }
        let until = fault.retry_after.map(|after| self.clock.now() + after);
        self.later(name, &fault.what, until);
        Ok(Patience::Left)
    }

    /// Only a person can go on with it.
    pub(super) fn stick(
        &mut self,
        name: &SecretName,
        why: &str,
        hint: impl Into<String>,
    ) -> Result<(), LedgerError> {
        self.inside(
            name,
            Inside::Stuck {
                why: why.to_owned(),
            },
        )?;
        self.end(
            name,
            Ending::NeedsPerson {
                why: why.to_owned(),
                hint: hint.into(),
            },
        );
        Ok(())
    }

    /// The verb that goes on with it once somebody has mended what is wrong.
    pub(super) fn next_verb(&self, name: &SecretName) -> &'static str {
        self.open(name).map_or("rotate", next_verb)
    }

    /// A fault on either way.
    pub(super) fn fault_on(
        &mut self,
        way: Way,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        match way {
            Way::Forward => self.forward_fault(name, fault),
            Way::Back => self.dead_end_fault(name, fault),
        }
    }

    /// A fault on the way forward: passing ones wait for the next run, clear ones take the rotation back.
    pub(super) fn forward_fault(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        let back = match self.phase(name) {
            Some(Phase::Issued) => true,
            Some(Phase::Delivering) => !self.no_way_back(name) && !self.came_from_nothing(name),
            // What is promoted is not taken back for a site that was found later.
            _ => false,
        };
        if !back {
            return self.dead_end_fault(name, fault);
        }
        let take_back = match fault.kind {
            FaultKind::Passing => self.stall(name, fault)? == Patience::Spent,
            FaultKind::Refused | FaultKind::Missing => true,
        };
        if take_back {
            self.begin_undo_for(name, fault)
        } else {
            Ok(())
        }
    }

    /// Whether every key before died, so that sites held dead ones: there is nothing to go back to.
    fn came_from_nothing(&self, name: &SecretName) -> bool {
        let lost = self.state(name).is_some_and(|state| state.lost);
        lost && self.old(name).is_none()
    }

    /// A fault where the only other way is a person: passing ones wait for the next run.
    pub(super) fn dead_end_fault(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        let stuck = match fault.kind {
            FaultKind::Passing => self.stall(name, fault)? == Patience::Spent,
            FaultKind::Refused | FaultKind::Missing => true,
        };
        if !stuck {
            return Ok(());
        }
        let hint = fault.hint.clone().unwrap_or_else(|| {
            let verb = self.next_verb(name);
            format!("mend it, then run `rotakey {verb} {name}`")
        });
        self.stick(name, &fault.what, hint)
    }
}

/// Whether a rotation that got no further may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It may.
    Left,
    /// It was tried often enough.
    Spent,
}

/// Keeps the fault that decides: a clear no before one that may pass. But while a doubt is open, nothing is taken
/// back, whoever said no: `begin_undo` waits for quiet by itself.
pub(super) fn worst(faults: &mut BTreeMap<SecretName, Fault>, name: &SecretName, fault: Fault) {
    match faults.get(name) {
        Some(known) if known.kind != FaultKind::Passing => {}
        _ => drop(faults.insert(name.clone(), fault)),
    }
}
