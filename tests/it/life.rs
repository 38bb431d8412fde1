//! The whole life of a key, as cron sees it.

use chrono::TimeDelta;
use rotakey::exit::Exit;
use std::time::Instant;

use crate::support::shop;

#[test]
fn a_key_is_rotated_and_the_old_one_revoked_a_day_later() {
    for _ in 0..2 {
        let start = Instant::now();
        let (sandbox, old) = shop::both();
        shop::hasten(&sandbox);
        println!("setup {:?}", start.elapsed());
        let ran = sandbox.run("rotate").exits(Exit::Done);
        println!(
            "{} requests, {} commits {:?}",
            ran.requests,
            ran.commits,
            start.elapsed()
        );
        println!("{:#}", sandbox.ledger());
        shop::nothing_is_broken(&sandbox);
        let new = sandbox.world.live_keys().pop().expect("a new key");
        assert_ne!(new.value, old.value);
        shop::everything_is_on(&sandbox, &new.value);
        sandbox.advance(TimeDelta::hours(25));
        let ran = sandbox.run("revoke").exits(Exit::Done);
        println!(
            "{} requests, {} commits {:?}",
            ran.requests,
            ran.commits,
            start.elapsed()
        );
        assert_eq!(shop::live_keys(&sandbox), [new.value.as_str()]);
        shop::nothing_is_broken(&sandbox);
        println!("{:#}", sandbox.ledger());
    }
}
