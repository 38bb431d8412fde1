use std::path::Path;

use super::*;
use crate::http::testing::JumpingClock;
use crate::targets::onepassword::build;
use crate::targets::testing::{self, StandIn, opened, written_at};
use crate::targets::{Pass, Site, Stored, Target};

const VAULT_ID: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const ITEM_ID: &str = "2fcbqwe9ndg175zg2dzwftvkpa";
const OTHER_ID: &str = "3gcbqwe9ndg175zg2dzwftvkpb";

/// A stand-in for `op` with a vault of its own.
struct Fake(StandIn);

impl Fake {
    fn new(items: Value) -> Self {
        let vaults = json!([{"id": VAULT_ID, "name": "Infra", "content_version": 7}]);
        let held = json!({"vaults": vaults, "items": items});
        Self(StandIn::new("op", "state.json", &held))
    }

    /// The words of every call, without the two at the end that are always there.
    fn words(&self) -> Vec<String> {
        self.0.words(|argv| &argv[..argv.len() - 2])
    }

    fn target(&self, config: Value, token: Option<&'static str>) -> Arc<dyn Target> {
        opened(build, config, account(&self.0.command(), token)).unwrap()
    }

    fn usual(&self) -> Arc<dyn Target> {
        let config = json!({"vault": "Infra", "item": "OpenAI", "field": "credential"});
        self.target(config, None)
    }

    fn site(&self) -> Site {
        self.usual().sites(Pass(1)).unwrap().remove(0)
    }

    fn why(&self) -> String {
        self.usual().sites(Pass(1)).unwrap_err().what
    }

    fn written_with(&self, trouble: Value) -> Effect<Written> {
        let site = self.site();
        self.0.trouble(&trouble);
        self.usual().write(&site, &new())
    }
}

fn account(command: &Path, token: Option<&'static str>) -> Account {
    let account = match token {
        Some(token) => testing::account("onepassword", "service_account_token", token),
        None => Account::new("onepassword".into(), "onepassword"),
    };
    account.set("command", command.display().to_string())
}

fn item(id: &str, title: &str) -> Value {
    json!({
        "id": id, "title": title, "version": 4, "vault": {"id": VAULT_ID, "name": "Infra"},
        "category": "API_CREDENTIAL", "last_edited_by": "BQWE", "tags": ["prod"],
        "created_at": "2025-03-01T12:00:00Z", "updated_at": "2026-02-01T12:00:00Z",
        "sections": [{"id": "s1", "label": "Keys"}],
        "fields": [
            {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain", "value": "owner: ops"},
            {"id": "username", "type": "STRING", "label": "username", "value": "bot"},
            {"id": "cred1", "type": "CONCEALED", "label": "credential", "value": "sk-old", "section": {"id": "s1", "label": "Keys"},
                "reference": "op://Infra/OpenAI/Keys/credential"},
        ],
    })
}

fn usual_item() -> Value {
    json!([item(ITEM_ID, "OpenAI")])
}

fn new() -> SecretValue {
    SecretValue::new("sk-n w\"'\\ü")
}

fn done() -> Effect<Written> {
    written_at("2026-03-01T12:00:05Z")
}

#[test]
fn names_lead_to_one_field_and_the_place_is_the_one_a_connect_server_would_name() {
    let fake = Fake::new(json!([
        item(ITEM_ID, "OpenAI"),
        item(OTHER_ID, "OpenAI staging")
    ]));
    let site = fake.site();
    let id = format!("onepassword/onepassword/{VAULT_ID}/{ITEM_ID}/cred1");
    assert_eq!(site.id.as_str(), id);
    assert_eq!(site.stored, Stored::Value(SecretValue::new("sk-old")));
    assert_eq!(
        fake.words(),
        [
            "vault list".to_owned(),
            format!("item list --vault {VAULT_ID}"),
            format!("item get {ITEM_ID} --vault {VAULT_ID}"),
        ]
    );
    let ids = json!({"vault": VAULT_ID, "item": ITEM_ID, "field": "cred1", "section": "Keys"});
    assert_eq!(
        fake.target(ids, None).sites(Pass(1)).unwrap()[0].id,
        site.id
    );
    assert_eq!(fake.0.calls().len(), 4);
}

#[test]
fn the_item_goes_back_whole_with_the_value_and_a_note() {
    let fake = Fake::new(usual_item());
    let site = fake.site();
    let target = fake.usual();
    assert_eq!(target.write(&site, &new()), done());
    let mut expected = item(ITEM_ID, "OpenAI");
    expected["version"] = json!(5);
    expected["updated_at"] = json!("2026-03-01T12:00:05Z");
    expected["fields"][2]["value"] = json!(new().expose());
    expected["fields"][0]["value"] =
        json!("owner: ops\nrotakey changed `credential` on Mar 1, 2026 12:00 UTC (run_2a)");
    assert_eq!(fake.0.state()["items"][0], expected);
    // Again, and nothing is sent but the look.
    let before = fake.0.calls().len();
    assert_eq!(target.write(&site, &new()), done());
    let get = format!("item get {ITEM_ID} --vault {VAULT_ID}");
    assert_eq!(fake.words()[before..], [get]);
}

#[test]
fn no_secret_stands_in_an_argument_or_an_environment_unless_a_token_was_configured() {
    let fake = Fake::new(usual_item());
    let site = fake.site();
    assert_eq!(fake.usual().write(&site, &new()), done());
    for call in fake.0.calls() {
        assert!(call["env"].get("OP_SERVICE_ACCOUNT_TOKEN").is_none());
        let seen = format!("{}{}", call["argv"], call["env"]);
        assert!(!seen.contains("sk-"), "{seen}");
    }
    let fake = Fake::new(usual_item());
    fake.0.set("token", json!("ops_abc"));
    assert_eq!(fake.why(), "onepassword/Infra/OpenAI: `op` failed (exit 1)");
    let config = json!({"vault": "Infra", "item": "OpenAI", "field": "credential"});
    let target = fake.target(config, Some("ops_abc"));
    assert_eq!(target.sites(Pass(1)).unwrap().len(), 1);
    let last = fake.0.calls().pop().unwrap();
    assert_eq!(last["env"]["OP_SERVICE_ACCOUNT_TOKEN"], json!("ops_abc"));
    assert!(!last["argv"].to_string().contains("ops_abc"));
}

#[test]
fn a_change_that_met_another_one_is_made_again() {
    let fake = Fake::new(usual_item());
    assert_eq!(fake.written_with(json!(["conflict", "conflict"])), done());
    // With what the others wrote.
    let notes = "owner: ops, and others, and others\nrotakey changed `credential` on";
    let held = fake.0.state()["items"][0]["fields"][0]["value"].clone();
    assert!(held.as_str().unwrap().starts_with(notes), "{held}");
    let fake = Fake::new(usual_item());
    let three = json!(["conflict", "conflict", "conflict", "conflict"]);
    let Effect::NotDone(fault) = fake.written_with(three) else {
        panic!("nothing was changed");
    };
    assert_eq!(fault.what, "`op item edit` changed nothing (exit 1)");
    let edits = fake.words();
    assert_eq!(
        edits
            .iter()
            .filter(|words| words.starts_with("item edit"))
            .count(),
        TRIES
    );
}

#[test]
fn what_the_item_holds_afterwards_decides_what_became_of_an_edit() {
    assert_eq!(
        Fake::new(usual_item()).written_with(json!(["late"])),
        done()
    );
    let Effect::Uncertain(fault) = Fake::new(usual_item()).written_with(json!(["ignored"])) else {
        panic!("a success that changed nothing was believed");
    };
    assert_eq!(fault.what, "does not hold what was just written");
    let forbidden = json!(["forbidden", "forbidden", "forbidden"]);
    let refused = Fake::new(usual_item()).written_with(forbidden);
    assert!(matches!(refused, Effect::NotDone(_)), "{refused:?}");
}

#[test]
fn an_op_that_hangs_is_killed_and_its_edit_is_uncertain() {
    let fake = Fake::new(usual_item());
    fake.0.trouble(&json!(["hang"]));
    let hasty = Op {
        command: fake.0.command().display().to_string(),
        settings: Arc::new(account(&fake.0.command(), None)),
        clock: JumpingClock::new(),
        run: None,
        patience: Duration::from_secs(2),
    };
    let place = Place {
        vault: VAULT_ID,
        item: ITEM_ID,
        field: "cred1",
    };
    let Effect::Uncertain(fault) = hasty.store(&place, &new()) else {
        panic!("nobody knows what became of it");
    };
    assert!(
        fault.what.ends_with("took longer than 2s and was killed"),
        "{}",
        fault.what
    );
    assert_eq!(hasty.store(&place, &new()), done());
}

#[test]
fn what_is_missing_or_not_the_only_one_is_refused() {
    let why = |items: Value| Fake::new(items).why();
    assert_eq!(
        why(json!([item(ITEM_ID, "OpenAI"), item(OTHER_ID, "OpenAI")])),
        "onepassword/Infra/OpenAI: there are several: item `OpenAI`"
    );
    assert_eq!(
        why(json!([item(ITEM_ID, "openai")])),
        "onepassword/Infra/OpenAI: no item `OpenAI`"
    );
    let fake = Fake::new(usual_item());
    fake.0.set("vaults", json!([]));
    assert_eq!(fake.why(), "onepassword/Infra/OpenAI: no vault `Infra`");
    fake.0.set("signed_out", json!(true));
    assert_eq!(fake.why(), "onepassword/Infra/OpenAI: `op` failed (exit 1)");
}

#[test]
fn logins_and_archived_items_are_refused() {
    let mut login = item(ITEM_ID, "OpenAI");
    login["category"] = json!("LOGIN");
    assert_eq!(
        Fake::new(json!([login])).why(),
        "onepassword/Infra/OpenAI: the item is a login, and `op` would destroy a passkey in it unseen"
    );
    let mut archived = item(ITEM_ID, "OpenAI");
    archived["state"] = json!("ARCHIVED");
    let fake = Fake::new(json!([archived]));
    let ids = json!({"vault": VAULT_ID, "item": ITEM_ID, "field": "credential"});
    assert_eq!(
        fake.target(ids, None).sites(Pass(1)).unwrap_err().what,
        format!("onepassword/{VAULT_ID}/{ITEM_ID}: the item is archived or deleted")
    );
}

#[test]
fn an_item_without_notes_gets_some() {
    let mut bare = item(ITEM_ID, "OpenAI");
    bare["fields"].as_array_mut().unwrap().remove(0);
    let fake = Fake::new(json!([bare]));
    assert_eq!(fake.written_with(json!([])), done());
    let notes = &fake.0.state()["items"][0]["fields"][2];
    assert_eq!(
        notes["value"],
        json!("rotakey changed `credential` on Mar 1, 2026 12:00 UTC (run_2a)")
    );
}
