//! Items: found by their title, read whole, changed by a JSON Patch of one field or replaced whole.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{VAULT, refuse};

/// An item with two fields: `username`, which nobody touches, and `credential`.
pub(in super::super) struct Item {
    id: String,
    pub(in super::super) title: String,
    pub(super) version: u64,
    /// The field that holds the secret.
    pub(in super::super) value: String,
    /// Former values, oldest first.
    pub(super) history: Vec<String>,
    updated_at: DateTime<Utc>,
}

const FIELD: &str = "credential";

impl Item {
    pub(super) fn new(number: usize, title: &str, value: &str, now: DateTime<Utc>) -> Self {
        Self {
            id: format!("item{number:0>4}of0the0vault00000"),
            title: title.to_owned(),
            version: 1,
            value: value.to_owned(),
            history: Vec::new(),
            updated_at: now,
        }
    }

    fn summary(&self, vault: &str) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "vault": {"id": vault, "name": VAULT},
            "category": "API_CREDENTIAL",
            "version": self.version,
            "updatedAt": self.updated_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    }

    fn body(&self, vault: &str) -> Value {
        let mut body = self.summary(vault);
        body["fields"] = json!([
            {"id": "username", "type": "STRING", "label": "username", "value": "acme"},
            {"id": FIELD, "type": "CONCEALED", "label": FIELD, "value": self.value},
        ]);
        body
    }

    fn change(&mut self, value: &str, now: DateTime<Utc>) {
        self.history
            .push(std::mem::replace(&mut self.value, value.to_owned()));
        self.version += 1;
        self.updated_at = now;
    }
}

pub(super) fn vaults(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let vault = json!({"id": state.onepassword.vault, "name": VAULT, "type": "USER_CREATED"});
    let fit = filtered(request, "name", VAULT);
    Ok(Reply::json(200, &json!(fit.then_some(vault).as_slice())))
}

pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let vault = in_vault(state, arguments)?;
    let items = state.onepassword.items.iter();
    let items = items.filter(|item| filtered(request, "title", &item.title));
    let items: Vec<Value> = items.map(|item| item.summary(&vault)).collect();
    Ok(Reply::json(200, &json!(items)))
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let vault = in_vault(state, arguments)?;
    let item = position(state, arguments)?;
    Ok(Reply::json(
        200,
        &state.onepassword.items[item].body(&vault),
    ))
}

/// A JSON Patch of field values; fields are named by their id.
pub(super) fn patch(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let vault = in_vault(state, arguments)?;
    let at = position(state, arguments)?;
    let wish = request.json();
    let Some([operation]) = wish.as_array().map(Vec::as_slice) else {
        return Err(refuse(400, "a patch of one operation is simulated"));
    };
    let (verb, path) = (&operation["op"], &operation["path"]);
    let (true, Some(value)) = (
        *verb == "replace" && *path == format!("/fields/{FIELD}/value").as_str(),
        operation["value"].as_str(),
    ) else {
        return Err(refuse(400, "Unable to apply the patch"));
    };
    state.mint.remember(value);
    let now = state.now;
    let item = &mut state.onepassword.items[at];
    item.change(value, now);
    Ok(Reply::json(200, &item.body(&vault)))
}

/// Replaces an item whole, unless somebody else changed it since it was read.
pub(super) fn replace(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let vault = in_vault(state, arguments)?;
    let at = position(state, arguments)?;
    let wish = request.json();
    let now = state.now;
    let item = &mut state.onepassword.items[at];
    if wish["version"]
        .as_u64()
        .is_some_and(|version| version < item.version)
    {
        return Err(refuse(409, "the item was changed since"));
    }
    let fields = wish["fields"].as_array().into_iter().flatten();
    let mut fields = fields.filter(|field| field["id"] == FIELD);
    let Some(value) = fields.next().and_then(|field| field["value"].as_str()) else {
        return Err(refuse(400, "the item has no such field"));
    };
    item.change(value, now);
    Ok(Reply::json(200, &item.body(&vault)))
}

/// `title eq "OpenAI"`; nothing is filtered where nothing is asked.
fn filtered(request: &Request, key: &str, name: &str) -> bool {
    let wanted = format!("{key} eq \"{name}\"");
    request.query("filter").is_none_or(|asked| asked == wanted)
}

fn in_vault(state: &State, arguments: &[String]) -> Result<String, Reply> {
    let vault = &state.onepassword.vault;
    match *vault == arguments[0] {
        true => Ok(vault.clone()),
        false => Err(refuse(404, "Vault not found")),
    }
}

fn position(state: &State, arguments: &[String]) -> Result<usize, Reply> {
    let mut items = state.onepassword.items.iter();
    let found = items.position(|item| item.id == arguments[1]);
    found.ok_or_else(|| refuse(404, "Item not found"))
}
