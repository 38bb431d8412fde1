//! Who can open the ledger changes: everybody who should reads everything, and nothing is lost on the way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;

use super::super::testing::{Sandbox, fresh_identity, recipient};
use super::super::{Circle, Event, Guard, LedgerError, Revision, Store};

/// A ledger with two sealed months.
fn with_months() -> Sandbox {
    let mut sandbox = Sandbox::with_ledger();
    for _ in 0..3 {
        let mut locked = sandbox.lock().unwrap();
        locked.note(sandbox.now, Event::new("test.done"));
        locked.commit().unwrap();
        sandbox.later(TimeDelta::days(31));
    }
    assert_eq!(sandbox.store.segments().unwrap().len(), 2);
    sandbox
}

/// How many events whoever holds that identity can read.
fn readable(sandbox: &Sandbox, identity: &str) -> Result<usize, LedgerError> {
    let reader = Sandbox {
        home: tempfile::tempdir().unwrap(),
        store: Arc::clone(&sandbox.store),
        identity: identity.to_owned(),
        now: sandbox.now,
        run: "run-reader".to_owned(),
    };
    let ledger = reader.open()?;
    ledger
        .events()
        .try_fold(0, |count, event| event.map(|_| count + 1))
}

fn reseal(sandbox: &Sandbox, identities: &[&str]) -> Result<Circle, LedgerError> {
    let recipients = identities.iter().map(|identity| recipient(identity));
    let mut locked = sandbox.lock()?;
    locked.reseal(sandbox.now, recipients.collect())
}

#[test]
fn who_is_added_reads_everything_and_who_is_removed_nothing_of_it() {
    let sandbox = with_months();
    let (own, other) = (sandbox.identity.clone(), fresh_identity());
    assert!(readable(&sandbox, &other).is_err());
    let circle = reseal(&sandbox, &[&other, &own]).unwrap();
    assert_eq!(
        (circle.added, circle.removed),
        (vec![recipient(&other)], vec![])
    );
    // The making, three events, and the change of the circle.
    assert_eq!(readable(&sandbox, &other).unwrap(), 5);
    assert_eq!(readable(&sandbox, &own).unwrap(), 5);
    let last = sandbox.open().unwrap().events().last().unwrap().unwrap();
    assert_eq!(last.event.kind, "ledger.recipients");
    assert_eq!(
        last.event.note,
        Some(format!("added: {}", recipient(&other)))
    );

    // The other one takes over.
    let heir = Sandbox {
        identity: other.clone(),
        ..sandbox
    };
    drop(reseal(&heir, &[&other]).unwrap());
    assert!(readable(&heir, &own).is_err());
    assert_eq!(readable(&heir, &other).unwrap(), 6);
}

#[test]
fn the_same_circle_in_another_order_writes_nothing() {
    let sandbox = with_months();
    let (own, other) = (sandbox.identity.clone(), fresh_identity());
    drop(reseal(&sandbox, &[&own, &other]).unwrap());
    let before = std::fs::read(sandbox.ledger()).unwrap();
    assert!(reseal(&sandbox, &[&other, &own]).unwrap().is_unchanged());
    assert_eq!(std::fs::read(sandbox.ledger()).unwrap(), before);
}

#[test]
fn a_run_does_not_lock_itself_out() {
    let sandbox = with_months();
    let before = std::fs::read(sandbox.ledger()).unwrap();
    let refused = reseal(&sandbox, &[&fresh_identity()]).unwrap_err();
    assert!(matches!(refused, LedgerError::LockedOut), "{refused}");
    assert_eq!(std::fs::read(sandbox.ledger()).unwrap(), before);
    assert_eq!(readable(&sandbox, &sandbox.identity).unwrap(), 4);
}

/// A disk that is full after so many sealed months.
struct Full {
    store: Arc<dyn Store>,
    left: AtomicU32,
}

impl Store for Full {
    fn place(&self) -> &str {
        self.store.place()
    }
    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        self.store.load()
    }
    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        self.store.revision()
    }
    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        self.store.replace(expected, bytes)
    }
    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(LedgerError::io("write", Path::new(name), full));
        }
        self.store.put_segment(name, bytes)
    }
    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        self.store.segments()
    }
    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.store.segment(name)
    }
    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        self.store.lock(holder)
    }
}

#[test]
fn a_change_that_stops_halfway_is_made_whole_by_the_next_one() {
    let mut sandbox = with_months();
    let (own, other) = (sandbox.identity.clone(), fresh_identity());
    let disk = Arc::clone(&sandbox.store);
    sandbox.store = Arc::new(Full {
        store: Arc::clone(&disk),
        left: AtomicU32::new(1),
    });
    assert!(reseal(&sandbox, &[&own, &other]).is_err());
    // One month is sealed to both, one to the first alone, and so is the ledger.
    assert_eq!(readable(&sandbox, &own).unwrap(), 4);
    assert!(readable(&sandbox, &other).is_err());
    sandbox.store = disk;
    drop(reseal(&sandbox, &[&own, &other]).unwrap());
    assert_eq!(readable(&sandbox, &own).unwrap(), 5);
    assert_eq!(readable(&sandbox, &other).unwrap(), 5);
}

#[test]
fn a_change_that_stops_halfway_and_is_taken_back_leaves_every_month_to_all_who_are_named() {
    let mut sandbox = with_months();
    let (own, other) = (sandbox.identity.clone(), fresh_identity());
    drop(reseal(&sandbox, &[&own, &other]).unwrap());
    let disk = Arc::clone(&sandbox.store);
    sandbox.store = Arc::new(Full {
        store: Arc::clone(&disk),
        left: AtomicU32::new(1),
    });
    assert!(reseal(&sandbox, &[&own]).is_err());
    sandbox.store = disk;
    // The line goes back into the configuration.
    drop(reseal(&sandbox, &[&own, &other]).unwrap());
    assert!(readable(&sandbox, &other).is_ok());
}
