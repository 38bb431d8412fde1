//! Secrets whose keys a person makes: what `plan` tells them, what cron says of them, and how often.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

/// Where a key is made, and how.
const MAKE: &str = "open https://dashboard.stripe.com/apikeys; create a key of the same type and permissions as the \
    live one (do not rotate or expire the live one)";

/// A Stripe key that is due on Feb 18, beside a session secret that is due as well and needs nobody.
fn due() -> (Sandbox, String) {
    let sandbox = Sandbox::at("2024-02-11T09:00:00Z");
    let world = &sandbox.world;
    let key = world.stripe_create("rk_live_").value;
    sandbox.write(
        shop::SESSION_FILE,
        &format!(
            "SESSION_SECRET={}\nSTRIPE_SECRET_KEY={key}\n",
            shop::OLD_SESSION
        ),
    );
    let config = format!(
        "accounts:\n  stripe: {{ base_url: \"{}\" }}\nsecrets:\n  stripe:\n    title: Stripe API\n    every: 60d\n    \
         issuer: {{ kind: stripe }}\n    targets:\n      - {{ kind: dotenv, path: shop.env, variable: \
         STRIPE_SECRET_KEY }}{}",
        world.stripe_url(),
        shop::SESSION
    );
    sandbox.write("rotations.yaml", &config);
    sandbox
        .pipe("adopt stripe --created 2023-12-20T09:00:00Z", &key)
        .exits(Exit::Done);
    sandbox
        .pipe(
            "adopt session --created 2024-01-19T09:00:00Z",
            shop::OLD_SESSION,
        )
        .exits(Exit::Done);
    (sandbox, key)
}

#[test]
fn plan_tells_a_person_exactly_what_to_do_and_where() {
    let (sandbox, _) = due();
    sandbox.calendar.set("2024-02-18T09:00:00Z");
    let ran = sandbox.run("plan stripe").exits(Exit::Done);
    assert_eq!(
        ran.stdout,
        "SECRET  STATE          KEY         AGE      DUE\n\
         stripe  person needed  rk_...jGSm  60 days  Feb 18, 2024 (today)\n\
         \n\
         stripe\n  \
         a person is needed: the vendor has no call that makes this key\n  \
         do: open https://dashboard.stripe.com/apikeys; create a key of the same type and permissions as the live \
         one (do not rotate or expire the live one); then rotakey rotate stripe\n"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_week_before_a_person_is_told_the_steps_once_and_not_every_day() {
    let (sandbox, _) = due();
    let ran = sandbox.run("plan --warn").exits(Exit::Done);
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.stderr,
        "⚠\u{fe0f} Upcoming Key Rotation\n\
         Service: Session secret\n\
         Current key: [hidden] (expires in 7 days)\n\
         Next rotation: Feb 18, 2024\n\
         Action required: None (auto-rotation enabled)\n\
         Run `rotakey skip session --reason …` to postpone by 30 days.\n\
         ⚠\u{fe0f} Upcoming Key Rotation\n\
         Service: Stripe API\n\
         Current key: rk_...jGSm (expires in 7 days)\n\
         Next rotation: Feb 18, 2024\n\
         Action required:\n\
         1. open https://dashboard.stripe.com/apikeys\n\
         2. create a key of the same type and permissions as the live one (do not rotate or expire the live one)\n\
         3. rotakey rotate stripe\n\
         Run `rotakey skip stripe --reason …` to postpone by 30 days.\n"
    );
    for _ in 0..3 {
        sandbox.advance(TimeDelta::days(1));
        sandbox.run("plan --warn").exits(Exit::Done).silent();
    }
}

#[test]
fn cron_carries_on_with_the_others_exits_with_3_and_sends_one_notice() {
    let (sandbox, old) = due();
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.calendar.set("2024-02-18T09:00:00Z");
    let ran = sandbox.run("rotate").exits(Exit::PersonNeeded);
    let new = shop::session(&sandbox);
    let new = &new[new.len() - 4..];
    assert_eq!(
        ran.stderr,
        format!(
            "session: rotation started; the live key is [hidden]\n\
             session: new key generated: ...{new}\n\
             session: added to shop.env\n\
             session: ...{new} is current; [hidden] has no grace\n"
        )
    );
    assert_ne!(shop::session(&sandbox), shop::OLD_SESSION);
    assert!(sandbox.read(shop::SESSION_FILE).contains(&old));
    sandbox.run("revoke").exits(Exit::Done);
    for _ in 0..5 {
        sandbox.advance(TimeDelta::days(1));
        sandbox.run("plan --warn").exits(Exit::Done).silent();
        let before = sandbox.standing("ledger.json.age");
        sandbox.run("rotate").exits(Exit::PersonNeeded).silent();
        sandbox.run("revoke").exits(Exit::Done).silent();
        assert_eq!(sandbox.standing("ledger.json.age"), before);
    }
}

#[test]
fn a_person_who_was_never_warned_is_told_by_the_run_that_finds_it_due() {
    let (sandbox, _) = due();
    sandbox.calendar.set("2024-02-18T09:00:00Z");
    let ran = sandbox.run("rotate").exits(Exit::PersonNeeded);
    let said = ran
        .stderr
        .lines()
        .filter(|line| !line.starts_with("session: "));
    let told =
        "error: secret `stripe`: a person is needed: the vendor has no call that makes this key";
    let hint = format!("  hint: {MAKE}; then rotakey rotate stripe");
    assert_eq!(said.collect::<Vec<_>>(), [told, &hint]);
}

#[test]
fn a_person_hands_the_key_over_and_ends_the_old_one_when_told_and_rotakey_sees_it_dead() {
    let (sandbox, old) = due();
    sandbox
        .world
        .set(|settings| settings.expired_key_lag = TimeDelta::minutes(4));
    sandbox.calendar.set("2024-02-18T09:00:00Z");
    sandbox.run("rotate").exits(Exit::PersonNeeded);
    let new = sandbox.world.stripe_create("rk_live_").value;
    let ran = sandbox.pipe("rotate stripe", &new).exits(Exit::Done);
    assert_eq!(
        ran.stderr,
        "open https://dashboard.stripe.com/apikeys\n\
         create a key of the same type and permissions as the live one (do not rotate or expire the live one)\n\
         stripe: rotation started; the live key is rk_...jGSm\n\
         stripe: new key generated: rk_...22Gi\n\
         stripe: added to shop.env\n\
         stripe: rk_...22Gi is current; rk_...jGSm will be revoked after Feb 19, 2024 09:00 UTC\n"
    );
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").exits(Exit::PersonNeeded);
    assert_eq!(
        ran.stderr,
        "session: [hidden] revoked: no site holds it any more; next rotation Mar 19, 2024\n\
         error: secret `stripe`: the old key is to be ended by a person; rotakey looks until it is refused\n  \
         state: key rk_...22Gi is current everywhere; key rk_...jGSm is being revoked\n  \
         hint: open https://dashboard.stripe.com/apikeys; expire key rk_...jGSm now\n"
    );
    sandbox.advance(TimeDelta::days(1));
    sandbox.run("revoke").exits(Exit::PersonNeeded).silent();
    sandbox.world.stripe_expire(&old);
    // Stripe goes on accepting it for some minutes.
    sandbox.run("revoke").exits(Exit::PersonNeeded).silent();
    sandbox.advance(TimeDelta::minutes(5));
    let ran = sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(
        ran.stderr,
        "stripe: rk_...jGSm revoked: stripe live mode refuses it; next rotation Apr 18, 2024\n"
    );
    assert_eq!(sandbox.world.stripe_live(), [new]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn an_emergency_that_is_typed_again_asks_for_no_key_that_nothing_would_be_done_with() {
    let (sandbox, old) = due();
    let new = sandbox.world.stripe_create("rk_live_").value;
    sandbox
        .pipe("rotate stripe --emergency --reason leaked", &new)
        .exits(Exit::PersonNeeded);
    sandbox.world.stripe_expire(&old);
    sandbox.advance(TimeDelta::minutes(15));
    // The old key is dead: all that is left is to see it.
    let ran = sandbox.run("rotate stripe --emergency --reason leaked");
    assert!(!ran.stderr.contains("create a key"), "{}", ran.stderr);
    ran.exits(Exit::Done);
}

#[test]
fn a_key_that_was_handed_over_in_an_emergency_is_used_also_where_both_others_are_dead() {
    let (sandbox, old) = due();
    let new = sandbox.world.stripe_create("rk_live_").value;
    sandbox.pipe("rotate stripe", &new).exits(Exit::Done);
    sandbox.world.stripe_expire(&old);
    sandbox.world.stripe_expire(&new);
    sandbox.advance(TimeDelta::minutes(15));
    let third = sandbox.world.stripe_create("rk_live_").value;
    sandbox
        .pipe("rotate stripe --emergency --reason leaked", &third)
        .exits(Exit::Done);
    assert!(sandbox.read(shop::SESSION_FILE).contains(&third));
}
