//! The quirks of Vercel.

mod deployments;
mod variables;

use serde_json::{Value, json};

use crate::client::{Caller, seconds, still_world, vercel};
use crate::support::world::{Calendar, World};

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
