//! Personal tokens: what they tell with every answer, and the one call that ends them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::super::agenda::Event;
use super::super::message::{Reply, Request};
use super::super::mint::last4;
use super::super::settings::Settings;
use super::super::state::State;
use super::refuse;

/// So many revocations an hour from one address.
const REVOCATIONS: usize = 60;

/// A token, kept for ever, so that its life can be looked at afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

impl Token {
    /// Revoked or expired, whatever the caches still accept.
    pub(crate) fn dead(&self, now: DateTime<Utc>) -> bool {
        let over = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= now);
        over(self.revoked_at) || over(self.expires_at)
    }

    pub(super) fn accepted(&self, now: DateTime<Utc>, settings: &Settings) -> bool {
        let revoked = self.revoked_at.map(|at| at + settings.revoked_token_lag);
        let over = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= now);
        !over(revoked) && !over(self.expires_at)
    }
}

pub(super) fn user(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let value = request.bearer().unwrap_or_default();
    let token = state.github.find(value).expect("it was admitted");
    let reply = Reply::json(
        200,
        &json!({"login": "acme-bot", "id": 4_711, "type": "User"}),
    );
    let reply = reply.with("x-oauth-scopes", token.scopes.join(", "));
    Ok(match token.expires_at {
        // The other of the two forms that were seen has an offset.
        Some(end) => reply.with(
            "github-authentication-token-expiration",
            end.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        ),
        None => reply,
    })
}

/// Ends tokens. Whoever holds one may; it is accepted before it is done, and what is no token is passed over.
pub(super) fn revoke(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let now = state.now;
    let hour = TimeDelta::hours(1);
    state.github.revocations.retain(|at| now < *at + hour);
    if state.github.revocations.len() >= REVOCATIONS {
        let seconds = hour.num_seconds().to_string();
        return Err(refuse(429, "too many requests").with("Retry-After", seconds));
    }
    state.github.revocations.push(now);
    let body = request.json();
    let Some(credentials) = body["credentials"].as_array() else {
        return Err(refuse(422, "credentials: wasn't supplied"));
    };
    for value in credentials.iter().filter_map(|value| value.as_str()) {
        end(state, value);
    }
    Ok(Reply::json(202, &json!({})))
}

fn end(state: &mut State, value: &str) {
    let now = state.now;
    let mut tokens = state.github.tokens.iter_mut();
    let Some(token) = tokens.find(|token| token.value == value && token.revoked_at.is_none())
    else {
        return;
    };
    token.revoked_at = Some(now);
    let lag = state.settings.revoked_token_lag;
    state.agenda.schedule(now + lag, Event::Look);
    let users = state.users_of(value);
    if !users.is_empty() {
        let detail = format!("token …{} used by {}", last4(value), users.join(", "));
        state.log.blame("revokes a token in use", detail);
    }
}
