//! Two runs never both act (G5, G6).

use std::fs;

use super::super::testing::{Sandbox, adopted};
use super::super::{Event, LedgerError};

#[test]
fn a_second_run_is_told_who_holds_the_ledger() {
    let mut sandbox = Sandbox::with_ledger();
    let first = sandbox.lock().unwrap();
    sandbox.run = "run-2".to_owned();
    let error = sandbox.lock().err().unwrap();
    assert!(error.may_pass());
    assert_eq!(
        error.to_string(),
        "the ledger is held by another run (run-1 of pid 7)"
    );
    assert!(sandbox.open().is_ok(), "reading needs no lock");
    drop(first);
    assert!(sandbox.lock().is_ok());
    assert!(sandbox.home.path().join("ledger.lock").exists());
}

#[test]
fn a_run_claims_by_its_first_commit_and_once() {
    let mut sandbox = Sandbox::with_ledger();
    for (run, epoch) in [("run-2", 2), ("run-3", 3)] {
        sandbox.run = run.to_owned();
        let mut locked = sandbox.lock().unwrap();
        assert!(locked.claim().check().is_err(), "nothing is claimed yet");
        locked.commit().unwrap();
        assert!(locked.claim().check().is_err(), "nothing was recorded");
        let claim = locked.claim();
        for _ in 0..2 {
            locked.note(sandbox.now, Event::new("test"));
            locked.commit().unwrap();
            claim.check().unwrap();
        }
        let front = &locked.document.front;
        assert_eq!((front.epoch, front.owner.as_str()), (epoch, run));
        drop(locked);
        assert!(claim.check().is_err(), "the lock was given back");
    }
}

#[test]
fn a_run_with_nothing_to_do_writes_nothing() {
    let sandbox = Sandbox::with_ledger();
    let before = (sandbox.store.revision().unwrap(), sandbox.files());
    let mut locked = sandbox.lock().unwrap();
    locked.commit().unwrap();
    drop(locked);
    assert_eq!((sandbox.store.revision().unwrap(), sandbox.files()), before);
}

#[test]
fn a_claim_ends_when_the_ledger_is_changed_behind_our_back() {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    locked
        .record(sandbox.now, adopted("openai", "sk-one"))
        .unwrap();
    locked.commit().unwrap();
    let claim = locked.claim();
    let copy = fs::read(sandbox.ledger()).unwrap();
    fs::write(sandbox.home.path().join("copy"), &copy).unwrap();
    fs::rename(sandbox.home.path().join("copy"), sandbox.ledger()).unwrap();
    assert_eq!(
        claim.check().err().unwrap().to_string(),
        "this run does not hold the ledger: the ledger was changed by someone else"
    );
    locked.note(sandbox.now, Event::new("test"));
    assert!(matches!(
        locked.commit(),
        Err(LedgerError::LostClaim { .. })
    ));
    assert_eq!(fs::read(sandbox.ledger()).unwrap(), copy);
}

#[test]
fn a_claim_ends_when_the_lock_file_is_removed() {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    locked.note(sandbox.now, Event::new("test"));
    locked.commit().unwrap();
    fs::remove_file(sandbox.home.path().join("ledger.lock")).unwrap();
    let second = sandbox.lock().unwrap();
    assert!(locked.claim().check().is_err());
    locked.note(sandbox.now, Event::new("test"));
    assert!(matches!(
        locked.commit(),
        Err(LedgerError::LostClaim { .. })
    ));
    drop(second);
}

#[test]
fn checks_on_other_threads_never_see_a_commit_half_done() {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    locked.note(sandbox.now, Event::new("test"));
    locked.commit().unwrap();
    let claim = locked.claim();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                claim.check().unwrap();
            }
        });
        for _ in 0..50 {
            locked.note(sandbox.now, Event::new("test"));
            locked.commit().unwrap();
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        checks.join().unwrap();
    });
}
