//! `rotations.schema.json`: what is published is what the parser knows, and the parser says so itself.

mod made;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::accounts::Shape;
use crate::issuers;
use crate::notify;
use crate::targets;
use made::schema;

/// The file that is published.
fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rotations.schema.json")
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
