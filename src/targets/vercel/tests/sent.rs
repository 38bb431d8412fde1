//! The rows that are meant, and what is sent for them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::{DeploymentId, Effect, Fault, FaultKind, SecretValue};
use crate::targets::testing::{account, opened, stale};
use crate::targets::vercel::build;
use crate::targets::{Activation, Connections, Pass, Since, Site, Stored, Target};

pub(super) fn target(server: &Server, config: Value) -> Arc<dyn Target> {
    let account = account("vercel", "token", "tok")
        .at(server.base.clone())
        .set("team", "acme");
    opened(build, config, account).expect("a target")
}

fn projects(names: &[&str]) -> Answer {
    let projects = names.iter().map(|name| {
        json!({
            "id": format!("prj_{name}"), "name": name,
            "targets": {"production": deployment("dpl_old", -1_000, json!({}))},
            "customEnvironments": [{"id": "env_s", "slug": "staging"}],
        })
    });
    let projects: Vec<Value> = projects.collect();
    Answer::Json(
        200,
        json!({"projects": projects, "pagination": {"count": 1, "next": null}}),
    )
}

pub(super) fn rows(rows: Value) -> Answer {
    Answer::Json(200, json!({"envs": rows}))
}

pub(super) fn row(id: &str, fields: Value) -> Value {
    let mut row = json!({
        "id": id, "key": "KEY", "type": "encrypted", "value": "old", "decrypted": true, "target": ["production"],
        "updatedAt": NOW - 1_000,
    });
    for (key, value) in fields.as_object().expect("a map") {
        row[key] = value.clone();
    }
    row
}

fn short(sites: &[Site]) -> Vec<(&str, &str)> {
    sites
        .iter()
        .map(|site| (site.id.as_str(), site.label.as_str()))
        .collect()
}

#[test]
fn every_row_of_the_variable_is_a_site_of_its_own() {
    let server = Server::start(vec![
        projects(&["web"]),
        rows(json!([
            row("e1", json!({"target": ["preview", "production"]})),
            row(
                "e2",
                json!({"target": "development", "type": "plain", "decrypted": null})
            ),
            row(
                "e3",
                json!({"target": ["preview"], "gitBranch": "feature/x", "type": "sensitive", "value": null})
            ),
            row("e5", json!({"key": "OTHER"})),
            row("e6", json!({"type": "system"})),
            row("e7", json!({"configurationId": "icfg_1"})),
        ])),
    ]);
    let sites = target(&server, json!({"variable": "KEY", "shared": false}))
        .sites(Pass(1))
        .expect("sites");
    assert_eq!(
        short(&sites),
        [
            (
                "vercel/prj_web/KEY/development",
                "vercel/web development KEY"
            ),
            (
                "vercel/prj_web/KEY/preview#feature/x",
                "vercel/web preview#feature/x KEY"
            ),
            (
                "vercel/prj_web/KEY/production+preview",
                "vercel/web production+preview KEY"
            ),
        ]
    );
    let services: Vec<usize> = sites.iter().map(|site| site.services.len()).collect();
    assert_eq!(services, [0, 0, 1]);
    assert_eq!(sites[0].stored, Stored::Value(SecretValue::new("old")));
    assert!(
        matches!(&sites[1].stored, Stored::Opaque(marker) if marker.0 == (NOW - 1_000).to_string())
    );
    assert_eq!(
        server.lines(),
        [
            "GET /v10/projects?limit=100&slug=acme",
            "GET /v10/projects/prj_web/env?decrypt=true&slug=acme"
        ]
    );
}

#[test]
fn a_value_that_the_list_keeps_sealed_is_asked_for() {
    let server = Server::start(vec![
        projects(&["web"]),
        // The bare variable, as a project with one variable may answer.
        Answer::Json(
            200,
            row("e1", json!({"value": "sealed", "decrypted": false})),
        ),
        Answer::Json(200, row("e1", json!({"value": "clear"}))),
    ]);
    let sites = target(&server, json!({"variable": "KEY", "shared": false}))
        .sites(Pass(1))
        .expect("sites");
    assert_eq!(sites[0].stored, Stored::Value(SecretValue::new("clear")));
    assert_eq!(
        server.lines()[2],
        "GET /v1/projects/prj_web/env/e1?slug=acme"
    );
}

#[test]
fn environments_and_branch_narrow_the_rows() {
    for (config, ids) in [
        (
            json!({"environments": ["preview"]}),
            vec![
                "vercel/prj_web/KEY/preview#b",
                "vercel/prj_web/KEY/production+preview",
            ],
        ),
        (json!({"environments": ["development"]}), vec![]),
        (json!({"branch": "b"}), vec!["vercel/prj_web/KEY/preview#b"]),
    ] {
        let server = Server::start(vec![
            projects(&["web"]),
            rows(json!([
                row("e1", json!({"target": ["production", "preview"]})),
                row("e2", json!({"target": ["preview"], "gitBranch": "b"})),
            ])),
        ]);
        let mut wanted = json!({"variable": "KEY", "shared": false});
        for (key, value) in config.as_object().expect("a map") {
            wanted[key] = value.clone();
        }
        let sites = target(&server, wanted).sites(Pass(1)).expect("sites");
        let found: Vec<&str> = sites.iter().map(|site| site.id.as_str()).collect();
        assert_eq!(found, ids, "{config}");
    }
}

#[test]
fn a_row_is_changed_by_its_id_and_only_its_value() {
    let server = Server::start(vec![
        projects(&["web"]),
        rows(json!([row("e1", json!({}))])),
        Answer::Json(200, row("e1", json!({"updatedAt": NOW + 7}))),
        Answer::Json(200, json!({"deployments": []})),
        Answer::Json(200, json!({"id": "dpl_new"})),
    ]);
    let target = target(&server, json!({"variable": "KEY", "shared": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    let Effect::Done(written) = target.write(&sites[0], &SecretValue::new("new")) else {
        panic!("the write is answered with success");
    };
    assert_eq!(written.at, Some(at(7)));
    assert_eq!(
        written.marker.map(|marker| marker.0),
        Some((NOW + 7).to_string())
    );
    let activated = target.activate(&sites[0].services[0]);
    assert_eq!(
        activated,
        Effect::Done(Activation {
            deployment: Some(DeploymentId::new("dpl_new"))
        })
    );
    let received = server.received();
    assert_eq!(
        received[2].line,
        "PATCH /v9/projects/prj_web/env/e1?slug=acme"
    );
    assert_eq!(received[2].body, json!({"value": "new"}));
    assert_eq!(
        received[3].line,
        "GET /v7/deployments?target=production&state=QUEUED%2CINITIALIZING%2CBUILDING&limit=100&slug=acme"
    );
    assert_eq!(
        received[4].line,
        "POST /v13/deployments?forceNew=1&slug=acme"
    );
    assert_eq!(
        received[4].body,
        json!({"deploymentId": "dpl_old", "name": "web", "target": "production", "meta": {"action": "redeploy"}})
    );
}

#[test]
fn a_failure_inside_a_success_is_a_failure() {
    let failed = json!({"updated": [], "failed": [{"error": {"code": "ENV_CONFLICT", "message": "KEY=new"}}]});
    let server = Server::start(vec![
        projects(&["web"]),
        Answer::Json(
            200,
            json!({
                "data": [{"id": "env_1", "key": "KEY", "type": "sensitive", "target": ["production"], "projectId": ["prj_web"], "updatedAt": NOW}],
                "pagination": {"next": null},
            }),
        ),
        rows(json!([])),
        Answer::Json(200, failed),
    ]);
    let target = target(&server, json!({"variable": "KEY"}));
    // One worker asks for the shared variables first, then for the rows.
    let sites = target.sites(Pass(1)).expect("sites");
    assert_eq!(
        short(&sites),
        [("vercel/shared/env_1", "vercel/acme shared KEY")]
    );
    assert_eq!(sites[0].services.len(), 1);
    let Effect::NotDone(fault) = target.write(&sites[0], &SecretValue::new("new")) else {
        panic!("nothing was stored");
    };
    assert_eq!(
        (fault.kind, fault.what.as_str()),
        (
            FaultKind::Refused,
            "another variable of this name covers the same environment (HTTP 200)",
        )
    );
    assert_eq!(
        server.received()[3].body,
        json!({"updates": {"env_1": {"value": "new"}}})
    );
}

#[test]
fn two_secrets_of_one_account_share_the_listings_of_a_pass() {
    let server = Server::start(vec![
        projects(&["web"]),
        rows(json!([
            row("e1", json!({})),
            row("e2", json!({"key": "OTHER"}))
        ])),
        projects(&["web"]),
    ]);
    let account = account("vercel", "token", "tok").at(server.base.clone());
    let account = Arc::new(account);
    let connections = Connections::new(JumpingClock::new(), 1);
    let open = |variable: &str| {
        let config = serde_json::from_value(json!({"variable": variable}));
        build(config.expect("a configuration"), &account, &connections).expect("a target")
    };
    let (one, other) = (open("KEY"), open("OTHER"));
    assert_eq!(one.sites(Pass(1)).expect("sites").len(), 1);
    assert_eq!(other.sites(Pass(1)).expect("sites").len(), 1);
    assert_eq!(
        server.lines(),
        [
            "GET /v10/projects?limit=100",
            "GET /v10/projects/prj_web/env?decrypt=true"
        ]
    );
}

#[test]
fn a_project_that_does_not_exist_is_named() {
    let server = Server::start(vec![projects(&["web"])]);
    let found = target(
        &server,
        json!({"variable": "KEY", "projects": ["wbe\u{1b}[31m"]}),
    )
    .sites(Pass(1));
    assert_eq!(
        found,
        Err(Fault::missing("no project `wbe`")
            .hint("compare `projects:` with the projects that the token can see"))
    );
}

#[test]
fn a_custom_environment_builds_its_newest_ready_deployment_again() {
    let in_staging = |id: &str, created: i64, state: &str| json!({"uid": id, "created": NOW + created, "state": state, "aliasAssigned": NOW, "customEnvironment": {"id": "env_s", "slug": "staging"}});
    let list = || {
        Answer::Json(
            200,
            json!({"deployments": [
                in_staging("dpl_bad", -1, "ERROR"),
                in_staging("dpl_2", -2, "READY"),
                json!({"uid": "dpl_preview", "created": NOW, "state": "READY", "aliasAssigned": NOW}),
                in_staging("dpl_1", -3, "READY"),
            ]}),
        )
    };
    let server = Server::start(vec![
        projects(&["web"]),
        rows(json!([row(
            "e1",
            json!({"target": [], "customEnvironmentIds": ["env_s"]})
        )])),
        list(),
        list(),
        Answer::Json(200, json!({"id": "dpl_new"})),
        list(),
    ]);
    let target = target(&server, json!({"variable": "KEY", "shared": false}));
    let sites = target.sites(Pass(1)).expect("sites");
    assert_eq!(
        short(&sites),
        [("vercel/prj_web/KEY/env_s", "vercel/web staging KEY")]
    );
    let service = &sites[0].services[0];
    assert_eq!(service.label, "vercel/web/staging");
    assert!(matches!(target.activate(service), Effect::Done(_)));
    assert_eq!(
        server.received()[4].body,
        json!({"deploymentId": "dpl_2", "name": "web", "customEnvironmentSlugOrId": "env_s", "meta": {"action": "redeploy"}})
    );
    let since = Since {
        written_at: Some(at(0)),
        activation: None,
    };
    assert_eq!(
        target.confirm(service, since),
        Ok(stale("deployment dpl_2 of 2026-03-01 11:59:59 UTC"))
    );
}

#[test]
fn a_shared_variable_of_a_project_that_the_token_does_not_see_is_refused() {
    let shared = json!({
        "data": [{"id": "env_1", "key": "KEY", "type": "sensitive", "target": ["production"], "projectId": ["prj_web", "prj_hidden"], "updatedAt": NOW}],
        "pagination": {"next": null},
    });
    let server = Server::start(vec![
        projects(&["web"]),
        Answer::Json(200, shared),
        rows(json!([])),
    ]);
    let fault = target(&server, json!({"variable": "KEY"}))
        .sites(Pass(1))
        .expect_err("nobody would redeploy it");
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(
        fault.what.ends_with(
            "the shared variable `KEY` is linked to 1 project that the token does not see"
        ),
        "{}",
        fault.what
    );
}
