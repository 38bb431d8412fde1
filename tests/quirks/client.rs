//! A plain HTTP client and small worlds to use it on.

use std::io::{Read, Write};
use std::net::TcpStream;

use chrono::TimeDelta;
use serde_json::Value;

use crate::support::world::{ApiKey, Calendar, World};

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Calls one vendor with one token. The path's `?` query gets the team appended where there is one.
pub(crate) struct Caller {
    base: String,
    token: String,
    team: String,
}

impl Caller {
    pub(crate) fn new(base: String, token: String) -> Self {
        let team = String::new();
        Self { base, token, team }
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.call("GET", path, &Value::Null).expect("a reply")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.call("POST", path, body).expect("a reply")
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Response {
        self.call("PUT", path, body).expect("a reply")
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Response {
        self.call("PATCH", path, body).expect("a reply")
    }

    pub(crate) fn delete(&self, path: &str) -> Response {
        self.call("DELETE", path, &Value::Null).expect("a reply")
    }

    /// `None` when the connection closes before a whole reply has come.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Option<Response> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let rest = self.base.strip_prefix("http://").expect("a http URL");
        let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let slash = if prefix.is_empty() { "" } else { "/" };
        let team = match (self.team.as_str(), path.contains('?')) {
            ("", _) => String::new(),
            (team, true) => format!("&slug={team}"),
            (team, false) => format!("?slug={team}"),
        };
        let Self { token, .. } = self;
        let length = body.len();
        let request = format!(
            "{method} {slash}{prefix}{path}{team} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(host).expect("the world listens");
        stream
            .write_all(request.as_bytes())
            .expect("the world reads");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).ok()?;
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let (head, body) = reply.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let response = Response {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let promised = response
            .header("content-length")
            .map_or(0, |text| text.parse().expect("a length"));
        (response.body.len() >= promised).then_some(response)
    }
}

pub(crate) fn openai(world: &World) -> Caller {
    Caller::new(world.openai_url(), world.openai_admin_key())
}

/// OpenAI with a project key instead of the admin key.
pub(crate) fn openai_as(world: &World, key: &str) -> Caller {
    Caller::new(world.openai_url(), key.to_owned())
}

pub(crate) fn vercel(world: &World) -> Caller {
    let mut caller = Caller::new(world.vercel_url(), world.vercel_token());
    caller.team = world.vercel_team();
    caller
}

pub(crate) fn render(world: &World) -> Caller {
    Caller::new(world.render_url(), world.render_api_key())
}

pub(crate) fn health(world: &World, service: &str) -> u16 {
    Caller::new(world.health_url(service), String::new())
        .get("")
        .status
}

/// A world on 19 January 2024 in which no request takes any time, with one key.
pub(crate) fn still_world() -> (Calendar, World, ApiKey) {
    let calendar = Calendar::at("2024-01-19T09:00:00Z");
    let world = World::new(&calendar);
    world.set(|settings| settings.request_takes = TimeDelta::zero());
    let key = world.seed_key("first", "2023-12-20T09:00:00Z");
    (calendar, world, key)
}

pub(crate) fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}
