use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::http::testing::JumpingClock;
use crate::model::Credential;

const ID: &str = "99ee88d2-6046-4ea7-92c2-acac464b1412";
const SESSION: &str = "c2Vzc2lvbiBrZXkgb2YgYnc=";

/// A stand-in for `bw` with a vault of its own.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new(items: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/bw.py");
        std::os::unix::fs::symlink(program, folder.path().join("bw")).unwrap();
        let fake = Self { folder };
        fake.write("server.json", &json!({"session": SESSION, "items": items}));
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.path(name), value.to_string()).unwrap();
    }

    fn set(&self, key: &str, value: Value) {
        let mut server = self.read("server.json");
        server[key] = value;
        self.write("server.json", &server);
    }

    fn read(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn trouble(&self, kinds: Value) {
        self.write("trouble.json", &kinds);
    }

    fn item(&self) -> Value {
        self.read("server.json")["items"][0].clone()
    }

    fn calls(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("calls.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The words of every call, without the two that are always there.
    fn words(&self) -> Vec<String> {
        let words = |call: &Value| {
            let argv = call["argv"].as_array().unwrap().iter();
            let words: Vec<&str> = argv.skip(2).map(|word| word.as_str().unwrap()).collect();
            words.join(" ")
        };
        self.calls().iter().map(words).collect()
    }

    fn target(&self, item: &str, field: &str) -> Arc<dyn Target> {
        opened(&self.path("bw"), item, field)
    }

    fn site(&self, field: &str) -> Site {
        let sites = self.target("OpenAI", field).sites(Pass(1));
        sites.unwrap().remove(0)
    }

    fn why(&self, item: &str, field: &str) -> Fault {
        self.target(item, field).sites(Pass(1)).unwrap_err()
    }
}

fn opened(command: &Path, item: &str, field: &str) -> Arc<dyn Target> {
    let connections = Connections::new(JumpingClock::new(), 1).in_run("run_2a".into());
    let config = json!({"item": item, "field": field});
    let config = serde_json::from_value(config).unwrap();
    build(config, &account(command), &connections).unwrap()
}

fn account(command: &Path) -> Arc<Settings> {
    let session = Credential::new("test", || Ok(SecretValue::new(SESSION)));
    let account = Settings::new("bitwarden".into(), "bitwarden")
        .set("command", command.display().to_string())
        .with("session", session);
    Arc::new(account)
}

fn login() -> Value {
    json!({
        "object": "item", "id": ID, "organizationId": null, "folderId": null, "type": 1, "reprompt": 0,
        "name": "OpenAI", "notes": "owner: ops", "favorite": false,
        "fields": [
            {"name": "token", "value": "t-old", "type": 1, "linkedId": null},
            {"name": "live", "value": "true", "type": 2, "linkedId": null},
        ],
        "login": {"fido2Credentials": [], "uris": [{"match": null, "uri": "https://platform.openai.com"}],
            "username": "bot", "password": "sk-old", "totp": null, "passwordRevisionDate": null},
        "collectionIds": [], "attachments": [{"id": "a1"}], "passwordHistory": null,
        "revisionDate": "2026-02-01T12:00:00.000Z", "creationDate": "2025-02-01T12:00:00.000Z", "deletedDate": null,
    })
}

fn new() -> SecretValue {
    SecretValue::new("sk-n w\"'\\ü")
}

fn done() -> Effect<Written> {
    Effect::Done(Written {
        at: Some("2026-03-01T12:00:05Z".parse().unwrap()),
        marker: None,
    })
}

#[test]
fn a_name_leads_to_one_item_and_the_copy_is_made_new_once_a_pass() {
    let mut other = login();
    other["id"] = json!("6bbc548b-b5ef-4ec1-a883-b04a014a754a");
    other["name"] = json!("OpenAI staging");
    let fake = Fake::new(json!([login(), other]));
    let site = fake.site("password");
    assert_eq!(
        site.id,
        SiteId::new(format!("bitwarden/bitwarden/{ID}/password"))
    );
    assert_eq!(site.label, "bitwarden/OpenAI password");
    assert_eq!(site.stored, Stored::Value(SecretValue::new("sk-old")));
    assert_eq!(fake.words(), ["sync", "list items --search=OpenAI"]);
    let target = fake.target(ID, "token");
    let twice = [target.sites(Pass(1)), target.sites(Pass(1))].map(Result::unwrap);
    assert_eq!(twice[1][0].stored, Stored::Value(SecretValue::new("t-old")));
    assert_eq!(
        fake.words()[2..],
        ["sync", &format!("get item {ID}"), &format!("get item {ID}")]
    );
}

#[test]
fn the_item_goes_back_whole_with_the_value_its_history_and_a_note() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    let target = fake.target("OpenAI", "password");
    assert_eq!(target.write(&site, &new()), done());
    let mut expected = login();
    expected["login"]["password"] = json!(new().expose());
    expected["notes"] =
        json!("owner: ops\nrotakey changed `password` on Mar 1, 2026 12:00 UTC (run_2a)");
    expected["passwordHistory"] =
        json!([{"lastUsedDate": "2026-03-01T12:00:00.000Z", "password": "sk-old"}]);
    expected["revisionDate"] = json!("2026-03-01T12:00:05.000Z");
    assert_eq!(fake.item(), expected);
    let calls = fake.calls().len();
    // Again, and nothing is sent but the look.
    assert_eq!(target.write(&site, &new()), done());
    assert!(
        !fake.words()[calls..]
            .iter()
            .any(|words| words.starts_with("edit"))
    );
}

#[test]
fn a_custom_field_is_changed_and_its_neighbours_stay() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("token");
    assert_eq!(fake.target("OpenAI", "token").write(&site, &new()), done());
    let item = fake.item();
    assert_eq!(item["fields"][0]["value"], json!(new().expose()));
    assert_eq!(item["fields"][1], login()["fields"][1]);
    assert_eq!(item["login"]["password"], json!("sk-old"));
}

#[test]
fn no_secret_stands_in_an_argument_and_the_session_alone_in_the_environment() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    let written = fake.target("OpenAI", "password").write(&site, &new());
    assert_eq!(written, done());
    for call in fake.calls() {
        assert_eq!(call["env"]["BW_SESSION"], json!(SESSION));
        let seen = format!("{}{}", call["argv"], call["env"]);
        assert!(!seen.contains("sk-"), "{seen}");
        assert!(!call["argv"].to_string().contains(SESSION));
    }
}

#[test]
fn a_change_that_meets_a_newer_item_begins_again_with_that_one() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    fake.trouble(json!(["meanwhile"]));
    let written = fake.target("OpenAI", "password").write(&site, &new());
    assert_eq!(written, done());
    let notes = "written meanwhile\nrotakey changed `password` on Mar 1, 2026 12:00 UTC (run_2a)";
    assert_eq!(fake.item()["notes"], json!(notes));
}

#[test]
fn what_the_item_holds_afterwards_decides_what_became_of_an_edit() {
    let write = |trouble: &str| {
        let fake = Fake::new(json!([login()]));
        let site = fake.site("password");
        fake.trouble(json!([trouble]));
        fake.target("OpenAI", "password").write(&site, &new())
    };
    assert_eq!(write("late"), done());
    let Effect::NotDone(fault) = write("forbidden") else {
        panic!("nothing was changed");
    };
    assert_eq!(fault.what, "`bw` failed (exit 1)");
    let Effect::Uncertain(fault) = write("ignored") else {
        panic!("a success that changed nothing was believed");
    };
    assert_eq!(fault.what, "does not hold what was just written");
}

#[test]
fn what_is_missing_or_not_the_only_one_is_refused() {
    let mut second = login();
    second["id"] = json!("6bbc548b-b5ef-4ec1-a883-b04a014a754a");
    let why = |items: Value, item: &str, field: &str| Fake::new(items).why(item, field).what;
    assert_eq!(
        why(json!([login(), second]), "OpenAI", "password"),
        "bitwarden/OpenAI: there are several: item `OpenAI`"
    );
    assert_eq!(
        why(json!([login()]), "openai", "password"),
        "bitwarden/openai: no item `openai`"
    );
    assert_eq!(
        why(json!([]), ID, "password"),
        format!("bitwarden/{ID}: the vault has no such item")
    );
    assert_eq!(
        why(json!([login()]), "OpenAI", "secret"),
        "bitwarden/OpenAI: no field `secret` in the item"
    );
    assert_eq!(
        why(json!([login()]), "OpenAI", "live"),
        "bitwarden/OpenAI: field `live` in the item: holds no text"
    );
    let mut twice = login();
    twice["fields"][0]["name"] = json!("password");
    assert_eq!(
        why(json!([twice]), "OpenAI", "password"),
        "bitwarden/OpenAI: there are several: field `password` in the item"
    );
}

#[test]
fn an_item_that_a_change_could_harm_is_refused() {
    let mut passkey = login();
    passkey["login"]["fido2Credentials"] = json!([{"credentialId": "c"}]);
    assert_eq!(
        Fake::new(json!([passkey])).why("OpenAI", "token").what,
        "bitwarden/OpenAI: the item holds a passkey, which a change could destroy"
    );
    let mut trash = login();
    trash["deletedDate"] = json!("2026-02-02T12:00:00.000Z");
    assert_eq!(
        Fake::new(json!([trash])).why(ID, "token").what,
        format!("bitwarden/{ID}: the item is in the trash")
    );
}

#[test]
fn a_vault_that_does_not_open_is_told_from_an_item_that_is_not_there() {
    let fake = Fake::new(json!([login()]));
    fake.set("session", json!("another"));
    let locked = fake.why("OpenAI", "password");
    assert_eq!(
        locked.what,
        "bitwarden/OpenAI: the vault is locked: the session key opens it no more"
    );
    fake.set("logged_out", json!(true));
    assert_eq!(
        fake.why("OpenAI", "password").what,
        "bitwarden/OpenAI: `bw` is not logged in"
    );
    let gone = opened(Path::new("/nowhere/bw"), "OpenAI", "password");
    assert_eq!(
        gone.sites(Pass(1)).unwrap_err().what,
        "bitwarden/OpenAI: `/nowhere/bw` cannot be started: entity not found"
    );
}

#[test]
fn a_copy_that_cannot_be_made_new_is_not_believed() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    fake.set("unreachable", json!(true));
    assert_eq!(
        fake.why("OpenAI", "password").what,
        "bitwarden/OpenAI: `bw` failed (exit 1)"
    );
    let written = fake.target("OpenAI", "password").write(&site, &new());
    assert!(matches!(written, Effect::NotDone(_)), "{written:?}");
}

#[test]
fn a_bw_that_hangs_is_killed_and_its_edit_uncertain_until_it_shows() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    fake.trouble(json!(["hang"]));
    let hasty = Bitwarden {
        config: Config {
            item: "OpenAI".to_owned(),
            field: "password".to_owned(),
        },
        settings: account(&fake.path("bw")),
        clock: JumpingClock::new(),
        run: None,
        vault: Arc::new(Vault {
            bw: Bw {
                patience: Duration::from_secs(2),
                ..Bw::new(account(&fake.path("bw")))
            },
            synced: PerPass::new(),
        }),
    };
    let Effect::Uncertain(fault) = hasty.write(&site, &new()) else {
        panic!("nobody knows what became of it");
    };
    assert!(
        fault.what.ends_with("took longer than 2s and was killed"),
        "{}",
        fault.what
    );
    // The next write finds the old value, and writes.
    assert_eq!(hasty.write(&site, &new()), done());
}
