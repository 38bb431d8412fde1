//! Suspicions of a reader with hostile eyes, each worked through against the simulated vendors. What stands here fails
//! until it is mended.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::world::{Fault, OpenAiEra};

#[test]
fn an_emergency_that_does_not_know_the_leaked_key_does_not_end_as_if_it_were_dead() {
    let sandbox = Sandbox::new();
    let leaked = shop::scene(&sandbox);
    sandbox.configure(&shop::secrets(&sandbox, shop::SECRETS));
    let ran = sandbox.run("rotate openai --emergency --reason leaked");
    let lives = shop::live_keys(&sandbox).contains(&leaked.value);
    assert!(
        !lives || ran.exit != Some(Exit::Done.code()),
        "the leaked key works, and all that is said is:\n{}",
        ran.stderr
    );
}

#[test]
fn a_rotation_in_grace_can_be_rolled_back_where_openai_gives_keys_no_end() {
    let (sandbox, old) = shop::openai();
    let era = OpenAiEra::OneKey;
    sandbox.world.set(|settings| settings.openai_era = era);
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(3));
    sandbox
        .run("rollback openai --reason 'the new key is slow'")
        .exits(Exit::Done);
    shop::everything_is_on(&sandbox, &old.value);
}

#[test]
fn a_leak_that_could_not_be_answered_at_once_is_remembered() {
    let (sandbox, leaked) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    let leaked = [leaked.value, shop::last(&sandbox)];
    // At three in the morning one of the platforms is down.
    sandbox
        .world
        .fault("render.list_services", Fault::refuse(503).always());
    sandbox
        .run("rotate openai --emergency --reason 'in a log'")
        .exits(Exit::TryLater);
    sandbox.world.clear_faults();
    for _ in 0..2 {
        sandbox.advance(TimeDelta::days(1));
        sandbox.run("rotate").exits(Exit::Done);
    }
    let live = shop::live_keys(&sandbox);
    assert!(
        !leaked.iter().any(|leaked| live.contains(leaked)),
        "two nights later the leaked key is the live one, and nobody says so"
    );
}

#[test]
fn a_leak_is_answered_although_the_clock_was_wrong_for_one_night() {
    let (sandbox, old) = shop::openai();
    sandbox
        .run_ahead("rotate", TimeDelta::days(365))
        .exits(Exit::Done);
    sandbox.advance(TimeDelta::days(1));
    // The clock is right again, and now the key leaks. No grace, nothing unanswered: no clock has a part in it.
    let ran = sandbox.run("rotate openai --emergency --reason 'in a log'");
    assert!(
        !shop::live_keys(&sandbox).contains(&old.value),
        "the leaked key lives: {}",
        ran.stderr
    );
}
