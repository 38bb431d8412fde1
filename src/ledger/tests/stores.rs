//! What every store keeps, whatever it is made of.

use std::sync::Arc;

use super::super::testing::Sandbox;
use super::super::{Event, FileStore, LedgerError, MemoryStore, Store};

fn stores(sandbox: &Sandbox) -> [Arc<dyn Store>; 2] {
    let file = FileStore::at(&sandbox.ledger()).unwrap();
    [Arc::new(file), Arc::new(MemoryStore::default())]
}

#[test]
fn a_replacement_needs_the_revision_that_is_stored() {
    for store in stores(&Sandbox::new()) {
        assert!(store.load().unwrap().is_none());
        assert_eq!(store.revision().unwrap(), None);
        let first = store.replace(None, b"one").unwrap();
        assert!(matches!(
            store.replace(None, b"two"),
            Err(LedgerError::Exists { .. })
        ));
        let second = store.replace(Some(&first), b"one").unwrap();
        assert_ne!(first, second, "the same bytes are not the same state");
        let lost = store.replace(Some(&first), b"three");
        assert!(matches!(lost, Err(LedgerError::LostClaim { .. })));
        assert!(store.is_still(&second).unwrap());
        assert_eq!(store.load().unwrap().unwrap(), (b"one".to_vec(), second));
    }
}

#[test]
fn a_segment_takes_the_place_of_a_leftover_and_is_missed_when_it_is_gone() {
    for store in stores(&Sandbox::new()) {
        assert_eq!(store.segments().unwrap(), Vec::<String>::new());
        store
            .put_segment("2024-02.001.jsonl.age", b"left over")
            .unwrap();
        store.put_segment("2024-02.001.jsonl.age", b"real").unwrap();
        assert_eq!(store.segments().unwrap(), ["2024-02.001.jsonl.age"]);
        assert_eq!(store.segment("2024-02.001.jsonl.age").unwrap(), b"real");
        let gone = store.segment("2024-02.002.jsonl.age").err().unwrap();
        assert!(matches!(gone, LedgerError::Tampered { .. }));
    }
}

#[test]
fn the_lock_keeps_others_out_until_it_is_dropped() {
    for store in stores(&Sandbox::new()) {
        let guard = store.lock("first").unwrap();
        assert!(guard.is_held().unwrap());
        let busy = store.lock("second").err().unwrap();
        assert_eq!(
            busy.to_string(),
            "the ledger is held by another run (first)"
        );
        drop(guard);
        assert!(store.lock("second").is_ok());
    }
}

#[test]
fn a_whole_life_fits_in_memory() {
    let mut sandbox = Sandbox::new();
    sandbox.store = Arc::new(MemoryStore::default());
    drop(sandbox.create().unwrap());
    for days in [0, 40, 40] {
        sandbox.later(chrono::TimeDelta::days(days));
        let mut locked = sandbox.lock().unwrap();
        locked.note(sandbox.now, Event::new("test"));
        locked.commit().unwrap();
        locked.claim().check().unwrap();
    }
    let ledger = sandbox.open().unwrap();
    let numbers: Vec<u64> = ledger.events().map(|entry| entry.unwrap().seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(sandbox.store.segments().unwrap().len(), 2);
}
