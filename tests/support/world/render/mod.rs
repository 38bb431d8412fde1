//! Render: services, their own variables and those of linked groups, and deploys that keep the variables they began with.
//!
//! Sources: Render's OpenAPI description (api-docs.render.com), its CLI, MCP server and Terraform provider
//! (github.com/render-oss), render.com/docs (deploys, rollbacks, zero downtime), November 2026. Not confirmed by Render,
//! and so a setting: whether changing a group over the API deploys. Assumed: a deploy of a suspended service is refused.

mod deploys;
mod env;
mod groups;
mod life;
mod routes;
mod service;
mod services;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Timelike, Utc};
use serde_json::{Value, json};

use super::message::{Reply, Request};
use super::mint::Mint;
use super::state::State;

pub(super) use routes::ROUTES;

pub(super) use life::{resume, seed};
pub(super) use service::{Deploy, Group, Status};
pub(crate) use service::{Service, Trouble};

/// What becomes of a deploy as time passes: the index of its service, its own index there, the status it reaches.
pub(super) struct Event {
    pub(super) service: usize,
    pub(super) deploy: usize,
    pub(super) status: Status,
}

pub(super) struct Render {
    pub(super) api_key: String,
    pub(super) owner: String,
    pub(super) services: Vec<Service>,
    pub(super) groups: Vec<Group>,
    /// Calls in the calendar minute of the last call: reads, then everything else.
    spent: (i64, u32, u32),
}

impl Render {
    pub(super) fn new(mint: &mut Mint) -> Self {
        Self {
            api_key: mint.secret("rnd_", 28),
            owner: mint.id("tea-", 20),
            services: Vec::new(),
            groups: Vec::new(),
            spent: (0, 0, 0),
        }
    }

    /// The variables of a service: its groups', then its own, which win.
    pub(super) fn env_of(
        &self,
        groups: &[String],
        own: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        self.groups
            .iter()
            .filter(|group| groups.contains(&group.id))
            .flat_map(|group| &group.variables)
            .chain(own)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn service(&self, id: &str) -> Option<usize> {
        self.services.iter().position(|service| service.id == id)
    }

    /// Counts a call and says what the headers say of it: limit, what remains, seconds until the next minute.
    pub(super) fn spend(
        &mut self,
        method: &str,
        now: DateTime<Utc>,
    ) -> [(&'static str, String); 3] {
        let minute = now.timestamp() / 60;
        if self.spent.0 != minute {
            self.spent = (minute, 0, 0);
        }
        let (limit, spent): (u32, _) = if method == "GET" {
            (400, &mut self.spent.1)
        } else {
            (30, &mut self.spent.2)
        };
        *spent += 1;
        [
            ("Ratelimit-Limit", limit.to_string()),
            // Only shown, never enforced: a test's calendar hardly moves. A 429 is a fault that a test asks for.
            (
                "Ratelimit-Remaining",
                limit.saturating_sub(*spent).to_string(),
            ),
            ("Ratelimit-Reset", (60 - now.second()).to_string()),
        ]
    }
}

/// Lets time do its work on a deploy.
pub(super) fn happen(state: &mut State, event: &Event) {
    life::reach(state, event.service, event.deploy, event.status);
}

pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    if request.bearer() == Some(&state.render.api_key) {
        Ok(())
    } else {
        Err(refuse(401, "unauthorized"))
    }
}

/// The service or group a request is about, for the log.
pub(super) fn subject(state: &State, arguments: &[String]) -> Option<String> {
    let id = arguments.first()?;
    let group = || {
        let found = state.render.groups.iter().find(|group| group.id == *id)?;
        Some(format!("group:{}", found.name))
    };
    match state.render.service(id) {
        Some(index) => Some(state.render.services[index].name.clone()),
        None => group(),
    }
}

/// An error body.
pub(super) fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"id": "err-simulated", "message": message}))
}

fn find_service(state: &State, id: &str) -> Result<usize, Reply> {
    state
        .render
        .service(id)
        .ok_or_else(|| refuse(404, "service not found"))
}

/// One page: each item carries its cursor; the page after the last is empty.
fn page(request: &Request, name: &str, items: Vec<(String, Value)>) -> Result<Reply, Reply> {
    let limit = match request.query("limit").map(|text| text.parse()) {
        None => 20,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(refuse(400, "limit is a number from 1 to 100")),
    };
    let start = match request.query("cursor") {
        None => 0,
        Some(cursor) => match items.iter().position(|(id, _)| cursor_of(id) == cursor) {
            Some(index) => index + 1,
            None => return Err(refuse(400, "invalid cursor")),
        },
    };
    let page: Vec<Value> = items
        .into_iter()
        .skip(start)
        .take(limit)
        .map(|(id, item)| {
            let mut entry = json!({"cursor": cursor_of(&id)});
            // Groups are listed bare: the contract wraps everything else.
            if name.is_empty() {
                return item;
            }
            entry[name] = item;
            entry
        })
        .collect();
    Ok(Reply::json(200, &json!(page)))
}

fn cursor_of(id: &str) -> String {
    format!("c_{id}==")
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The headers that every reply of Render carries.
pub(super) fn headers(state: &mut State, reply: Reply, method: &str) -> Reply {
    let now = state.now;
    let limits = state.render.spend(method, now);
    limits
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.with(name, value))
}
