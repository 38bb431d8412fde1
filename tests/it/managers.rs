//! Password managers: a value goes there through the vendors' own commands, and comes back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rotakey::exit::Exit;
use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;
use crate::support::shop;

const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const ITEM: &str = "2fcbqwe9ndg175zg2dzwftvkpa";
const UUID: &str = "99ee88d2-6046-4ea7-92c2-acac464b1412";
const SESSION_KEY: &str = "c2Vzc2lvbiBrZXkgb2YgYnc=";

const TWO_MANAGERS: &str = "
accounts:
  onepassword: { command: HERE/1/op }
  bitwarden: { command: HERE/2/bw, session: { file: HERE/session } }
secrets:
  session:
    every: 30d
    issuer: { kind: generated }
    targets:
      - { kind: onepassword, vault: Infra, item: Session, field: credential }
      - { kind: bitwarden, item: Session, field: secret }
";

/// Stand-ins for both commands, each with one item that holds the old value.
fn managers(sandbox: &Sandbox) {
    let here = sandbox.directory.path();
    let old = shop::OLD_SESSION;
    for (folder, command) in [("1", "op"), ("2", "bw")] {
        fs::create_dir(here.join(folder)).expect("a folder");
        let program = format!("{}/tests/support/{command}.py", env!("CARGO_MANIFEST_DIR"));
        symlink(program, here.join(folder).join(command)).expect("a link");
    }
    let item = json!({
        "id": ITEM, "title": "Session", "version": 1, "category": "API_CREDENTIAL",
        "vault": {"id": VAULT, "name": "Infra"}, "updated_at": "2024-01-19T09:00:00Z",
        "fields": [{"id": "c1", "type": "CONCEALED", "label": "credential", "value": old}],
    });
    let state = json!({"vaults": [{"id": VAULT, "name": "Infra"}], "items": [item]});
    sandbox.write("1/state.json", &state.to_string());
    let item = json!({
        "id": UUID, "name": "Session", "type": 2, "notes": null, "deletedDate": null,
        "revisionDate": "2024-01-19T09:00:00.000Z",
        "fields": [{"name": "secret", "value": old, "type": 1, "linkedId": null}],
    });
    let server = json!({"session": SESSION_KEY, "items": [item]});
    sandbox.write("2/server.json", &server.to_string());
    sandbox.write("session", SESSION_KEY);
    private(&here.join("session"));
    let config = TWO_MANAGERS.replace("HERE", &here.display().to_string());
    sandbox.write("rotations.yaml", &config);
}

fn private(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

fn read(sandbox: &Sandbox, file: &str) -> Value {
    serde_json::from_str(&sandbox.read(file)).expect("JSON")
}

/// What either of them holds.
fn held(sandbox: &Sandbox) -> [Value; 2] {
    [
        read(sandbox, "1/state.json")["items"][0]["fields"][0]["value"].take(),
        read(sandbox, "2/server.json")["items"][0]["fields"][0]["value"].take(),
    ]
}

#[test]
fn a_value_goes_to_both_commands_and_back_and_nobody_can_read_it_on_its_way() {
    let sandbox = Sandbox::new();
    managers(&sandbox);
    let adopt = "adopt session --created 2024-01-19T09:00:00Z";
    sandbox.pipe(adopt, shop::OLD_SESSION).exits(Exit::Done);
    sandbox.run("check").exits(Exit::Done);
    sandbox.run("rotate session").exits(Exit::Done);
    let [new, other] = held(&sandbox);
    assert_eq!(new, other);
    let new = new.as_str().expect("a text").to_owned();
    assert_eq!(new.len(), 48);
    let notes = read(&sandbox, "2/server.json")["items"][0]["notes"].clone();
    let notes = notes.as_str().expect("a text");
    assert!(
        notes.starts_with("rotakey changed `secret` on Feb 18, 2024"),
        "{notes}"
    );
    assert!(notes.contains("(run_"), "{notes}");

    sandbox.run("rollback session").exits(Exit::Done);
    assert_eq!(
        held(&sandbox),
        [json!(shop::OLD_SESSION), json!(shop::OLD_SESSION)]
    );

    let calls = sandbox.read("1/calls.jsonl") + &sandbox.read("2/calls.jsonl");
    for call in calls.lines() {
        let call: Value = serde_json::from_str(call).expect("JSON");
        let seen = format!("{}{}", call["argv"], call["env"]);
        for value in [new.as_str(), shop::OLD_SESSION] {
            assert!(!seen.contains(value), "{seen}");
        }
        assert!(!call["argv"].to_string().contains(SESSION_KEY), "{seen}");
    }
    for ran in sandbox.transcripts() {
        let said = ran.stdout + &ran.stderr;
        for value in [new.as_str(), shop::OLD_SESSION, SESSION_KEY] {
            assert!(!said.contains(value), "{said}");
        }
    }
}

#[test]
fn a_manager_that_refuses_the_change_takes_the_rotation_back() {
    let sandbox = Sandbox::new();
    managers(&sandbox);
    let adopt = "adopt session --created 2024-01-19T09:00:00Z";
    sandbox.pipe(adopt, shop::OLD_SESSION).exits(Exit::Done);
    sandbox.write("2/trouble.json", r#"["forbidden"]"#);
    let ran = sandbox.run("rotate session").exits(Exit::Failed);
    assert!(
        ran.stderr.contains("`bw` failed (exit 1)"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        held(&sandbox),
        [json!(shop::OLD_SESSION), json!(shop::OLD_SESSION)]
    );
}
