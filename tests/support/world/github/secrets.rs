//! Actions secrets of a repository: sealed to its public key, and never shown again; only the time of change is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::refuse;

const KEY_ID: &str = "568250167242549743";

/// A secret. The next workflow run gets its value.
pub(in super::super) struct ActionsSecret {
    pub(in super::super) name: String,
    pub(in super::super) value: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ActionsSecret {
    pub(super) fn new(name: &str, value: &str, now: DateTime<Utc>) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            created_at: now,
            updated_at: now,
        }
    }
}

pub(super) fn public_key(state: &mut State, _: &Request, _: &[String]) -> Result<Reply, Reply> {
    let key = STANDARD.encode(state.github.sealing.public_key().as_bytes());
    Ok(Reply::json(200, &json!({"key_id": KEY_ID, "key": key})))
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let mut secrets = state.github.secrets.iter();
    let found = secrets.find(|secret| secret.name == arguments[2]);
    let secret = found.ok_or_else(|| refuse(404, "Not Found"))?;
    // To the second: two changes within one look like one.
    let at = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    Ok(Reply::json(
        200,
        &json!({
            "name": secret.name,
            "created_at": at(secret.created_at),
            "updated_at": at(secret.updated_at),
        }),
    ))
}

pub(super) fn write(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let wish = request.json();
    if wish["key_id"] != KEY_ID {
        return Err(refuse(422, "key_id is not the id of the public key"));
    }
    let sealed = wish["encrypted_value"].as_str().unwrap_or_default();
    let opened = STANDARD.decode(sealed).ok();
    let opened = opened.and_then(|sealed| state.github.sealing.unseal(&sealed).ok());
    let Some(value) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Err(refuse(422, "encrypted_value cannot be opened"));
    };
    state.mint.remember(&value);
    let now = state.now;
    let mut secrets = state.github.secrets.iter_mut();
    match secrets.find(|secret| secret.name == arguments[2]) {
        Some(secret) => {
            secret.value = value;
            secret.updated_at = now;
            Ok(Reply::empty(204))
        }
        None => {
            let made = ActionsSecret::new(&arguments[2], &value, now);
            state.github.secrets.push(made);
            Ok(Reply::json(201, &json!({})))
        }
    }
}
