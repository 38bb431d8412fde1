//! The calls about deploys: ask for one, look at them, cancel one, roll back to one.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::settings::DeployReply;
use super::super::state::State;
use super::life::{Build, Recipe, launch, same_code};
use super::{Deploy, Status, find_service, page, refuse, time};

/// Deploys what `deployMode` says: the live build again, or by default a build of the newest commit.
pub(super) fn create(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let service = find_service(state, &arguments[0])?;
    let wish = request.json();
    let Some(fields) = wish.as_object() else {
        return Err(refuse(400, "a JSON body is required"));
    };
    if state.render.services[service].suspended {
        return Err(refuse(400, "the service is suspended"));
    }
    let deploy_only = wish["deployMode"] == "deploy_only";
    let others = ["clearCache", "commitId", "imageUrl"];
    if deploy_only && others.iter().any(|name| fields.contains_key(*name)) {
        return Err(refuse(400, "deploy_only goes with no other field"));
    }
    let mut recipe = same_code(state, service, "api");
    if !deploy_only {
        recipe.build = Build::Made;
        let owner = &state.render.services[service];
        let wanted = wish["commitId"].as_str().unwrap_or(&owner.newest_commit);
        if wanted != recipe.commit {
            let detail = format!("{} at {wanted} instead of {}", owner.name, recipe.commit);
            state.log.blame("deploys code nobody asked for", detail);
            recipe.commit = wanted.to_owned();
        }
    }
    let index = launch(state, service, recipe);
    Ok(match state.settings.render_reply {
        DeployReply::Created => {
            Reply::json(201, &body(&state.render.services[service].deploys[index]))
        }
        DeployReply::Accepted => Reply::empty(202),
    })
}

/// A new deploy with the older one's code and own variables; groups keep their present values, and so does what is stored.
pub(super) fn rollback(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let service = find_service(state, &arguments[0])?;
    let wish = request.json();
    let old = find(
        state,
        service,
        wish["deployId"].as_str().unwrap_or_default(),
    )?;
    let old = &state.render.services[service].deploys[old];
    if !matches!(old.status, Status::Live | Status::Deactivated) {
        return Err(refuse(400, "the deploy was never live"));
    }
    let recipe = Recipe {
        commit: old.commit.clone(),
        trigger: "rollback",
        own: old.own.clone(),
        build: Build::Reused,
    };
    let index = launch(state, service, recipe);
    Ok(Reply::json(
        201,
        &body(&state.render.services[service].deploys[index]),
    ))
}

/// Newest first.
pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let service = &state.render.services[find_service(state, &arguments[0])?];
    let statuses = request.query_list("status");
    let after = request.query("createdAfter");
    let found = service
        .deploys
        .iter()
        .rev()
        .filter(|deploy| {
            statuses.is_empty() || statuses.iter().any(|word| word == deploy.status.word())
        })
        .filter(|deploy| after.as_ref().is_none_or(|after| later(deploy, after)))
        .map(|deploy| (deploy.id.clone(), body(deploy)))
        .collect();
    page(request, "deploy", found)
}

fn later(deploy: &Deploy, after: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(after).is_ok_and(|after| deploy.created_at > after)
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let service = find_service(state, &arguments[0])?;
    let index = find(state, service, &arguments[1])?;
    Ok(Reply::json(
        200,
        &body(&state.render.services[service].deploys[index]),
    ))
}

pub(super) fn cancel(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let service = find_service(state, &arguments[0])?;
    let index = find(state, service, &arguments[1])?;
    let now = state.now;
    let deploy = &mut state.render.services[service].deploys[index];
    if !deploy.status.under_way() {
        return Err(refuse(400, "the deploy has already ended"));
    }
    deploy.status = Status::Canceled;
    deploy.finished_at = Some(now);
    Ok(Reply::json(200, &body(deploy)))
}

fn find(state: &State, service: usize, id: &str) -> Result<usize, Reply> {
    state.render.services[service]
        .deploys
        .iter()
        .position(|deploy| deploy.id == id)
        .ok_or_else(|| refuse(404, "deploy not found"))
}

fn body(deploy: &Deploy) -> Value {
    let mut body = json!({
        "id": deploy.id,
        "status": deploy.status.word(),
        "trigger": deploy.trigger,
        "commit": {"id": deploy.commit, "message": "a commit", "createdAt": time(deploy.created_at)},
        "createdAt": time(deploy.created_at),
        "updatedAt": time(deploy.finished_at.or(deploy.started_at).unwrap_or(deploy.created_at)),
    });
    if let Some(at) = deploy.started_at {
        body["startedAt"] = json!(time(at));
    }
    if let Some(at) = deploy.finished_at {
        body["finishedAt"] = json!(time(at));
    }
    body
}
