//! Newer code on its way while a redeploy is wanted.

use serde_json::{Value, json};

use super::sent::{row, rows, target};
use super::*;
use crate::http::testing::{Answer, Server};
use crate::model::{Effect, FaultKind};
use crate::targets::{Activation, Pass};

fn coming(deployments: &[Value]) -> Answer {
    Answer::Json(200, json!({"deployments": deployments}))
}

fn building(created: i64, commit: &str) -> Value {
    json!({"uid": "dpl_push", "projectId": "prj_web", "created": NOW + created, "state": "BUILDING", "target": "production",
        "meta": {"githubCommitSha": commit}})
}

fn web_serving(id: &str, created: i64, commit: &str) -> Value {
    let serving = deployment(id, created, json!({"meta": {"githubCommitSha": commit}}));
    json!({"id": "prj_web", "name": "web", "targets": {"production": serving}})
}

/// What is asked for while `coming` is under way, and what the vendor answers after that was seen.
fn redeployed(on_the_way: Value, answers: Vec<Answer>) -> (Effect<Activation>, Vec<Value>) {
    let mut all = vec![
        Answer::Json(
            200,
            json!({"projects": [web_serving("dpl_old", -1_000, "a")], "pagination": null}),
        ),
        rows(json!([row("e1", json!({}))])),
        coming(&[on_the_way]),
    ];
    all.extend(answers);
    let server = Server::start(all);
    let target = target(&server, json!({"variable": "KEY", "shared": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    let asked = target.activate(&sites[0].services[0]);
    let received = server.received();
    let posts = received.iter().filter(|sent| sent.line.starts_with("POST"));
    (asked, posts.map(|sent| sent.body.clone()).collect())
}

#[test]
fn newer_code_on_its_way_is_let_through_and_then_built_again() {
    let pushed = |state: &str| {
        let mut pushed = building(0, "b");
        pushed["state"] = json!(state);
        pushed["aliasAssigned"] = json!(state == "READY");
        Answer::Json(200, pushed)
    };
    let (asked, posts) = redeployed(
        building(0, "b"),
        vec![
            pushed("BUILDING"),
            pushed("READY"),
            // The project lags behind.
            Answer::Json(200, web_serving("dpl_old", -1_000, "a")),
            coming(&[]),
            Answer::Json(200, json!({"id": "dpl_new"})),
        ],
    );
    assert!(matches!(asked, Effect::Done(_)));
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["deploymentId"], "dpl_push");
}

#[test]
fn a_push_that_does_not_build_leaves_what_serves_to_be_built_again() {
    let mut failed = building(0, "b");
    failed["state"] = json!("ERROR");
    let (_, posts) = redeployed(
        building(0, "b"),
        vec![
            Answer::Json(200, failed),
            Answer::Json(200, web_serving("dpl_old", -1_000, "a")),
            coming(&[]),
            Answer::Json(200, json!({"id": "dpl_new"})),
        ],
    );
    assert_eq!(posts[0]["deploymentId"], "dpl_old");
}

#[test]
fn a_build_of_the_same_or_of_older_code_is_not_waited_for() {
    for harmless in [building(0, "a"), building(-2_000, "b")] {
        let (_, posts) = redeployed(harmless, vec![Answer::Json(200, json!({"id": "dpl_new"}))]);
        assert_eq!(posts[0]["deploymentId"], "dpl_old");
    }
}

#[test]
fn a_build_that_does_not_end_in_time_is_left_alone() {
    let answers = (0..60).map(|_| Answer::Json(200, building(0, "b")));
    let (asked, posts) = redeployed(building(0, "b"), answers.collect());
    let Effect::NotDone(fault) = asked else {
        panic!("nothing is redeployed");
    };
    assert_eq!(fault.kind, FaultKind::Passing);
    assert_eq!(
        fault.what,
        "newer code is on its way there (deployment dpl_push), which a redeploy would take back"
    );
    assert_eq!(posts, Vec::<Value>::new());
}
