//! What is looked up, and what is told of it.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_tag_is_looked_for_in_keys_and_accounts_over_all_pages() {
    let more =
        json!({"object": "list", "data": [{"id": "sa_1", "name": "production"}], "has_more": true});
    let rest = json!([{"id": "sa_2", "name": "rk-1", "created_at": 1_700_000_000}, {"id": "sa_3", "name": "rk-1", "created_at": 1_700_000_100}]);
    let keys = json!([
        listed("key_1", "rk-1", "sa_1"),
        listed("key_2", "Secret Key", "sa_2"),
        listed("key_4", "rk-2", "sa_1"),
    ]);
    let server = Server::start(vec![ok(more), page(rest), page(keys)]);
    let found = issuer(&server, json!({})).find(&"rk-1".into()).unwrap();
    let ids: Vec<(Option<&str>, &str)> = found
        .iter()
        .map(|found| {
            assert!(found.key.fields.is_empty());
            let id = found.key.id.as_ref().map(KeyId::as_str);
            (id, found.key.notes[OWNER].as_str())
        })
        .collect();
    assert_eq!(
        ids,
        [
            (Some("key_1"), "sa_1"),
            (Some("key_2"), "sa_2"),
            (None, "sa_3")
        ]
    );
    assert_eq!(found[2].created_at, instant(1_700_000_100));
    assert_eq!(
        server.lines()[1],
        format!("GET {ACCOUNTS}?limit=100&after=sa_1")
    );
}

#[test]
fn a_list_that_breaks_off_says_nothing_of_what_is_not_in_it() {
    let broken = json!({"object": "list", "data": [], "has_more": true});
    let server = Server::start(vec![ok(broken)]);
    let fault = issuer(&server, json!({})).find(&"rk-1".into()).unwrap_err();
    assert_eq!(fault.kind, crate::model::FaultKind::Passing);
    assert_eq!(
        fault.what,
        "the list breaks off: an empty page says that there is more"
    );
}

#[test]
fn what_the_models_call_says_is_a_verdict() {
    let verify = |answer| {
        let server = Server::start(vec![answer]);
        issuer(&server, json!({}))
            .verify(&live("key_1", "sa_1"))
            .verdict
    };
    let error = |status, error: Value| verify(Answer::Json(status, json!({"error": error})));
    assert_eq!(verify(ok(json!({"data": []}))), Verdict::Works);
    assert_eq!(verify(no(401)), Verdict::Refused);
    let text = "You have insufficient permissions. Missing scopes: api.model.read";
    assert_eq!(error(403, json!(text)), Verdict::Denied);
    assert_eq!(
        error(403, json!({"message": text, "code": null})),
        Verdict::Denied
    );
    let country = json!({"message": "Country not supported", "code": "unsupported_country"});
    assert!(matches!(error(403, country), Verdict::Unknown(_)));
    assert!(matches!(verify(no(404)), Verdict::Unknown(_)));
}

#[test]
fn the_issuers_clock_comes_with_the_verdict() {
    let date = "date: Mon, 23 Nov 2026 09:00:00 GMT\r\n";
    let server = Server::start(vec![Answer::With(401, date, json!({}))]);
    let seen = issuer(&server, json!({})).verify(&live("key_1", "sa_1"));
    assert_eq!(seen.date.unwrap().timestamp(), 1_795_424_400);
    assert!(
        server.received()[0]
            .headers
            .contains("authorization: bearer sk-old")
    );
}

#[test]
fn a_key_is_identified_only_if_no_other_can_be_it() {
    let value = "sk-svcacct-AbCdEfGhIjKlMnOpx7K2";
    let identify = |keys: Value| {
        let server = Server::start(vec![page(keys)]);
        let key = Key::of(Fields::single(SecretValue::new(value)));
        issuer(&server, json!({})).identify(&key).unwrap()
    };
    let mut other = listed("key_9", "x", "sa_9");
    other["redacted_value"] = json!("sk-svc...000");
    let one = listed("key_1", "x", "sa_1");
    let (id, found, created_at) = identify(json!([other, one])).unwrap();
    assert_eq!(id.as_str(), "key_1");
    assert_eq!(found.fields.primary().unwrap().expose(), value);
    assert_eq!(found.notes, notes("sa_1"));
    assert_eq!(created_at, instant(1_700_000_000));
    assert_eq!(identify(json!([one, listed("key_2", "y", "sa_1")])), None);
    assert_eq!(identify(json!([other])), None);
}

#[test]
fn a_missing_right_is_told_without_the_body() {
    let text = "sk-admin-secret lacks. Missing scopes: api.management.read";
    let server = Server::start(vec![Answer::Json(403, json!({"error": text}))]);
    let fault = issuer(&server, json!({})).find(&"rk-1".into()).unwrap_err();
    assert_eq!(fault.what, "the admin key lacks a scope (HTTP 403)");
    let hint = "give it api.management.read and api.management.write";
    assert_eq!(fault.hint.as_deref(), Some(hint));
}

#[test]
fn a_key_that_a_person_added_to_the_account_of_a_tag_is_not_taken_for_its_twin() {
    let account = json!({"id": "sa_1", "name": "rk-1", "created_at": 1_700_000_000});
    // The first key of an account bears a name of OpenAI's; the second was made a day later in the dashboard.
    let mut later = listed("key_2", "nightly report", "sa_1");
    later["created_at"] = json!(1_700_086_400);
    let server = Server::start(vec![
        page(json!([account])),
        page(json!([listed("key_1", "Secret Key", "sa_1"), later])),
    ]);
    let issuer = issuer(&server, json!({}));
    // Whatever is found by the tag and is not the new key itself is revoked at the end of the grace.
    let found = issuer.find(&Tag::new("rk-1")).unwrap();
    let ids: Vec<Option<KeyId>> = found.into_iter().map(|found| found.key.id).collect();
    assert_eq!(ids, [Some(KeyId::new("key_1"))]);
}
