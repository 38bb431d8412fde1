//! The whole life of a key, as cron sees it.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::shop;
use crate::support::world::OpenAiEra;

#[test]
fn a_key_is_rotated_and_the_old_one_revoked_a_day_later() {
    let (sandbox, old) = shop::openai();
    let ran = sandbox.run("rotate").exits(Exit::Done);
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.stderr,
        "openai: rotation started; the live key is sk-...q9ZP\n\
         openai: new key generated: sk-...j6Ql\n\
         openai: added to Render env vars: 2/2\n\
         openai: added to Vercel env vars: 3/3\n\
         openai: vercel/acme observed on the new key: 3/3\n\
         openai: render observed on the new key: 2/2\n\
         openai: sk-...j6Ql is current on 5/5 services; sk-...q9ZP will be revoked after Feb 19, 2024 09:02 UTC\n"
    );
    shop::nothing_is_broken(&sandbox);
    let new = shop::last(&sandbox);
    shop::everything_is_on(&sandbox, &new);
    assert_eq!(shop::live_keys(&sandbox), [old.value, new.clone()]);

    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(
        ran.stderr,
        "openai: sk-...q9ZP revoked: openai project proj_65gKsH6ucUhAHn07VkznDSwE refuses it; next rotation Mar 19, 2024\n"
    );
    assert_eq!(shop::live_keys(&sandbox), [new]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_value_that_rotakey_makes_up_goes_into_its_file_and_nothing_else_there_changes() {
    let (sandbox, _) = shop::both();
    sandbox.run("rotate session").exits(Exit::Done);
    let new = shop::session(&sandbox);
    assert_ne!(new, shop::OLD_SESSION);
    assert_eq!(new.len(), 48);
    assert_eq!(
        sandbox.read(shop::SESSION_FILE),
        format!("PORT=3000\nSESSION_SECRET={new}\n")
    );
}

#[test]
fn who_postpones_the_next_rotation_is_told_that_the_old_key_lives_on() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(1));
    let ran = sandbox
        .run("skip openai --reason 'no change in April'")
        .exits(Exit::Done);
    for _ in 0..45 {
        sandbox.advance(TimeDelta::days(1));
        sandbox.run("revoke").exits(Exit::Done);
    }
    let planned = sandbox.run("plan openai").exits(Exit::Done);
    assert!(
        planned
            .stdout
            .contains("waiting: postponed, until Apr 18, 2024"),
        "{}",
        planned.stdout
    );
    let lives = shop::live_keys(&sandbox).contains(&old.value);
    assert!(
        !lives || ran.stderr.contains("old key"),
        "45 days after \"will be revoked tomorrow\" the old key works, and all that was said is: {}",
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
