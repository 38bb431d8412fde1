//! OpenAI: projects, service accounts, their API keys, and who may call what.
//!
//! Sources: OpenAI's OpenAPI description (github.com/openai/openai-openapi) and the Node SDK 7.57.0
//! (github.com/openai/openai-node), November 2026. The two differ on keys of service accounts; `Settings::openai_era`
//! chooses. From third parties and not from OpenAI: the wording of errors, and that `error` is a bare string on
//! administration endpoints. Not published at all: how long a new or a deleted key takes to be known everywhere.

mod accounts;
mod keys;
mod routes;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::agenda::{Agenda, Event};
use super::message::{Reply, Request};
use super::mint::{Mint, last4};
use super::settings::Settings;
use super::state::State;

pub(super) use routes::ROUTES;

/// Whether an account's owner still has access to the project; the default list of keys shows active ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Active,
    Inactive,
}

impl Access {
    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// A service account; a deleted one is gone from the list.
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) access: Access,
    created_at: DateTime<Utc>,
}

/// An API key of a service account, kept for ever, so that its life can be looked at afterwards.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) name: String,
    /// The id of the service account.
    pub(crate) account: String,
    pub(crate) account_name: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// Empty means all.
    pub(crate) scopes: Vec<String>,
}

impl ApiKey {
    /// Deleted or expired, whatever the caches still accept.
    pub(crate) fn dead(&self, now: DateTime<Utc>) -> bool {
        self.deleted_at.is_some() || self.expired(now)
    }

    fn expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn accepted(&self, now: DateTime<Utc>, settings: &Settings) -> bool {
        self.created_at + settings.created_key_lag <= now
            && self
                .deleted_at
                .is_none_or(|end| now < end + settings.deleted_key_lag)
            && !self.expired(now)
    }
}

pub(super) struct OpenAi {
    pub(super) admin_key: String,
    pub(super) project: String,
    pub(super) archived: bool,
    pub(super) accounts: Vec<Account>,
    pub(super) keys: Vec<ApiKey>,
    by_value: HashMap<String, usize>,
}

impl OpenAi {
    /// An organization with one project and, in it, one service account named `production`.
    pub(super) fn new(mint: &mut Mint, now: DateTime<Utc>) -> Self {
        let account = Account {
            id: mint.id("user-", 24),
            name: "production".into(),
            access: Access::Active,
            created_at: now,
        };
        Self {
            admin_key: mint.secret("sk-admin-", 48),
            project: mint.id("proj_", 24),
            archived: false,
            accounts: vec![account],
            keys: Vec::new(),
            by_value: HashMap::new(),
        }
    }

    /// Makes a key; the agenda is told when it begins and ends to be accepted.
    pub(super) fn add_key(
        &mut self,
        mint: &mut Mint,
        account: usize,
        name: &str,
        created_at: DateTime<Utc>,
    ) -> &mut ApiKey {
        let value = mint.secret("sk-svcacct-", 64);
        let Account {
            id,
            name: account_name,
            ..
        } = &self.accounts[account];
        let key = ApiKey {
            id: mint.id("key_", 16),
            value: value.clone(),
            name: name.to_owned(),
            account: id.clone(),
            account_name: account_name.clone(),
            created_at,
            expires_at: None,
            deleted_at: None,
            last_used_at: None,
            scopes: Vec::new(),
        };
        self.by_value.insert(value, self.keys.len());
        self.keys.push(key);
        self.keys.last_mut().expect("the key was just pushed")
    }

    pub(super) fn find(&self, value: &str) -> Option<&ApiKey> {
        self.by_value.get(value).map(|index| &self.keys[*index])
    }

    /// One call with a key, by a client or by a running service. Says whether the vendor lets it in.
    pub(super) fn authenticate(
        &mut self,
        value: &str,
        now: DateTime<Utc>,
        settings: &Settings,
    ) -> Option<&ApiKey> {
        let index = *self.by_value.get(value)?;
        let key = &mut self.keys[index];
        if !key.accepted(now, settings) {
            return None;
        }
        key.last_used_at = Some(now);
        Some(key)
    }
}

/// Tells the agenda of the moments at which a key's fate changes without any request.
fn schedule_looks(agenda: &mut Agenda, key: &ApiKey, now: DateTime<Utc>, settings: &Settings) {
    let deleted = key.deleted_at.map(|at| at + settings.deleted_key_lag);
    let usable = Some(key.created_at + settings.created_key_lag);
    let moments = [usable, key.expires_at, deleted];
    for at in moments.into_iter().flatten().filter(|at| *at > now) {
        agenda.schedule(at, Event::Look);
    }
}

/// Lets the admin key in everywhere but at the models, and nobody else at the organization.
pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    let Some(token) = request.bearer() else {
        let message = "no API key was given: send it as a bearer token";
        return Err(refuse(401, "invalid_api_key", message));
    };
    if !request.path.starts_with("/v1/organization/") || token == state.openai.admin_key {
        return Ok(());
    }
    let State {
        openai,
        now,
        settings,
        ..
    } = state;
    match openai.authenticate(token, *now, settings) {
        Some(_) => Err(missing_scopes("api.management.read")),
        None => Err(wrong_key(token)),
    }
}

/// An error body in the usual shape.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Reply {
    let kind = if status == 429 {
        "requests"
    } else {
        "invalid_request_error"
    };
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Reply::json(status, &json!({"error": error})).with("x-request-id", "req_simulated")
}

/// A 401 that gives a part of the key away, as the real one does.
fn wrong_key(token: &str) -> Reply {
    let start: String = token.chars().take(11).collect();
    let message = format!(
        "Incorrect API key provided: {start}********{}.",
        last4(token)
    );
    refuse(401, "invalid_api_key", &message)
}

/// A 403 of an administration endpoint, where `error` is a bare string.
fn missing_scopes(scopes: &str) -> Reply {
    let message = format!("This key is not enough for this operation. Missing scopes: {scopes}");
    Reply::json(403, &json!({"error": message}))
}

fn no_such(what: &str) -> Reply {
    refuse(404, "not_found", &format!("no such {what} in this project"))
}

/// Refuses a project that is not this organization's.
fn in_project(state: &State, id: &str) -> Result<(), Reply> {
    if state.openai.project == id {
        Ok(())
    } else {
        Err(refuse(404, "not_found", "no such project"))
    }
}

/// One page of a list: `limit` 1 to 100, 20 by default; `after` is the id of the last item seen.
fn page(request: &Request, items: Vec<Value>) -> Result<Reply, Reply> {
    let limit = request
        .query("limit")
        .map_or(Some(20), |text| text.parse().ok());
    let Some(limit) = limit.filter(|limit| (1..=100).contains(limit)) else {
        return Err(refuse(
            400,
            "invalid_limit",
            "limit is a number from 1 to 100",
        ));
    };
    let start = match request.query("after") {
        None => 0,
        Some(after) => match items.iter().position(|item| item["id"] == after.as_str()) {
            Some(index) => index + 1,
            None => {
                return Err(refuse(
                    400,
                    "invalid_after",
                    "after names no item of this list",
                ));
            }
        },
    };
    let rest = items.len().saturating_sub(start);
    let data: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    Ok(Reply::json(
        200,
        &json!({
            "object": "list",
            "first_id": id(data.first()),
            "last_id": id(data.last()),
            "has_more": rest > limit,
            "data": data,
        }),
    ))
}
