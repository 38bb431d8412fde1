use super::*;
use crate::http::testing::{Answer, Server};
use crate::targets::testing::{account, opened, written_at};

fn target(base: &str, config: Value) -> Result<Arc<dyn Target>, Fault> {
    let account = account("vault", "token", "hvs.x")
        .at(base)
        .set("namespace", "team-a");
    opened(build, config, account)
}

fn open(server: &Server) -> Arc<dyn Target> {
    let config = json!({"mount": "kv/apps", "path": "web/open ai", "field": "api_key"});
    target(&server.base, config).unwrap()
}

const DATA: &str = "/v1/kv/apps/data/web/open%20ai";

fn held(version: u64, key: &str) -> Answer {
    with(
        version,
        json!({"api_key": key, "user": "bot", "retries": 3}),
    )
}

fn with(version: u64, data: Value) -> Answer {
    let metadata =
        json!({"version": version, "created_time": "2026-03-01T11:00:00.5Z", "deletion_time": ""});
    Answer::Json(200, json!({"data": {"data": data, "metadata": metadata}}))
}

fn made(version: u64) -> Answer {
    let metadata = json!({"version": version, "created_time": "2026-03-01T12:00:00Z"});
    Answer::Json(200, json!({"data": metadata}))
}

fn no(status: u16, error: &str) -> Answer {
    Answer::Json(status, json!({"errors": [error]}))
}

fn stale() -> Answer {
    no(
        400,
        "check-and-set parameter did not match the current version",
    )
}

fn denied() -> Answer {
    no(403, "1 error occurred:\n\t* permission denied\n\n")
}

fn site(target: &Arc<dyn Target>) -> Site {
    target.sites(Pass(1)).unwrap().remove(0)
}

fn done() -> Effect<Written> {
    written_at("2026-03-01T12:00:00Z")
}

fn new() -> SecretValue {
    SecretValue::new("sk-new")
}

#[test]
fn one_key_is_changed_under_the_version_that_was_read() {
    let server = Server::start(vec![
        held(7, "sk-old"),
        held(7, "sk-old"),
        made(8),
        held(8, "sk-new"),
    ]);
    let target = open(&server);
    let site = site(&target);
    assert_eq!(site.stored, Stored::Value(SecretValue::new("sk-old")));
    assert_eq!(site.label, "vault/kv/apps/web/open ai api_key");
    assert_eq!(target.write(&site, &new()), done());
    let sent = &server.received()[2];
    assert_eq!(sent.line, format!("PATCH {DATA}"));
    assert_eq!(
        sent.body,
        json!({"options": {"cas": 7}, "data": {"api_key": "sk-new"}})
    );
    for header in [
        "content-type: application/merge-patch+json",
        "x-vault-token: hvs.x",
        "x-vault-namespace: team-a",
        "x-vault-request: true",
    ] {
        assert!(sent.headers.contains(header), "{header}");
    }
    assert_eq!(sent.headers.matches("content-type").count(), 1);
}

#[test]
fn where_nothing_can_be_patched_the_whole_secret_goes_back_under_the_same_version() {
    for refusal in [denied(), no(405, "unsupported operation")] {
        let server = Server::start(vec![
            held(7, "sk-old"),
            held(7, "sk-old"),
            refusal,
            made(8),
            held(8, "sk-new"),
        ]);
        let target = open(&server);
        assert_eq!(target.write(&site(&target), &new()), done());
        let sent = &server.received()[3];
        assert_eq!(sent.line, format!("POST {DATA}"));
        assert_eq!(
            sent.body,
            json!({"options": {"cas": 7}, "data": {"api_key": "sk-new", "user": "bot", "retries": 3}})
        );
    }
}

#[test]
fn a_change_that_somebody_else_made_is_never_overwritten() {
    for script in [vec![stale()], vec![denied(), stale()]] {
        let mut all = vec![held(7, "sk-old"), held(7, "sk-old")];
        all.extend(script);
        let server = Server::start(all);
        let target = open(&server);
        let Effect::NotDone(fault) = target.write(&site(&target), &new()) else {
            panic!("a stale write was done");
        };
        assert_eq!(
            fault.what,
            "somebody else changed the secret in the same moment (HTTP 400)"
        );
        assert_eq!(fault.kind, FaultKind::Passing);
    }
}

#[test]
fn a_lost_answer_is_uncertain_and_nothing_is_sent_again() {
    let server = Server::start(vec![
        held(7, "sk-old"),
        held(7, "sk-old"),
        Answer::Lost,
        made(8),
    ]);
    let target = open(&server);
    assert!(matches!(
        target.write(&site(&target), &new()),
        Effect::Uncertain(_)
    ));
    assert_eq!(server.lines().len(), 3);
}

#[test]
fn a_value_that_is_there_already_makes_no_new_version() {
    let server = Server::start(vec![held(7, "sk-new"), held(7, "sk-new")]);
    let target = open(&server);
    assert!(matches!(
        target.write(&site(&target), &new()),
        Effect::Done(_)
    ));
    assert_eq!(
        server.lines(),
        [format!("GET {DATA}"), format!("GET {DATA}")]
    );
}

#[test]
fn a_secret_that_cannot_be_written_back_exactly_is_only_ever_patched() {
    let odd = || {
        with(
            7,
            json!({"api_key": "sk-old", "rate": 0.1, "id": 18446744073709551615_u64}),
        )
    };
    let server = Server::start(vec![odd(), odd(), denied()]);
    let target = open(&server);
    let Effect::NotDone(fault) = target.write(&site(&target), &new()) else {
        panic!("a number may have changed");
    };
    assert_eq!(
        fault.what,
        "the secret holds a number that cannot be written back exactly"
    );
}

#[test]
fn what_is_missing_deleted_or_no_text_is_refused() {
    let why = |answer: Answer| {
        let server = Server::start(vec![answer]);
        open(&server).sites(Pass(1)).unwrap_err().what
    };
    let label = "vault/kv/apps/web/open ai";
    let gone = format!("{label}: the store has no such secret, or its newest version is deleted");
    assert_eq!(why(Answer::Json(404, json!({"errors": []}))), gone);
    let deleted = json!({"data": {"data": null, "metadata": {"version": 3}}});
    assert_eq!(why(Answer::Json(404, deleted)), gone);
    assert_eq!(
        why(with(1, json!({"user": "bot"}))),
        format!("{label}: the secret has no key `api_key`")
    );
    assert_eq!(
        why(with(1, json!({"api_key": {"a": 1}}))),
        format!("{label}: key `api_key` holds no text")
    );
}

#[test]
fn a_key_is_added_only_where_that_was_said() {
    let user = || with(1, json!({"user": "bot"}));
    let server = Server::start(vec![user(), user(), made(2), held(2, "sk-new")]);
    let config =
        json!({"mount": "kv/apps", "path": "web/open ai", "field": "api_key", "create": true});
    let target = target(&server.base, config).unwrap();
    let site = site(&target);
    assert_eq!(site.stored, Stored::Absent);
    assert_eq!(target.write(&site, &new()), done());
}

#[test]
fn paths_that_lead_elsewhere_and_servers_without_an_address_are_refused() {
    for path in ["", "/a", "a/", "a//b", "a/../b"] {
        let built = target("http://127.0.0.1:1", json!({"path": path, "field": "x"}));
        assert_eq!(
            built.err().unwrap().what,
            "`mount` and `path` are words with `/` between them",
            "{path}"
        );
    }
    let nowhere = Settings::new("vault".into(), "vault");
    let built = opened(build, json!({"path": "a", "field": "x"}), nowhere);
    assert_eq!(
        built.err().unwrap().what,
        "account `vault` has no `base_url`"
    );
}
