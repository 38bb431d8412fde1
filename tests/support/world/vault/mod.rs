//! HashiCorp Vault: one secret in a KV store, version 2, with the check-and-set that every version has.
//!
//! Source: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, November 2026.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::World;
use super::message::{Reply, Request};
use super::mint::Mint;
use super::router::Route;
use super::state::State;

pub(super) const ROUTES: &[Route] = &[
    Route("GET", "/v1/secret/data/web", "vault.read", read),
    Route("POST", "/v1/secret/data/web", "vault.write", write),
    Route("PATCH", "/v1/secret/data/web", "vault.patch", patch),
];

pub(super) struct Vault {
    token: String,
    /// The versions of `secret/web`, oldest first.
    pub(super) versions: Vec<(Map<String, Value>, DateTime<Utc>)>,
}

impl Vault {
    pub(super) fn new(mint: &mut Mint) -> Self {
        Self {
            token: mint.named_secret("the token of Vault", "hvs.", 90),
            versions: Vec::new(),
        }
    }
}

pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    match request.header("x-vault-token") == Some(&state.vault.token) {
        true => Ok(()),
        false => Err(refuse(403, "permission denied")),
    }
}

pub(super) fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"errors": [message]}))
}

fn read(state: &mut State, _: &Request, _: &[String]) -> Result<Reply, Reply> {
    let Some((data, _)) = state.vault.versions.last() else {
        return Err(Reply::json(404, &json!({"errors": []})));
    };
    let body = json!({"data": {"data": data, "metadata": metadata(state)}});
    Ok(Reply::json(200, &body))
}

/// Replaces the whole secret.
fn write(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let wish = request.json();
    unchanged(state, &wish)?;
    let data = wish["data"].as_object().cloned();
    add(state, data.unwrap_or_default())
}

/// Merges keys into the secret.
fn patch(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let wish = request.json();
    unchanged(state, &wish)?;
    let mut data = state.vault.versions.last().map(|(data, _)| data.clone());
    if let (Some(data), Some(more)) = (&mut data, wish["data"].as_object()) {
        data.extend(more.clone());
    }
    add(state, data.unwrap_or_default())
}

fn unchanged(state: &State, wish: &Value) -> Result<(), Reply> {
    let known = state.vault.versions.len() as u64;
    match wish["options"]["cas"].as_u64() {
        Some(cas) if cas != known => Err(refuse(
            400,
            "check-and-set parameter did not match the current version",
        )),
        _ => Ok(()),
    }
}

fn add(state: &mut State, data: Map<String, Value>) -> Result<Reply, Reply> {
    for value in data.values().filter_map(Value::as_str) {
        state.mint.remember(value);
    }
    state.vault.versions.push((data, state.now));
    Ok(Reply::json(200, &json!({"data": metadata(state)})))
}

fn metadata(state: &State) -> Value {
    let made = state.vault.versions.last().map(|(_, at)| at.to_rfc3339());
    json!({
        "version": state.vault.versions.len(),
        "created_time": made,
        "deletion_time": "",
        "destroyed": false,
    })
}

impl World {
    pub(crate) fn vault_token(&self) -> String {
        self.state().vault.token.clone()
    }

    /// Writes the secret `secret/web` with one key.
    pub(crate) fn add_vault_secret(&self, key: &str, value: &str) {
        let mut state = self.state();
        state.mint.remember(value);
        let data = Map::from_iter([(key.to_owned(), json!(value))]);
        let now = state.now;
        state.vault.versions.push((data, now));
    }
}
