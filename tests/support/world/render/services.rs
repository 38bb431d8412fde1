//! Who owns the key, the list of services, and what a service runs on.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{Service, find_service, page, refuse, time};

pub(super) fn user(_: &mut State, _: &Request, _: &[String]) -> Result<Reply, Reply> {
    Ok(Reply::json(
        200,
        &json!({"email": "ops@acme.test", "name": "Ops"}),
    ))
}

pub(super) fn owners(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let id = state.render.owner.clone();
    let owner = json!({"id": id, "name": "Acme", "email": "ops@acme.test", "type": "team"});
    page(request, "owner", vec![(id, owner)])
}

/// Previews are in the list unless told otherwise.
pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let (names, kinds) = (request.query_list("name"), request.query_list("type"));
    let (owners, suspended) = (
        request.query_list("ownerId"),
        request.query_list("suspended"),
    );
    let previews = request.query("includePreviews").as_deref() != Some("false");
    let one_of =
        |wanted: &[String], word: &str| wanted.is_empty() || wanted.iter().any(|wish| wish == word);
    let found = state
        .render
        .services
        .iter()
        .filter(|service| previews || service.preview_of.is_none())
        .filter(|service| one_of(&names, &service.name) && one_of(&kinds, &service.kind))
        .filter(|service| one_of(&suspended, suspension(service)))
        .filter(|_| one_of(&owners, &state.render.owner))
        .map(|service| (service.id.clone(), body(state, service)))
        .collect();
    page(request, "service", found)
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let index = find_service(state, &arguments[0])?;
    Ok(Reply::json(
        200,
        &body(state, &state.render.services[index]),
    ))
}

/// The instances that run now, those that drain included. A restart replaces them all with younger ones.
pub(super) fn instances(
    state: &mut State,
    _: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let service = &state.render.services[find_service(state, &arguments[0])?];
    let instances: Vec<Value> = service
        .running(state.now)
        .map(|deploy| {
            let started = deploy.started_at.unwrap_or(deploy.created_at);
            let since = service
                .restarted_at
                .map_or(started, |again| again.max(started));
            let suffix = deploy.id.trim_start_matches("dep-").to_lowercase();
            json!({"id": format!("{}-{suffix}", service.id), "createdAt": time(since)})
        })
        .collect();
    Ok(Reply::json(200, &json!(instances)))
}

/// New instances of the same deploy, with the same old variables.
pub(super) fn restart(
    state: &mut State,
    _: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find_service(state, &arguments[0])?;
    let now = state.now;
    let service = &mut state.render.services[index];
    if service.suspended {
        return Err(refuse(400, "the service is suspended"));
    }
    service.restarted_at = Some(now);
    Ok(Reply::empty(200))
}

fn suspension(service: &Service) -> &'static str {
    if service.suspended {
        "suspended"
    } else {
        "not_suspended"
    }
}

fn body(state: &State, service: &Service) -> Value {
    let mut body = json!({
        "id": service.id,
        "name": service.name,
        "slug": service.name,
        "type": service.kind,
        "ownerId": state.render.owner,
        "autoDeploy": if service.auto_deploy { "yes" } else { "no" },
        "branch": "main",
        "repo": format!("https://github.com/acme/{}", service.name),
        "rootDir": "",
        "notifyOnFail": "default",
        "suspended": suspension(service),
        "suspenders": if service.suspended { vec!["user"] } else { Vec::new() },
        "dashboardUrl": format!("https://dashboard.render.com/web/{}", service.id),
        "createdAt": time(service.created_at),
        "updatedAt": time(service.created_at),
        "serviceDetails": {"numInstances": 1, "plan": "starter", "region": "frankfurt"},
    });
    if let Some(parent) = &service.preview_of {
        let id = state
            .render
            .services
            .iter()
            .find(|other| other.name == *parent)
            .map(|other| &other.id);
        body["serviceDetails"]["parentServer"] = json!({"id": id, "name": parent});
    }
    body
}
