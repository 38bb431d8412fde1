//! A run that can die: at a request, at a commit, in the middle of anything. In a test's own process death is an unwind
//! that nothing catches on the way; in a child process it is a real SIGKILL.
//!
//! A dead process does nothing more. So after [`Life::end`] the clock and the store, which no step of a run goes without,
//! refuse to serve and unwind instead.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::panicking;

use chrono::TimeDelta;
use rotakey::ledger::{Guard, LedgerError, Revision, Store};
use rotakey::model::{Clock, Instant};

use super::world::{Calendar, Moment};

/// What an unwinding run carries up.
pub(crate) struct Died;

/// How a process ends at once.
type End = dyn Fn() + Send + Sync;

/// The life of one run.
#[derive(Clone)]
pub(crate) struct Life(Arc<Inner>);

struct Inner {
    over: AtomicBool,
    /// A file whose appearance ends the life: how a program of the test kills the run that started it.
    omen: OnceLock<PathBuf>,
    commits: AtomicU64,
    last_commit: Option<(u64, Moment)>,
    end: Box<End>,
}

impl Life {
    /// A life that ends at that commit, counted from 1, or only when somebody says so.
    pub(crate) fn until(last_commit: Option<(u64, Moment)>) -> Self {
        Self::ending(last_commit, || ())
    }

    /// The same for a process of its own, which knows how to kill itself.
    pub(crate) fn ending(
        last_commit: Option<(u64, Moment)>,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            over: AtomicBool::new(false),
            omen: OnceLock::new(),
            commits: AtomicU64::new(0),
            last_commit,
            end: Box::new(end),
        }))
    }

    /// Kills the run: it does nothing from now on.
    pub(crate) fn end(&self) {
        self.0.over.store(true, Ordering::SeqCst);
        (self.0.end)();
    }

    /// Lets this life end when that file is there.
    pub(crate) fn fear(&self, omen: PathBuf) {
        self.0.omen.set(omen).ok();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::SeqCst) || self.0.omen.get().is_some_and(|omen| omen.exists())
    }

    /// How many commits were begun.
    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::SeqCst)
    }

    /// What a dead run does.
    fn check(&self) {
        if self.is_over() && !panicking() {
            resume_unwind(Box::new(Died));
        }
    }

    fn commit(&self, moment: Moment) {
        if moment == Moment::Before {
            self.0.commits.fetch_add(1, Ordering::SeqCst);
        }
        if self.0.last_commit == Some((self.commits(), moment)) {
            self.end();
        }
        self.check();
    }
}

/// A clock that stops with the run.
pub(crate) struct MortalClock<C> {
    pub(crate) clock: C,
    pub(crate) life: Life,
}

impl<C: Clock> Clock for MortalClock<C> {
    fn now(&self) -> Instant {
        self.life.check();
        self.clock.now()
    }

    fn wait(&self, span: TimeDelta) {
        self.life.check();
        self.clock.wait(span);
        self.life.check();
    }

    fn stopping(&self) -> bool {
        self.life.check();
        self.clock.stopping()
    }
}

/// The world's time, as a run sees it: waiting turns the pages.
impl Clock for Calendar {
    fn now(&self) -> Instant {
        Calendar::now(self)
    }

    fn wait(&self, span: TimeDelta) {
        self.advance(span.max(TimeDelta::zero()));
    }

    fn stopping(&self) -> bool {
        false
    }
}

/// A store that stops with the run, and can end it at a commit.
pub(crate) struct MortalStore<S> {
    pub(crate) store: S,
    pub(crate) life: Life,
}

impl<S: Store> Store for MortalStore<S> {
    fn place(&self) -> &str {
        self.store.place()
    }

    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        self.life.check();
        self.store.load()
    }

    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        self.life.check();
        self.store.revision()
    }

    fn is_still(&self, known: &Revision) -> Result<bool, LedgerError> {
        self.life.check();
        self.store.is_still(known)
    }

    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        self.life.check();
        self.life.commit(Moment::Before);
        let replaced = self.store.replace(expected, bytes);
        self.life.commit(Moment::After);
        replaced
    }

    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.life.check();
        self.store.put_segment(name, bytes)
    }

    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        self.life.check();
        self.store.segments()
    }

    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.life.check();
        self.store.segment(name)
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        self.life.check();
        self.store.lock(holder)
    }
}
