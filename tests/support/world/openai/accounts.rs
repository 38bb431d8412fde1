//! Service accounts of a project. In the older era each is made for one key and dies with it.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{Access, Account, in_project, keys, no_such, page, refuse};

pub(super) fn project(
    state: &mut State,
    _: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_project(state, &arguments[0])?;
    let archived = state.openai.archived;
    let body = json!({
        "object": "organization.project",
        "id": state.openai.project,
        "name": "production",
        "status": if archived { "archived" } else { "active" },
        "created_at": 1_600_000_000,
        "archived_at": archived.then_some(1_700_000_000),
    });
    Ok(Reply::json(200, &body))
}

pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_live_project(state, &arguments[0])?;
    page(request, state.openai.accounts.iter().map(body).collect())
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    in_project(state, &arguments[0])?;
    let index = position(state, &arguments[1])?;
    Ok(Reply::json(200, &body(&state.openai.accounts[index])))
}

/// Makes an account and, unless told otherwise, its first key.
pub(super) fn create(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_live_project(state, &arguments[0])?;
    let wish = request.json();
    let Some(name) = wish["name"].as_str().filter(|name| !name.is_empty()) else {
        return Err(refuse(
            400,
            "missing_required_parameter",
            "name is required",
        ));
    };
    let life = keys::wished_life(&wish)?;
    state.openai.accounts.push(Account {
        id: state.mint.id("user-", 24),
        name: name.to_owned(),
        access: Access::Active,
        created_at: state.now,
    });
    let index = state.openai.accounts.len() - 1;
    let mut answer = body(&state.openai.accounts[index]);
    answer["api_key"] = if wish["create_service_account_only"] == true {
        Value::Null
    } else {
        keys::make(state, index, "Secret Key", life, Vec::new())
    };
    Ok(Reply::json(200, &answer))
}

/// Deletes an account and, with it, all its keys.
pub(super) fn delete(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    in_live_project(state, &arguments[0])?;
    let index = position(state, &arguments[1])?;
    let account = state.openai.accounts.remove(index);
    let keys: Vec<usize> = (0..state.openai.keys.len())
        .filter(|key| state.openai.keys[*key].account == account.id)
        .collect();
    for key in keys {
        keys::kill(state, key);
    }
    Ok(Reply::json(
        200,
        &json!({
            "object": "organization.project.service_account.deleted",
            "id": account.id,
            "deleted": true,
        }),
    ))
}

/// Where an account stands in the list.
pub(super) fn position(state: &State, id: &str) -> Result<usize, Reply> {
    state
        .openai
        .accounts
        .iter()
        .position(|account| account.id == id)
        .ok_or_else(|| no_such("service account"))
}

fn in_live_project(state: &State, id: &str) -> Result<(), Reply> {
    in_project(state, id)?;
    if state.openai.archived {
        return Err(refuse(400, "project_archived", "the project is archived"));
    }
    Ok(())
}

fn body(account: &Account) -> Value {
    json!({
        "object": "organization.project.service_account",
        "id": account.id,
        "name": account.name,
        "role": "member",
        "created_at": account.created_at.timestamp(),
    })
}
