//! Who owns the token, the list of projects, and a project's state with the deployment that serves production.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::settings::Paging;
use super::super::state::State;
use super::{Project, in_scope, millis, owns, refuse, show};

pub(super) fn user(state: &mut State, _: &Request, _: &[String]) -> Result<Reply, Reply> {
    let user = json!({"id": state.vercel.user, "username": "ops", "email": "ops@acme.test", "name": "Ops"});
    Ok(Reply::json(200, &json!({"user": user})))
}

pub(super) fn teams(state: &mut State, _: &Request, _: &[String]) -> Result<Reply, Reply> {
    let teams: Vec<Value> = state
        .vercel
        .team
        .iter()
        .map(|team| {
            json!({
                "id": team.id,
                "slug": team.slug,
                "name": "Acme",
                "sensitiveEnvironmentVariablePolicy": "default",
            })
        })
        .collect();
    let pagination = json!({"count": teams.len(), "next": null, "prev": null});
    Ok(Reply::json(
        200,
        &json!({"teams": teams, "pagination": pagination}),
    ))
}

/// A page of projects. `pagination.next` is opaque, a string or a number, and comes back as `from`.
pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let start = match request.query("from") {
        None => 0,
        Some(from) => parse_next(&from)
            .ok_or_else(|| refuse(400, "bad_request", "from is no page of this list"))?,
    };
    let limit = limit(request)?;
    let search = request.query("search").unwrap_or_default();
    let all: Vec<&Project> = state
        .vercel
        .projects
        .iter()
        .filter(|project| owns(state, request) && project.name.contains(&search))
        .collect();
    let page: Vec<Value> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|project| body(state, project))
        .collect();
    let next = start + page.len();
    let next = if next < all.len() {
        next_page(state.settings.vercel_paging, next)
    } else {
        Value::Null
    };
    let pagination = json!({"count": page.len(), "next": next});
    Ok(Reply::json(
        200,
        &json!({"projects": page, "pagination": pagination}),
    ))
}

pub(super) fn read(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = in_scope(state, request, &arguments[0])?;
    Ok(Reply::json(
        200,
        &body(state, &state.vercel.projects[index]),
    ))
}

pub(super) fn custom_environments(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = in_scope(state, request, &arguments[0])?;
    let project = &state.vercel.projects[index];
    let environments: Vec<Value> = project
        .customs
        .iter()
        .map(|custom| {
            json!({
                "id": custom.id,
                "slug": custom.slug,
                "type": "preview",
                "createdAt": millis(project.created_at),
                "updatedAt": millis(project.created_at),
            })
        })
        .collect();
    let body = json!({"environments": environments, "accountLimit": {"total": 12}});
    Ok(Reply::json(200, &body))
}

/// No project here releases step by step.
pub(super) fn rolling_release(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_scope(state, request, &arguments[0])?;
    Ok(Reply::json(200, &json!({"rollingRelease": null})))
}

/// 20 unless told otherwise, 100 at most.
pub(super) fn limit(request: &Request) -> Result<usize, Reply> {
    match request.query("limit").map(|text| text.parse()) {
        None => Ok(20),
        Some(Ok(limit @ 1..=100)) => Ok(limit),
        Some(_) => Err(refuse(
            400,
            "bad_request",
            "limit is a number from 1 to 100",
        )),
    }
}

const NUMBERS_FROM: usize = 1_700_000_000_000;

fn next_page(paging: Paging, start: usize) -> Value {
    match paging {
        Paging::Token => json!(format!("page:{start}=+/")),
        Paging::Number => json!(NUMBERS_FROM + start),
    }
}

fn parse_next(from: &str) -> Option<usize> {
    match from.strip_prefix("page:") {
        Some(rest) => rest.strip_suffix("=+/")?.parse().ok(),
        None => from.parse::<usize>().ok()?.checked_sub(NUMBERS_FROM),
    }
}

fn body(state: &State, project: &Project) -> Value {
    let production = project.production.map(|index| show::body(state, index));
    let targets = production
        .clone()
        .map_or_else(|| json!({}), |body| json!({"production": body}));
    json!({
        "id": project.id,
        "name": project.name,
        "accountId": state.vercel.account(),
        "createdAt": millis(project.created_at),
        "live": false,
        "paused": false,
        "autoAssignCustomDomains": project.auto_assign,
        "link": {"type": "github", "org": "acme", "repo": project.name, "productionBranch": "main"},
        "targets": targets,
        "latestDeployments": production.into_iter().collect::<Vec<_>>(),
        "customEnvironments": project.customs.iter()
            .map(|custom| json!({"id": custom.id, "slug": custom.slug})).collect::<Vec<_>>(),
        "lastAliasRequest": project.last_alias_request,
        "rollingRelease": null,
    })
}
