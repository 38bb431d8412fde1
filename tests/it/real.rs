//! Runs in processes of their own: really killed at every request and every commit, and two at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rotakey::exit::Exit;
use rustix::process::Pid;

use crate::support::child;
use crate::support::oracle::{End, live_on};
use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::world::{Fault, Moment};

/// Not a test: the program that the others start. Does nothing unless it is told to.
#[test]
fn child() {
    child::be_rotakey();
}

/// Lives a whole life in which a process of its own is killed at that request.
fn killed_at_request(sandbox: &Sandbox, n: u64, moment: Moment) -> Result<End, String> {
    let verb = if n <= ROTATE.0 { "rotate" } else { "revoke" };
    let n = n + sandbox.world.requests().len() as u64;
    let victim: Arc<Mutex<Option<Pid>>> = Arc::default();
    let killed = Arc::new(AtomicBool::new(false));
    let (known, done) = (Arc::clone(&victim), Arc::clone(&killed));
    sandbox.world.fault(
        n,
        match moment {
            Moment::Before => Fault::request_lost(),
            Moment::After => Fault::reply_lost(),
        },
    );
    sandbox.world.on_request(n, moment, move || {
        // The request of a process may be faster than the news of its id.
        let process = std::iter::repeat_with(|| {
            thread::sleep(Duration::from_millis(1));
            *known.lock().unwrap_or_else(PoisonError::into_inner)
        });
        child::kill(process.flatten().next().expect("somebody sends this"));
        done.store(true, Ordering::SeqCst);
    });
    live_on(sandbox, |line| {
        if killed.load(Ordering::SeqCst) || line != verb {
            return sandbox.run(line);
        }
        let running = sandbox.spawn(line, None);
        *victim.lock().unwrap_or_else(PoisonError::into_inner) = Some(running.pid());
        let ran = running.ended(sandbox);
        *victim.lock().unwrap_or_else(PoisonError::into_inner) = None;
        ran
    })
}

/// What `rotate` and then `revoke` do in this scene: requests and commits.
const ROTATE: (u64, u64) = (34, 13);
const REVOKE: (u64, u64) = (15, 6);

/// What is wrong with a life in which one process was to be killed.
fn complaint(sandbox: &Sandbox, end: Result<End, String>) -> Option<String> {
    let runs = sandbox.transcripts().into_iter();
    let kills = runs.filter(|ran| ran.exit.is_none()).count();
    (end != Ok(End::Done) || kills != 1).then(|| format!("killed {kills} times: {end:?}"))
}

#[test]
fn a_process_killed_at_any_request_is_made_good_by_the_next() {
    let mut broken = Vec::new();
    for n in 1..=ROTATE.0 + REVOKE.0 {
        // Every second before the vendor acts, every second after.
        let moment = [Moment::Before, Moment::After][n as usize % 2];
        let (sandbox, _) = shop::corner();
        let end = killed_at_request(&sandbox, n, moment);
        let wrong = complaint(&sandbox, end);
        broken.extend(wrong.map(|wrong| format!("{moment:?} request {n}: {wrong}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_process_killed_at_any_commit_is_made_good_by_the_next() {
    let mut broken = Vec::new();
    // `revoke` acts in two runs of equal length: for the session secret, which has no grace, and a day later.
    let half = REVOKE.1 / 2;
    for (verb, spared, commits) in [
        ("rotate", 0, ROTATE.1),
        ("revoke", 0, half),
        ("revoke", 1, half),
    ] {
        for k in 1..=commits {
            for moment in [Moment::Before, Moment::After] {
                let (sandbox, _) = shop::corner();
                let (mut killed, mut spared) = (false, spared);
                let end = live_on(&sandbox, |line| {
                    if killed || line != verb || spared > 0 {
                        let ran = sandbox.run(line);
                        spared -= usize::from(line == verb && spared > 0 && ran.commits > 0);
                        return ran;
                    }
                    // A run with nothing to do commits nothing, and lives.
                    let ran = sandbox.spawn(line, Some((k, moment))).ended(&sandbox);
                    killed = ran.exit.is_none();
                    ran
                });
                let wrong = complaint(&sandbox, end);
                broken
                    .extend(wrong.map(|wrong| format!("{moment:?} commit {k} of {verb}: {wrong}")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_loops_over_kills_are_as_long_as_a_life() {
    let (sandbox, _) = shop::corner();
    let (mut rotate, mut revoke) = ((0, 0), (0, 0));
    let end = live_on(&sandbox, |line| {
        let ran = sandbox.run(line);
        let sum = if line == "rotate" {
            &mut rotate
        } else {
            &mut revoke
        };
        *sum = (sum.0 + ran.requests as u64, sum.1 + ran.commits);
        ran
    });
    assert_eq!((end, rotate, revoke), (Ok(End::Done), ROTATE, REVOKE));
}

#[test]
fn of_two_runs_at_once_one_acts_and_the_other_sends_nothing() {
    let (sandbox, _) = shop::corner();
    let (arrived, arrival) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    sandbox
        .world
        .on_request("openai.create_key", Moment::Before, move || {
            arrived.send(()).expect("the test waits");
            wait.recv().expect("the test goes on");
        });
    let first = sandbox.spawn("rotate", None);
    arrival.recv().expect("the first run has the ledger");
    let before = sandbox.world.requests().len();
    let second = sandbox
        .run_apart("rotate --lock-wait 0s")
        .exits(Exit::TryLater)
        .says("error: the ledger is held by another run (process ")
        .says("hint: wait for the other run to end; its lock ends with it");
    assert_eq!(sandbox.world.requests().len(), before, "{second:?}");
    go_on.send(()).expect("the first run waits");
    first.ended(&sandbox).exits(Exit::Done);
    assert_eq!(sandbox.world.counts()["openai.create_key"], 1);
    shop::nothing_is_broken(&sandbox);
}
