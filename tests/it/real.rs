//! Runs in processes of their own: really killed at every request and every commit, and two at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

use rotakey::exit::Exit;

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

/// Lives a whole life in processes of their own, the first of which is killed at that request.
fn killed_at_request(sandbox: &Sandbox, n: u64, moment: Moment) -> Result<End, String> {
    let n = n + sandbox.world.requests().len() as u64;
    let victim = Arc::new(OnceLock::new());
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
        child::kill(*known.wait());
        done.store(true, Ordering::SeqCst);
    });
    live_on(sandbox, |line| {
        if killed.load(Ordering::SeqCst) || (line == "revoke" && n < 40) {
            return sandbox.run(line);
        }
        let running = sandbox.spawn(line, None);
        victim.get_or_init(|| running.pid());
        running.ended(sandbox)
    })
}

#[test]
fn a_process_killed_at_any_request_is_made_good_by_the_next() {
    let mut broken = Vec::new();
    // The requests that `rotate` makes in this scene.
    for n in 1..=32 {
        // Every second before the vendor acts, every second after.
        let moment = [Moment::Before, Moment::After][n as usize % 2];
        let (sandbox, _) = shop::corner();
        let end = killed_at_request(&sandbox, n, moment);
        let kills = sandbox
            .transcripts()
            .iter()
            .filter(|ran| ran.exit.is_none())
            .count();
        if end != Ok(End::Done) || kills != 1 {
            broken.push(format!(
                "killed {kills} times, {moment:?} request {n}: {end:?}"
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_process_killed_at_any_commit_is_made_good_by_the_next() {
    let mut broken = Vec::new();
    for k in 1..=13 {
        for moment in [Moment::Before, Moment::After] {
            let (sandbox, _) = shop::corner();
            let mut first = Some((k, moment));
            let end = live_on(&sandbox, |line| match first.take() {
                Some(commit) => sandbox.spawn(line, Some(commit)).ended(&sandbox),
                None => sandbox.run(line),
            });
            let kills = sandbox
                .transcripts()
                .iter()
                .filter(|ran| ran.exit.is_none())
                .count();
            if end != Ok(End::Done) || kills != 1 {
                broken.push(format!(
                    "killed {kills} times, {moment:?} commit {k}: {end:?}"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
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
