//! `rotations.schema.json`: made from what the parser knows, and compared with what the parser says it knows.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::probe::schema_of_variant;
use super::*;
use crate::config::accounts::Shape;
use crate::issuers::{self, IssuerConfig};
use crate::notify::{self, ChannelConfig, Event};
use crate::targets::{self, TargetConfig};

/// The file that is published.
fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rotations.schema.json")
}

fn schema() -> Value {
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

#[test]
fn the_published_schema_is_what_the_parser_knows() {
    let made = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    if std::env::var_os("ROTAKEY_WRITE_SCHEMA").is_some() {
        std::fs::write(published(), &made).expect("the schema");
    }
    let kept = std::fs::read_to_string(published()).expect("the schema");
    assert!(
        cfg!(not(all(
            feature = "email",
            feature = "mysql",
            feature = "postgres",
            feature = "redis"
        ))) || kept == made,
        "the parser has learnt something; run this test with ROTAKEY_WRITE_SCHEMA=1"
    );
}

/// The keys that the parser names where one is wrong.
fn known(text: &str) -> BTreeSet<String> {
    let errors = resolve(text, "rotations.yaml", &around()).expect_err("it is bad");
    let hint = errors
        .iter()
        .find(|error| error.what.contains("unknown key `qqqqqqqq`"))
        .and_then(|error| error.hint.clone())
        .unwrap_or_else(|| panic!("{errors}\n{text}"));
    let listed = hint
        .strip_prefix("known here: ")
        .unwrap_or_else(|| panic!("{hint}"));
    listed
        .split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect()
}

#[track_caller]
fn same(text: &str, schema: &Value) {
    let keys = schema["properties"].as_object().expect("an object");
    let keys: BTreeSet<String> = keys.keys().cloned().collect();
    assert_eq!(keys, known(text), "{text}");
    assert_eq!(schema["additionalProperties"], json!(false), "{text}");
}

#[test]
fn every_key_the_parser_knows_is_in_the_schema_and_no_other() {
    let schema = schema();
    let all = &schema["definitions"];
    let q = "qqqqqqqq: 1";
    same(q, &schema);
    same(&format!("defaults: {{ {q} }}"), &all["defaults"]);
    same(&format!("ledger: {{ {q} }}"), &all["ledger"]);
    same(
        &format!("heartbeat: {{ {q} }}"),
        &schema["properties"]["heartbeat"],
    );
    let anchors = &all["anchors"];
    same(&format!("anchors: {{ {q} }}"), anchors);
    for (key, more) in [
        ("git", "repository: ."),
        ("timestamp", "url: \"https://a.example\""),
    ] {
        let text = format!("anchors: {{ {key}: {{ {more}, {q} }} }}");
        same(&text, &anchors["properties"][key]);
    }
    let once = format!("freeze: [{{ from: 2024-01-01, to: 2024-01-02, {q} }}]");
    same(&once, &all["freeze"]["oneOf"][0]);
    let again = format!("freeze: [{{ begins: \"0 16 * * 5\", lasts: 64h, {q} }}]");
    same(&again, &all["freeze"]["oneOf"][1]);
    same(&format!("secrets: {{ a: {{ {q} }} }}"), &all["secret"]);
    for kind in Shape::kinds() {
        let text = format!("accounts: {{ a: {{ kind: {kind}, {q} }} }}");
        same(&text, &all[&format!("account-{kind}")]);
    }
    for kind in issuers::KINDS {
        let text = format!(
            "secrets: {{ a: {{ issuer: {{ kind: {}, {q} }} }} }}",
            kind.name
        );
        same(&text, &all[&format!("issuer-{}", kind.name)]);
    }
    for kind in targets::KINDS {
        let text = format!(
            "secrets: {{ a: {{ targets: [{{ kind: {}, {q} }}] }} }}",
            kind.name
        );
        same(&text, &all[&format!("target-{}", kind.name)]);
    }
    let health =
        format!("secrets: {{ a: {{ targets: [{{ kind: dotenv, health: {{ {q} }} }}] }} }}");
    same(&health, &all["health"]["anyOf"][1]);
    for kind in notify::KINDS {
        let text = format!("notify: {{ a: {{ kind: {}, {q} }} }}", kind.name);
        same(&text, &all[&format!("channel-{}", kind.name)]);
    }
}

#[test]
fn the_shipped_file_and_every_example_fit_the_schema_and_slips_do_not() {
    let text = std::fs::read_to_string(published()).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let document = |text: &str| -> Value { serde_yaml::from_str(text).expect("YAML") };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = std::fs::read_dir(root.join("examples")).expect("the examples");
    let files = examples
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .chain([root.join("rotations.yaml")]);
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a file");
        let wrong: Vec<String> = validator
            .iter_errors(&document(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", path.display());
    }
    let shipped = std::fs::read_to_string(root.join("rotations.yaml")).expect("a file");
    for (from, to) in [
        ("every: 30d", "evry: 30d"),
        ("kind: vercel, projects", "kind: vercl, projects"),
        ("grace: 24h", "grace: one day"),
        (
            "admin_key: { env: OPENAI_ADMIN_KEY }",
            "admin_key: sk-admin-1",
        ),
        ("services: all, variable", "services: all, vriable"),
    ] {
        assert!(shipped.contains(from), "{from}");
        let slip = shipped.replacen(from, to, 1);
        assert!(!validator.is_valid(&document(&slip)), "{to}");
    }
}
