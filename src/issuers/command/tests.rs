use super::*;
use crate::issuers::Verdict;
use crate::model::SecretValue;
use serde_json::json;
use std::fs;
use tempfile::tempdir;

fn issuer(config: serde_json::Value) -> Command {
    Command::new(serde_json::from_value(config).unwrap(), "partner".into()).unwrap()
}

/// An issuer that answers this to everything, and the file that holds what it was asked.
fn scripted(answer: &str, more: serde_json::Value) -> (Command, tempfile::TempDir) {
    let dir = tempdir().unwrap();
    let script = format!("cat > question; {answer}");
    let mut config = json!({"run": ["sh", "-c", script], "cwd": dir.path()});
    let map = config.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    (issuer(config), dir)
}

fn asked(dir: &tempfile::TempDir) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(dir.path().join("question")).unwrap()).unwrap()
}

fn key(id: &str, value: &str) -> Key {
    let mut key = Key::of(Fields::single(SecretValue::new(value)));
    key.id = Some(id.into());
    key
}

fn request<'a>(tag: &'a Tag, current: Option<&'a Key>) -> Request<'a> {
    Request {
        tag,
        proposal: None,
        current,
    }
}

#[test]
fn the_example_program_lives_a_whole_life() {
    let dir = tempdir().unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/issuer.py");
    let config = json!({
        "run": ["python3", program],
        "overlap": "many",
        "find": true,
        "last_used": true,
        "settings": {"store": dir.path().join("keys.json")},
    });
    let issuer = issuer(config);
    let fine = Finding {
        what: "write the key store".into(),
        result: Ok(String::new()),
    };
    assert_eq!(issuer.check(), [fine]);
    let tag = Tag::new("rk-partner-1");
    let Effect::Done(first) = issuer.issue(&request(&tag, None)) else {
        panic!("not issued");
    };
    assert_eq!(issuer.verify(&first).verdict, Verdict::Works);
    let found = issuer.find(&tag).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].key.id, found[0].key.fields.is_empty()),
        (&first.id, true)
    );
    assert!(found[0].created_at.is_some());
    assert_eq!(issuer.find(&"rk-other".into()).unwrap(), []);
    assert_eq!(issuer.last_used(&first), Ok(None));
    assert_eq!(issuer.revoke(&first), Effect::Done(()));
    assert_eq!(issuer.revoke(&first), Effect::Done(()));
    assert_eq!(issuer.verify(&first).verdict, Verdict::Refused);
}

#[test]
fn the_question_tells_all_there_is_to_know() {
    let answer = r#"printf '{"key":{"id":"k2","fields":{"value":"new"},"notes":{"a":"b"}}}'"#;
    let (issuer, dir) = scripted(answer, json!({"settings": {"realm": "eu"}}));
    let made = issuer.issue(&request(&"rk-1".into(), Some(&key("k1", "old"))));
    let mut expected = key("k2", "new");
    expected.notes.insert("a".into(), "b".into());
    assert_eq!(made, Effect::Done(expected));
    assert_eq!(
        asked(&dir),
        json!({
            "protocol": 1,
            "operation": "issue",
            "secret": "partner",
            "settings": {"realm": "eu"},
            "tag": "rk-1",
            "current": {"id": "k1", "fields": {"value": "old"}, "notes": {}},
        })
    );
}

#[test]
fn a_proposal_stays_as_it_is_and_gains_an_id() {
    let answer = r#"printf '{"key":{"id":"k2"}}'"#;
    let (issuer, dir) = scripted(answer, json!({"value": "rotakey"}));
    let proposal = issuer.propose(None, Trust::Kept).unwrap().unwrap();
    let tag = Tag::new("rk-1");
    let request = Request {
        proposal: Some(&proposal),
        ..request(&tag, None)
    };
    let Effect::Done(made) = issuer.issue(&request) else {
        panic!("not issued");
    };
    assert_eq!(made.fields, proposal.fields);
    assert_eq!(made.id, Some("k2".into()));
    let value = proposal.fields.primary().unwrap().expose();
    assert_eq!(asked(&dir)["proposal"]["fields"]["value"], value);
    assert_eq!(issuer.capabilities().value, ValueBy::Rotakey);
}

#[test]
fn a_key_that_is_not_what_was_promised_is_uncertain() {
    let issue = |answer: &str, more| {
        let (issuer, _dir) = scripted(&format!("printf '{answer}'"), more);
        issuer.issue(&request(&"rk-1".into(), None))
    };
    let pair = json!({"fields": ["user", "password"]});
    let whole = r#"{"key":{"fields":{"user":"a","password":"b"}}}"#;
    assert!(matches!(issue(whole, pair.clone()), Effect::Done(_)));
    let what = "the key that was made does not have the fields password, user";
    for answer in [
        r#"{"key":{"fields":{"user":"a"}}}"#,
        r#"{"key":{"fields":{"user":"a","password":""}}}"#,
    ] {
        assert_eq!(
            issue(answer, pair.clone()),
            Effect::Uncertain(Fault::refused(what))
        );
    }
    for (answer, what) in [
        ("{}", "no key was answered"),
        (
            r#"{"key":{"id":"a b","fields":{"value":"v"}}}"#,
            "the id of the key is not 1 to 512 printable ASCII characters",
        ),
        (
            r#"{"key":{"vaule":"v"}}"#,
            "`sh`: the answer is not what was asked for, at line 1 column 15",
        ),
    ] {
        let expected = Effect::Uncertain(Fault::refused(what));
        assert_eq!(issue(answer, json!({})), expected);
    }
}

#[test]
fn exit_codes_decide_between_not_done_and_uncertain() {
    let revoke = |code: u8| {
        let (issuer, _dir) = scripted(&format!("exit {code}"), json!({}));
        issuer.revoke(&key("k1", "v"))
    };
    assert!(matches!(revoke(75), Effect::NotDone(_)));
    assert!(matches!(revoke(64), Effect::NotDone(_)));
    assert!(matches!(revoke(1), Effect::Uncertain(_)));
}

#[test]
fn a_verdict_is_read_and_a_failure_is_no_verdict() {
    let verify = |answer: &str| {
        let (issuer, _dir) = scripted(answer, json!({}));
        issuer.verify(&key("k1", "v"))
    };
    let seen = verify(r#"printf '{"verdict":"refused","date":"2026-11-23T09:00:00Z"}'"#);
    assert_eq!(seen.verdict, Verdict::Refused);
    assert_eq!(seen.date.unwrap().timestamp(), 1_795_424_400);
    assert_eq!(
        verify(r#"printf '{"verdict":"denied"}'"#).verdict,
        Verdict::Denied
    );
    for unclear in [
        "exit 1",
        r#"printf '{"verdict":"dead"}'"#,
        r#"printf '{"verdict":"unknown"}'"#,
    ] {
        assert!(
            matches!(verify(unclear).verdict, Verdict::Unknown(_)),
            "{unclear}"
        );
    }
}

#[test]
fn what_the_program_says_is_printed_without_its_escape_sequences() {
    let answer =
        r#"printf '{"findings":[{"what":"a\\u001b[31mb","ok":false,"detail":"no\\nway"}]}'"#;
    let (issuer, _dir) = scripted(answer, json!({}));
    let finding = Finding {
        what: "ab".into(),
        result: Err(Fault::refused("no way")),
    };
    assert_eq!(issuer.check(), [finding]);
}

#[test]
fn abilities_follow_the_configuration() {
    let (issuer, dir) = scripted(
        "exit 0",
        json!({"revoke": false, "value": "person", "overlap": "two"}),
    );
    let capabilities = issuer.capabilities();
    assert_eq!(capabilities.revokes, Ability::No);
    assert_eq!(capabilities.finds, Ability::No);
    assert_eq!(capabilities.overlap, Overlap::Two);
    assert_eq!(capabilities.value, ValueBy::Person);
    assert!(matches!(issuer.revoke(&key("k1", "v")), Effect::NotDone(_)));
    assert!(!dir.path().join("question").exists());
}
