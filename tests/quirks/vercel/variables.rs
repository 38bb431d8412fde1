//! What is listed, what a write changes, and whom it may not touch.

use serde_json::{Value, json};

use super::*;
use crate::support::world::{EnvShape, Kind, Paging, Project, Row};

#[test]
fn a_wrong_token_is_named_as_such() {
    let (_, world, _) = web();
    let reply = Caller::new(world.vercel_url(), "vcp_wrong".into()).get("/v2/user");
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["error"]["invalidToken"], true);
}

#[test]
fn a_missing_scope_finds_nothing_and_a_strange_one_is_forbidden() {
    let (_, world, _) = web();
    let bare = Caller::new(world.vercel_url(), world.vercel_token());
    assert_eq!(bare.get("/v9/projects/web").status, 404);
    assert_eq!(bare.get("/v10/projects").json()["projects"], json!([]));
    assert_eq!(bare.get("/v9/projects/web?slug=other").status, 403);
    assert_eq!(bare.get("/v9/projects/web?slug=acme").status, 200);
    let team = bare.get("/v2/teams").json()["teams"][0]["id"].clone();
    let path = format!("/v9/projects/web?teamId={}", team.as_str().expect("an id"));
    assert_eq!(bare.get(&path).json()["accountId"], team);
    world.vercel_without_team();
    assert_eq!(bare.get("/v9/projects/web").status, 200);
    assert_eq!(bare.get("/v9/projects/web?slug=acme").status, 403);
}

#[test]
fn the_next_page_of_projects_is_a_token_or_a_number() {
    let (_, world, key) = still_world();
    let names: Vec<String> = (1..=5).map(|number| format!("p{number}")).collect();
    world.add_projects(names.iter().map(String::as_str), &[(KEY, &key.value)]);
    for (paging, from) in [
        (Paging::Token, "page%3A2%3D%2B%2F"),
        (Paging::Number, "1700000000002"),
    ] {
        world.set(|settings| settings.vercel_paging = paging);
        let page = vercel(&world).get("/v10/projects?limit=2").json();
        assert_eq!(
            page["pagination"]["next"].is_string(),
            paging == Paging::Token
        );
        let page = vercel(&world)
            .get(&format!("/v10/projects?limit=3&from={from}"))
            .json();
        assert_eq!(page["projects"][2]["name"], "p5");
        assert_eq!(page["pagination"], json!({"count": 3, "next": null}));
    }
}

#[test]
fn variables_are_listed_in_three_shapes() {
    let (_, world, value) = web();
    let list = || {
        vercel(&world)
            .get("/v10/projects/web/env?decrypt=true")
            .json()
    };
    assert_eq!(list()["envs"][0]["value"], value);
    world.change_project("web", |project| project.shape = EnvShape::Single);
    assert_eq!(list()["value"], value);
    assert_eq!(list().get("envs"), None);
    world.change_project("web", |project| {
        project.shape = EnvShape::Pages(1);
        project.rows.push(Row::new("OTHER", "x"));
    });
    assert_eq!(
        list()["pagination"],
        json!({"count": 1, "next": 1, "prev": null})
    );
    let second = vercel(&world)
        .get("/v10/projects/web/env?decrypt=true&until=1")
        .json();
    assert_eq!(second["envs"][0]["key"], "OTHER");
    assert_eq!(second["pagination"]["next"], Value::Null);
}

#[test]
fn only_readable_kinds_show_their_value() {
    let (_, world, key) = still_world();
    let row = |kind: Kind, name: &str| Row::new(name, &key.value).kind(kind);
    let project = Project::named("web")
        .row(row(Kind::Plain, "A"))
        .row(row(Kind::Encrypted, "B"));
    world.add_project(project.row(row(Kind::Sensitive, "C")));
    let shown = |query: &str| {
        let rows = rows(&world, query);
        [0, 1, 2].map(|number| rows[number]["value"] == key.value.as_str())
    };
    assert_eq!(shown(""), [true, false, false]);
    assert_eq!(shown("?decrypt=true"), [true, true, false]);
    let read = |number| {
        vercel(&world)
            .get(&format!("/v1/projects/web/env/{}", row_id(&world, number)))
            .json()
    };
    assert_eq!(read(1)["value"], key.value);
    assert_eq!(read(2).get("value"), None);
    assert_eq!(read(2)["decrypted"], false);
}

#[test]
fn a_single_target_is_sometimes_a_string() {
    let (_, world, key) = still_world();
    let project = Project::named("web")
        .variable("A", &key.value)
        .variable("B", &key.value);
    world.add_project(project.row(Row::new("C", &key.value).on(&["production", "preview"])));
    let rows = rows(&world, "");
    assert_eq!(rows[0]["target"], json!(["production"]));
    assert_eq!(rows[1]["target"], json!("production"));
    assert_eq!(rows[2]["target"], json!(["production", "preview"]));
}

#[test]
fn a_write_moves_updated_at_and_changes_nothing_that_runs() {
    let (calendar, world, old) = web();
    calendar.advance(seconds(60));
    let row = write(&world, "sk-new-value-000000");
    assert_eq!(row["updatedAt"], 1_705_654_860_000_i64);
    assert_ne!(row["value"], "sk-new-value-000000");
    assert_eq!(world.stored()[0].value, "sk-new-value-000000");
    assert_eq!(world.stored()[0].site, "vercel/web:production");
    assert_eq!(runs(&world), [old]);
}

#[test]
fn a_sensitive_value_can_be_changed_and_never_becomes_readable() {
    let (_, world, key) = still_world();
    world.add_project(Project::named("web").row(Row::new(KEY, &key.value).kind(Kind::Sensitive)));
    assert_eq!(write(&world, "sk-new-value-000000").get("value"), None);
    assert_eq!(world.stored()[0].value, "sk-new-value-000000");
    let path = format!("/v9/projects/web/env/{}", row_id(&world, 0));
    assert_eq!(
        vercel(&world)
            .patch(&path, &json!({"type": "encrypted"}))
            .status,
        400
    );
    let wish = json!({"key": "D", "value": "v", "type": "sensitive", "target": ["development"]});
    assert_eq!(
        vercel(&world).post("/v10/projects/web/env", &wish).status,
        400
    );
}

#[test]
fn a_row_of_an_integration_or_of_the_system_must_be_left_alone() {
    let (_, world, key) = still_world();
    let project = Project::named("web").row(Row::new(KEY, &key.value).integration("icfg_1"));
    world.add_project(project);
    assert_eq!(rows(&world, "")[0]["configurationId"], "icfg_1");
    write(&world, "sk-new-value-000000");
    world.change_project("web", |project| {
        project.rows[0].integration = None;
        project.rows[0].kind = Kind::System;
    });
    write(&world, "sk-new-value-000000");
    let rules: Vec<_> = world
        .violations()
        .iter()
        .map(|found| (found.rule, found.detail.clone()))
        .collect();
    let rule = (
        "overwrites a row it does not own",
        "web OPENAI_API_KEY".to_owned(),
    );
    assert_eq!(rules, [rule.clone(), rule]);
}

#[test]
fn a_patch_that_changes_targets_is_blamed() {
    let (_, world, value) = web();
    let path = format!("/v9/projects/web/env/{}", row_id(&world, 0));
    vercel(&world).patch(&path, &json!({"value": value, "target": ["production"]}));
    assert_eq!(world.violations(), []);
    vercel(&world).patch(
        &path,
        &json!({"value": value, "target": ["production", "preview"]}),
    );
    assert_eq!(
        world.violations()[0].rule,
        "changes more of a row than its value"
    );
}

#[test]
fn a_create_that_exists_is_refused_unless_upserted() {
    let (_, world, _) = web();
    let wish = json!({"key": KEY, "value": "sk-new-value-000000", "type": "encrypted", "target": ["production"]});
    let reply = vercel(&world).post("/v10/projects/web/env", &wish);
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (403, &json!("ENV_ALREADY_EXISTS"))
    );
    let id = row_id(&world, 0);
    let reply = vercel(&world).post("/v10/projects/web/env?upsert=true", &wish);
    assert_eq!(
        (reply.status, &reply.json()["created"]["id"]),
        (201, &json!(id))
    );
    assert_eq!(world.stored().len(), 1);
}

#[test]
fn a_create_may_succeed_with_failures_inside() {
    let (_, world, _) = web();
    let wish =
        |key: &str| json!({"key": key, "value": "v", "type": "plain", "target": ["production"]});
    let reply = vercel(&world).post("/v10/projects/web/env", &json!([wish("A"), wish(KEY)]));
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json()["created"].as_array().map(Vec::len), Some(1));
    assert_eq!(reply.json()["failed"][0]["error"]["envVarKey"], KEY);
    world.change_project("web", |project| project.next_create_fails = true);
    let reply = vercel(&world).post("/v10/projects/web/env", &wish("B"));
    assert_eq!(
        (
            reply.status,
            reply.json()["failed"].as_array().map(Vec::len)
        ),
        (201, Some(1))
    );
    assert_eq!(
        vercel(&world)
            .post("/v10/projects/web/env", &wish("B"))
            .json()["failed"],
        json!([])
    );
}

#[test]
fn rows_of_a_branch_and_of_a_custom_environment_stand_by_themselves() {
    let (calendar, world, key) = still_world();
    let other = world.seed_key("second", "2024-01-01T00:00:00Z");
    let project = Project::named("web")
        .environment("staging")
        .variable(KEY, &key.value);
    let project = project.row(Row::new(KEY, &other.value).custom("staging"));
    world.add_project(project.row(Row::new(KEY, &other.value).branch("next")));
    let sites: Vec<String> = world
        .stored()
        .into_iter()
        .map(|stored| stored.site)
        .collect();
    assert_eq!(
        sites,
        [
            "vercel/web:production",
            "vercel/web:staging",
            "vercel/web:preview#next"
        ]
    );
    let services: Vec<_> = world
        .running()
        .into_iter()
        .map(|run| (run.service, run.value))
        .collect();
    assert_eq!(
        services,
        [
            ("vercel/web".to_owned(), key.value),
            ("vercel/web/staging".to_owned(), other.value),
        ]
    );
    let environments = vercel(&world)
        .get("/v9/projects/web/custom-environments")
        .json();
    let id = environments["environments"][0]["id"].clone();
    let only = rows(
        &world,
        &format!("?customEnvironmentId={}", id.as_str().expect("an id")),
    );
    assert_eq!(only[0]["customEnvironmentIds"], json!([id]));
    assert_eq!(rows(&world, "")[2]["gitBranch"], "next");
    let path = format!("/v9/projects/web/env/{}", row_id(&world, 1));
    vercel(&world).patch(&path, &json!({"value": "sk-new-value-000000"}));
    let wish = json!({"deploymentId": production(&world), "name": "web", "customEnvironmentSlugOrId": "staging"});
    let made = vercel(&world)
        .post("/v13/deployments?forceNew=1", &wish)
        .json();
    assert_eq!(made["customEnvironment"]["slug"], "staging");
    calendar.advance(seconds(60));
    assert_eq!(runs(&world)[1], "sk-new-value-000000");
}

#[test]
fn a_shared_variable_reaches_each_project_with_its_next_deployment() {
    let (calendar, world, key) = still_world();
    world.add_projects(["web", "docs"], &[]);
    world.add_shared(KEY, &key.value, Kind::Encrypted, &["web", "docs"]);
    assert_eq!(runs(&world), [key.value.clone(), key.value.clone()]);
    let listed = vercel(&world).get("/v1/env?search=OPENAI").json()["data"][0].clone();
    assert_eq!(listed["projectId"].as_array().map(Vec::len), Some(2));
    let id = listed["id"].as_str().expect("an id");
    assert_eq!(
        vercel(&world).get(&format!("/v1/env/{id}")).json()["value"],
        key.value
    );
    let change =
        json!({"updates": {id: {"value": "sk-new-value-000000"}, "env_no": {"value": "x"}}});
    let reply = vercel(&world).patch("/v1/env", &change).json();
    assert_eq!(reply["updated"][0]["id"], id);
    assert_eq!(reply["failed"][0]["error"]["code"], "ID_NOT_FOUND");
    redeploy(&world);
    calendar.advance(seconds(60));
    assert_eq!(runs(&world), ["sk-new-value-000000".to_owned(), key.value]);
}
