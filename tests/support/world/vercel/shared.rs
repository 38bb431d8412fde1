//! Variables of the team, each linked to several projects. A change reaches a project with its next deployment.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::project::{Kind, SharedVariable};
use super::{millis, owns, refuse, rows};

pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let search = request.query("search").unwrap_or_default();
    let project = request.query("projectId");
    let ids = request.query_list("ids");
    let data: Vec<Value> = state
        .vercel
        .shared
        .iter()
        .filter(|_| owns(state, request))
        .filter(|variable| variable.key.contains(&search))
        .filter(|variable| {
            project
                .as_ref()
                .is_none_or(|id| variable.projects.contains(id))
        })
        .filter(|variable| ids.is_empty() || ids.contains(&variable.id))
        .map(|variable| body(variable, false))
        .collect();
    let pagination = json!({"count": data.len(), "next": null, "prev": null});
    Ok(Reply::json(
        200,
        &json!({"data": data, "pagination": pagination}),
    ))
}

/// Reads one. A sensitive one comes without `value`.
pub(super) fn read(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let found = state
        .vercel
        .shared
        .iter()
        .find(|variable| variable.id == arguments[0] && owns(state, request));
    match found {
        Some(variable) => Ok(Reply::json(200, &body(variable, true))),
        None => Err(refuse(404, "not_found", "the variable was not found")),
    }
}

/// Updates by id, `{"updates": {ID: {"value": …}}}`; what is not found is in `failed`.
pub(super) fn patch(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    if !owns(state, request) {
        return Err(refuse(
            404,
            "not_found",
            "no shared variables in this scope",
        ));
    }
    let wish = request.json();
    let Some(updates) = wish["updates"].as_object() else {
        return Err(refuse(400, "bad_request", "updates is required"));
    };
    let now = state.now;
    let (mut updated, mut failed) = (Vec::new(), Vec::new());
    for (id, change) in updates {
        let found = state
            .vercel
            .shared
            .iter_mut()
            .find(|variable| variable.id == *id);
        let kind = change["type"].as_str().and_then(Kind::parse);
        match found {
            None => failed.push(failure("ID_NOT_FOUND", "the variable was not found", id)),
            Some(variable)
                if variable.kind == Kind::Sensitive
                    && kind.is_some_and(|kind| kind != Kind::Sensitive) =>
            {
                failed.push(failure(
                    "BAD_REQUEST",
                    "a sensitive variable stays sensitive",
                    id,
                ));
            }
            Some(variable) => {
                if let Some(value) = change["value"].as_str() {
                    value.clone_into(&mut variable.value);
                    state.mint.remember(value);
                }
                variable.kind = kind.unwrap_or(variable.kind);
                variable.updated_at = now;
                updated.push(body(variable, false));
            }
        }
    }
    Ok(Reply::json(
        200,
        &json!({"updated": updated, "failed": failed}),
    ))
}

fn failure(code: &str, message: &str, id: &str) -> Value {
    json!({"error": {"code": code, "message": message, "envVarId": id, "action": "update"}})
}

fn body(variable: &SharedVariable, clear: bool) -> Value {
    let SharedVariable {
        id,
        key,
        kind,
        targets,
        projects,
        ..
    } = variable;
    let mut body = json!({
        "id": id,
        "key": key,
        "type": kind.word(),
        "target": targets,
        "projectId": projects,
        "applyToAllCustomEnvironments": false,
        "createdAt": millis(variable.created_at),
        "updatedAt": millis(variable.updated_at),
        "decrypted": clear && *kind != Kind::Sensitive,
    });
    match rows::value(*kind, &variable.value, id, clear) {
        Value::Null => {}
        value => body["value"] = value,
    }
    body
}
