use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::Tag;
use serde_json::Value;

const OLD: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
const NEW: &str = "ghp_newnewnewnewnewnewnewnewnewnewnewnew";

fn issuer(base: &str, config: Value) -> GitHub {
    let account = Account::new("github".into(), "github").at(base);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    GitHub::new(serde_json::from_value(config).unwrap(), &account, &clock).unwrap()
}

fn key(value: &str) -> Key {
    Key::of(Fields::single(SecretValue::new(value)))
}

fn user(headers: &'static str) -> Answer {
    Answer::With(200, headers, json!({"login": "octocat"}))
}

fn dead() -> Answer {
    Answer::Json(401, json!({"message": "Bad credentials"}))
}

fn refusal(script: Vec<Answer>, config: Value, new: &str, old: &Key) -> String {
    let server = Server::start(script);
    let taken = issuer(&server.base, config).take(key(new), Some(old));
    taken
        .map(|_| String::new())
        .unwrap_or_else(|fault| fault.what)
}

#[test]
fn a_new_token_is_noted_with_its_scopes_and_its_end() {
    let server = Server::start(vec![user(
        "x-oauth-scopes: repo, read:org\r\ngithub-authentication-token-expiration: 2026-10-01 05:00:00 -0700\r\n",
    )]);
    let taken = issuer(&server.base, json!({}))
        .take(key(NEW), None)
        .unwrap();
    let notes = BTreeMap::from([
        (
            "expires_at".to_owned(),
            "2026-10-01T12:00:00+00:00".to_owned(),
        ),
        ("scopes".to_owned(), "read:org,repo".to_owned()),
    ]);
    assert_eq!(taken, Key { notes, ..key(NEW) });
    let received = &server.received()[0];
    assert_eq!(received.line, "GET /user");
    assert!(
        received
            .headers
            .contains("x-github-api-version: 2022-11-28")
    );
    assert!(
        received
            .headers
            .contains("accept: application/vnd.github+json")
    );
}

#[test]
fn a_token_that_may_do_less_or_more_is_refused() {
    let old = || user("x-oauth-scopes: repo, read:org\r\n");
    let try_with =
        |new: &'static str, config| refusal(vec![user(new), old()], config, NEW, &key(OLD));
    assert_eq!(
        try_with("x-oauth-scopes: read:org, repo\r\n", json!({})),
        ""
    );
    assert_eq!(
        try_with("x-oauth-scopes: repo\r\n", json!({})),
        "the new token lacks `read:org`, which the live one has"
    );
    assert_eq!(
        try_with("x-oauth-scopes: repo, read:org, admin:org\r\n", json!({})),
        "the new token has `admin:org`, which the live one has not"
    );
    assert_eq!(
        try_with("", json!({})),
        "the new token lacks `read:org`, `repo`, which the live one has"
    );
    assert_eq!(try_with("", json!({"accept_scopes": true})), "");
}

#[test]
fn long_lists_of_scopes_are_compared_to_their_end() {
    const MANY: &str = "x-oauth-scopes: admin:enterprise, admin:gpg_key, admin:org, admin:org_hook, admin:public_key, admin:repo_hook, admin:ssh_signing_key, audit_log, codespace, copilot, delete:packages, delete_repo, gist\r\n";
    const MORE: &str = "x-oauth-scopes: admin:enterprise, admin:gpg_key, admin:org, admin:org_hook, admin:public_key, admin:repo_hook, admin:ssh_signing_key, audit_log, codespace, copilot, delete:packages, delete_repo, gist, workflow\r\n";
    assert_eq!(
        refusal(vec![user(MORE), user(MANY)], json!({}), NEW, &key(OLD)),
        "the new token has `workflow`, which the live one has not"
    );
}

#[test]
fn a_dead_token_is_compared_by_what_was_noted_of_it() {
    let old = Key {
        notes: BTreeMap::from([(token::SCOPES.to_owned(), "repo".to_owned())]),
        ..key(OLD)
    };
    let narrower = vec![user("x-oauth-scopes: gist\r\n"), dead()];
    assert_eq!(
        refusal(narrower, json!({}), NEW, &old),
        "the new token lacks `repo`, which the live one has"
    );
    let same = vec![user("x-oauth-scopes: repo\r\n"), dead()];
    assert_eq!(refusal(same, json!({}), NEW, &old), "");
}

#[test]
fn a_token_of_another_sort_is_refused() {
    let script = || vec![user("")];
    assert_eq!(
        refusal(script(), json!({}), "github_pat_0A1B_abc", &key(OLD)),
        "the live token is of the other kind, classic or fine-grained, and their rights cannot be compared"
    );
    let accepted = json!({"accept_scopes": true});
    assert_eq!(
        refusal(script(), accepted, "github_pat_0A1B_abc", &key(OLD)),
        ""
    );
    for text in [
        "gho_abc",
        "ghs_1_ey.J",
        "ghp_",
        "ghp_a b",
        "sk_live_abc",
        "",
    ] {
        assert_eq!(
            refusal(vec![], json!({}), text, &key(OLD)),
            "this is not a personal token of GitHub",
            "{text:?}"
        );
    }
}

#[test]
fn a_token_that_github_refuses_is_never_taken() {
    let server = Server::start(vec![dead()]);
    let taken = issuer(&server.base, json!({})).take(key(NEW), None);
    let host = server.base.trim_start_matches("http://");
    assert_eq!(
        taken.unwrap_err().what,
        format!("{host} refuses this token")
    );
}

#[test]
fn a_token_is_revoked_without_authentication_and_then_seen_dead() {
    let server = Server::start(vec![Answer::Json(202, json!({})), user(""), dead()]);
    let issuer = issuer(&server.base, json!({}));
    assert_eq!(issuer.revoke(&key(OLD)), Effect::Done(()));
    assert_eq!(issuer.verify(&key(OLD)).verdict, Verdict::Works);
    assert_eq!(issuer.verify(&key(OLD)).verdict, Verdict::Refused);
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /credentials/revoke");
    assert_eq!(received.body, json!({"credentials": [OLD]}));
    assert!(!received.headers.contains("authorization"));
}

#[test]
fn where_revoking_is_not_offered_a_person_is_told_where_to_delete() {
    for (status, what) in [
        (404, "not found (HTTP 404)"),
        (422, "request refused (HTTP 422)"),
    ] {
        let server = Server::start(vec![Answer::Json(status, json!({"message": "no"}))]);
        let Effect::NotDone(fault) = issuer(&server.base, json!({})).revoke(&key(OLD)) else {
            panic!("a clear no");
        };
        assert_eq!(fault.what, what);
        let hint = format!("delete the token at {}/settings/tokens", server.base);
        assert_eq!(fault.hint, Some(hint));
    }
}

#[test]
fn a_block_of_any_kind_is_not_taken_for_death() {
    let server = Server::start(vec![Answer::Json(
        403,
        json!({"message": "IP not allowed"}),
    )]);
    let seen = issuer(&server.base, json!({})).verify(&key(OLD));
    assert!(matches!(seen.verdict, Verdict::Unknown(_)));
}

#[test]
fn issuing_is_taking_over_what_a_person_made() {
    let issuer = issuer("http://127.0.0.1:1", json!({}));
    let (tag, new) = (Tag::new("rk-1"), key(NEW));
    let request = |proposal| Request {
        tag: &tag,
        proposal,
        current: None,
    };
    assert_eq!(
        issuer.issue(&request(Some(&new))),
        Effect::Done(new.clone())
    );
    assert!(matches!(issuer.issue(&request(None)), Effect::NotDone(_)));
}

#[test]
fn people_are_sent_to_their_own_server() {
    let own = issuer("https://github.example.com/api/v3", json!({}));
    assert_eq!(own.place(), "github.example.com");
    assert_eq!(
        own.instructions()[0],
        "open https://github.example.com/settings/tokens (classic) or https://github.example.com/settings/personal-access-tokens (fine-grained)"
    );
    assert_eq!(issuer(rest::BASE, json!({})).place(), "github.com");
}
