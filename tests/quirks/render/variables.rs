//! What is listed, what a write changes, and what a group does to its services.

use serde_json::{Value, json};

use super::*;
use crate::support::world::{GroupWrite, Service};

#[test]
fn errors_are_an_id_and_a_message() {
    let (_, world, _) = api();
    let reply = Caller::new(world.render_url(), "rnd_wrong".into()).get("/services");
    assert_eq!(
        (reply.status, reply.json()),
        (
            401,
            json!({"id": "err-simulated", "message": "unauthorized"})
        )
    );
    assert_eq!(render(&world).get("/services/srv-none").status, 404);
}

#[test]
fn replies_tell_the_rate_limit() {
    let (_, world, _) = api();
    let reply = render(&world).get("/users");
    let limits = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        .map(|name| reply.header(name));
    assert_eq!(limits, [Some("400"), Some("399"), Some("60")]);
    let reply = render(&world).put(&at(&world, "/env-vars/A"), &json!({"value": "1"}));
    assert_eq!(reply.header("ratelimit-remaining"), Some("29"));
}

#[test]
fn services_are_listed_with_cursors_until_a_page_is_empty() {
    let (_, world, key) = still_world();
    let names: Vec<String> = (1..=3).map(|number| format!("s{number}")).collect();
    world.add_services(names.iter().map(String::as_str), &[(KEY, &key.value)]);
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = render(&world)
            .get(&format!("/services?limit=2{cursor}"))
            .json();
        let page = page.as_array().expect("a list").clone();
        let Some(last) = page.last() else { break };
        cursor = format!(
            "&cursor={}",
            last["cursor"]
                .as_str()
                .expect("a cursor")
                .replace('=', "%3D")
        );
        seen.extend(page.iter().map(|item| item["service"]["name"].clone()));
    }
    assert_eq!(seen, ["s1", "s2", "s3"]);
    assert_eq!(world.counts()["render.list_services"], 3);
}

#[test]
fn previews_are_listed_unless_told_otherwise() {
    let (_, world, value) = api();
    world.add_service(
        Service::named("api-pr-7")
            .variable(KEY, &value)
            .preview_of("api"),
    );
    world.add_service(Service::named("nap").variable(KEY, &value).suspended());
    let names = |query: &str| {
        let listed = render(&world).get(&format!("/services{query}")).json();
        let items = listed.as_array().expect("a list").clone();
        items
            .iter()
            .map(|item| item["service"]["name"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(names(""), ["api", "api-pr-7", "nap"]);
    assert_eq!(names("?includePreviews=false"), ["api", "nap"]);
    assert_eq!(
        names("?includePreviews=false&suspended=not_suspended"),
        ["api"]
    );
}

#[test]
fn a_write_stores_and_changes_nothing_that_runs() {
    let (_, world, old) = api();
    write(&world, NEW);
    let listed = render(&world).get(&at(&world, "/env-vars")).json();
    assert_eq!(listed[1]["envVar"], json!({"key": KEY, "value": NEW}));
    assert_eq!(runs(&world), [(old, false)]);
    assert_eq!(world.stored()[1].site, "render/api");
}

#[test]
fn a_restart_runs_the_same_old_variables() {
    let (calendar, world, old) = api();
    write(&world, NEW);
    calendar.advance(seconds(60));
    assert_eq!(
        render(&world)
            .post(&at(&world, "/restart"), &json!({}))
            .status,
        200
    );
    assert_eq!(runs(&world), [(old, false)]);
    let instances = render(&world).get(&at(&world, "/instances")).json();
    assert_eq!(instances[0]["createdAt"], "2024-01-19T09:01:00.000Z");
}

#[test]
fn replacing_all_variables_destroys_and_is_blamed() {
    let (_, world, _) = api();
    let reply = render(&world).put(
        &at(&world, "/env-vars"),
        &json!([{"key": KEY, "value": NEW}]),
    );
    assert_eq!(reply.json().as_array().map(Vec::len), Some(1));
    assert_eq!(
        world.violations()[0].rule,
        "replaces all variables of a service"
    );
    assert_eq!(world.stored().len(), 1);
}

#[test]
fn a_services_own_variable_beats_its_groups() {
    let (_, world, key) = still_world();
    let other = world.seed_key("second", "2024-01-01T00:00:00Z");
    world.add_group("common", &[(KEY, &other.value), ("MODE", "production")]);
    world.add_service(
        Service::named("api")
            .group("common")
            .variable(KEY, &key.value),
    );
    world.add_service(
        Service::named("worker")
            .kind("background_worker")
            .group("common"),
    );
    assert_eq!(runs(&world), [(key.value, false), (other.value, false)]);
    assert_eq!(
        render(&world).get(&at(&world, "/env-vars/MODE")).status,
        404
    );
    let groups = render(&world).get("/env-groups").json();
    assert_eq!(groups[0]["serviceLinks"][1]["type"], "worker");
    assert_eq!(groups[0].get("envVars"), None);
}

#[test]
fn a_write_to_a_group_deploys_its_services_only_if_the_world_says_so() {
    let (calendar, world, key) = still_world();
    world.add_group("common", &[(KEY, &key.value)]);
    world.add_service(Service::named("api").group("common"));
    let id = render(&world).get("/env-groups").json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/env-groups/{id}/env-vars/{KEY}");
    let put = || render(&world).put(&path, &json!({"value": NEW})).json();
    assert_eq!(put()["envVars"], json!([{"key": KEY, "value": NEW}]));
    calendar.advance(seconds(60));
    assert_eq!(runs(&world), [(key.value, false)]);
    world.set(|settings| settings.render_group_write = GroupWrite::Deploys);
    put();
    calendar.advance(seconds(600));
    assert_eq!(runs(&world), [(NEW.to_owned(), false)]);
    let newest = render(&world).get(&at(&world, "/deploys")).json()[0]["deploy"].clone();
    assert_eq!(newest["trigger"], "service_updated");
}

#[test]
fn a_variable_that_hides_its_groups_is_blamed() {
    let (_, world, key) = still_world();
    world.add_group("common", &[(KEY, &key.value)]);
    world.add_service(Service::named("api").group("common"));
    write(&world, NEW);
    assert_eq!(world.violations()[0].rule, "hides a group's variable");
}

#[test]
fn a_suspended_service_runs_nothing_until_it_is_resumed_with_what_is_stored() {
    let (calendar, world, key) = still_world();
    world.add_service(Service::named("nap").variable(KEY, &key.value).suspended());
    write(&world, NEW);
    assert_eq!(runs(&world), []);
    let wish = json!({"deployMode": "deploy_only"});
    assert_eq!(
        render(&world).post(&at(&world, "/deploys"), &wish).status,
        400
    );
    world.resume_service("nap");
    calendar.advance(seconds(60));
    assert_eq!(runs(&world), [(NEW.to_owned(), false)]);
}

#[test]
fn a_value_can_be_deleted_or_made_up_by_render() {
    let (_, world, _) = api();
    let made = render(&world)
        .put(
            &at(&world, "/env-vars/TOKEN"),
            &json!({"generateValue": true}),
        )
        .json();
    let value = made["value"].as_str().expect("a value").to_owned();
    assert!(world.all_secret_values().contains(&value));
    assert_eq!(
        render(&world).delete(&at(&world, "/env-vars/TOKEN")).status,
        204
    );
    assert_eq!(
        render(&world).delete(&at(&world, "/env-vars/TOKEN")).status,
        404
    );
}
