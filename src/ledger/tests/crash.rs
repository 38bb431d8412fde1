//! A run that dies, or a disk that says no, leaves the former ledger or the new one, and nothing in between.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;

use super::super::testing::{Sandbox, adopted, begun, change};
use super::super::{
    Event, FileStore, Guard, Ledger, LedgerError, LockedLedger, Revision, Store, What,
};

/// A store that dies at its k-th write, before or after it took effect.
struct Dying {
    inner: FileStore,
    left: AtomicUsize,
    when: When,
}

#[derive(Clone, Copy)]
enum When {
    Before,
    After,
}

impl Dying {
    fn died() -> LedgerError {
        LedgerError::io("write", "here".as_ref(), std::io::Error::other("dead"))
    }

    fn act<T>(&self, write: impl FnOnce() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        match (left, self.when) {
            (0, _) | (1, When::Before) => Err(Self::died()),
            (1, When::After) => write().and(Err(Self::died())),
            _ => write(),
        }
    }
}

impl Store for Dying {
    fn place(&self) -> &str {
        self.inner.place()
    }
    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        self.inner.load()
    }
    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        self.inner.revision()
    }
    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        self.act(|| self.inner.replace(expected, bytes))
    }
    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.act(|| self.inner.put_segment(name, bytes))
    }
    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        self.inner.segments()
    }
    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.inner.segment(name)
    }
    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        self.inner.lock(holder)
    }
}

/// Three months of a few events each, so that segments are written too.
fn live(sandbox: &mut Sandbox, acknowledged: &mut u64) -> Result<(), LedgerError> {
    for month in 0..3 {
        let mut locked = sandbox.lock()?;
        for number in 0..3 {
            locked.note(sandbox.now, Event::new(format!("test.{month}.{number}")));
            locked.commit()?;
            *acknowledged += 1;
        }
        drop(locked);
        sandbox.later(TimeDelta::days(31));
    }
    Ok(())
}

#[test]
fn a_death_at_any_write_loses_nothing_that_was_acknowledged() {
    for when in [When::Before, When::After] {
        for k in 1..=11 {
            let mut sandbox = Sandbox::with_ledger();
            let ledger = sandbox.ledger();
            let dying = |left| {
                let inner = FileStore::at(&ledger).unwrap();
                let left = AtomicUsize::new(left);
                Arc::new(Dying { inner, left, when })
            };
            sandbox.store = dying(k);
            let mut acknowledged = 1;
            let died = live(&mut sandbox, &mut acknowledged).is_err();
            sandbox.store = dying(usize::MAX);
            let seen = sandbox.open().unwrap().event_count();
            // The last one that was acknowledged, or the one that was being committed.
            assert!(
                seen == acknowledged || seen == acknowledged + 1,
                "write {k}"
            );
            let events = sandbox.open().unwrap().events().map(Result::unwrap).count();
            assert_eq!(events as u64, seen);
            assert!(died, "write {k}: eleven writes are three months");
            // The next run goes on as if nothing had been.
            live(&mut sandbox, &mut acknowledged).unwrap();
            let ledger = sandbox.open().unwrap();
            assert_eq!(ledger.event_count(), seen + 9);
            assert_eq!(ledger.events().map(Result::unwrap).count() as u64, seen + 9);
        }
    }
}

#[test]
fn what_a_killed_run_left_is_swept_and_nothing_else() {
    let sandbox = Sandbox::with_ledger();
    let left = ".ledger.json.age.tmp.0123456789abcdef";
    let others = [
        ".ledger.json.age.tmp.notes",
        "ledger.json.age.old",
        ".env.tmp.0123456789abcdef",
    ];
    for name in others.into_iter().chain([left]) {
        fs::write(sandbox.home.path().join(name), "x").unwrap();
    }
    drop(sandbox.lock().unwrap());
    let files = sandbox.files();
    assert!(!files.contains(&left.to_owned()), "{files:?}");
    for name in others {
        assert!(files.contains(&name.to_owned()), "{files:?}");
    }
}

#[test]
fn a_commit_that_fails_keeps_the_ledger_whole_and_the_key_can_be_rescued() {
    let mut sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    locked.record(sandbox.now, begun("openai", 1)).unwrap();
    locked.commit().unwrap();
    drop(locked);
    let before = fs::read(sandbox.ledger()).unwrap();
    let file = Arc::clone(&sandbox.store);
    sandbox.store = Arc::new(Dying {
        inner: FileStore::at(&sandbox.ledger()).unwrap(),
        left: AtomicUsize::new(0),
        when: When::Before,
    });
    let mut locked = sandbox.lock().unwrap();
    let issued = super::super::testing::version("sk-only-in-memory-and-nowhere-else");
    locked
        .record(sandbox.now, change("openai", What::Issued(issued)))
        .unwrap();
    assert!(locked.commit().is_err());
    assert!(locked.is_pending());
    assert_eq!(fs::read(sandbox.ledger()).unwrap(), before);
    let rescued = locked.rescue(sandbox.home.path()).unwrap();
    drop(locked);
    // What a person does when the disk is well again.
    fs::rename(rescued, sandbox.ledger()).unwrap();
    sandbox.store = file;
    let ledger = sandbox.open().unwrap();
    let openai = ledger.state().secret(&"openai".into()).unwrap();
    let value = openai.versions[0]
        .fields
        .as_ref()
        .unwrap()
        .primary()
        .unwrap();
    assert_eq!(value.expose(), "sk-only-in-memory-and-nowhere-else");
}

#[test]
fn a_second_ledger_is_never_made_over_the_first() {
    let sandbox = Sandbox::with_ledger();
    let before = fs::read(sandbox.ledger()).unwrap();
    assert!(matches!(
        sandbox.create().err(),
        Some(LedgerError::Exists { .. })
    ));
    let error = sandbox.store.replace(None, b"x").err();
    assert!(matches!(error, Some(LedgerError::Exists { .. })));
    assert_eq!(fs::read(sandbox.ledger()).unwrap(), before);
}

#[test]
fn a_ledger_that_the_identity_cannot_open_is_not_made() {
    let sandbox = Sandbox::new();
    let other = super::super::testing::fresh_identity();
    let made = Ledger::create(
        &sandbox.opening(),
        vec![super::super::testing::recipient(&other)],
    );
    assert!(matches!(
        made.err(),
        Some(LedgerError::WrongIdentity { .. })
    ));
    assert_eq!(sandbox.files(), Vec::<String>::new());
}

#[test]
fn a_change_that_does_not_fit_leaves_everything_as_it_was() {
    let sandbox = Sandbox::with_ledger();
    let mut locked: LockedLedger = sandbox.lock().unwrap();
    locked
        .record(sandbox.now, adopted("openai", "sk-one"))
        .unwrap();
    locked.commit().unwrap();
    let (state, head) = (locked.state().clone(), locked.head());
    for name in ["openai", "unknown"] {
        let illegal = change(name, What::Restored);
        assert!(matches!(
            locked.record(sandbox.now, illegal),
            Err(LedgerError::IllegalChange(_))
        ));
    }
    assert_eq!((locked.state(), locked.head()), (&state, head));
    assert!(!locked.is_pending());
}
