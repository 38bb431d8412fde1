//! Deploy keys of a repository: added once, never changed, listed in pages.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::refuse;

/// A deploy key, kept for ever.
pub(super) struct DeployKey {
    pub(super) id: u64,
    /// Without the comment, which GitHub cuts off.
    pub(super) public: String,
    title: String,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl DeployKey {
    pub(super) fn new(known: &[Self], title: &str, public: &str, now: DateTime<Utc>) -> Self {
        let words: Vec<&str> = public.split(' ').take(2).collect();
        Self {
            id: 101 + known.len() as u64,
            public: words.join(" "),
            title: title.to_owned(),
            created_at: now,
            deleted_at: None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.deleted_at.is_none()
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "key": self.public,
            "title": self.title,
            "created_at": self.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "verified": true,
            "read_only": true,
            "last_used": null,
            "enabled": true,
        })
    }
}

pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let number = |name: &str| request.query(name).and_then(|text| text.parse().ok());
    let (size, page): (usize, usize) = (
        number("per_page").unwrap_or(30),
        number("page").unwrap_or(1),
    );
    let keys = state.github.keys.iter().filter(|key| key.is_there());
    let keys = keys.skip((page.max(1) - 1) * size).take(size);
    let keys: Vec<Value> = keys.map(DeployKey::body).collect();
    Ok(Reply::json(200, &json!(keys)))
}

pub(super) fn create(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let wish = request.json();
    let (Some(title), Some(public)) = (wish["title"].as_str(), wish["key"].as_str()) else {
        return Err(refuse(422, "Validation Failed"));
    };
    let made = DeployKey::new(&state.github.keys, title, public, state.now);
    let mut there = state.github.keys.iter().filter(|key| key.is_there());
    if there.any(|key| key.public == made.public) {
        return Err(refuse(422, "key is already in use"));
    }
    let reply = Reply::json(201, &made.body());
    state.github.keys.push(made);
    Ok(reply)
}

pub(super) fn delete(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let now = state.now;
    let mut there = state.github.keys.iter_mut().filter(|key| key.is_there());
    let found = there.find(|key| key.id.to_string() == arguments[2]);
    let key = found.ok_or_else(|| refuse(404, "Not Found"))?;
    key.deleted_at = Some(now);
    Ok(Reply::empty(204))
}
