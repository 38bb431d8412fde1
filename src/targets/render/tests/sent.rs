//! The places that are meant, and what is sent for them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Answer, Server};
use crate::model::{DeploymentId, Effect, FaultKind, SecretValue};
use crate::targets::render::build;
use crate::targets::testing::{account, opened, waiting};
use crate::targets::{Activation, Pass, Since, Stored, Target};

fn target(server: &Server, config: Value) -> Arc<dyn Target> {
    let account = account("render", "api_key", "rnd").at(server.base.clone());
    opened(build, config, account).expect("a target")
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
        listed(&[deploy("dep-old", "live", -9, Some(-5))]),
        Answer::Json(201, json!({"id": "dep-1"})),
        listed(&[deploy("dep-old", "live", -9, Some(-5))]),
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
    assert_eq!(received[6].body, json!({"deployMode": "deploy_only"}));
    assert_eq!(received[7].line, "GET /services/srv-site/deploys?limit=20");
    assert_eq!(
        received[8].body,
        json!({"deployMode": "build_and_deploy", "commitId": "c0ffee"})
    );
}

fn listed(deploys: &[Value]) -> Answer {
    let items = deploys
        .iter()
        .map(|deploy| json!({"deploy": deploy, "cursor": deploy["id"]}));
    Answer::Json(200, items.collect())
}

/// A deploy of a commit that was pushed after the one that is live.
fn pushed(status: &str) -> Value {
    let mut pushed = deploy("dep-push", status, 1, None);
    pushed["commit"]["id"] = json!("f1x");
    pushed
}

#[test]
fn newer_code_on_its_way_is_neither_cancelled_nor_overtaken() {
    let old = |status: &str| deploy("dep-old", status, -9, Some(-5));
    let server = Server::start(vec![
        services(&[service("site", "static_site", "not_suspended")]),
        services(&[]),
        variable(),
        listed(&[pushed("build_in_progress"), old("live")]),
        listed(&[pushed("update_in_progress"), old("live")]),
        listed(&[pushed("live"), old("deactivated")]),
        Answer::Json(201, json!({"id": "dep-1"})),
    ]);
    let target = target(&server, json!({"variable": "KEY", "groups": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    assert!(matches!(
        target.activate(&sites[0].services[0]),
        Effect::Done(_)
    ));
    assert_eq!(
        server.received()[6].body,
        json!({"deployMode": "build_and_deploy", "commitId": "f1x"})
    );
}

#[test]
fn newer_code_that_does_not_come_up_in_time_is_left_alone() {
    let mut answers = vec![services(&[web("api")]), services(&[]), variable()];
    for _ in 0..=60 {
        answers.push(listed(&[
            pushed("build_in_progress"),
            deploy("dep-old", "live", -9, Some(-5)),
        ]));
    }
    let server = Server::start(answers);
    let target = target(&server, json!({"variable": "KEY", "groups": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    let Effect::NotDone(fault) = target.activate(&sites[0].services[0]) else {
        panic!("nothing is deployed");
    };
    assert_eq!(fault.kind, FaultKind::Passing);
    assert_eq!(
        fault.what,
        "newer code is on its way there (deploy dep-push), which another deploy could take back"
    );
    assert!(!server.lines().iter().any(|line| line.starts_with("POST")));
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
