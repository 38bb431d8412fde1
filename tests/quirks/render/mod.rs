//! The quirks of Render.

mod deploys;
mod variables;

use serde_json::json;

use crate::client::{Caller, render, seconds, still_world};
use crate::support::world::{Calendar, World};

const KEY: &str = "OPENAI_API_KEY";

const NEW: &str = "sk-new-value-000000";

/// One service `api` that runs with the first key.
fn api() -> (Calendar, World, String) {
    let (calendar, world, key) = still_world();
    world.add_services(["api"], &[(KEY, &key.value), ("MODE", "production")]);
    (calendar, world, key.value)
}

/// `/services/ID` of the first service.
fn at(world: &World, rest: &str) -> String {
    let listed = render(world).get("/services").json();
    format!(
        "/services/{}{rest}",
        listed[0]["service"]["id"].as_str().expect("an id")
    )
}

fn write(world: &World, value: &str) {
    let reply = render(world).put(
        &at(world, &format!("/env-vars/{KEY}")),
        &json!({"value": value}),
    );
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"key": KEY, "value": value}))
    );
}

fn deploy(world: &World) -> String {
    let reply = render(world).post(
        &at(world, "/deploys"),
        &json!({"deployMode": "deploy_only"}),
    );
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.json()["id"].as_str().expect("an id").to_owned()
}

fn status(world: &World, id: &str) -> String {
    let body = render(world)
        .get(&at(world, &format!("/deploys/{id}")))
        .json();
    body["status"].as_str().expect("a status").to_owned()
}

fn runs(world: &World) -> Vec<(String, bool)> {
    let running = world
        .running()
        .into_iter()
        .filter(|running| running.variable == KEY);
    running
        .map(|running| (running.value, running.draining))
        .collect()
}
