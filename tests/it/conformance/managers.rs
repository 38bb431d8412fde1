//! Password managers through the vendors' own commands, of which stand-ins are called here.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::support::mortal::Life;
use crate::support::sandbox::Sandbox;
use crate::support::trouble::Trouble;

use super::calls::{Calls, python};
use super::scene::{Conforms, Road, Scene, due};
use super::vendors::config;

const LIVE: &str = "Kq7vR2mXw9LtB4nYc8ZsD1fGh5JpA3eU";
const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const ITEM: &str = "2fcbqwe9ndg175zg2dzwftvkpa";
const UUID: &str = "99ee88d2-6046-4ea7-92c2-acac464b1412";
const SESSION: &str = "c2Vzc2lvbiBrZXkgb2YgYnc=";

/// A stand-in, what it keeps in a file beside it, and how a configuration uses it.
struct Manager {
    command: &'static str,
    file: &'static str,
    state: Value,
    account: &'static str,
    target: &'static str,
}

/// The road to a manager. Everything happens to calls that change something; of the many that only look, every one is
/// met, and every sort of trouble, but not each by each.
struct ToManager {
    calls: Calls,
    /// Which calls change something, as the first life that is over has shown it.
    edits: Arc<OnceLock<Vec<bool>>>,
}

impl Road for ToManager {
    fn sent(&self, sandbox: &Sandbox) -> u64 {
        let noted = sandbox.read("manager/calls.jsonl");
        let edits: Vec<bool> = noted
            .lines()
            .map(|call| call.contains("\"edit\""))
            .collect();
        if edits.contains(&true) {
            self.edits.get_or_init(|| edits);
        }
        self.calls.sent(sandbox)
    }

    fn troubles(&self, sandbox: &Sandbox, n: u64) -> Vec<Trouble> {
        let all = self.calls.troubles(sandbox, n);
        let at = self.sent(sandbox) + n - 1;
        let edits = self.edits.get().expect("a good life comes first");
        if edits.get(at as usize).is_none_or(|edits| *edits) {
            return all;
        }
        let here = |(turn, _): &(usize, Trouble)| turn % 3 == n as usize % 3;
        all.into_iter()
            .enumerate()
            .filter(here)
            .map(|(_, trouble)| trouble)
            .collect()
    }

    fn spoil(&self, sandbox: &Sandbox, n: u64, trouble: Trouble, life: &Life) {
        self.calls.spoil(sandbox, n, trouble, life);
    }
}

/// A value that rotakey makes up, in one field of one item.
fn row(suite: &mut dyn Conforms, manager: &Manager) {
    let Manager { command, file, .. } = manager;
    let edits = Arc::default();
    suite.all(&|| {
        let sandbox = Sandbox::new();
        let road = Calls::of(&sandbox);
        let home = sandbox.path("manager");
        fs::create_dir(&home).expect("a folder in the sandbox");
        let script = format!("{}/tests/support/{command}.py", env!("CARGO_MANIFEST_DIR"));
        // It keeps its files beside the name it is called by.
        symlink(script, home.join(command)).expect("a link");
        sandbox.write(&format!("manager/{file}"), &manager.state.to_string());
        sandbox.write("manager/calls.jsonl", "");
        sandbox.write("session", SESSION);
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(sandbox.path("session"), private).expect("it is ours");
        let program = python(&home.join(command).display().to_string());
        let account = manager
            .account
            .replace("COMMAND", &road.command(command, &program))
            .replace("SESSION", &sandbox.path("session").display().to_string());
        due(
            &sandbox,
            &config(&account, "{ kind: generated }", manager.target),
            LIVE,
        );
        let file = format!("manager/{file}");
        Scene {
            roads: vec![Box::new(ToManager {
                calls: road,
                edits: Arc::clone(&edits),
            })],
            used: Box::new(move |sandbox| {
                let state: Value = serde_json::from_str(&sandbox.read(&file)).expect("JSON");
                let fields = state["items"][0]["fields"].as_array().expect("its fields");
                let kept = &fields[1];
                assert_eq!(kept["value"], "acme", "the other field stays as it is");
                vec![fields[0]["value"].as_str().expect("a text").to_owned()]
            }),
            ..Scene::new(sandbox)
        }
    });
}

pub(super) fn op(suite: &mut dyn Conforms) {
    let vault = json!({"id": VAULT, "name": "Infra"});
    let item = json!({
        "id": ITEM, "title": "Shop", "version": 1, "category": "API_CREDENTIAL", "vault": vault,
        "updated_at": "2024-01-19T09:00:00Z",
        "fields": [
            {"id": "c1", "type": "CONCEALED", "label": "credential", "value": LIVE},
            {"id": "u1", "type": "STRING", "label": "user", "value": "acme"},
        ],
    });
    row(
        suite,
        &Manager {
            command: "op",
            file: "state.json",
            state: json!({"vaults": [vault], "items": [item]}),
            account: "  onepassword: { command: COMMAND }",
            target: "{ kind: onepassword, vault: Infra, item: Shop, field: credential }",
        },
    );
}

pub(super) fn bw(suite: &mut dyn Conforms) {
    let item = json!({
        "id": UUID, "name": "Shop", "type": 2, "notes": null, "deletedDate": null,
        "revisionDate": "2024-01-19T09:00:00.000Z",
        "fields": [
            {"name": "secret", "value": LIVE, "type": 1, "linkedId": null},
            {"name": "user", "value": "acme", "type": 0, "linkedId": null},
        ],
    });
    row(
        suite,
        &Manager {
            command: "bw",
            file: "server.json",
            state: json!({"session": SESSION, "items": [item]}),
            account: "  bitwarden: { command: COMMAND, session: { file: SESSION } }",
            target: "{ kind: bitwarden, item: Shop, field: secret }",
        },
    );
}
