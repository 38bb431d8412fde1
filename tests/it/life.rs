//! The whole life of a key, as cron sees it.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::shop;

#[test]
fn a_key_is_rotated_and_the_old_one_revoked_a_day_later() {
    let (sandbox, old) = shop::both();
    let ran = sandbox.run("rotate").exits(Exit::Done);
    println!("{}{}", ran.stdout, ran.stderr);
    println!("{} requests, {} commits", ran.requests, ran.commits);
    shop::nothing_is_broken(&sandbox);
    let new = sandbox.world.live_keys().pop().expect("a new key");
    assert_ne!(new.value, old.value);
    shop::everything_is_on(&sandbox, &new.value);
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").exits(Exit::Done);
    println!("{}{}", ran.stdout, ran.stderr);
    println!("{} requests, {} commits", ran.requests, ran.commits);
    assert_eq!(shop::live_keys(&sandbox), [new.value]);
    shop::nothing_is_broken(&sandbox);
}
