//! Which ledger this run uses, and what it shows of itself when it opens it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;

use crate::ledger::{LedgerError, LockedLedger, Opening, Store};
use crate::model::{Credential, when};

use super::Run;

/// How often a lock that is held is tried again.
const AGAIN: TimeDelta = TimeDelta::seconds(1);

impl Run {
    /// The ledger that was named for this run: `--ledger`, else `ROTAKEY_LEDGER`. It wins over the configuration.
    pub fn ledger_named(&self) -> Option<PathBuf> {
        self.chosen(self.options.ledger.as_deref(), "ROTAKEY_LEDGER")
    }

    /// The identity that was named for this run: `--identity`, else `ROTAKEY_IDENTITY`. It wins over the configuration.
    pub fn identity_named(&self) -> Option<PathBuf> {
        self.chosen(self.options.identity.as_deref(), "ROTAKEY_IDENTITY")
    }

    /// The store of a ledger.
    pub fn store(&self, ledger: &Path) -> Result<Arc<dyn Store>, LedgerError> {
        (self.open_store)(ledger)
    }

    /// What is needed to open the ledger: this run's id, time, actor and place for what this machine has seen.
    pub fn opening(&self, store: Arc<dyn Store>, identity: Credential) -> Opening {
        Opening {
            store,
            identity,
            side: self.side(),
            run: self.id.clone(),
            actor: self.actor.clone(),
            now: self.now,
            holder: format!(
                "process {} on {} since {}",
                std::process::id(),
                self.host,
                when::moment(self.now)
            ),
        }
    }

    /// Takes the ledger for writing. While another run holds it, waits as long as `--lock-wait` allows.
    pub fn lock(&self, opening: &Opening) -> Result<LockedLedger, LedgerError> {
        let mut left = self.options.lock_wait.delta();
        loop {
            match LockedLedger::lock(opening) {
                Err(LedgerError::Busy { .. })
                    if left > TimeDelta::zero() && !self.clock.stopping() =>
                {
                    self.clock.wait(AGAIN.min(left));
                    left -= AGAIN;
                }
                locked => return locked,
            }
        }
    }

    /// Where this machine notes what it has seen of a ledger: `$XDG_STATE_HOME/rotakey`, by default
    /// `~/.local/state/rotakey` (XDG base directory specification 0.8: a relative path is to be ignored).
    fn side(&self) -> PathBuf {
        let absolute = |name: &str| {
            (self.environment)(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .unwrap_or_else(|| self.directory.join(".local/state"))
            .join("rotakey")
    }
}
