//! The schema, made from what the parser knows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::accounts::Shape;
use crate::config::tests::probe::schema_of_variant;
use crate::issuers::{self, IssuerConfig};
use crate::notify::{self, ChannelConfig, Event};
use crate::targets::{self, TargetConfig};

pub(super) fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rotations.yaml of rotakey",
        "description": "What is rotated, how often, and where each new key goes. No secret ever stands in it.",
        "type": "object",
        "properties": {
            "defaults": { "$ref": "#/definitions/defaults" },
            "accounts": { "$ref": "#/definitions/accounts" },
            "ledger": { "$ref": "#/definitions/ledger" },
            "freeze": { "description": "Times in which no rotation begins, unless a key has leaked.", "type": "array", "items": { "$ref": "#/definitions/freeze" } },
            "anchors": { "$ref": "#/definitions/anchors" },
            "secrets": {
                "description": "What is rotated.", "type": "object", "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "$ref": "#/definitions/secret" },
            },
            "notify": {
                "description": "Who hears of it, besides the terminal.", "type": "object", "propertyNames": { "$ref": "#/definitions/name" },
                "additionalProperties": { "$ref": "#/definitions/channel" },
            },
            "heartbeat": closed(json!({ "url": { "$ref": "#/definitions/source" } }), &["url"], "An address that is called when a run begins and when it ends."),
            "metrics": described("#/definitions/text", "A file for node_exporter's textfile collector."),
            "audit_log": described("#/definitions/text", "Where people find the audit log, for messages: an https:// address."),
        },
        "required": ["secrets"],
        "additionalProperties": false,
        "definitions": definitions(),
    })
}

fn definitions() -> Value {
    let mut all = json!({
        "text": { "type": ["string", "number"] },
        "name": { "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$" },
        "span": { "description": "A duration such as 30d: a number and one of s, m, h, d, w.", "type": "string", "pattern": "^[0-9]+[smhdw]$" },
        "source": {
            "description": "Where a credential of rotakey itself comes from.", "type": "object",
            "properties": {
                "env": { "description": "A variable of the environment.", "type": "string" },
                "file": { "description": "A file that only its owner can read.", "type": "string" },
                "command": { "description": "A program and its arguments; no shell.", "type": "array", "items": { "$ref": "#/definitions/text" }, "minItems": 1 },
                "secret": { "description": "A secret of this file.", "type": "string" },
            },
            "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        },
        "defaults": defaults(),
        "ledger": closed(json!({
            "path": described("#/definitions/text", "The file; ledger.json.age beside this one unless said."),
            "identity": described("#/definitions/source", "What opens it; identity.txt beside this file unless said."),
            "recipients": { "description": "Who may open it, as age writes recipients.", "type": "array", "items": { "type": "string" } },
        }), &[], "Where the ledger is and who may read it."),
        "freeze": { "oneOf": [
            closed(json!({ "from": { "type": "string" }, "to": { "type": "string" }, "reason": { "$ref": "#/definitions/text" } }), &["from", "to"], "Once: a day, or an instant in RFC 3339."),
            closed(json!({ "begins": { "type": "string" }, "lasts": { "$ref": "#/definitions/span" }, "reason": { "$ref": "#/definitions/text" } }), &["begins", "lasts"], "Again and again: a cron expression, and how long."),
        ]},
        "anchors": closed(json!({
            "git": closed(json!({
                "repository": { "$ref": "#/definitions/text" }, "sign": { "type": "boolean" }, "push": { "$ref": "#/definitions/name" },
            }), &["repository"], "A tag in this repository; `push` sends it to that remote."),
            "timestamp": closed(json!({ "url": { "type": "string" } }), &["url"], "A time-stamping authority (RFC 3161)."),
        }), &[], "Where the head of the audit log is held by others."),
        "accounts": accounts(),
        "secret": secret(),
        "health": { "description": "How its services are probed before they count as healthy.", "anyOf": [
            { "type": "string" },
            // Read by hand from an address or a map, so that serde cannot be asked.
            closed(json!({
                "url": { "type": "string" }, "status": { "type": "integer" }, "good": { "type": "integer" },
                "within": { "$ref": "#/definitions/span" },
            }), &["url"], "An address, the status it answers with, how many good answers in a row, and how soon."),
        ]},
    });
    let map = all.as_object_mut().expect("an object");
    for kind in Shape::kinds() {
        map.insert(format!("account-{kind}"), account(kind));
    }
    let of = |table: &[&'static str], what: &str| by_kind(table, what);
    let issuers: Vec<&str> = issuers::KINDS.iter().map(|kind| kind.name).collect();
    for kind in issuers::KINDS {
        let extra = json!({ "kind": { "const": kind.name } });
        let extra = with_account(extra, kind.account.is_some());
        let schema = joined(schema_of_variant::<IssuerConfig>(kind.name), extra);
        map.insert(format!("issuer-{}", kind.name), schema);
    }
    let targets: Vec<&str> = targets::KINDS.iter().map(|kind| kind.name).collect();
    for kind in targets::KINDS {
        let mut extra = json!({
            "kind": { "const": kind.name },
            "value": described("#/definitions/text", "A text made of fields, such as postgres://{user}:{password}@host/db."),
            "health": { "$ref": "#/definitions/health" },
            "stage": described("#/definitions/text", "One of the secret's `stages`."),
        });
        if !kind.address.contains(&"field") {
            extra["field"] =
                described("#/definitions/text", "Which field of a version goes there.");
        }
        let extra = with_account(extra, kind.account.is_some());
        let schema = joined(schema_of_variant::<TargetConfig>(kind.name), extra);
        map.insert(format!("target-{}", kind.name), schema);
    }
    let channels: Vec<&str> = notify::KINDS.iter().map(|kind| kind.name).collect();
    for kind in notify::KINDS {
        let mut extra = json!({
            "kind": { "const": kind.name },
            "events": events(), "loud": events(),
            "secrets": { "description": "Of which secrets; all unless said.", "type": "array", "items": { "type": "string" } },
            "redact_names": { "description": "It may not name secrets.", "type": "boolean" },
        });
        for key in kind.needs.iter().chain(kind.takes) {
            extra[*key] = json!({ "$ref": "#/definitions/source" });
        }
        let mut schema = joined(schema_of_variant::<ChannelConfig>(kind.name), extra);
        require(&mut schema, kind.needs);
        map.insert(format!("channel-{}", kind.name), schema);
    }
    let accounts: BTreeSet<&str> = Shape::kinds().into_iter().collect();
    let accounts: Vec<&str> = accounts.into_iter().collect();
    map.insert("account".to_owned(), of(&accounts, "account"));
    map.insert("issuer".to_owned(), of(&issuers, "issuer"));
    map.insert("target".to_owned(), of(&targets, "target"));
    map.insert("channel".to_owned(), of(&channels, "channel"));
    all
}

fn described(of: &str, text: &str) -> Value {
    // Beside a `$ref` nothing else counts in draft 7.
    json!({ "description": text, "allOf": [{ "$ref": of }] })
}

fn closed(properties: Value, required: &[&str], text: &str) -> Value {
    json!({
        "description": text, "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}

fn span(text: &str) -> Value {
    described("#/definitions/span", text)
}

fn defaults() -> Value {
    closed(
        json!({
            "warn": span("How long before a rotation people are told; 7d unless said."),
            "grace": span("How long the old key works on; 24h unless said."),
            "skip": span("What one SKIP postpones a rotation by; 30d unless said."),
            "max_age": span("How old a key may become, however often it is postponed."),
            "confirm_timeout": span("How long a redeploy may take; 15m unless said."),
            "owner": described("#/definitions/text", "Who answers for it."),
            "environment": described("#/definitions/text", "Where it is used, such as production."),
            "criticality": described("#/definitions/text", "How much hangs on it."),
            "policy_ref": described("#/definitions/text", "The document that says how often it has to change."),
            "max_per_run": { "description": "How many secrets are rotated in one night at most; 20 unless said.", "type": "integer", "minimum": 1 },
        }),
        &[],
        "What holds for every secret that says nothing else.",
    )
}

fn secret() -> Value {
    let mut policy = defaults()["properties"].take();
    let keys = policy.as_object_mut().expect("an object");
    keys.remove("max_per_run");
    let more = json!({
        "title": described("#/definitions/text", "What people call it."),
        "every": { "description": "How often: 30d, 12h, daily, weekly, monthly, quarterly, or a cron expression in UTC.", "type": "string" },
        "purpose": described("#/definitions/text", "What it is for."),
        "review": { "description": "A day on which all of this is to be looked at again.", "type": "string" },
        "stages": { "description": "The order of delivery.", "type": "array", "items": { "$ref": "#/definitions/name" } },
        "canary": { "description": "How many services go first: 10%, or 1.", "type": ["string", "integer"] },
        "soak": span("How long a confirmed stage is watched before the next one starts."),
        "issuer": { "$ref": "#/definitions/issuer" },
        "targets": { "description": "Where it goes.", "type": "array", "items": { "$ref": "#/definitions/target" }, "minItems": 1 },
    });
    keys.extend(more.as_object().expect("an object").clone());
    closed(policy, &["every", "issuer", "targets"], "One secret.")
}

fn account(kind: &str) -> Value {
    let shape = Shape::of(kind).expect("a kind of account");
    let mut properties = json!({
        "kind": { "const": kind },
        "base_url": { "description": "Where the vendor is, if not at its usual address.", "type": "string" },
    });
    for key in shape.needs.iter().chain(&shape.takes) {
        properties[*key] = json!({ "$ref": "#/definitions/source" });
    }
    for key in &shape.settings {
        properties[*key] = json!({ "$ref": "#/definitions/text" });
    }
    let text = format!("What rotakey itself uses to talk to {kind}.");
    closed(properties, &shape.needs, &text)
}

/// An account is of the kind it is called by, unless it says `kind`.
fn accounts() -> Value {
    let kinds: BTreeSet<&str> = Shape::kinds().into_iter().collect();
    let called = |kind: &&str| {
        let usual = json!({ "$ref": format!("#/definitions/account-{kind}") });
        let other = json!({ "$ref": "#/definitions/account" });
        (
            (*kind).to_owned(),
            json!({ "if": { "required": ["kind"] }, "then": other, "else": usual }),
        )
    };
    let named: Map<String, Value> = kinds.iter().map(called).collect();
    json!({
        "description": "What rotakey itself uses to talk to a vendor.", "type": "object",
        "propertyNames": { "$ref": "#/definitions/name" },
        "properties": named, "additionalProperties": { "$ref": "#/definitions/account" },
    })
}

/// One of several shapes, chosen by `kind`: an editor then complains of the key that is wrong, not of every shape.
fn by_kind(kinds: &[&str], what: &str) -> Value {
    let one = |kind: &&str| {
        json!({
            "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
            "then": { "$ref": format!("#/definitions/{what}-{kind}") },
        })
    };
    let shapes: Vec<Value> = kinds.iter().map(one).collect();
    json!({
        "type": "object", "properties": { "kind": { "enum": kinds } }, "required": ["kind"], "allOf": shapes,
    })
}

fn with_account(mut extra: Value, account: bool) -> Value {
    if account {
        extra["account"] = described(
            "#/definitions/text",
            "The account it talks through; the one called like its kind unless said.",
        );
    }
    extra
}

fn joined(mut schema: Value, extra: Value) -> Value {
    if schema["properties"].is_null() {
        schema = closed(json!({}), &[], "");
    }
    let keys = schema["properties"].as_object_mut().expect("an object");
    keys.extend(extra.as_object().expect("an object").clone());
    require(&mut schema, &["kind"]);
    schema
}

fn require(schema: &mut Value, keys: &[&str]) {
    let required = schema["required"].as_array_mut().expect("a list");
    required.extend(keys.iter().map(|key| json!(key)));
}

fn events() -> Value {
    let words = Event::ALL.map(Event::word);
    json!({ "type": "array", "items": { "enum": words } })
}
