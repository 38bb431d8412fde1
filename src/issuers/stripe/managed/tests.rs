//! Managed keys, at a vendor in memory.

mod vendor;

use super::super::build;
use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::issuers::Verdict;
use crate::issuers::stripe::prefix::Mode;
use crate::model::{Clock, Credential, Fields, SecretValue};
use vendor::{Trouble, serve, vendor};

fn opened(base: &str, key: &'static str, config: Value) -> Result<Arc<dyn Issuer>, Fault> {
    let key = Credential::new("test", move || Ok(SecretValue::new(key)));
    let account = Account::new("stripe".into(), "stripe")
        .at(base)
        .with("api_key", key)
        .set("context", "acct_1");
    let mut whole = json!({"api": "preview"});
    for (name, value) in config.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let clock: Arc<dyn Clock> = JumpingClock::new();
    build(
        serde_json::from_value(whole).unwrap(),
        &Arc::new(account),
        &clock,
    )
}

fn issuer(server: &Server) -> Arc<dyn Issuer> {
    opened(&server.base, "sk_live_admin", json!({})).unwrap()
}

fn key(id: Option<&str>, token: &str) -> Key {
    Key {
        id: id.map(KeyId::from),
        ..Key::of(Fields::single(SecretValue::new(token)))
    }
}

fn live() -> Key {
    key(Some("mk_1"), "rk_live_1111111111111x7K2")
}

fn issue(issuer: &dyn Issuer, current: Option<&Key>) -> Effect<Key> {
    let tag = Tag::new("rk-1");
    issuer.issue(&Request {
        tag: &tag,
        proposal: None,
        current,
    })
}

#[test]
fn a_key_is_made_with_the_permissions_of_the_live_one_and_comes_back_sealed() {
    let vendor = vendor(Mode::Live, None);
    let server = serve(&vendor);
    let made = issue(&*issuer(&server), Some(&live()));
    let new = key(Some("mk_2"), "rk_live_2222222222222j9M1");
    assert_eq!(made, Effect::Done(new.clone()));
    assert_eq!(
        server.lines(),
        ["GET /v2/iam/api_keys/mk_1", "POST /v2/iam/api_keys"]
    );
    let sent = &server.received()[1];
    let headers = [
        "authorization: bearer sk_live_admin",
        "stripe-context: acct_1",
        "idempotency-key: rk-1",
    ];
    for header in headers {
        assert!(sent.headers.contains(header), "{header}");
    }
    let mut body = sent.body.clone();
    let public = body["public_key"].take();
    assert_eq!(
        body,
        json!({"type": "secret_key", "name": "rk-1", "note": "made by rotakey", "public_key": null,
            "permissions": ["charge_read", "customer_write"], "connect_permissions": ["account_read"]})
    );
    assert_eq!(public["pem_key"]["algorithm"], json!("RSA"));
    assert_eq!(issuer(&server).verify(&new).verdict, Verdict::Works);
}

#[test]
fn two_calls_never_send_the_same_public_key() {
    let vendor = vendor(Mode::Live, None);
    let server = serve(&vendor);
    let issuer = opened(
        &server.base,
        "sk_live_admin",
        json!({"permissions": ["charge_read"], "connect_permissions": []}),
    );
    let issuer = issuer.unwrap();
    for _ in 0..2 {
        assert!(matches!(issue(&*issuer, None), Effect::Done(_)));
    }
    let [first, second] = [0, 1].map(|at| server.received()[at].body["public_key"].clone());
    assert_ne!(first, second);
    assert_eq!(
        server.received()[0].body["permissions"],
        json!(["charge_read"])
    );
    assert!(
        server.received()[0]
            .body
            .get("connect_permissions")
            .is_none()
    );
}

#[test]
fn test_mode_shows_the_key_as_it_is() {
    let vendor = vendor(Mode::Test, None);
    let server = serve(&vendor);
    let issuer = opened(&server.base, "rk_test_admin", json!({"mode": "test"})).unwrap();
    let old = key(Some("mk_1"), "rk_test_1111111111111x7K2");
    let new = key(Some("mk_2"), "rk_test_2222222222222j9M1");
    assert_eq!(issue(&*issuer, Some(&old)), Effect::Done(new));
}

#[test]
fn a_lost_reply_is_settled_by_the_tag_in_the_list() {
    let vendor = vendor(Mode::Live, Some(Trouble::LostReply));
    vendor.lock().unwrap().page = 1;
    let server = serve(&vendor);
    let issuer = issuer(&server);
    assert!(matches!(
        issue(&*issuer, Some(&live())),
        Effect::Uncertain(_)
    ));
    let posts = |lines: Vec<String>| lines.iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts(server.lines()), 1);
    let found = issuer.find(&Tag::new("rk-1")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key.id, Some(KeyId::from("mk_2")));
    assert_eq!(found[0].key.fields, Fields::default());
    assert_eq!(issuer.revoke(&found[0].key), Effect::Done(()));
    assert_eq!(issuer.find(&Tag::new("rk-1")).unwrap(), []);
}

#[test]
fn an_account_outside_the_preview_is_told_so_and_nothing_of_the_answer() {
    let vendor = vendor(Mode::Live, Some(Trouble::NotGated));
    let server = serve(&vendor);
    let Effect::NotDone(fault) = issue(&*issuer(&server), Some(&live())) else {
        panic!("Stripe said no");
    };
    assert_eq!(
        fault.what,
        "this account is not in Stripe's private preview of managed keys (HTTP 403)"
    );
    assert_eq!(fault.hint.as_deref(), Some(OUTSIDE));
    assert!(!format!("{fault:?}").contains("leak"));
    // A refusal without a word that is known.
    let no = || Answer::Json(403, json!({"error": {"message": "rk_live_leak"}}));
    let server = Server::start(vec![no()]);
    let fault = issuer(&server).find(&Tag::new("rk-1")).unwrap_err();
    assert!(
        fault
            .hint
            .unwrap()
            .starts_with("if this account is not in the private preview, ask")
    );
    assert!(!fault.what.contains("leak"));
}

#[test]
fn modes_are_never_mixed() {
    let nowhere = "http://127.0.0.1:1";
    for (admin, mode) in [
        ("sk_test_admin", "live"),
        ("rk_live_admin", "test"),
        ("sk_org_live_a", "test"),
    ] {
        let issuer = opened(nowhere, admin, json!({"mode": mode})).unwrap();
        let fault = issuer.find(&Tag::new("rk-1")).unwrap_err();
        assert_eq!(
            fault.what,
            format!("the key of the account is not of {mode} mode, which the secret is of")
        );
    }
    let vendor = vendor(Mode::Live, Some(Trouble::OtherMode));
    let server = serve(&vendor);
    let Effect::NotDone(fault) = issue(&*issuer(&server), Some(&live())) else {
        panic!("a test key was taken for a live one");
    };
    assert_eq!(fault.what, "Stripe made a key that is not of live mode");
    assert_eq!(vendor.lock().unwrap().keys[2]["status"], json!("expired"));
    let taken = issuer(&server).take(key(None, "rk_test_abc"), None);
    assert_eq!(
        taken.unwrap_err().what,
        "this is a test mode key, and the secret is of live mode"
    );
}

#[test]
fn a_key_that_nobody_can_use_is_expired_at_once() {
    for (trouble, why) in [
        (Trouble::Garbled, "this is not an API key of Stripe"),
        (
            Trouble::WithoutSecret,
            "the new key came without its secret",
        ),
    ] {
        let vendor = vendor(Mode::Live, Some(trouble));
        let server = serve(&vendor);
        let Effect::NotDone(fault) = issue(&*issuer(&server), Some(&live())) else {
            panic!("{why}");
        };
        assert_eq!(fault.what, why);
        assert_eq!(vendor.lock().unwrap().keys[2]["status"], json!("expired"));
    }
}

#[test]
fn the_old_key_is_expired_seen_dead_and_may_be_dead_already() {
    let vendor = vendor(Mode::Live, None);
    let server = serve(&vendor);
    let issuer = issuer(&server);
    let used = issuer.last_used(&live()).unwrap().unwrap();
    assert_eq!(used.to_rfc3339(), "2026-02-28T10:00:00+00:00");
    assert_eq!(issuer.revoke(&live()), Effect::Done(()));
    assert_eq!(issuer.verify(&live()).verdict, Verdict::Refused);
    assert_eq!(issuer.revoke(&live()), Effect::Done(()));
    assert_eq!(vendor.lock().unwrap().keys[0]["status"], json!("active"));
    let Effect::NotDone(fault) = issuer.revoke(&key(None, "rk_live_x")) else {
        panic!("whichever key that was");
    };
    assert_eq!(fault.what, "the public id of this key is not known");
}

#[test]
fn a_key_is_recognised_by_what_is_shown_of_it() {
    let server = serve(&vendor(Mode::Live, None));
    let issuer = issuer(&server);
    let (id, ..) = issuer
        .identify(&key(None, "rk_live_1111111111111x7K2"))
        .unwrap()
        .unwrap();
    assert_eq!(id, KeyId::from("mk_1"));
    let unknown = issuer
        .identify(&key(None, "rk_live_3333333333333zzzz"))
        .unwrap();
    assert!(unknown.is_none());
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_sent() {
    let why = |config: Value| {
        let opened = opened("http://127.0.0.1:1", "sk_live_a", config);
        opened.err().unwrap().what
    };
    assert_eq!(
        why(json!({"type": "secret"})),
        "the preview makes restricted keys only"
    );
    assert_eq!(
        why(json!({"permissions": []})),
        "an empty list of `permissions` changes nothing at Stripe"
    );
    assert_eq!(
        why(json!({"api_version": "2026-10-28.endive"})),
        "`api_version` ends in `.preview` here"
    );
    let server = serve(&vendor(Mode::Live, None));
    let Effect::NotDone(fault) = issue(&*issuer(&server), None) else {
        panic!("with which permissions?");
    };
    assert_eq!(fault.what, "it is not known what the new key may do");
    assert!(server.lines().is_empty());
}
