//! The places that are meant, what is sent for them, and every verdict on what a service runs.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::verdict::{Bar, judge};
use super::wire::Deploy;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::{Account, Credential, DeploymentId, Effect, Instant, SecretValue};
use crate::targets::{
    Activation, Confirmation, Connections, Pass, Since, Stored, Target, TargetConfig, build,
};

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_772_366_400 + seconds, 0).expect("a valid time")
}

fn time(seconds: i64) -> String {
    at(seconds).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A deploy that was created and ended at these seconds.
fn deploy(id: &str, status: &str, created: i64, ended: Option<i64>) -> Value {
    let mut deploy = json!({"id": id, "status": status, "trigger": "api", "createdAt": time(created), "commit": {"id": "c0ffee"}});
    if let Some(ended) = ended {
        deploy["finishedAt"] = json!(time(ended));
    }
    deploy
}

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

fn serving(id: &str) -> Confirmation {
    Confirmation::Serving {
        deployment: Some(DeploymentId::new(id)),
    }
}

fn waiting(doing: &str, seconds: i64) -> Confirmation {
    Confirmation::Waiting {
        doing: doing.to_owned(),
        again: TimeDelta::seconds(seconds),
    }
}

fn stale(what: &str) -> Confirmation {
    Confirmation::Stale {
        what: what.to_owned(),
    }
}

fn failed(what: &str) -> Confirmation {
    Confirmation::Failed {
        what: what.to_owned(),
    }
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

// What is sent.

fn target(server: &Server, config: Value) -> Arc<dyn Target> {
    let account = Account::new("render".into(), "render")
        .at(server.base.clone())
        .with(
            "api_key",
            Credential::new("env T", || Ok(SecretValue::new("rnd"))),
        );
    let config: TargetConfig =
        serde_json::from_value(json!({"render": config})).expect("a configuration");
    let connections = Connections::new(JumpingClock::new(), 1);
    build(config, Some(&Arc::new(account)), &connections).expect("a target")
}

fn services(services: &[Value]) -> Answer {
    let items = services
        .iter()
        .map(|service| json!({"service": service, "cursor": service["id"]}));
    Answer::Json(200, items.collect())
}

fn service(name: &str, kind: &str, suspended: &str) -> Value {
    json!({"id": format!("srv-{name}"), "name": name, "type": kind, "suspended": suspended, "serviceDetails": {"maxShutdownDelaySeconds": 90}})
}

fn web(name: &str) -> Value {
    service(name, "web_service", "not_suspended")
}

fn variable() -> Answer {
    Answer::Json(200, json!({"key": "KEY", "value": "old"}))
}

fn absent() -> Answer {
    Answer::Json(404, json!({"id": "x", "message": "not found"}))
}

#[test]
fn a_service_and_a_group_are_places_and_a_group_has_many_services() {
    let preview = json!({"id": "srv-pr", "name": "pr", "type": "web_service", "suspended": "not_suspended", "serviceDetails": {"parentServer": {"id": "srv-api"}}});
    let server = Server::start(vec![
        services(&[
            web("api"),
            web("job"),
            service("off", "web_service", "suspended"),
            preview,
        ]),
        services(&[]),
        Answer::Json(
            200,
            json!([{"id": "evg-1", "name": "common", "serviceLinks": [{"id": "srv-api"}, {"id": "srv-job"}, {"id": "srv-off"}]}]),
        ),
        variable(),
        absent(),
        variable(),
        variable(),
    ]);
    let sites = target(&server, json!({"variable": "KEY"}))
        .sites(Pass(1))
        .expect("sites");
    let seen: Vec<(&str, &str, usize)> = sites
        .iter()
        .map(|site| (site.id.as_str(), site.label.as_str(), site.services.len()))
        .collect();
    assert_eq!(
        seen,
        [
            ("render/evg-1/KEY", "render/group common KEY", 2),
            ("render/srv-api/KEY", "render/api KEY", 1),
            ("render/srv-off/KEY", "render/off (suspended) KEY", 0),
        ]
    );
    assert!(
        sites
            .iter()
            .all(|site| site.stored == Stored::Value(SecretValue::new("old")))
    );
    assert_eq!(
        server.lines(),
        [
            "GET /services?includePreviews=false&limit=100",
            "GET /services?includePreviews=false&limit=100&cursor=srv-pr",
            "GET /env-groups?limit=100",
            "GET /services/srv-api/env-vars/KEY",
            "GET /services/srv-job/env-vars/KEY",
            "GET /services/srv-off/env-vars/KEY",
            "GET /env-groups/evg-1/env-vars/KEY",
        ]
    );
}

#[test]
fn a_web_service_deploys_its_last_build_and_a_static_site_builds_what_is_live() {
    let server = Server::start(vec![
        services(&[web("api"), service("site", "static_site", "not_suspended")]),
        services(&[]),
        variable(),
        variable(),
        Answer::With(
            200,
            "date: Sun, 01 Mar 2026 12:00:00 GMT\r\n",
            json!({"key": "KEY", "value": "new"}),
        ),
        Answer::Json(201, json!({"id": "dep-1"})),
        Answer::Json(
            200,
            json!([{"deploy": deploy("dep-old", "live", -9, Some(-5)), "cursor": "c"}]),
        ),
        Answer::Json(202, Value::Null),
        Answer::Json(
            200,
            json!([{"deploy": deploy("dep-2", "queued", 1, None), "cursor": "c"}]),
        ),
    ]);
    let target = target(&server, json!({"variable": "KEY", "groups": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    let Effect::Done(written) = target.write(&sites[0], &SecretValue::new("new")) else {
        panic!("the write is answered with success");
    };
    assert_eq!(written.at, Some(at(1)));
    let activation = |id: &str| {
        Effect::Done(Activation {
            deployment: Some(DeploymentId::new(id)),
        })
    };
    assert_eq!(target.activate(&sites[0].services[0]), activation("dep-1"));
    assert_eq!(target.activate(&sites[1].services[0]), activation("dep-2"));
    let received = server.received();
    assert_eq!(received[4].line, "PUT /services/srv-api/env-vars/KEY");
    assert_eq!(received[4].body, json!({"value": "new"}));
    assert_eq!(received[5].body, json!({"deployMode": "deploy_only"}));
    assert_eq!(
        received[6].line,
        "GET /services/srv-site/deploys?limit=1&status=live"
    );
    assert_eq!(
        received[7].body,
        json!({"deployMode": "build_and_deploy", "commitId": "c0ffee"})
    );
}

#[test]
fn a_deploy_that_a_group_set_off_is_adopted() {
    let group = json!({
        "id": "evg-1", "name": "common", "serviceLinks": [{"id": "srv-api"}], "updatedAt": time(0),
        "envVars": [{"key": "OTHER", "value": "x"}, {"key": "KEY", "value": "new"}], "secretFiles": [],
    });
    let server = Server::start(vec![
        services(&[web("api")]),
        services(&[]),
        Answer::Json(200, json!([group])),
        absent(),
        variable(),
        Answer::With(200, "date: Sun, 01 Mar 2026 12:00:00 GMT\r\n", group),
        Answer::Json(
            200,
            json!([{"deploy": deploy("dep-auto", "created", 0, None), "cursor": "c"}]),
        ),
    ]);
    let target = target(&server, json!({"variable": "KEY"}));
    let sites = target.sites(Pass(1)).expect("sites");
    let Effect::Done(written) = target.write(&sites[0], &SecretValue::new("new")) else {
        panic!("the write is answered with success");
    };
    assert_eq!(written.at, Some(at(0)));
    assert_eq!(
        target.activate(&sites[0].services[0]),
        Effect::Done(Activation {
            deployment: Some(DeploymentId::new("dep-auto"))
        })
    );
    assert!(!server.lines().iter().any(|line| line.starts_with("POST")));
}

#[test]
fn an_answer_that_holds_another_value_leaves_the_write_uncertain() {
    let server = Server::start(vec![
        services(&[web("api")]),
        services(&[]),
        variable(),
        variable(),
    ]);
    let target = target(&server, json!({"variable": "KEY", "groups": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    assert!(matches!(
        target.write(&sites[0], &SecretValue::new("new")),
        Effect::Uncertain(_)
    ));
}

#[test]
fn the_shutdown_delay_of_the_service_is_waited_out() {
    let live = || {
        Answer::With(
            200,
            "date: Sun, 01 Mar 2026 12:02:29 GMT\r\n",
            json!([{"deploy": deploy("dep-new", "live", 1, Some(0)), "cursor": "c"}]),
        )
    };
    let server = Server::start(vec![
        services(&[web("api")]),
        services(&[]),
        variable(),
        live(),
    ]);
    let target = target(&server, json!({"variable": "KEY", "groups": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    let since = Since {
        written_at: Some(at(0)),
        activation: None,
    };
    // 60 seconds until it is told, 90 until it must be gone.
    assert_eq!(
        target.confirm(&sites[0].services[0], since),
        Ok(waiting("stopping its old instances", 1))
    );
}

#[test]
fn a_new_variable_goes_where_neither_service_nor_group_has_it() {
    let server = Server::start(vec![
        services(&[web("api"), web("job")]),
        services(&[]),
        Answer::Json(
            200,
            json!([{"id": "evg-1", "name": "common", "serviceLinks": [{"id": "srv-job"}]}]),
        ),
        absent(),
        absent(),
        variable(),
    ]);
    let sites = target(&server, json!({"variable": "KEY", "create": true}))
        .sites(Pass(1))
        .expect("sites");
    let seen: Vec<(&str, bool)> = sites
        .iter()
        .map(|site| (site.id.as_str(), site.stored == Stored::Absent))
        .collect();
    assert_eq!(
        seen,
        [("render/evg-1/KEY", false), ("render/srv-api/KEY", true)]
    );
}
