//! The claim of this run on the ledger, looked at right before every outside effect (G6).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::LedgerError;
use super::store::{Guard, Revision, Store};

/// Says whether this run still holds the ledger. Cheap to clone, and to ask from any thread.
#[derive(Clone)]
pub struct Claim(Arc<Standing>);

impl Claim {
    pub(super) fn of(standing: &Arc<Standing>) -> Self {
        Self(Arc::clone(standing))
    }

    /// Refuses unless this run has claimed the ledger by a commit (G5), the lock is still ours, and what is stored is
    /// what we wrote last. Called right before each outside effect.
    pub fn check(&self) -> Result<(), LedgerError> {
        let lost = |why| Err(LedgerError::LostClaim { why });
        let written = self.0.written();
        let Some(known) = written.as_ref() else {
            return lost("it has not claimed it by a commit yet");
        };
        let Some(guard) = self.0.guard.upgrade() else {
            return lost("it has given the lock back");
        };
        if !guard.is_held()? {
            return lost("the lock file was removed");
        }
        if !self.0.store.is_still(known)? {
            return lost("the ledger was changed by someone else");
        }
        Ok(())
    }
}

/// What is shared between the locked ledger and its claims.
pub(super) struct Standing {
    store: Arc<dyn Store>,
    /// Weak, so that a forgotten claim does not keep the lock.
    guard: Weak<dyn Guard>,
    written: Mutex<Option<Revision>>,
}

impl Standing {
    pub(super) fn new(store: &Arc<dyn Store>, guard: &Arc<dyn Guard>) -> Self {
        Self {
            store: Arc::clone(store),
            guard: Arc::downgrade(guard),
            written: Mutex::new(None),
        }
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.written().is_some()
    }

    pub(super) fn set(&self, revision: Revision) {
        *self.written() = Some(revision);
    }

    /// Replaces what is stored. A check on another thread waits, and sees the state before or after, never between.
    pub(super) fn moved(
        &self,
        replace: impl FnOnce() -> Result<Revision, LedgerError>,
    ) -> Result<Revision, LedgerError> {
        let mut written = self.written();
        let revision = replace()?;
        *written = Some(revision.clone());
        Ok(revision)
    }

    fn written(&self) -> MutexGuard<'_, Option<Revision>> {
        // The value is replaced whole, so a thread that panicked cannot have left half of one.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
