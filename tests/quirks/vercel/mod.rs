//! The quirks of Vercel.

use serde_json::{Value, json};

use crate::client::{Caller, seconds, still_world, vercel};
use crate::support::world::{Calendar, EnvShape, Kind, Paging, Project, Row, Verdict, World};

const KEY: &str = "OPENAI_API_KEY";

/// One project `web` whose production runs with the first key.
fn web() -> (Calendar, World, String) {
    let (calendar, world, key) = still_world();
    world.add_projects(["web"], &[(KEY, &key.value)]);
    (calendar, world, key.value)
}

fn rows(world: &World, query: &str) -> Value {
    vercel(world)
        .get(&format!("/v10/projects/web/env{query}"))
        .json()["envs"]
        .clone()
}

fn row_id(world: &World, number: usize) -> String {
    let mut id = String::new();
    world.change_project("web", |project| id.clone_from(&project.rows[number].id));
    id
}

fn project(world: &World) -> Value {
    vercel(world).get("/v9/projects/web").json()
}

fn production(world: &World) -> String {
    let id = project(world)["targets"]["production"]["id"].clone();
    id.as_str().expect("an id").to_owned()
}

fn write(world: &World, value: &str) -> Value {
    let path = format!("/v9/projects/web/env/{}", row_id(world, 0));
    let reply = vercel(world).patch(&path, &json!({"value": value}));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn redeploy(world: &World) -> String {
    let wish = json!({"deploymentId": production(world), "name": "web", "target": "production"});
    let reply = vercel(world).post("/v13/deployments?forceNew=1", &wish);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["id"].as_str().expect("an id").to_owned()
}

fn deployment(world: &World, id: &str) -> Value {
    vercel(world).get(&format!("/v13/deployments/{id}")).json()
}

fn runs(world: &World) -> Vec<String> {
    world
        .running()
        .into_iter()
        .map(|running| running.value)
        .collect()
}

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
fn a_redeploy_takes_the_variables_of_its_creation_and_serves_after_build_and_alias() {
    let (calendar, world, old) = web();
    write(&world, "sk-new-value-000000");
    let before = production(&world);
    let id = redeploy(&world);
    write(&world, "sk-later-value-0000");
    let state = || {
        let body = deployment(&world, &id);
        (
            body["readyState"].as_str().map(str::to_owned),
            body["aliasAssigned"].as_bool(),
        )
    };
    let is = |word: &str, aliased| (Some(word.to_owned()), Some(aliased));
    assert_eq!(state(), is("QUEUED", false));
    calendar.advance(seconds(5));
    assert_eq!(state(), is("BUILDING", false));
    calendar.advance(seconds(35));
    assert_eq!(state(), is("READY", false));
    assert_eq!((production(&world), runs(&world)), (before, vec![old]));
    calendar.advance(seconds(2));
    assert_eq!(state(), is("READY", true));
    assert_eq!(
        (production(&world), runs(&world)),
        (id.clone(), vec!["sk-new-value-000000".to_owned()])
    );
    assert_eq!(deployment(&world, &id)["readySubstate"], "PROMOTED");
    assert_eq!(deployment(&world, &id)["env"], json!([KEY]));
    assert_eq!(world.violations(), []);
}

#[test]
fn a_redeploy_without_a_target_is_a_preview_and_without_a_name_nothing() {
    let (calendar, world, _) = web();
    let before = production(&world);
    let wish = json!({"deploymentId": before, "name": "web"});
    let made = vercel(&world)
        .post("/v13/deployments?forceNew=1", &wish)
        .json();
    assert_eq!(made["target"], Value::Null);
    calendar.advance(seconds(60));
    assert_eq!(production(&world), before);
    let nameless = json!({"deploymentId": before, "target": "production"});
    assert_eq!(
        vercel(&world).post("/v13/deployments", &nameless).status,
        400
    );
}

#[test]
fn a_redeploy_keeps_the_commit_and_repeats_make_more() {
    let (_, world, _) = web();
    let commit = deployment(&world, &production(&world))["meta"]["githubCommitSha"].clone();
    world.change_project("web", |project| project.newest_commit = "unreviewed".into());
    let (first, second) = (redeploy(&world), redeploy(&world));
    assert_ne!(first, second);
    assert_eq!(
        deployment(&world, &first)["meta"]["githubCommitSha"],
        commit
    );
    assert_eq!(world.violations(), []);
    let wish = json!({"deploymentId": first, "name": "web", "withLatestCommit": true});
    let made = vercel(&world)
        .post("/v13/deployments?forceNew=1", &wish)
        .json();
    assert_eq!(made["meta"]["githubCommitSha"], "unreviewed");
    assert_eq!(world.violations()[0].rule, "deploys code nobody asked for");
}

#[test]
fn a_deployment_can_fail_or_never_be_aliased() {
    let (calendar, world, old) = web();
    write(&world, "sk-new-value-000000");
    world.change_project("web", |project| project.next_verdict = Some(Verdict::Fails));
    let failed = redeploy(&world);
    world.change_project("web", |project| project.verdict = Verdict::NeverAliased);
    let stuck = redeploy(&world);
    calendar.advance(seconds(3600));
    assert_eq!(deployment(&world, &failed)["readyState"], "ERROR");
    assert_eq!(deployment(&world, &stuck)["readyState"], "READY");
    assert_eq!(deployment(&world, &stuck)["aliasAssigned"], false);
    assert_eq!(runs(&world), [old]);
}

#[test]
fn a_cancelled_deployment_never_serves() {
    let (calendar, world, _) = web();
    let before = production(&world);
    let id = redeploy(&world);
    let cancel = || vercel(&world).patch(&format!("/v12/deployments/{id}/cancel"), &json!({}));
    assert_eq!(cancel().json()["readyState"], "CANCELED");
    calendar.advance(seconds(60));
    assert_eq!(production(&world), before);
    assert_eq!(cancel().status, 400);
}

#[test]
fn a_rollback_is_instant_brings_the_old_key_back_and_leaves_later_deployments_staged() {
    let (calendar, world, old) = web();
    let first = production(&world);
    write(&world, "sk-new-value-000000");
    let second = redeploy(&world);
    calendar.advance(seconds(60));
    let id = project(&world)["id"].as_str().expect("an id").to_owned();
    let post = |verb: &str, to: &str| {
        vercel(&world).post(&format!("/v{verb}/{to}").replace("ID", &id), &json!({}))
    };
    assert_eq!(post("1/projects/ID/rollback", &first).status, 201);
    assert_eq!(production(&world), first);
    assert_eq!(runs(&world), [old]);
    assert_eq!(world.stored()[0].value, "sk-new-value-000000");
    assert_eq!(project(&world)["autoAssignCustomDomains"], false);
    let request = project(&world)["lastAliasRequest"].clone();
    assert_eq!(
        (&request["type"], &request["jobStatus"]),
        (&json!("rollback"), &json!("succeeded"))
    );
    assert_eq!(request["fromDeploymentId"], second);
    let third = redeploy(&world);
    calendar.advance(seconds(60));
    assert_eq!(deployment(&world, &third)["readySubstate"], "STAGED");
    assert_eq!(production(&world), first);
    assert_eq!(post("10/projects/ID/promote", &third).status, 201);
    assert_eq!(project(&world)["lastAliasRequest"]["jobStatus"], "pending");
    calendar.advance(seconds(2));
    assert_eq!(production(&world), third);
    assert_eq!(project(&world)["autoAssignCustomDomains"], true);
    assert_eq!(post("10/projects/ID/promote", &third).status, 409);
}

#[test]
fn a_staged_deployment_that_never_served_is_no_rollback_candidate() {
    let (calendar, world, _) = web();
    world.change_project("web", |project| project.auto_assign = false);
    let staged = redeploy(&world);
    calendar.advance(seconds(60));
    let path = format!("/v1/projects/web/rollback/{staged}");
    assert_eq!(vercel(&world).post(&path, &json!({})).status, 422);
}

#[test]
fn deployments_are_listed_newest_first_under_other_names() {
    let (calendar, world, _) = web();
    let first = production(&world);
    calendar.advance(seconds(10));
    let second = redeploy(&world);
    let id = project(&world)["id"].as_str().expect("an id").to_owned();
    for version in [6, 7] {
        let list = |query: &str| {
            vercel(&world)
                .get(&format!("/v{version}/deployments?projectId={id}{query}"))
                .json()
        };
        let page = list("&limit=1");
        assert_eq!(
            (
                &page["deployments"][0]["uid"],
                &page["deployments"][0]["state"]
            ),
            (&json!(second), &json!("QUEUED"))
        );
        let next = page["pagination"]["next"].as_i64().expect("a time");
        assert_eq!(next, 1_705_654_810_000);
        assert_eq!(
            list(&format!("&until={next}"))["deployments"][0]["uid"],
            first
        );
        assert_eq!(
            list("&state=READY,ERROR&target=production")["deployments"][0]["uid"],
            first
        );
    }
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

#[test]
fn a_slow_deployment_does_not_take_the_domains_from_a_newer_one() {
    let (calendar, world, _) = web();
    redeploy(&world);
    world.set(|settings| settings.vercel_build = seconds(10));
    let newer = redeploy(&world);
    calendar.advance(seconds(12));
    assert_eq!(production(&world), newer);
    calendar.advance(seconds(60));
    assert_eq!(production(&world), newer);
}
