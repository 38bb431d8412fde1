//! A row on the wire: how it is read from a request, what Vercel refuses in it, and how much of it a reply shows.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::message::Reply;
use super::project::{Kind, Row, Targets};
use super::{millis, refuse};

/// Whether a reply shows values of encrypted rows in clear.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Clear,
    Sealed,
}

pub(super) fn parse(wish: &Value, now: DateTime<Utc>) -> Result<Row, &'static str> {
    let (Some(key), Some(value)) = (wish["key"].as_str(), wish["value"].as_str()) else {
        return Err("key and value are required");
    };
    let kind = wish["type"]
        .as_str()
        .and_then(Kind::parse)
        .ok_or("type is required")?;
    let row = Row {
        kind,
        targets: words(&wish["target"]).unwrap_or_default(),
        custom: words(&wish["customEnvironmentIds"]).unwrap_or_default(),
        branch: text(&wish["gitBranch"]),
        comment: text(&wish["comment"]),
        created_at: now,
        updated_at: now,
        ..Row::new(key, value)
    };
    check(&row).map_err(|_| "the targets do not fit the type")?;
    Ok(row)
}

/// What Vercel refuses in any row.
pub(super) fn check(row: &Row) -> Result<(), Reply> {
    if row.targets.is_empty() && row.custom.is_empty() {
        return Err(refuse(400, "MISSING_TARGET", "a variable needs a target"));
    }
    if row.kind == Kind::Sensitive && row.targets.iter().any(|target| target == "development") {
        return Err(refuse(
            400,
            "bad_request",
            "development takes no sensitive variable",
        ));
    }
    Ok(())
}

pub(super) fn collides(one: &Row, other: &Row) -> bool {
    one.key == other.key
        && one.branch == other.branch
        && (one
            .targets
            .iter()
            .any(|target| other.targets.contains(target))
            || one.custom.iter().any(|id| other.custom.contains(id)))
}

/// Everything about a row but its value and its dates.
pub(super) fn shell(row: &Row) -> (String, Kind, Vec<String>, Vec<String>, Option<String>) {
    let Row {
        key,
        kind,
        targets,
        custom,
        branch,
        ..
    } = row.clone();
    (key, kind, targets, custom, branch)
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A list of words, or a single one.
pub(super) fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(word) => Some(vec![word.clone()]),
        Value::Array(items) => Some(items.iter().filter_map(text).collect()),
        _ => None,
    }
}

pub(super) fn single(targets: Targets, number: usize) -> Targets {
    if number % 2 == 1 {
        targets
    } else {
        Targets::Array
    }
}

pub(super) fn body(row: &Row, show: Show, targets: Targets) -> Value {
    let target = match (targets, row.targets.as_slice()) {
        (Targets::Mixed, [only]) => json!(only),
        _ => json!(row.targets),
    };
    let mut body = json!({
        "id": row.id,
        "key": row.key,
        "type": row.kind.word(),
        "target": target,
        "customEnvironmentIds": row.custom,
        "configurationId": row.integration,
        "comment": row.comment,
        "createdAt": millis(row.created_at),
        "updatedAt": millis(row.updated_at),
        "decrypted": show == Show::Clear && row.kind != Kind::Sensitive,
    });
    if let Some(branch) = &row.branch {
        body["gitBranch"] = json!(branch);
    }
    match value(row.kind, &row.value, &row.id, show == Show::Clear) {
        Value::Null => {}
        value => body["value"] = value,
    }
    body
}

/// What a reply shows of a value: itself, an envelope that says nothing, or nothing.
pub(super) fn value(kind: Kind, value: &str, id: &str, clear: bool) -> Value {
    match kind {
        Kind::Sensitive => Value::Null,
        Kind::Encrypted if !clear => json!(format!("eyJ2IjoidjIiLCJjIjoi{id}In0=")),
        Kind::Plain | Kind::Encrypted | Kind::System => json!(value),
    }
}
