//! The rows of a project's environment variables.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::project::{EnvShape, Kind, Targets};
use super::rows::{Show, body, check, collides, parse, shell, single, text, words};
use super::{Place, in_scope, projects, refuse};

/// Lists rows in the project's shape. Values are readable with `decrypt=true`, except sensitive ones.
pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = in_scope(state, request, &arguments[0])?;
    let project = &state.vercel.projects[index];
    let show = match request.query("decrypt").as_deref() {
        Some("true" | "1") => Show::Clear,
        _ => Show::Sealed,
    };
    let branch = request.query("gitBranch");
    let custom = request.query("customEnvironmentId").or_else(|| {
        let slug = request.query("customEnvironmentSlug")?;
        let found = project.customs.iter().find(|custom| custom.slug == slug)?;
        Some(found.id.clone())
    });
    let rows: Vec<Value> = project
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| branch.is_none() || row.branch.is_none() || row.branch == branch)
        .filter(|(_, row)| {
            custom
                .as_ref()
                .is_none_or(|id| row.reaches(&Place::Custom(id.clone())))
        })
        .map(|(number, row)| body(row, show, single(project.targets, number)))
        .collect();
    match project.shape {
        EnvShape::Single if rows.len() == 1 => Ok(Reply::json(200, &rows[0])),
        EnvShape::List | EnvShape::Single => Ok(Reply::json(200, &json!({"envs": rows}))),
        EnvShape::Pages(size) => page(request, &rows, size),
    }
}

/// One page; `pagination.next` is the number that `until` takes.
fn page(request: &Request, rows: &[Value], size: usize) -> Result<Reply, Reply> {
    let start = match request.query("until").map(|text| text.parse::<usize>()) {
        None => 0,
        Some(Ok(until)) => until,
        Some(Err(_)) => return Err(refuse(400, "bad_request", "until is a number")),
    };
    let size = size.min(projects::limit(request)?);
    let end = (start + size).min(rows.len());
    let envs = rows.get(start..end).unwrap_or_default();
    let next = (end < rows.len()).then_some(end);
    let pagination = json!({"count": envs.len(), "next": next, "prev": null});
    Ok(Reply::json(
        200,
        &json!({"envs": envs, "pagination": pagination}),
    ))
}

/// Reads one row. A sensitive one comes without `value`.
pub(super) fn read(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let (project, row) = find(state, request, arguments)?;
    let targets = state.vercel.projects[project].targets;
    let row_body = body(
        &state.vercel.projects[project].rows[row],
        Show::Clear,
        single(targets, row),
    );
    Ok(Reply::json(200, &row_body))
}

/// Edits a row in place. What must not be overwritten is overwritten all the same, and the client blamed.
pub(super) fn patch(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let (project, index) = find(state, request, arguments)?;
    let (wish, now) = (request.json(), state.now);
    let mut row = state.vercel.projects[project].rows[index].clone();
    let site = format!("{} {}", state.vercel.projects[project].name, row.key);
    if row.kind == Kind::System || row.integration.is_some() {
        state
            .log
            .blame("overwrites a row it does not own", site.clone());
    }
    let before = shell(&row);
    if let Some(kind) = wish["type"].as_str() {
        let kind = Kind::parse(kind).ok_or_else(|| refuse(400, "bad_request", "unknown type"))?;
        if row.kind == Kind::Sensitive && kind != Kind::Sensitive {
            return Err(refuse(
                400,
                "bad_request",
                "a sensitive variable stays sensitive",
            ));
        }
        row.kind = kind;
    }
    row.key = text(&wish["key"]).unwrap_or(row.key);
    row.value = text(&wish["value"]).unwrap_or(row.value);
    row.targets = words(&wish["target"]).unwrap_or(row.targets);
    row.custom = words(&wish["customEnvironmentIds"]).unwrap_or(row.custom);
    row.branch = text(&wish["gitBranch"]).or(row.branch);
    row.comment = text(&wish["comment"]).or(row.comment);
    check(&row)?;
    if shell(&row) != before {
        state
            .log
            .blame("changes more of a row than its value", site);
    }
    row.updated_at = now;
    state.mint.remember(&row.value);
    let answer = body(&row, Show::Sealed, Targets::Array);
    state.vercel.projects[project].rows[index] = row;
    Ok(Reply::json(200, &answer))
}

/// Creates rows; with `upsert=true` a row for the same place is overwritten. An array never fails as a whole.
pub(super) fn create(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let project = in_scope(state, request, &arguments[0])?;
    let wish = request.json();
    let upsert = request.query("upsert").as_deref() == Some("true");
    let doomed = std::mem::take(&mut state.vercel.projects[project].next_create_fails);
    if let Some(wishes) = wish.as_array() {
        let (mut created, mut failed) = (Vec::new(), Vec::new());
        for wish in wishes {
            match create_one(state, project, wish, upsert, doomed) {
                Ok(body) => created.push(body),
                Err((_, error)) => failed.push(json!({"error": error})),
            }
        }
        return Ok(Reply::json(
            201,
            &json!({"created": created, "failed": failed}),
        ));
    }
    match create_one(state, project, &wish, upsert, doomed) {
        Ok(body) => Ok(Reply::json(201, &json!({"created": body, "failed": []}))),
        // The published contract has the same body for one object: 201, and the failure inside.
        Err((_, error)) if doomed => Ok(Reply::json(
            201,
            &json!({"created": [], "failed": [{"error": error}]}),
        )),
        Err((status, error)) => Err(Reply::json(status, &json!({"error": error}))),
    }
}

fn create_one(
    state: &mut State,
    project: usize,
    wish: &Value,
    upsert: bool,
    doomed: bool,
) -> Result<Value, (u16, Value)> {
    let now = state.now;
    let mut row = parse(wish, now)
        .map_err(|message| (400, json!({"code": "bad_request", "message": message})))?;
    let fail = |code: &str, message: &str| json!({"code": code, "message": message, "envVarKey": row.key, "target": row.targets, "action": "create"});
    if doomed {
        return Err((
            400,
            fail("UNKNOWN_ERROR", "the variable could not be stored"),
        ));
    }
    let rows = &mut state.vercel.projects[project].rows;
    let twin = rows.iter().position(|other| collides(other, &row));
    match twin {
        Some(_) if !upsert => Err((
            403,
            fail("ENV_ALREADY_EXISTS", "the variable exists in this target"),
        )),
        Some(index) => {
            row.id.clone_from(&rows[index].id);
            row.created_at = rows[index].created_at;
            if rows[index].kind == Kind::System || rows[index].integration.is_some() {
                state
                    .log
                    .blame("overwrites a row it does not own", row.key.clone());
            }
            rows[index] = row.clone();
            state.mint.remember(&row.value);
            Ok(body(&row, Show::Sealed, Targets::Array))
        }
        None => {
            row.id = state.mint.id("", 16);
            state.mint.remember(&row.value);
            rows.push(row.clone());
            Ok(body(&row, Show::Sealed, Targets::Array))
        }
    }
}

pub(super) fn delete(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let (project, index) = find(state, request, arguments)?;
    let row = state.vercel.projects[project].rows.remove(index);
    Ok(Reply::json(200, &body(&row, Show::Sealed, Targets::Array)))
}

fn find(state: &State, request: &Request, arguments: &[String]) -> Result<(usize, usize), Reply> {
    let project = in_scope(state, request, &arguments[0])?;
    let rows = &state.vercel.projects[project].rows;
    let row = rows.iter().position(|row| row.id == arguments[1]);
    let row = row.ok_or_else(|| refuse(404, "ENV_NOT_FOUND", "the variable was not found"))?;
    Ok((project, row))
}
