//! Every verdict on what a project serves.

use serde_json::{Value, json};

use super::*;
use crate::model::DeploymentId;
use crate::targets::Confirmation;
use crate::targets::testing::{failed, serving, stale, waiting};
use crate::targets::vercel::verdict::{Bar, Sight, asked_for, custom, production};

/// What is said of a project whose write was at 0 and whose deployment `dpl_new` was asked for.
fn verdict(fields: Value) -> Sight {
    let bar = Bar {
        written_at: Some(at(0)),
        asked: Some("dpl_new"),
    };
    production(&project(fields), &bar, at(20_000))
}

#[test]
fn only_what_production_serves_counts_and_only_if_it_is_new_enough() {
    let served = |created| {
        verdict(json!({"targets": {"production": deployment("dpl_x", created, json!({}))}}))
    };
    assert_eq!(served(0), Sight::Clear(serving("dpl_x")));
    assert_eq!(served(-1), Sight::Ask);
    assert_eq!(
        verdict(json!({"targets": {}})),
        Sight::Clear(stale("nothing is in production"))
    );
    assert_eq!(
        verdict(json!({"targets": null})),
        Sight::Clear(stale("nothing is in production"))
    );
}

#[test]
fn a_new_deployment_in_production_is_judged_by_all_its_signs() {
    for (signs, said) in [
        (json!({"readySubstate": null}), serving("dpl_new")),
        (
            json!({"readySubstate": null, "aliasAssigned": NOW}),
            serving("dpl_new"),
        ),
        (json!({"readyState": "BUILDING"}), waiting("building", 5)),
        (json!({"readyState": "QUEUED"}), waiting("queued", 5)),
        (
            json!({"readySubstate": "ROLLING"}),
            waiting("rolling out", 5),
        ),
        (
            json!({"readySubstate": "STAGED", "aliasAssigned": false}),
            waiting("assigning domains", 5),
        ),
        (
            json!({"readySubstate": null, "aliasAssigned": null}),
            waiting("assigning domains", 5),
        ),
        (
            json!({"aliasError": {"code": "x", "message": "y"}}),
            failed("deployment dpl_new could not get its domains"),
        ),
        (
            json!({"readyState": "ERROR"}),
            failed("deployment dpl_new did not build"),
        ),
        (
            json!({"readyState": "CANCELED"}),
            failed("deployment dpl_new was cancelled"),
        ),
        (
            json!({"readyState": "BLOCKED"}),
            failed("deployment dpl_new is blocked at Vercel"),
        ),
        (
            json!({"readyState": "SHINY"}),
            waiting("in a state unknown to rotakey", 5),
        ),
    ] {
        let production = deployment("dpl_new", 1, signs.clone());
        assert_eq!(
            verdict(json!({"targets": {"production": production}})),
            Sight::Clear(said),
            "{signs}"
        );
    }
}

#[test]
fn a_rolling_release_takes_another_look() {
    let seen = verdict(json!({
        "targets": {"production": deployment("dpl_new", 1, json!({}))},
        "rollingRelease": {"target": "production"},
    }));
    assert_eq!(seen, Sight::IfComplete(serving("dpl_new")));
}

#[test]
fn an_instant_rollback_is_stale_although_the_new_deployment_is_ready() {
    let old = deployment("dpl_old", -86_400_000, json!({}));
    let rolled_back = project(json!({
        "targets": {"production": old},
        "lastAliasRequest": {"toDeploymentId": "dpl_old", "jobStatus": "succeeded", "type": "rollback"},
    }));
    let bar = Bar {
        written_at: Some(at(0)),
        asked: Some("dpl_new"),
    };
    let ours = parsed(deployment("dpl_new", 1, json!({})));
    assert_eq!(
        asked_for(&rolled_back, &ours, &bar, at(20_000)),
        stale("deployment dpl_old of 2026-02-28 12:00:00 UTC")
    );
}

#[test]
fn a_finished_deployment_is_held_back_where_nothing_assigns_domains_by_itself() {
    let bar = Bar {
        written_at: Some(at(0)),
        asked: Some("dpl_new"),
    };
    let old = deployment("dpl_old", -1, json!({}));
    let ours = parsed(deployment(
        "dpl_new",
        1,
        json!({"readySubstate": "STAGED", "aliasAssigned": false}),
    ));
    let held = Confirmation::Held {
        deployment: DeploymentId::new("dpl_new"),
    };
    let request = |to: &str, kind: &str, status: &str| json!({"toDeploymentId": to, "jobStatus": status, "type": kind});
    for (auto, request, said) in [
        (json!(true), Value::Null, waiting("assigning domains", 5)),
        (json!(false), Value::Null, held.clone()),
        (
            json!(true),
            request("dpl_old", "rollback", "succeeded"),
            held.clone(),
        ),
        (
            json!(false),
            request("dpl_new", "promote", "pending"),
            waiting("being promoted", 5),
        ),
        (
            json!(false),
            request("dpl_new", "promote", "failed"),
            failed("deployment dpl_new could not be promoted"),
        ),
        (
            json!(false),
            request("dpl_other", "promote", "failed"),
            held,
        ),
    ] {
        let project = project(json!({
            "targets": {"production": old}, "autoAssignCustomDomains": auto, "lastAliasRequest": request,
        }));
        assert_eq!(asked_for(&project, &ours, &bar, at(20_000)), said);
    }
}

#[test]
fn what_others_left_staged_is_never_offered_for_promotion() {
    let bar = Bar {
        written_at: Some(at(0)),
        asked: None,
    };
    let staged = json!({"readySubstate": "STAGED", "aliasAssigned": false});
    let project = project(json!({
        "targets": {"production": deployment("dpl_theirs", 1, staged)}, "autoAssignCustomDomains": false,
    }));
    assert_eq!(
        production(&project, &bar, at(20_000)),
        Sight::Clear(waiting("assigning domains", 5))
    );
}

#[test]
fn without_an_id_a_newer_build_is_waited_for() {
    let bar = Bar {
        written_at: Some(at(0)),
        asked: None,
    };
    let old = deployment("dpl_old", -60_000, json!({}));
    let with = |latest: Value| {
        production(
            &project(json!({"targets": {"production": old}, "latestDeployments": [latest]})),
            &bar,
            at(70_000),
        )
    };
    let building = json!({"readyState": "BUILDING", "readySubstate": null});
    assert_eq!(
        with(deployment("dpl_1", 1, building.clone())),
        Sight::Clear(waiting("building", 15))
    );
    for other in [
        deployment("dpl_1", -1, building),
        deployment(
            "dpl_1",
            1,
            json!({"readyState": "BUILDING", "target": null}),
        ),
        deployment("dpl_1", 1, json!({"readyState": "ERROR"})),
    ] {
        assert_eq!(
            with(other),
            Sight::Clear(stale("deployment dpl_old of 2026-03-01 11:59:00 UTC"))
        );
    }
}

#[test]
fn a_custom_environment_serves_its_newest_aliased_deployment() {
    let bar = Bar {
        written_at: Some(at(0)),
        asked: Some("dpl_new"),
    };
    let judged = |deployments: Vec<Value>| {
        let deployments: Vec<Deployment> = deployments.into_iter().map(parsed).collect();
        custom(&deployments, &bar, at(5_000))
    };
    let plain = json!({"readySubstate": null, "target": null});
    let old = deployment("dpl_old", -5_000, plain);
    let ours = |state: &str| {
        let signs = json!({"readySubstate": null, "target": null, "readyState": state});
        deployment("dpl_new", 1, signs)
    };
    assert_eq!(judged(vec![ours("READY"), old.clone()]), serving("dpl_new"));
    assert_eq!(
        judged(vec![ours("BUILDING"), old.clone()]),
        waiting("building", 1)
    );
    assert_eq!(
        judged(vec![ours("ERROR"), old.clone()]),
        failed("deployment dpl_new did not build")
    );
    assert_eq!(
        judged(vec![old]),
        stale("deployment dpl_old of 2026-03-01 11:59:55 UTC")
    );
    assert_eq!(judged(vec![]), stale("nothing is deployed there"));
}
