//! What the targets of one run share: the clock, the number of workers, and one connection to each account.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::{Api, Endpoint};
use crate::model::{Account, AccountName, Clock, Fault, RunId};

type Open = BTreeMap<(AccountName, TypeId), Arc<dyn Any + Send + Sync>>;

/// Twelve secrets that go to one Vercel team must share its listings, its rate limit and its connections.
pub struct Connections {
    /// The clock of the run.
    pub clock: Arc<dyn Clock>,
    /// How many threads one target may use; with one, everything happens on the calling thread in order.
    pub workers: usize,
    /// Where relative paths are seen from.
    pub directory: PathBuf,
    /// The run, where a place has room for a note of who changed it.
    pub run: Option<RunId>,
    open: Mutex<Open>,
}

impl Connections {
    /// No connection yet.
    pub fn new(clock: Arc<dyn Clock>, workers: usize) -> Self {
        Self {
            clock,
            workers,
            directory: PathBuf::new(),
            run: None,
            open: Mutex::new(BTreeMap::new()),
        }
    }

    /// The same, with relative paths seen from the directory of `rotations.yaml` and not from wherever cron starts.
    #[must_use]
    pub fn beside(self, directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            ..self
        }
    }

    /// The same, with what is changed signed with that run.
    #[must_use]
    pub fn in_run(self, run: RunId) -> Self {
        Self {
            run: Some(run),
            ..self
        }
    }

    /// The API of the account, for kinds that keep nothing else with it.
    pub(super) fn api(
        &self,
        account: &Account,
        base: &str,
        in_flight: usize,
    ) -> Result<Api, Fault> {
        let endpoint = Endpoint {
            base: base.to_owned(),
            name: account.name().as_str().to_owned(),
            in_flight,
        };
        let api = self.to(account, || Api::new(endpoint, Arc::clone(&self.clock)))?;
        Ok(Api::clone(&api))
    }

    /// The connection to the account, opened by whoever needs it first.
    pub(super) fn to<T: Send + Sync + 'static>(
        &self,
        account: &Account,
        open: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<Arc<T>, Fault> {
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.name().clone(), TypeId::of::<T>());
        if let Some(known) = all.get(&key).cloned().and_then(|any| any.downcast().ok()) {
            return Ok(known);
        }
        let opened = Arc::new(open()?);
        drop(all.insert(key, Arc::clone(&opened) as Arc<dyn Any + Send + Sync>));
        Ok(opened)
    }
}
