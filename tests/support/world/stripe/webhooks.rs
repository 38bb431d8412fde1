//! Webhook endpoints: made with a secret that is shown once, listed without it, deleted. No call rolls a secret.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::message::{Reply, Request, decode};
use super::super::state::State;
use super::refuse;

/// An endpoint, kept for ever.
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) secret: String,
    url: String,
    events: Vec<String>,
    description: Option<String>,
    metadata: BTreeMap<String, String>,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl Endpoint {
    pub(super) fn new(state: &mut State, url: &str) -> Self {
        Self {
            id: state.mint.id("we_1", 23),
            secret: state.mint.secret("whsec_", 32),
            url: url.to_owned(),
            events: vec!["charge.succeeded".into(), "charge.failed".into()],
            description: None,
            metadata: BTreeMap::new(),
            created_at: state.now,
            deleted_at: None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "object": "webhook_endpoint",
            "url": self.url,
            "enabled_events": self.events,
            "api_version": null,
            "application": null,
            "description": self.description,
            "metadata": self.metadata,
            "created": self.created_at.timestamp(),
            "livemode": true,
            "status": "enabled",
        })
    }
}

pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let limit = request.query("limit").and_then(|text| text.parse().ok());
    let after = request.query("starting_after");
    // The newest comes first.
    let live = state.stripe.endpoints.iter().rev();
    let live: Vec<&Endpoint> = live.filter(|one| one.is_live()).collect();
    let start = match &after {
        None => 0,
        Some(id) => match live.iter().position(|one| one.id == *id) {
            Some(at) => at + 1,
            None => return Err(refuse(400, "resource_missing", "No such webhook endpoint")),
        },
    };
    let limit = limit.unwrap_or(10);
    let data: Vec<Value> = live[start..]
        .iter()
        .take(limit)
        .map(|one| one.body())
        .collect();
    let more = live.len() - start > data.len();
    let page =
        json!({"object": "list", "url": "/v1/webhook_endpoints", "data": data, "has_more": more});
    Ok(Reply::json(200, &page))
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let at = position(state, &arguments[0])?;
    Ok(Reply::json(200, &state.stripe.endpoints[at].body()))
}

/// Makes an endpoint. The same idempotency key gives the first answer again, whole, and other parameters an error.
pub(super) fn create(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let idempotent = request.header("idempotency-key").map(str::to_owned);
    let known = idempotent
        .as_ref()
        .and_then(|key| state.stripe.answered.get(key));
    if let Some((body, reply)) = known {
        return match *body == request.body {
            true => Ok(reply.clone()),
            false => Err(refuse(
                400,
                "idempotency_error",
                "other parameters than the first time",
            )),
        };
    }
    let form = form(&request.body);
    let one = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let Some(url) = one("url") else {
        return Err(refuse(
            400,
            "parameter_missing",
            "Missing required param: url.",
        ));
    };
    let mut made = Endpoint::new(state, url);
    made.events = values(&form, "enabled_events[");
    if made.events.is_empty() {
        let message = "Missing required param: enabled_events.";
        return Err(refuse(400, "parameter_missing", message));
    }
    made.description = one("description").cloned();
    let metadata = form.iter().filter_map(|(key, value)| {
        let name = key.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    made.metadata = metadata.collect();
    let mut body = made.body();
    body["secret"] = json!(made.secret);
    let reply = Reply::json(200, &body);
    state.stripe.endpoints.push(made);
    if let Some(key) = idempotent {
        let kept = (request.body.clone(), reply.clone());
        state.stripe.answered.insert(key, kept);
    }
    Ok(reply)
}

pub(super) fn delete(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let at = position(state, &arguments[0])?;
    let now = state.now;
    let endpoint = &mut state.stripe.endpoints[at];
    endpoint.deleted_at = Some(now);
    let body = json!({"id": endpoint.id, "object": "webhook_endpoint", "deleted": true});
    Ok(Reply::json(200, &body))
}

fn position(state: &State, id: &str) -> Result<usize, Reply> {
    let mut endpoints = state.stripe.endpoints.iter();
    let found = endpoints.position(|one| one.id == id && one.is_live());
    found.ok_or_else(|| refuse(404, "resource_missing", "No such webhook endpoint"))
}

fn values(form: &[(String, String)], prefix: &str) -> Vec<String> {
    let fit = form.iter().filter(|(key, _)| key.starts_with(prefix));
    fit.map(|(_, value)| value.clone()).collect()
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let plain = |text: &str| decode(&text.replace('+', " "));
    pairs
        .map(|(key, value)| (plain(key), plain(value)))
        .collect()
}
