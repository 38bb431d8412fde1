//! Every verdict on what a service runs.

use serde_json::{Value, json};

use super::*;
use crate::targets::Confirmation;
use crate::targets::render::verdict::{Bar, judge};
use crate::targets::render::wire::Deploy;
use crate::targets::testing::{failed, serving, stale, waiting};

fn rollback(mut deploy: Value) -> Value {
    deploy["trigger"] = json!("rollback");
    deploy
}

/// What is said 100 seconds after the write, when `dep-new` was asked for.
fn verdict(deploys: &[Value]) -> Confirmation {
    let deploys: Vec<Deploy> = deploys
        .iter()
        .map(|deploy| serde_json::from_value(deploy.clone()).expect("a deploy"))
        .collect();
    let bar = Bar {
        written_at: Some(at(0)),
        asked: Some("dep-new"),
    };
    judge(&deploys, &bar, Some(30), at(100))
}

#[test]
fn a_new_live_deploy_serves_when_the_old_instances_are_gone() {
    let old = deploy("dep-old", "deactivated", -500, Some(-400));
    for (ended, said) in [
        (10, serving("dep-new")),
        (11, waiting("stopping its old instances", 1)),
        (70, waiting("stopping its old instances", 60)),
    ] {
        let new = deploy("dep-new", "live", 1, Some(ended));
        assert_eq!(verdict(&[new, old.clone()]), said, "{ended}");
    }
    let undated = deploy("dep-new", "live", 1, None);
    assert_eq!(
        verdict(&[undated, old]),
        waiting("stopping its old instances", 30)
    );
}

#[test]
fn a_second_new_deploy_does_not_start_the_wait_again() {
    let deploys = [
        deploy("dep-2", "live", 60, Some(95)),
        deploy("dep-new", "deactivated", 1, Some(5)),
        deploy("dep-old", "deactivated", -500, Some(-400)),
    ];
    assert_eq!(verdict(&deploys), serving("dep-2"));
}

#[test]
fn a_rollback_runs_old_variables_whenever_it_was_made() {
    let deploys = [
        rollback(deploy("dep-back", "live", 50, Some(60))),
        deploy("dep-new", "deactivated", 1, Some(5)),
    ];
    assert_eq!(
        verdict(&deploys),
        stale("a rollback, deploy dep-back of 2026-03-01 12:00:50 UTC")
    );
    let under_way = [
        rollback(deploy("dep-back", "update_in_progress", 50, None)),
        deploy("dep-old", "live", -500, Some(-400)),
    ];
    assert_eq!(
        verdict(&under_way),
        stale("deploy dep-old of 2026-03-01 11:51:40 UTC")
    );
}

#[test]
fn every_status_on_the_way_has_its_word() {
    let old = deploy("dep-old", "live", -500, Some(-400));
    for (status, said) in [
        ("created", waiting("queued", 10)),
        ("queued", waiting("queued", 10)),
        ("build_in_progress", waiting("building", 5)),
        (
            "pre_deploy_in_progress",
            waiting("running its pre-deploy command", 5),
        ),
        ("update_in_progress", waiting("starting", 5)),
        ("build_failed", failed("deploy dep-new did not build")),
        (
            "pre_deploy_failed",
            failed("deploy dep-new failed in its pre-deploy command"),
        ),
        ("update_failed", failed("deploy dep-new did not start")),
        ("canceled", failed("deploy dep-new was cancelled")),
        ("shiny", waiting("in a state unknown to rotakey", 5)),
    ] {
        assert_eq!(
            verdict(&[deploy("dep-new", status, 1, None), old.clone()]),
            said,
            "{status}"
        );
    }
}

#[test]
fn a_deploy_cancelled_by_a_newer_one_is_no_failure() {
    let cancelled = deploy("dep-new", "canceled", 1, Some(20));
    let old = deploy("dep-old", "live", -500, Some(-400));
    let newer = deploy("dep-2", "update_in_progress", 20, None);
    assert_eq!(
        verdict(&[newer, cancelled.clone(), old]),
        waiting("starting", 5)
    );
    let newer = deploy("dep-2", "live", 2, Some(9));
    assert_eq!(verdict(&[newer, cancelled]), serving("dep-2"));
}

#[test]
fn a_deploy_from_before_the_write_proves_nothing() {
    let before = deploy("dep-1", "live", -1, Some(1));
    assert_eq!(
        verdict(&[before]),
        stale("deploy dep-1 of 2026-03-01 11:59:59 UTC")
    );
    assert_eq!(verdict(&[]), stale("nothing is live"));
}
