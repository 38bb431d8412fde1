//! Environment groups, each linked to several services.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::settings::GroupWrite;
use super::super::state::State;
use super::{Group, env, life, page, refuse, time};

/// Groups without their values; each with the services it is linked to.
pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let groups = &state.render.groups;
    let items = groups
        .iter()
        .map(|group| (group.id.clone(), body(state, group)));
    page(request, "", items.collect())
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let index = find(state, &arguments[0])?;
    Ok(Reply::json(200, &with_values(state, index)))
}

pub(super) fn read_variable(
    state: &mut State,
    _: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find(state, &arguments[0])?;
    match state.render.groups[index].variables.get(&arguments[1]) {
        Some(value) => Ok(Reply::json(
            200,
            &json!({"key": arguments[1], "value": value}),
        )),
        None => Err(refuse(404, "environment variable not found")),
    }
}

/// Sets one variable; may deploy every linked service that deploys by itself.
pub(super) fn put_variable(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find(state, &arguments[0])?;
    let value = env::wished_value(state, &request.json())?;
    let now = state.now;
    let group = &mut state.render.groups[index];
    group.variables.insert(arguments[1].clone(), value);
    group.updated_at = now;
    if state.settings.render_group_write == GroupWrite::Deploys {
        let id = state.render.groups[index].id.clone();
        let services = &state.render.services;
        let linked: Vec<usize> = (0..services.len())
            .filter(|number| {
                let service = &services[*number];
                service.groups.contains(&id) && service.auto_deploy && !service.suspended
            })
            .collect();
        for service in linked {
            life::deploy_same_code(state, service, "service_updated");
        }
    }
    Ok(Reply::json(200, &with_values(state, index)))
}

fn find(state: &State, id: &str) -> Result<usize, Reply> {
    state
        .render
        .groups
        .iter()
        .position(|group| group.id == id)
        .ok_or_else(|| refuse(404, "env group not found"))
}

fn with_values(state: &State, index: usize) -> Value {
    let group = &state.render.groups[index];
    let mut body = body(state, group);
    let variables = group.variables.iter();
    body["envVars"] = variables
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    body["secretFiles"] = json!([]);
    body
}

fn body(state: &State, group: &Group) -> Value {
    let links: Vec<Value> = state
        .render
        .services
        .iter()
        .filter(|service| service.groups.contains(&group.id))
        .map(
            |service| json!({"id": service.id, "name": service.name, "type": short(&service.kind)}),
        )
        .collect();
    json!({
        "id": group.id,
        "name": group.name,
        "ownerId": state.render.owner,
        "createdAt": time(group.created_at),
        "updatedAt": time(group.updated_at),
        "serviceLinks": links,
    })
}

/// Links name the kinds of services otherwise than the list of services does.
fn short(kind: &str) -> &str {
    match kind {
        "static_site" => "static",
        "private_service" => "pserv",
        "background_worker" => "worker",
        "cron_job" => "cron",
        _ => "web",
    }
}
