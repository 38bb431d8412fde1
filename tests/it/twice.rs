//! Run twice, the second run finds nothing to do: it sends nothing and writes nothing.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::shop::{self, OLD_SESSION};

/// Runs a command that must do nothing at all.
#[track_caller]
fn does_nothing(sandbox: &Sandbox, line: &str, stdin: &str) -> Ran {
    let before = sandbox.standing("ledger.json.age");
    let file = sandbox.standing("shop.env");
    let ran = sandbox.pipe(line, stdin);
    assert_eq!((ran.requests, ran.commits), (0, 0), "{ran:?}");
    assert_eq!(sandbox.standing("ledger.json.age"), before, "{ran:?}");
    assert_eq!(sandbox.standing("shop.env"), file, "{ran:?}");
    ran
}

/// Runs what cron runs, a second time.
#[track_caller]
fn stays_silent(sandbox: &Sandbox, line: &str) {
    does_nothing(sandbox, line, "").exits(Exit::Done).silent();
}

#[test]
fn every_command_of_the_crontab_run_twice_does_nothing_the_second_time() {
    let (sandbox, _) = shop::both();
    sandbox.run("plan --warn").exits(Exit::Done);
    stays_silent(&sandbox, "plan --warn");
    sandbox.run("rotate").exits(Exit::Done);
    stays_silent(&sandbox, "rotate");
    stays_silent(&sandbox, "plan --warn");
    // A value that rotakey makes up itself has no grace; the other one has.
    sandbox.run("revoke").exits(Exit::Done);
    stays_silent(&sandbox, "revoke");
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").exits(Exit::Done);
    assert!(ran.requests > 0);
    stays_silent(&sandbox, "revoke");
    stays_silent(&sandbox, "rotate");
    stays_silent(&sandbox, "plan --warn");
}

#[test]
fn the_same_skip_said_twice_postpones_once() {
    let (sandbox, _) = shop::both();
    sandbox
        .run("skip openai --reason 'audit week'")
        .exits(Exit::Done)
        .says("openai: postponed to Mar 19, 2024\n");
    does_nothing(&sandbox, "skip openai --reason 'audit week'", "")
        .exits(Exit::Done)
        .says("openai: postponed to Mar 19, 2024 already\n");
}

#[test]
fn a_key_adopted_twice_is_known_already() {
    let (sandbox, _) = shop::both();
    does_nothing(&sandbox, "adopt session", OLD_SESSION)
        .exits(Exit::Done)
        .says("session: this key is known already\n");
}

#[test]
fn evidence_is_the_same_bytes_however_often_it_is_exported() {
    let (sandbox, _) = shop::both();
    sandbox.run("rotate").exits(Exit::Done);
    let line = "audit export --csv --month 2024-02 --out -";
    let first = does_nothing(&sandbox, line, "").exits(Exit::Done);
    assert!(first.stdout.contains("openai"), "{first:?}");
    sandbox.advance(TimeDelta::days(40));
    let second = does_nothing(&sandbox, line, "").exits(Exit::Done);
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn plan_shows_and_a_dry_run_sends_nothing_however_much_is_due() {
    let (sandbox, _) = shop::both();
    let plan = does_nothing(&sandbox, "plan", "").exits(Exit::Done);
    let dry = does_nothing(&sandbox, "rotate --dry-run", "").exits(Exit::Done);
    assert_eq!(plan.stdout, dry.stdout);
    assert!(plan.stdout.contains("rotakey rotate would:"), "{plan:?}");
    does_nothing(&sandbox, "plan --exit-code", "").exits(Exit::Due);
}

#[test]
fn check_only_reads() {
    let (sandbox, _) = shop::both();
    let before = sandbox.world.requests().len();
    let ledger = sandbox.standing("ledger.json.age");
    let ran = sandbox.run("check").exits(Exit::Done);
    assert_eq!(sandbox.standing("ledger.json.age"), ledger);
    let requests = &sandbox.world.requests()[before..];
    assert!(!requests.is_empty());
    let writes = requests.iter().filter(|entry| entry.writes());
    assert_eq!(
        writes.map(|entry| entry.line()).collect::<Vec<_>>(),
        [""; 0],
        "{ran:?}"
    );
}
