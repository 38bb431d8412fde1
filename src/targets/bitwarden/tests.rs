use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::http::testing::JumpingClock;
use crate::targets::testing::{self, StandIn, opened, written_at};

const ID: &str = "99ee88d2-6046-4ea7-92c2-acac464b1412";
const SESSION: &str = "c2Vzc2lvbiBrZXkgb2YgYnc=";

/// A stand-in for `bw` with a vault of its own.
struct Fake(StandIn);

impl Fake {
    fn new(items: Value) -> Self {
        let held = json!({"session": SESSION, "items": items});
        Self(StandIn::new("bw", "server.json", &held))
    }

    fn item(&self) -> Value {
        self.0.state()["items"][0].clone()
    }

    /// The words of every call, without the two that are always there.
    fn words(&self) -> Vec<String> {
        self.0.words(|argv| &argv[2..])
    }

    fn target(&self, item: &str, field: &str) -> Arc<dyn Target> {
        let config = json!({"item": item, "field": field});
        opened(build, config, account(&self.0.command())).unwrap()
    }

    fn site(&self, field: &str) -> Site {
        let sites = self.target("OpenAI", field).sites(Pass(1));
        sites.unwrap().remove(0)
    }

    fn why(&self, item: &str, field: &str) -> Fault {
        self.target(item, field).sites(Pass(1)).unwrap_err()
    }
}

fn account(command: &Path) -> Settings {
    testing::account("bitwarden", "session", SESSION).set("command", command.display().to_string())
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
    written_at("2026-03-01T12:00:05Z")
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
    let calls = fake.0.calls().len();
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
    for call in fake.0.calls() {
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
    fake.0.trouble(&json!(["meanwhile"]));
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
        fake.0.trouble(&json!([trouble]));
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
    fake.0.set("session", json!("another"));
    let locked = fake.why("OpenAI", "password");
    assert_eq!(
        locked.what,
        "bitwarden/OpenAI: the vault is locked: the session key opens it no more"
    );
    fake.0.set("logged_out", json!(true));
    assert_eq!(
        fake.why("OpenAI", "password").what,
        "bitwarden/OpenAI: `bw` is not logged in"
    );
    let config = json!({"item": "OpenAI", "field": "password"});
    let gone = opened(build, config, account(Path::new("/nowhere/bw"))).unwrap();
    assert_eq!(
        gone.sites(Pass(1)).unwrap_err().what,
        "bitwarden/OpenAI: `/nowhere/bw` cannot be started: entity not found"
    );
}

#[test]
fn a_copy_that_cannot_be_made_new_is_not_believed() {
    let fake = Fake::new(json!([login()]));
    let site = fake.site("password");
    fake.0.set("unreachable", json!(true));
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
    fake.0.trouble(&json!(["hang"]));
    let hasty = Bitwarden {
        config: Config {
            item: "OpenAI".to_owned(),
            field: "password".to_owned(),
        },
        settings: Arc::new(account(&fake.0.command())),
        clock: JumpingClock::new(),
        run: None,
        vault: Arc::new(Vault {
            bw: Bw {
                patience: Duration::from_secs(2),
                ..Bw::new(Arc::new(account(&fake.0.command())))
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
