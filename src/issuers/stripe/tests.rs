use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::issuers::Request;
use crate::model::{Effect, SecretValue, Tag};
use serde_json::{Value, json};

const LIVE: &str = "rk_live_51AbCdEfGhIjKlMnOpQr7K2";

fn issuer(base: &str, config: Value) -> Arc<dyn Issuer> {
    built(base, config).unwrap()
}

fn built(base: &str, config: Value) -> Result<Arc<dyn Issuer>, Fault> {
    let account = Account::new("stripe".into(), "stripe").at(base);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    build(
        serde_json::from_value(config).unwrap(),
        &Arc::new(account),
        &clock,
    )
}

fn offline(config: Value) -> Arc<dyn Issuer> {
    issuer("http://127.0.0.1:1", config)
}

fn key(value: &str) -> Key {
    Key::of(Fields::single(SecretValue::new(value)))
}

fn refusal(config: Value, supplied: &str, current: Option<&str>) -> String {
    let current = current.map(key);
    let taken = offline(config).take(key(supplied), current.as_ref());
    taken
        .map(|_| String::new())
        .unwrap_or_else(|fault| fault.what)
}

#[test]
fn a_key_of_the_other_mode_is_refused_whichever_way_round() {
    assert_eq!(
        refusal(json!({}), "sk_test_abc", None),
        "this is a test mode key, and the secret is of live mode"
    );
    assert_eq!(
        refusal(json!({"mode": "test"}), "rk_live_abc", None),
        "this is a live mode key, and the secret is of test mode"
    );
    assert_eq!(refusal(json!({"mode": "test"}), "rk_test_abc", None), "");
    assert_eq!(refusal(json!({}), "sk_live_abc", None), "");
}

#[test]
fn what_is_no_secret_key_is_refused() {
    for (text, why) in [
        (
            "pk_live_abc",
            "this is a publishable key, which is no secret",
        ),
        (
            "pk_test_abc",
            "this is a publishable key, which is no secret",
        ),
        ("whsec_abc", "this is the signing secret of a webhook"),
        ("sk_live_", "this is not an API key of Stripe"),
        ("sk_live_a b", "this is not an API key of Stripe"),
        ("sk_live_abc\n", "this is not an API key of Stripe"),
        ("ghp_abc", "this is not an API key of Stripe"),
        ("", "this is not an API key of Stripe"),
    ] {
        assert_eq!(refusal(json!({}), text, None), why, "{text:?}");
    }
}

#[test]
fn a_full_key_never_takes_the_place_of_a_restricted_one_unasked() {
    let wide = "this is a secret key, and the secret is a restricted one";
    assert_eq!(refusal(json!({}), "sk_live_abc", Some(LIVE)), wide);
    assert_eq!(
        refusal(json!({"type": "restricted"}), "sk_live_abc", None),
        wide
    );
    assert_eq!(
        refusal(json!({"type": "secret"}), "sk_live_abc", Some(LIVE)),
        ""
    );
    assert_eq!(refusal(json!({}), "rk_live_abc", Some(LIVE)), "");
}

#[test]
fn issuing_is_taking_over_what_a_person_made_and_sends_nothing() {
    let server = Server::start(vec![]);
    let issuer = issuer(&server.base, json!({}));
    let tag = Tag::new("rk-1");
    let (new, old) = (key("rk_live_new"), key(LIVE));
    let publishable = key("pk_live_new");
    let request = |proposal| Request {
        tag: &tag,
        proposal,
        current: Some(&old),
    };
    assert_eq!(
        issuer.issue(&request(Some(&new))),
        Effect::Done(new.clone())
    );
    let Effect::NotDone(fault) = issuer.issue(&request(Some(&publishable))) else {
        panic!("a publishable key was taken");
    };
    assert_eq!(fault.what, "this is a publishable key, which is no secret");
    let Effect::NotDone(fault) = issuer.issue(&request(None)) else {
        panic!("a key came from nowhere");
    };
    assert_eq!(fault.what, "only a person can make this key");
    assert!(server.lines().is_empty());
}

#[test]
fn a_person_is_led_to_the_dashboard_of_the_right_mode() {
    assert_eq!(
        offline(json!({"mode": "test", "type": "secret"})).instructions(),
        [
            "open https://dashboard.stripe.com/test/apikeys",
            "create a secret key (do not rotate or expire the live one)",
        ]
    );
    assert_eq!(
        offline(json!({})).removal(&key(LIVE)),
        [
            "open https://dashboard.stripe.com/apikeys",
            "expire key rk_...r7K2 now",
        ]
    );
    assert_eq!(offline(json!({})).place(), "stripe live mode");
}

#[test]
fn each_answer_about_a_key_is_told_apart() {
    let error = json!({"error": {"type": "invalid_request_error", "message": "no"}});
    let expired = json!({"error": {"code": "api_key_expired", "type": "invalid_request_error"}});
    for (answer, verdict) in [
        (
            Answer::Json(200, json!({"object": "balance"})),
            Verdict::Works,
        ),
        (Answer::Json(401, expired), Verdict::Refused),
        (Answer::Json(403, error), Verdict::Denied),
    ] {
        let server = Server::start(vec![answer]);
        let seen = issuer(&server.base, json!({})).verify(&key(LIVE));
        assert_eq!(seen.verdict, verdict);
        let received = &server.received()[0];
        assert_eq!(received.line, "GET /v1/balance");
        let token = format!("authorization: bearer {}", LIVE.to_lowercase());
        assert!(received.headers.contains(&token));
    }
}

#[test]
fn an_answer_that_is_not_stripes_says_nothing_of_the_key() {
    for status in [401, 403] {
        let server = Server::start(vec![Answer::Json(status, json!({"message": "log in"}))]);
        let seen = issuer(&server.base, json!({})).verify(&key(LIVE));
        let Verdict::Unknown(fault) = seen.verdict else {
            panic!("a proxy was believed");
        };
        assert_eq!(
            fault.what,
            format!("the answer is not one of Stripe's (HTTP {status})")
        );
    }
    let script = (0..8).map(|_| Answer::Lost).collect();
    let server = Server::start(script);
    let seen = issuer(&server.base, json!({})).verify(&key(LIVE));
    assert!(matches!(seen.verdict, Verdict::Unknown(_)));
}

#[test]
fn rotakey_never_claims_to_have_expired_a_key() {
    let Effect::NotDone(fault) = offline(json!({})).revoke(&key(LIVE)) else {
        panic!("Stripe has no such call");
    };
    assert_eq!(fault.what, "only a person can expire a key of Stripe");
}

#[test]
fn what_only_the_preview_knows_is_refused_without_it() {
    let built = built(
        "http://127.0.0.1:1",
        json!({"permissions": ["charge_read"]}),
    );
    assert_eq!(
        built.err().unwrap().what,
        "`permissions` is for `api: preview`; in the dashboard a person chooses"
    );
}
