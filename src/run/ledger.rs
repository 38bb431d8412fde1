//! Which ledger this run uses, and what it shows of itself when it opens it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

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
    pub fn opening(
        &self,
        store: Arc<dyn Store>,
        identity: Credential,
    ) -> Result<Opening, LedgerError> {
        Ok(Opening {
            store,
            identity,
            side: self.side()?,
            run: self.id.clone(),
            actor: self.actor.clone(),
            now: self.now,
            holder: format!(
                "process {} on {} since {}",
                std::process::id(),
                self.host,
                when::moment(self.now)
            ),
        })
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
                locked => {
                    if let Ok(ledger) = &locked {
                        *self.unmarked.borrow_mut() = ledger.unmarked();
                    }
                    return locked;
                }
            }
        }
    }

    /// Warns where this machine could not note how far the ledger has come. What the run did is durable all the same.
    pub(super) fn warn_of_the_mark(&mut self) {
        let unmarked = self.unmarked.take();
        let unmarked = unmarked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*unmarked {
            let hint = error
                .hint()
                .map_or_else(String::new, |hint| format!("\n  hint: {hint}"));
            self.ui.insist(&format!(
                "warning: this machine could not note how far the ledger has come: {error}; until it does, an older copy \
                 in its place is not noticed here{hint}"
            ));
        }
    }

    /// Where this machine notes what it has seen of a ledger: `$XDG_STATE_HOME/rotakey`, by default
    /// `~/.local/state/rotakey` (XDG base directory specification 0.8: a relative path is to be ignored). Without
    /// either, the ledger is not opened: beside it, the note would be put back together with an older copy, and catch
    /// nothing.
    fn side(&self) -> Result<PathBuf, LedgerError> {
        let absolute = |name: &str| {
            (self.environment)(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .map(|home| home.join("rotakey"))
            .ok_or(LedgerError::NoStateHome)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::exit::Exit;
    use crate::ledger::testing::{adopted, fresh_identity, recipient};
    use crate::ledger::{FileStore, Ledger};
    use crate::model::SecretValue;
    use crate::run::testing::Bench;

    use super::*;

    #[test]
    fn a_mark_that_stayed_behind_is_told_once_and_changes_no_exit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bench = Bench::new(folder.path());
        bench.set("HOME", "/nowhere");
        let state = folder.path().join("state");
        bench.set("XDG_STATE_HOME", &state.display().to_string());
        let run = bench.begin(&[]);
        let text = fresh_identity();
        let secret = text.clone();
        let identity = Credential::new("test", move || Ok(SecretValue::new(secret.clone())));
        let store = FileStore::at(&folder.path().join("ledger.json.age")).expect("a store");
        let opening = run.opening(Arc::new(store), identity).expect("a home");
        drop(Ledger::create(&opening, vec![recipient(&text)]).expect("a ledger"));
        let mut ledger = run.lock(&opening).expect("the lock");
        // The folder goes away in the middle of the run.
        let side = state.join("rotakey");
        fs::remove_dir_all(&side).expect("a folder");
        fs::write(&side, "").expect("a file");
        ledger
            .record(run.now, adopted("openai", "value"))
            .expect("it fits");
        ledger.commit().expect("the ledger itself is durable");
        drop(ledger);
        assert_eq!(run.end(Exit::Done), Exit::Done);
        let said = bench.talk.text();
        let begins = "warning: this machine could not note how far the ledger has come: ";
        assert!(said.starts_with(begins), "{said}");
        assert_eq!(said.matches("warning: ").count(), 1, "{said}");
        let ends = "until it does, an older copy in its place is not noticed here\n  \
                    hint: make that directory, or name the ledger's real place\n";
        assert!(said.ends_with(ends), "{said}");
    }
}
