//! What a person or a platform does in the middle of a rotation, and what rotakey makes of it.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop::{self, VARIABLE, last};
use crate::support::world::{Fault, OpenAiEra, Project, Row, Sick};

/// One project with a health check.
const HEALTHY: &str = "
secrets:
  openai:
    title: OpenAI API
    every: 30d
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, projects: web, variable: OPENAI_API_KEY, health: \"HEALTH\" }
      - { kind: vercel, projects: [admin, legacy], variable: OPENAI_API_KEY }
      - { kind: render, services: all, variable: OPENAI_API_KEY }
";

const STAGED: &str = "
secrets:
  openai:
    every: 30d
    stages: [staging, production]
    soak: 1h
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, stage: staging, projects: admin, variable: OPENAI_API_KEY }
      - { kind: vercel, stage: production, projects: [web, legacy], variable: OPENAI_API_KEY }
      - { kind: render, stage: production, services: all, variable: OPENAI_API_KEY }
";

#[test]
fn a_failing_health_check_takes_the_rotation_back_and_says_which_key_is_live() {
    let (sandbox, old) = shop::openai();
    let health = sandbox.world.health_url("vercel/web");
    sandbox.configure(&shop::secrets(
        &sandbox,
        &HEALTHY.replace("HEALTH", &health),
    ));
    sandbox
        .world
        .make_unhealthy("vercel/web", Sick::OnlyWithNewKey);
    let ran = sandbox.run("rotate").exits(Exit::Failed);
    let ran = ran.says("its health check answers HTTP 503 instead of 200");
    ran.says("  state: rolled back; key sk-...")
        .says("is current everywhere");
    shop::nothing_is_broken(&sandbox);
    shop::everything_is_on(&sandbox, &old.value);
    assert_eq!(shop::live_keys(&sandbox), [old.value.as_str()]);
    // The next night tries again, and now all is well.
    sandbox.world.heal("vercel/web");
    sandbox.advance(TimeDelta::hours(24));
    sandbox.run("rotate").exits(Exit::Done);
    shop::everything_is_on(&sandbox, &last(&sandbox));
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn an_emergency_revokes_in_the_same_run_and_proves_the_death() {
    let (sandbox, old) = shop::openai();
    sandbox
        .run("rotate openai --emergency --reason 'leaked in a log'")
        .exits(Exit::Done)
        .says("refuses it, 121 s after the command; next rotation");
    let new = last(&sandbox);
    assert_eq!(shop::live_keys(&sandbox), [new.as_str()]);
    assert_ne!(new, old.value);
    let labels = sandbox.since(0);
    let dead = labels
        .iter()
        .rposition(|label| label == "openai.delete_key");
    let proof = labels.iter().rposition(|label| label == "openai.models");
    assert!(dead < proof && dead.is_some(), "{labels:?}");
    shop::everything_is_on(&sandbox, &new);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn an_instant_rollback_in_grace_blocks_the_revoke_and_is_named() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(1));
    sandbox.world.instant_rollback("web");
    sandbox.advance(TimeDelta::hours(24));
    sandbox.run("revoke").says("vercel/web");
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_project_added_in_grace_is_refused_at_the_revoke_and_delivered_by_the_next_rotate() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    let row = Row::new(VARIABLE, &old.value);
    sandbox.world.add_project(Project::named("late").row(row));
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").says("vercel/late");
    assert_ne!(ran.exit, Some(0), "{ran:?}");
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    sandbox.run("rotate").exits(Exit::Done);
    shop::everything_is_on(&sandbox, &last(&sandbox));
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(shop::live_keys(&sandbox), [last(&sandbox)]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_clock_set_back_revokes_nothing() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox
        .run_ahead("revoke openai --now", -TimeDelta::days(2))
        .exits(Exit::TryLater)
        .says("the clock of this machine lies behind what the ledger has seen");
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(shop::live_keys(&sandbox), [last(&sandbox)]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn our_clock_running_ahead_of_the_issuers_revokes_nothing() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(2));
    // The vendors' time stays; ours says that a day has passed.
    let ran = sandbox.run_ahead("revoke", TimeDelta::hours(23));
    let ran = ran.exits(Exit::TryLater);
    ran.says("our clock and the issuer's disagree");
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    sandbox.advance(TimeDelta::hours(23));
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(shop::live_keys(&sandbox), [last(&sandbox)]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn production_waits_until_staging_has_soaked() {
    let (sandbox, old) = shop::openai();
    sandbox.configure(&shop::secrets(&sandbox, STAGED));
    sandbox
        .run("rotate")
        .exits(Exit::Done)
        .says("openai: waiting: the stage before soaks");
    let on_the_new_key = |sandbox: &Sandbox| -> Vec<String> {
        let running = sandbox.world.running().into_iter();
        let new = running.filter(|it| it.variable == VARIABLE && it.value == last(sandbox));
        new.map(|it| it.service).collect()
    };
    assert_eq!(on_the_new_key(&sandbox), ["vercel/admin"]);
    sandbox.advance(TimeDelta::minutes(30));
    sandbox.run("rotate").exits(Exit::Done);
    assert_eq!(on_the_new_key(&sandbox), ["vercel/admin"]);
    sandbox.advance(TimeDelta::minutes(31));
    sandbox
        .run("rotate")
        .exits(Exit::Done)
        .says("is current on 5/5 services");
    shop::everything_is_on(&sandbox, &last(&sandbox));
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_person_takes_a_rotation_back_in_grace() {
    let (sandbox, old) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(3));
    sandbox
        .run("rollback openai --reason 'the new key is slow'")
        .exits(Exit::Done);
    shop::everything_is_on(&sandbox, &old.value);
    assert_eq!(shop::live_keys(&sandbox), [old.value.as_str()]);
    sandbox
        .run("rollback openai")
        .exits(Exit::Usage)
        .says("there is nothing to roll back: no rotation is open");
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_skipped_rotation_waits_for_its_new_date() {
    let (sandbox, old) = shop::openai();
    sandbox
        .run("skip openai --for 10d --reason 'audit week'")
        .exits(Exit::Done)
        .says("openai: postponed to Feb 28, 2024\n");
    for _ in 0..9 {
        let ran = sandbox.run("rotate").exits(Exit::Done).silent();
        assert_eq!(ran.requests, 0);
        sandbox.advance(TimeDelta::days(1));
    }
    sandbox.advance(TimeDelta::days(1));
    sandbox.run("rotate").exits(Exit::Done);
    assert_ne!(last(&sandbox), old.value);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn what_was_never_adopted_is_not_rotated_and_a_person_is_told_how() {
    let sandbox = Sandbox::new();
    shop::scene(&sandbox);
    sandbox.configure(&shop::secrets(&sandbox, shop::SECRETS));
    let ran = sandbox.run("rotate").exits(Exit::PersonNeeded);
    assert_eq!(ran.requests, 0, "{ran:?}");
    ran.says("hint: rotakey adopt openai");
}

#[test]
fn a_token_that_may_not_write_leaves_everything_on_the_old_key() {
    let (sandbox, old) = shop::openai();
    let refused = Fault::refuse(403).always();
    sandbox.world.fault("vercel.patch_env legacy", refused);
    sandbox
        .run("rotate")
        .exits(Exit::Failed)
        .says("HTTP 403")
        .says("  state: rolled back; key sk-...")
        .says("  hint: ");
    shop::everything_is_on(&sandbox, &old.value);
    assert_eq!(shop::live_keys(&sandbox), [old.value.as_str()]);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn where_an_account_has_one_key_the_new_key_comes_with_an_account_of_its_own() {
    let (sandbox, old) = shop::openai();
    let era = OpenAiEra::OneKey;
    sandbox.world.set(|settings| settings.openai_era = era);
    sandbox.run("rotate").exits(Exit::Done);
    shop::everything_is_on(&sandbox, &last(&sandbox));
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke");
    // The account that was configured is never deleted, and its one key cannot be deleted alone.
    let ran = ran.exits(Exit::PersonNeeded);
    ran.says("this key cannot be deleted alone")
        .says("  hint: delete it at platform.openai.com");
    assert!(shop::live_keys(&sandbox).contains(&old.value));
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_push_whose_build_is_under_way_is_not_taken_back_by_the_redeploy() {
    let (sandbox, _) = shop::openai();
    sandbox.world.push("web", "a fix of this morning");
    sandbox.advance(TimeDelta::seconds(20));
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(1));
    let serves = sandbox.world.serving_commit("web");
    assert_eq!(
        serves, "a fix of this morning",
        "the code before it is back in production"
    );
}
