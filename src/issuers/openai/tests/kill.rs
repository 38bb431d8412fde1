//! How keys end: at once, or at an hour.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;

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
