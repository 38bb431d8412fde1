//! Where a new key goes, with which scopes, and what is sent once.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_new_key_goes_to_the_account_of_the_live_one_under_the_tag() {
    let server = Server::start(vec![
        ok(listed("key_1", "old", "sa_1")),
        ok(json!({"id": "sa_1", "name": "production"})),
        ok(made("key_2", "sk-new")),
    ]);
    let issuer = issuer(&server, json!({}));
    assert_eq!(
        issue(&issuer, Some(&live("key_1", "sa_1"))),
        new_key("sa_1")
    );
    let received = server.received();
    assert_eq!(
        server.lines(),
        [
            format!("GET {KEYS}/key_1"),
            format!("GET {ACCOUNTS}/sa_1"),
            format!("POST {ACCOUNTS}/sa_1/api_keys"),
        ]
    );
    assert_eq!(received[2].body, json!({"name": "rk-1"}));
    assert!(
        received[2]
            .headers
            .contains("authorization: bearer sk-admin-x")
    );
}

#[test]
fn scopes_come_from_the_configuration_or_from_the_live_key() {
    let mut old = listed("key_1", "old", "sa_1");
    old["scopes"] = json!(["api.model.read"]);
    let account = || ok(json!({"id": "sa_1", "name": "production"}));
    let server = Server::start(vec![ok(old), account(), ok(made("key_2", "sk-new"))]);
    assert_eq!(
        issue(&issuer(&server, json!({})), Some(&live("key_1", "sa_1"))),
        new_key("sa_1")
    );
    let scoped = json!({"name": "rk-1", "scopes": ["api.model.read"]});
    assert_eq!(server.received()[2].body, scoped);

    let server = Server::start(vec![account(), ok(made("key_2", "sk-new"))]);
    let issuer = issuer(&server, json!({"scopes": ["api.model.request"]}));
    assert_eq!(
        issue(&issuer, Some(&live("key_1", "sa_1"))),
        new_key("sa_1")
    );
    let scoped = json!({"name": "rk-1", "scopes": ["api.model.request"]});
    assert_eq!(server.received()[1].body, scoped);
}

#[test]
fn the_first_key_comes_with_an_account_that_bears_the_tag() {
    let account = json!({"id": "sa_2", "name": "rk-1", "api_key": made("key_2", "sk-new")});
    let server = Server::start(vec![ok(account)]);
    assert_eq!(issue(&issuer(&server, json!({})), None), new_key("sa_2"));
    assert_eq!(server.lines(), [format!("POST {ACCOUNTS}")]);
    assert_eq!(server.received()[0].body, json!({"name": "rk-1"}));
}

#[test]
fn where_accounts_have_one_key_each_version_gets_its_own() {
    for status in [404, 405] {
        let account = json!({"id": "sa_2", "name": "rk-1", "api_key": made("key_2", "sk-new")});
        let server = Server::start(vec![
            ok(listed("key_1", "old", "sa_1")),
            ok(json!({"id": "sa_1", "name": "production"})),
            no(status),
            ok(account),
        ]);
        let issuer = issuer(&server, json!({}));
        assert_eq!(
            issue(&issuer, Some(&live("key_1", "sa_1"))),
            new_key("sa_2")
        );
        assert_eq!(server.lines()[3], format!("POST {ACCOUNTS}"));
    }
}

#[test]
fn a_create_is_never_sent_twice() {
    for answer in [Answer::Lost, no(500), no(503), ok(json!({"id": "sa_2"}))] {
        let server = Server::start(vec![answer]);
        let issuer = issuer(&server, json!({}));
        assert!(matches!(issue(&issuer, None), Effect::Uncertain(_)));
        assert_eq!(server.lines(), [format!("POST {ACCOUNTS}")]);
    }
}

#[test]
fn a_key_that_cannot_be_narrowed_is_not_kept() {
    let account = json!({"id": "sa_2", "name": "rk-1", "api_key": made("key_2", "sk-new")});
    let server = Server::start(vec![ok(account), no(404), ok(json!({"deleted": true}))]);
    let issuer = issuer(&server, json!({"scopes": ["api.model.read"]}));
    let Effect::NotDone(fault) = issue(&issuer, None) else {
        panic!("a key with all scopes was kept");
    };
    assert_eq!(
        fault.what,
        "the new key cannot be given its scopes: not found (HTTP 404)"
    );
    assert_eq!(
        server.lines(),
        [
            format!("POST {ACCOUNTS}"),
            format!("POST {KEYS}/key_2"),
            format!("DELETE {ACCOUNTS}/sa_2"),
        ]
    );
}

#[test]
fn a_configured_account_is_found_by_name_or_id_and_must_be_one() {
    let issue_with = |accounts: Value| {
        let server = Server::start(vec![page(accounts), ok(made("key_2", "sk-new"))]);
        issue(&issuer(&server, json!({"service_account": "prod"})), None)
    };
    assert_eq!(
        issue_with(json!([{"id": "sa_1", "name": "prod"}])),
        new_key("sa_1")
    );
    assert_eq!(
        issue_with(json!([{"id": "prod", "name": "x"}])),
        new_key("prod")
    );
    assert_eq!(
        issue_with(json!([{"id": "sa_1", "name": "other"}])),
        Effect::NotDone(Fault::missing("the project has no such `service_account`"))
    );
    let twice = json!([{"id": "sa_1", "name": "prod"}, {"id": "sa_2", "name": "prod"}]);
    assert!(matches!(issue_with(twice), Effect::NotDone(_)));
}
