use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Answer, Server};
use crate::model::Credential;
use crate::targets::testing::{account, opened};

const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const ITEM: &str = "2fcbqwe9ndg175zg2dzwftvkpa";

fn target(base: &str, config: Value) -> Result<Arc<dyn Target>, Fault> {
    let account = account("onepassword", "token", "jwt").at(base);
    opened(build, config, account)
}

fn open(server: &Server) -> Arc<dyn Target> {
    let config = json!({"vault": "Infra", "item": "OpenAI", "field": "credential"});
    target(&server.base, config).unwrap()
}

fn vaults() -> Answer {
    Answer::Json(200, json!([{"id": VAULT, "name": "Infra", "items": 3}]))
}

fn items() -> Answer {
    let vault = json!({"id": VAULT});
    Answer::Json(
        200,
        json!([
            {"id": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "title": "OpenAI", "vault": vault, "state": "ARCHIVED"},
            {"id": ITEM, "title": "OpenAI", "vault": vault, "category": "API_CREDENTIAL"},
        ]),
    )
}

fn item(value: &str) -> Value {
    json!({
        "id": ITEM, "title": "OpenAI", "category": "API_CREDENTIAL", "version": 4,
        "vault": {"id": VAULT}, "updatedAt": "2026-03-01T12:00:05Z",
        "sections": [{"id": "s1", "label": "Keys"}, {"id": "s2", "label": "Old keys"}],
        "fields": [
            {"id": "username", "type": "STRING", "label": "username", "value": "bot"},
            {"id": "cred~1", "type": "CONCEALED", "label": "credential", "value": value, "section": {"id": "s1"}},
        ],
    })
}

fn place() -> String {
    format!("/v1/vaults/{VAULT}/items/{ITEM}")
}

fn found(server: &Server) -> Vec<Site> {
    open(server).sites(Pass(1)).unwrap()
}

fn why(item: Value) -> String {
    let server = Server::start(vec![vaults(), items(), Answer::Json(200, item)]);
    open(&server).sites(Pass(1)).unwrap_err().what
}

#[test]
fn names_lead_to_one_field_with_its_value() {
    let server = Server::start(vec![vaults(), items(), Answer::Json(200, item("sk-old"))]);
    let expected = Site {
        id: SiteId::new(format!("onepassword/onepassword/{VAULT}/{ITEM}/cred~1")),
        label: "onepassword/Infra/OpenAI credential".to_owned(),
        services: Vec::new(),
        stored: Stored::Value(SecretValue::new("sk-old")),
    };
    assert_eq!(found(&server), [expected]);
    assert_eq!(
        server.lines(),
        [
            "GET /v1/vaults?filter=name%20eq%20%22Infra%22".to_owned(),
            format!("GET /v1/vaults/{VAULT}/items?filter=title%20eq%20%22OpenAI%22"),
            format!("GET {}", place()),
        ]
    );
    assert!(
        server.received()[2]
            .headers
            .contains("authorization: bearer jwt")
    );
}

#[test]
fn ids_need_no_search() {
    let server = Server::start(vec![Answer::Json(200, item("sk-old"))]);
    let config = json!({"vault": VAULT, "item": ITEM, "field": "cred~1", "section": "Keys"});
    assert_eq!(
        target(&server.base, config)
            .unwrap()
            .sites(Pass(1))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(server.lines(), [format!("GET {}", place())]);
}

#[test]
fn only_the_value_of_the_field_is_replaced_and_read_back() {
    let server = Server::start(vec![
        vaults(),
        items(),
        Answer::Json(200, item("sk-old")),
        Answer::Json(200, item("sk-new")),
        Answer::Json(200, item("sk-other")),
    ]);
    let target = open(&server);
    let site = target.sites(Pass(1)).unwrap().remove(0);
    let new = SecretValue::new("sk-new");
    let written = Written {
        at: Some("2026-03-01T12:00:05Z".parse().unwrap()),
        marker: None,
    };
    assert_eq!(target.write(&site, &new), Effect::Done(written));
    let sent = &server.received()[3];
    assert_eq!(sent.line, format!("PATCH {}", place()));
    assert_eq!(
        sent.body,
        json!([{"op": "replace", "path": "/fields/cred~01/value", "value": "sk-new"}])
    );
    let Effect::Uncertain(fault) = target.write(&site, &new) else {
        panic!("another value was taken for ours");
    };
    assert_eq!(fault.what, "does not hold what was just written");
}

#[test]
fn a_clear_no_and_a_lost_answer_are_told_apart() {
    let no = Answer::Json(403, json!({"status": 403, "message": "no"}));
    let mut script = vec![vaults(), items(), Answer::Json(200, item("sk-old")), no];
    script.extend((0..8).map(|_| Answer::Lost));
    let server = Server::start(script);
    let target = open(&server);
    let site = target.sites(Pass(1)).unwrap().remove(0);
    let new = SecretValue::new("sk-new");
    assert!(matches!(target.write(&site, &new), Effect::NotDone(_)));
    assert!(matches!(target.write(&site, &new), Effect::Uncertain(_)));
    let elsewhere = Site {
        id: SiteId::new("onepassword/other/v/i/f"),
        ..site
    };
    assert!(matches!(target.write(&elsewhere, &new), Effect::NotDone(_)));
}

#[test]
fn items_that_a_change_could_harm_are_refused() {
    let mut passkey = item("sk-old");
    passkey["passkey"] = json!({"rpId": "openai.com"});
    assert_eq!(
        why(passkey),
        "onepassword/Infra/OpenAI: the item holds a passkey, which a change could destroy"
    );
    let mut code = item("sk-old");
    code["fields"][1]["type"] = json!("TOTP");
    assert_eq!(
        why(code),
        "onepassword/Infra/OpenAI: field `credential` makes one-time codes and holds no key"
    );
    let mut gone = item("sk-old");
    gone["state"] = json!("DELETED");
    assert_eq!(
        why(gone),
        "onepassword/Infra/OpenAI: the item is archived or deleted"
    );
}

#[test]
fn what_is_missing_or_not_the_only_one_is_refused() {
    let mut twice = item("sk-old");
    twice["fields"][0]["label"] = json!("credential");
    assert_eq!(
        why(twice),
        "onepassword/Infra/OpenAI: there are several: field `credential` in the item"
    );
    let mut none = item("sk-old");
    none["fields"] = json!([]);
    assert_eq!(
        why(none),
        "onepassword/Infra/OpenAI: no field `credential` in the item"
    );
    let server = Server::start(vec![Answer::Json(200, json!([]))]);
    let fault = open(&server).sites(Pass(1)).unwrap_err();
    assert_eq!(fault.what, "onepassword/Infra/OpenAI: no vault `Infra`");
    let two = json!([{"id": VAULT, "name": "Infra"}, {"id": ITEM, "name": "Infra"}]);
    let server = Server::start(vec![Answer::Json(200, two)]);
    let fault = open(&server).sites(Pass(1)).unwrap_err();
    assert_eq!(
        fault.what,
        "onepassword/Infra/OpenAI: there are several: vault `Infra`"
    );
}

#[test]
fn an_empty_field_holds_the_empty_text() {
    let mut empty = item("");
    empty["fields"][1].as_object_mut().unwrap().remove("value");
    let server = Server::start(vec![vaults(), items(), Answer::Json(200, empty)]);
    assert_eq!(
        found(&server)[0].stored,
        Stored::Value(SecretValue::new(""))
    );
}

#[test]
fn the_way_must_be_clear_and_names_must_be_searchable() {
    let why = |account: Settings| {
        let config = json!({"vault": "Infra", "item": "OpenAI", "field": "credential"});
        opened(build, config, account).err().unwrap().what
    };
    let account = || Settings::new("onepassword".into(), "onepassword");
    let token = || Credential::new("test", || Ok(SecretValue::new("jwt")));
    let server = "http://127.0.0.1:1";
    assert_eq!(why(account()), "account `onepassword` has no `base_url`");
    assert_eq!(
        why(account().at(server)),
        "account `onepassword` has no `token`"
    );
    assert_eq!(
        why(account().at(server).set("command", "op")),
        "account `onepassword` has both a `base_url` and a `command`"
    );
    assert_eq!(
        why(account().set("command", "op").with("token", token())),
        "account `onepassword` has a `token`, which `op` does not take"
    );
    assert_eq!(
        why(account().at(server).with("service_account_token", token())),
        "account `onepassword` has a `service_account_token`, which a Connect server does not take"
    );
    let config = json!({"vault": "a\" or name pr \"", "item": "x", "field": "y"});
    let fault = target(server, config).err().unwrap();
    assert_eq!(
        fault.what,
        "a name with `\"` or `\\` cannot be searched for"
    );
}
