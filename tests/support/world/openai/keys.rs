//! API keys of a project: made with their value shown once, listed without it, shortened in life, deleted; and the
//! list of models, which is the cheapest call that proves a key.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::mint::last4;
use super::super::settings::OpenAiEra;
use super::super::state::State;
use super::{
    Access, ApiKey, accounts, in_project, no_such, page, refuse, schedule_looks, wrong_key,
};

const LONGEST_LIFE: i64 = 31_536_000;

/// The models, for project keys that may see them. The admin key may not.
pub(super) fn models(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let token = request.bearer().unwrap_or_default();
    let no_scope = "This key is restricted. Missing scopes: api.model.read";
    if token == state.openai.admin_key {
        return Err(refuse(403, "missing_scopes", no_scope));
    }
    let State {
        openai,
        now,
        settings,
        ..
    } = state;
    let Some(key) = openai.authenticate(token, *now, settings) else {
        return Err(wrong_key(token));
    };
    if !key.scopes.is_empty() && !key.scopes.iter().any(|scope| scope == "api.model.read") {
        return Err(refuse(403, "missing_scopes", no_scope));
    }
    let model =
        json!({"id": "gpt-4o", "object": "model", "created": 1_715_367_049, "owned_by": "system"});
    Ok(Reply::json(
        200,
        &json!({"object": "list", "data": [model]}),
    ))
}

pub(super) fn create(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_project(state, &arguments[0])?;
    if state.settings.openai_era == OpenAiEra::OneKey {
        return Err(refuse(404, "unknown_url", "invalid URL"));
    }
    let account = accounts::position(state, &arguments[1])?;
    let wish = request.json();
    let life = wished_life(&wish)?;
    let name = wish["name"].as_str().unwrap_or("Secret Key").to_owned();
    let scopes = wished_scopes(&wish).unwrap_or_default();
    Ok(Reply::json(200, &make(state, account, &name, life, scopes)))
}

/// Makes a key and gives the one body that shows its value.
pub(super) fn make(
    state: &mut State,
    account: usize,
    name: &str,
    life: Option<TimeDelta>,
    scopes: Vec<String>,
) -> Value {
    let now = state.now;
    let key = state.openai.add_key(&mut state.mint, account, name, now);
    key.scopes = scopes;
    key.expires_at = life.map(|life| now + life);
    schedule_looks(&mut state.agenda, key, now, &state.settings);
    json!({
        "object": "organization.project.service_account.api_key",
        "id": key.id,
        "value": key.value,
        "name": key.name,
        "created_at": key.created_at.timestamp(),
        "expires_at": key.expires_at.map(|at| at.timestamp()),
    })
}

pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_project(state, &arguments[0])?;
    let access = request
        .query("owner_project_access")
        .unwrap_or_else(|| "active".into());
    let keys = state
        .openai
        .keys
        .iter()
        .filter(|key| key.deleted_at.is_none())
        .map(|key| body(state, key))
        .filter(|body| access == "any" || body["owner_project_access"] == access.as_str());
    page(request, keys.collect())
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let index = position(state, arguments)?;
    Ok(Reply::json(200, &body(state, &state.openai.keys[index])))
}

/// Changes scopes or remaining life. The life counts from this request, so that a repeat prolongs it.
pub(super) fn update(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    if state.settings.openai_era == OpenAiEra::OneKey {
        return Err(refuse(404, "unknown_url", "invalid URL"));
    }
    let index = position(state, arguments)?;
    let wish = request.json();
    let (life, scopes) = (wished_life(&wish)?, wished_scopes(&wish));
    if life.is_none() && scopes.is_none() {
        let message = "at least one of scopes and expires_in_seconds is required";
        return Err(refuse(400, "missing_required_parameter", message));
    }
    let now = state.now;
    let key = &mut state.openai.keys[index];
    if key.expired(now) {
        return Err(refuse(
            400,
            "expired_api_key",
            "an expired key cannot be changed",
        ));
    }
    if let Some(life) = life {
        key.expires_at = Some(now + life);
    }
    if let Some(scopes) = scopes {
        key.scopes = scopes;
    }
    schedule_looks(&mut state.agenda, key, now, &state.settings);
    Ok(Reply::json(200, &body(state, &state.openai.keys[index])))
}

pub(super) fn delete(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let index = position(state, arguments)?;
    if state.settings.openai_era == OpenAiEra::OneKey {
        let message = "a key of a service account cannot be deleted: delete the account";
        return Err(refuse(400, "service_account_key", message));
    }
    kill(state, index);
    Ok(Reply::json(
        200,
        &json!({
            "object": "organization.project.api_key.deleted",
            "id": state.openai.keys[index].id,
            "deleted": true,
        }),
    ))
}

/// Deletes a key, and blames a client that does so while the key is stored or running somewhere.
pub(super) fn kill(state: &mut State, index: usize) {
    let now = state.now;
    let key = &mut state.openai.keys[index];
    if key.deleted_at.is_some() {
        return;
    }
    key.deleted_at = Some(now);
    schedule_looks(&mut state.agenda, key, now, &state.settings);
    let value = key.value.clone();
    let users = state.users_of(&value);
    if !users.is_empty() {
        let detail = format!("key …{} used by {}", last4(&value), users.join(", "));
        state.log.blame("deletes a key in use", detail);
    }
}

/// Where a live key of this project stands; an expired key can still be looked at.
fn position(state: &State, arguments: &[String]) -> Result<usize, Reply> {
    in_project(state, &arguments[0])?;
    state
        .openai
        .keys
        .iter()
        .position(|key| key.id == arguments[1] && key.deleted_at.is_none())
        .ok_or_else(|| no_such("API key"))
}

/// The wished life in seconds, within a year.
pub(super) fn wished_life(wish: &Value) -> Result<Option<TimeDelta>, Reply> {
    match &wish["expires_in_seconds"] {
        Value::Null => Ok(None),
        seconds => match seconds.as_i64() {
            Some(seconds @ 1..=LONGEST_LIFE) => Ok(Some(TimeDelta::seconds(seconds))),
            _ => Err(refuse(
                400,
                "invalid_value",
                "expires_in_seconds is 1 to 31536000",
            )),
        },
    }
}

fn wished_scopes(wish: &Value) -> Option<Vec<String>> {
    let scopes = wish["scopes"].as_array()?.iter();
    Some(
        scopes
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

fn body(state: &State, key: &ApiKey) -> Value {
    let account = state
        .openai
        .accounts
        .iter()
        .find(|account| account.id == key.account);
    json!({
        "object": "organization.project.api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": format!("sk-svcacct-********{}", last4(&key.value)),
        "created_at": key.created_at.timestamp(),
        "last_used_at": key.last_used_at.map(|at| at.timestamp()),
        "expires_at": key.expires_at.map(|at| at.timestamp()),
        "owner_project_access": account.map_or(Access::Inactive, |account| account.access).word(),
        "owner": {
            "type": "service_account",
            "service_account": {
                "id": key.account,
                "name": key.account_name,
                "role": "member",
                "created_at": account.map(|account| account.created_at.timestamp()),
            },
        },
    })
}
