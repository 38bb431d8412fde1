use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::Credential;
use serde_json::{Value, json};

const URL: &str = "https://shop.example.com/hooks/stripe";

fn issuer(server: &Server) -> Webhooks {
    let key = Credential::new("test", || Ok(SecretValue::new("rk_live_admin")));
    let account = Account::new("stripe".into(), "stripe")
        .at(&server.base)
        .with("api_key", key);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    let config = Config {
        url: URL.to_owned(),
    };
    Webhooks::new(config, &Arc::new(account), &clock).unwrap()
}

fn endpoint(id: &str, tag: Option<&str>) -> Value {
    let mut metadata = json!({"team": "pay & ship"});
    if let Some(tag) = tag {
        metadata["rotakey"] = json!(tag);
    }
    json!({"id": id, "object": "webhook_endpoint", "url": URL, "status": "enabled", "created": 1_700_000_000,
        "enabled_events": ["charge.failed", "payout.paid"], "api_version": "2024-06-20", "application": null,
        "description": "orders", "livemode": true, "metadata": metadata})
}

fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

fn page(data: Value) -> Answer {
    ok(json!({"object": "list", "data": data, "has_more": false}))
}

fn gone() -> Answer {
    Answer::Json(404, json!({"error": {"type": "invalid_request_error"}}))
}

fn made() -> Answer {
    let mut made = endpoint("we_2", Some("rk-1"));
    made["secret"] = json!("whsec_new");
    ok(made)
}

fn key(id: Option<&str>, value: &str, previous: &str) -> Key {
    let fields = [(Fields::VALUE, value), (PREVIOUS, previous)];
    let fields = fields.map(|(name, value)| (FieldName::new(name), SecretValue::new(value)));
    Key {
        id: id.map(KeyId::from),
        ..Key::of(fields.into_iter().collect())
    }
}

fn issue(server: &Server, current: Option<&Key>) -> Effect<Key> {
    let tag = Tag::new("rk-1");
    issuer(server).issue(&Request {
        tag: &tag,
        proposal: None,
        current,
    })
}

#[test]
fn a_second_endpoint_is_made_like_the_live_one_under_the_tag() {
    let server = Server::start(vec![ok(endpoint("we_1", Some("rk-0"))), made()]);
    let live = key(Some("we_1"), "whsec_old", "whsec_older");
    let new = key(Some("we_2"), "whsec_new", "whsec_old");
    assert_eq!(issue(&server, Some(&live)), Effect::Done(new));
    assert_eq!(
        server.lines(),
        [
            "GET /v1/webhook_endpoints/we_1",
            "POST /v1/webhook_endpoints"
        ]
    );
    let sent = &server.received()[1];
    let form = "url=https%3A%2F%2Fshop.example.com%2Fhooks%2Fstripe\
        &enabled_events%5B0%5D=charge.failed&enabled_events%5B1%5D=payout.paid\
        &api_version=2024-06-20&description=orders\
        &metadata%5Bteam%5D=pay%20%26%20ship&metadata%5Brotakey%5D=rk-1";
    assert_eq!(sent.body, json!(form));
    assert!(
        sent.headers
            .contains("content-type: application/x-www-form-urlencoded")
    );
    assert!(sent.headers.contains("idempotency-key: rk-1"));
}

/// In an emergency the driver says which endpoint is live and hands no value over.
#[test]
fn a_secret_that_leaked_is_not_carried_along_as_the_previous_one() {
    let server = Server::start(vec![ok(endpoint("we_1", Some("rk-0"))), made()]);
    let leaked = Key {
        fields: Fields::default(),
        ..key(Some("we_1"), "whsec_leaked", "whsec_older")
    };
    let new = key(Some("we_2"), "whsec_new", "whsec_new");
    assert_eq!(issue(&server, Some(&leaked)), Effect::Done(new));
    assert_eq!(server.lines()[0], "GET /v1/webhook_endpoints/we_1");
}

#[test]
fn an_endpoint_of_connected_accounts_stays_one() {
    let mut connected = endpoint("we_1", None);
    connected["application"] = json!("ca_1");
    let server = Server::start(vec![page(json!([connected])), made()]);
    assert_eq!(
        issue(&server, None),
        Effect::Done(key(Some("we_2"), "whsec_new", "whsec_new"))
    );
    let sent = server.received()[1].body.as_str().unwrap().to_owned();
    assert!(sent.contains("&connect=true&"));
}

#[test]
fn without_a_live_one_the_address_must_have_exactly_one_endpoint() {
    let why = |endpoints: Value| {
        let server = Server::start(vec![page(endpoints)]);
        match issue(&server, None) {
            Effect::NotDone(fault) => fault.what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(why(json!([])), "no webhook endpoint has this address");
    let two = json!([endpoint("we_1", None), endpoint("we_2", None)]);
    assert_eq!(why(two), "several webhook endpoints have this address");
}

#[test]
fn a_create_is_never_sent_twice_and_is_found_by_its_tag() {
    let server = Server::start(vec![
        ok(endpoint("we_1", None)),
        Answer::Lost,
        page(json!([
            endpoint("we_1", None),
            endpoint("we_2", Some("rk-1"))
        ])),
    ]);
    let live = key(Some("we_1"), "whsec_old", "whsec_old");
    assert!(matches!(issue(&server, Some(&live)), Effect::Uncertain(_)));
    assert_eq!(server.lines().len(), 2);
    let found = issuer(&server).find(&Tag::new("rk-1")).unwrap();
    let ids: Vec<_> = found.into_iter().filter_map(|found| found.key.id).collect();
    assert_eq!(ids, [KeyId::from("we_2")]);
}

#[test]
fn lists_are_read_to_their_end_and_other_addresses_passed_over() {
    let mut other = endpoint("we_0", None);
    other["url"] = json!("https://elsewhere.example.com");
    let first = json!({"data": [other], "has_more": true});
    let server = Server::start(vec![ok(first), page(json!([endpoint("we_1", None)]))]);
    let live = key(None, "whsec_old", "whsec_old");
    let (id, found, created) = issuer(&server).identify(&live).unwrap().unwrap();
    assert_eq!(
        (id, found.id),
        (KeyId::from("we_1"), Some(KeyId::from("we_1")))
    );
    assert_eq!(created.map(|at| at.timestamp()), Some(1_700_000_000));
    assert_eq!(
        server.lines()[1],
        "GET /v1/webhook_endpoints?limit=100&starting_after=we_0"
    );
}

#[test]
fn an_endpoint_works_while_it_is_enabled_and_is_dead_when_stripe_says_it_is_gone() {
    let mut disabled = endpoint("we_1", None);
    disabled["status"] = json!("disabled");
    let look = |answer| {
        let server = Server::start(vec![answer]);
        issuer(&server)
            .verify(&key(Some("we_1"), "whsec_old", "whsec_old"))
            .verdict
    };
    assert_eq!(look(ok(endpoint("we_1", None))), Verdict::Works);
    assert_eq!(look(gone()), Verdict::Refused);
    assert!(matches!(look(ok(disabled)), Verdict::Unknown(_)));
    assert!(matches!(
        look(Answer::Json(404, json!({}))),
        Verdict::Unknown(_)
    ));
    assert!(matches!(
        look(Answer::Json(401, json!({"error": {}}))),
        Verdict::Unknown(_)
    ));
}

#[test]
fn the_old_endpoint_is_deleted_and_one_that_is_gone_is_success() {
    let live = key(Some("we_1"), "whsec_old", "whsec_old");
    for answer in [ok(json!({"id": "we_1", "deleted": true})), gone()] {
        let server = Server::start(vec![answer]);
        assert_eq!(issuer(&server).revoke(&live), Effect::Done(()));
        assert_eq!(server.lines(), ["DELETE /v1/webhook_endpoints/we_1"]);
    }
}
