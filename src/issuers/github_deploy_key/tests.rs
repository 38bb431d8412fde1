use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::Credential;
use serde_json::Value;

const KEYS: &str = "/repos/acme/web/keys";
const OURS: &str = "ssh-ed25519 AAAAours";

fn issuer(base: &str) -> DeployKeys {
    let token = Credential::new("test", || Ok(SecretValue::new("ghp_admin")));
    let account = Account::new("github".into(), "github")
        .at(base)
        .with("token", token);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    let config = serde_json::from_value(json!({"repository": "acme/web"})).unwrap();
    DeployKeys::new(config, &Arc::new(account), &clock).unwrap()
}

fn key(id: Option<&str>) -> Key {
    let fields = [(Fields::VALUE, "private"), (PUBLIC, OURS)];
    let fields = fields.map(|(name, value)| (FieldName::new(name), SecretValue::new(value)));
    Key {
        id: id.map(KeyId::from),
        ..Key::of(fields.into_iter().collect())
    }
}

fn listed(id: u64, key: &str, title: &str) -> Value {
    json!({"id": id, "key": key, "title": title, "url": "https://api.github.com/x", "verified": true,
        "created_at": "2026-01-01T00:00:00Z", "read_only": true, "last_used": "2026-02-01T00:00:00Z", "enabled": true})
}

fn page(keys: Value) -> Answer {
    Answer::Json(200, keys)
}

fn others() -> Answer {
    page(json!([listed(1, "ssh-rsa AAAAother", "old machine")]))
}

fn with_ours() -> Answer {
    page(json!([
        listed(1, "ssh-rsa AAAAother", "old machine"),
        listed(7, OURS, "rk-1")
    ]))
}

fn no(status: u16) -> Answer {
    Answer::Json(status, json!({"message": "no"}))
}

fn issue(server: &Server) -> Effect<Key> {
    let (tag, proposal) = (Tag::new("rk-1"), key(None));
    issuer(&server.base).issue(&Request {
        tag: &tag,
        proposal: Some(&proposal),
        current: None,
    })
}

#[test]
fn only_the_public_half_goes_to_github() {
    let server = Server::start(vec![Answer::Json(201, listed(7, OURS, "rk-1"))]);
    assert_eq!(issue(&server), Effect::Done(key(Some("7"))));
    let sent = &server.received()[0];
    assert_eq!(sent.line, format!("POST {KEYS}"));
    assert_eq!(
        sent.body,
        json!({"title": "rk-1", "key": OURS, "read_only": true})
    );
    assert!(sent.headers.contains("authorization: bearer ghp_admin"));
}

#[test]
fn asking_again_with_the_same_pair_finds_the_key_that_is_there() {
    let server = Server::start(vec![Answer::Lost, no(422), with_ours()]);
    assert_eq!(issue(&server), Effect::Done(key(Some("7"))));
    let server = Server::start(vec![no(422), others()]);
    let Effect::NotDone(fault) = issue(&server) else {
        panic!("the key is not there");
    };
    assert_eq!(fault.what, "the key was refused (HTTP 422)");
}

#[test]
fn a_proposal_is_a_pair_that_nobody_has_seen_before() {
    let issuer = issuer("http://127.0.0.1:1");
    let one = issuer
        .propose(None, crate::issuers::Trust::Kept)
        .unwrap()
        .unwrap();
    let other = issuer
        .propose(Some(&one), crate::issuers::Trust::Kept)
        .unwrap()
        .unwrap();
    assert_ne!(public(&one).unwrap(), public(&other).unwrap());
    let private = one.fields.primary().unwrap().expose();
    assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
}

#[test]
fn a_key_is_dead_only_where_a_readable_list_lacks_it() {
    for (answer, verdict) in [
        (with_ours(), Verdict::Works),
        (others(), Verdict::Refused),
        (page(json!([])), Verdict::Refused),
    ] {
        let server = Server::start(vec![answer]);
        assert_eq!(
            issuer(&server.base).verify(&key(Some("7"))).verdict,
            verdict
        );
        assert_eq!(server.lines(), [format!("GET {KEYS}?per_page=100&page=1")]);
    }
    for status in [401, 403, 404] {
        let server = Server::start(vec![no(status)]);
        let seen = issuer(&server.base).verify(&key(Some("7")));
        assert!(matches!(seen.verdict, Verdict::Unknown(_)), "{status}");
    }
    let mut disabled = listed(7, OURS, "rk-1");
    disabled["enabled"] = json!(false);
    let server = Server::start(vec![page(json!([disabled]))]);
    let seen = issuer(&server.base).verify(&key(Some("7")));
    assert!(matches!(seen.verdict, Verdict::Unknown(_)));
}

#[test]
fn every_page_is_looked_through() {
    let full: Vec<Value> = (100..200)
        .map(|id| listed(id, "ssh-rsa AAAAx", "x"))
        .collect();
    let server = Server::start(vec![page(json!(full)), with_ours()]);
    assert_eq!(
        issuer(&server.base).verify(&key(None)).verdict,
        Verdict::Works
    );
    assert_eq!(server.lines()[1], format!("GET {KEYS}?per_page=100&page=2"));
}

#[test]
fn a_key_is_found_by_its_tag_and_by_its_public_half() {
    let server = Server::start(vec![with_ours(), with_ours(), with_ours()]);
    let issuer = issuer(&server.base);
    let found = issuer.find(&Tag::new("rk-1")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key.id, Some(KeyId::from("7")));
    let made: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        issuer.identify(&key(None)).unwrap(),
        Some((KeyId::from("7"), key(Some("7")), Some(made)))
    );
    let used: Instant = "2026-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(issuer.last_used(&key(Some("7"))).unwrap(), Some(used));
}

#[test]
fn a_key_is_removed_by_its_id_and_one_that_is_gone_is_success() {
    for status in [204, 404] {
        let server = Server::start(vec![Answer::Json(status, Value::Null)]);
        assert_eq!(
            issuer(&server.base).revoke(&key(Some("7"))),
            Effect::Done(())
        );
        assert_eq!(server.lines(), [format!("DELETE {KEYS}/7")]);
    }
    let server = Server::start(vec![with_ours(), Answer::Json(204, Value::Null)]);
    assert_eq!(issuer(&server.base).revoke(&key(None)), Effect::Done(()));
    let server = Server::start(vec![no(403)]);
    assert!(matches!(
        issuer(&server.base).revoke(&key(Some("7"))),
        Effect::NotDone(_)
    ));
}

#[test]
fn a_repository_is_written_with_its_owner() {
    let account = Arc::new(Account::new("github".into(), "github"));
    let clock: Arc<dyn Clock> = JumpingClock::new();
    for repository in ["web", "a/b/c", ""] {
        let config = serde_json::from_value(json!({"repository": repository})).unwrap();
        let fault = DeployKeys::new(config, &account, &clock).err().unwrap();
        assert_eq!(fault.what, "`repository` is written `owner/name`");
    }
}
