use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::Credential;
use chrono::TimeDelta;

const ACCOUNTS: &str = "/organization/projects/proj_1/service_accounts";
const KEYS: &str = "/organization/projects/proj_1/api_keys";

fn issuer(server: &Server, more: Value) -> OpenAi {
    let mut config = json!({"project": "proj_1"});
    let map = config.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    let admin = Credential::new("test", || Ok(SecretValue::new("sk-admin-x")));
    let account = Account::new("openai".into(), "openai")
        .at(&server.base)
        .with("admin_key", admin);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    OpenAi::new(
        serde_json::from_value(config).unwrap(),
        &Arc::new(account),
        &clock,
    )
    .unwrap()
}

fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

fn no(status: u16) -> Answer {
    let error =
        json!({"message": "no", "type": "invalid_request_error", "param": null, "code": null});
    Answer::Json(status, json!({"error": error}))
}

fn page(data: Value) -> Answer {
    ok(json!({"object": "list", "data": data, "has_more": false}))
}

fn listed(id: &str, name: &str, owner: &str) -> Value {
    let owner = json!({"type": "service_account", "service_account": {"id": owner, "name": "x"}});
    json!({"id": id, "name": name, "redacted_value": "sk-svc...7K2", "created_at": 1_700_000_000,
        "last_used_at": null, "owner": owner})
}

fn made(id: &str, value: &str) -> Value {
    json!({"object": "organization.project.service_account.api_key", "id": id, "value": value,
        "name": "rk-1", "created_at": 1_700_000_000})
}

fn live(id: &str, owner: &str) -> Key {
    Key {
        id: Some(id.into()),
        ..key(
            MadeKey {
                id: id.into(),
                value: "sk-old".into(),
            },
            owner,
        )
    }
}

fn issue(issuer: &OpenAi, current: Option<&Key>) -> Effect<Key> {
    let tag = Tag::new("rk-1");
    issuer.issue(&Request {
        tag: &tag,
        proposal: None,
        current,
    })
}

fn new_key(owner: &str) -> Effect<Key> {
    let made = MadeKey {
        id: "key_2".into(),
        value: "sk-new".into(),
    };
    Effect::Done(key(made, owner))
}

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

#[test]
fn a_key_that_is_gone_is_success_only_if_the_list_says_so_too() {
    let revoke = |script| {
        let server = Server::start(script);
        let effect = issuer(&server, json!({})).revoke(&live("key_1", "sa_1"));
        (effect, server.lines())
    };
    let all = format!("GET {KEYS}?limit=100&owner_project_access=any");
    let delete = format!("DELETE {KEYS}/key_1");
    assert_eq!(
        revoke(vec![ok(json!({"deleted": true}))]),
        (Effect::Done(()), vec![delete.clone()])
    );
    assert_eq!(
        revoke(vec![no(404), page(json!([listed("key_9", "x", "sa_1")]))]),
        (Effect::Done(()), vec![delete, all])
    );
    let (effect, _) = revoke(vec![no(404), page(json!([listed("key_1", "x", "sa_1")]))]);
    assert!(matches!(effect, Effect::NotDone(_)));
    // A list that cannot be had proves nothing.
    let (effect, _) = revoke(vec![no(404), no(404)]);
    assert!(matches!(effect, Effect::NotDone(_)));
}

#[test]
fn an_account_dies_with_its_key_only_if_it_has_no_other() {
    let revoke = |keys: Value, last: Vec<Answer>, more: Value| {
        let script = [no(400), page(keys)].into_iter().chain(last).collect();
        let server = Server::start(script);
        let effect = issuer(&server, more).revoke(&live("key_1", "sa_1"));
        (
            matches!(effect, Effect::Done(())),
            server.lines().pop().unwrap(),
        )
    };
    let own = || json!([listed("key_1", "x", "sa_1"), listed("key_9", "x", "sa_9")]);
    let shared = json!([listed("key_1", "x", "sa_1"), listed("key_2", "x", "sa_1")]);
    let gone = || vec![ok(json!({"deleted": true}))];
    let (delete, list) = (
        format!("DELETE {ACCOUNTS}/sa_1"),
        format!("GET {KEYS}?limit=100&owner_project_access=any"),
    );
    assert_eq!(revoke(own(), gone(), json!({})), (true, delete));
    assert_eq!(revoke(shared, gone(), json!({})), (false, list));
    let accounts = page(json!([{"id": "sa_1", "name": "prod"}]));
    let configured = json!({"service_account": "prod"});
    let (done, last) = revoke(own(), vec![accounts], configured);
    assert_eq!((done, last), (false, format!("GET {ACCOUNTS}?limit=100")));
}

#[test]
fn a_tag_is_looked_for_in_keys_and_accounts_over_all_pages() {
    let more =
        json!({"object": "list", "data": [{"id": "sa_1", "name": "production"}], "has_more": true});
    let rest = json!([{"id": "sa_2", "name": "rk-1"}, {"id": "sa_3", "name": "rk-1", "created_at": 1_700_000_100}]);
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
fn an_expiry_lies_in_the_future_and_within_a_year() {
    let expire = |after| {
        let server = Server::start(vec![ok(listed("key_1", "x", "sa_1"))]);
        let effect = issuer(&server, json!({})).expire(&live("key_1", "sa_1"), after);
        (effect, server.received().pop().map(|one| one.body))
    };
    let body = |seconds: i64| Some(json!({"expires_in_seconds": seconds}));
    assert_eq!(
        expire(TimeDelta::hours(24)),
        (Effect::Done(()), body(86_400))
    );
    assert_eq!(
        expire(TimeDelta::days(400)),
        (Effect::Done(()), body(31_536_000))
    );
    for after in [
        TimeDelta::zero(),
        TimeDelta::seconds(-5),
        TimeDelta::milliseconds(900),
    ] {
        let (effect, sent) = expire(after);
        assert!(matches!(effect, Effect::NotDone(_)));
        assert_eq!(sent, None);
    }
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
