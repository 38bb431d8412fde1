use crypto_box::SecretKey;

use super::*;
use crate::http::testing::{Answer, Server};
use crate::targets::testing::{self, account};

fn target(base: &str, config: Value) -> Result<Arc<dyn Target>, Fault> {
    let account = account("github", "token", "ghp_x").at(base);
    testing::opened(build, config, account)
}

fn shown(at: &str) -> Value {
    json!({"name": "API_KEY", "created_at": "2025-01-01T00:00:00Z", "updated_at": at})
}

fn of_organization(visibility: &str) -> Answer {
    let mut body = shown("2026-03-01T11:00:00Z");
    body["visibility"] = json!(visibility);
    Answer::Json(200, body)
}

fn public_key(key: &SecretKey) -> Answer {
    let key = STANDARD.encode(key.public_key().as_bytes());
    Answer::Json(200, json!({"key_id": "568250167242549743", "key": key}))
}

fn opened(key: &SecretKey, body: &Value) -> String {
    let sealed = STANDARD
        .decode(body["encrypted_value"].as_str().unwrap())
        .unwrap();
    String::from_utf8(key.unseal(&sealed).unwrap()).unwrap()
}

fn done() -> Effect<Written> {
    Effect::Done(Written {
        at: Some("2026-03-01T12:00:00Z".parse().unwrap()),
        marker: Some(Marker("2026-03-01T12:00:00Z".to_owned())),
    })
}

fn site(target: &Arc<dyn Target>) -> Site {
    target.sites(Pass(1)).unwrap().remove(0)
}

#[test]
fn a_secret_of_a_repository_or_environment_is_sealed_and_recognised_by_its_time() {
    let plain = json!({"repository": "acme/web", "secret": "api_key"});
    let environment =
        json!({"repository": "acme/web", "environment": "pro/d", "secret": "API_KEY"});
    for (config, path, label) in [
        (
            plain,
            "/repos/acme/web/actions",
            "github-actions/acme/web API_KEY",
        ),
        (
            environment,
            "/repos/acme/web/environments/pro%2Fd",
            "github-actions/acme/web pro/d API_KEY",
        ),
    ] {
        let key = SecretKey::generate(&mut OsRng);
        let server = Server::start(vec![
            Answer::Json(200, shown("2026-03-01T11:00:00Z")),
            public_key(&key),
            Answer::Json(204, Value::Null),
            Answer::Json(200, shown("2026-03-01T12:00:00Z")),
        ]);
        let target = target(&server.base, config).unwrap();
        let site = site(&target);
        assert_eq!(site.label, label);
        assert_eq!(
            site.stored,
            Stored::Opaque(Marker("2026-03-01T11:00:00Z".to_owned()))
        );
        assert_eq!(target.write(&site, &SecretValue::new("sk-new ü")), done());
        assert_eq!(
            server.lines(),
            [
                format!("GET {path}/secrets/API_KEY"),
                format!("GET {path}/secrets/public-key"),
                format!("PUT {path}/secrets/API_KEY"),
                format!("GET {path}/secrets/API_KEY"),
            ]
        );
        let sent = &server.received()[2];
        assert_eq!(opened(&key, &sent.body), "sk-new ü");
        assert_eq!(sent.body["key_id"], "568250167242549743");
        assert_eq!(sent.body.as_object().unwrap().len(), 2);
        assert!(sent.headers.contains("authorization: bearer ghp_x"));
        assert!(sent.headers.contains("x-github-api-version: 2022-11-28"));
    }
}

#[test]
fn a_secret_of_an_organisation_keeps_who_may_see_it() {
    for visibility in ["all", "private"] {
        let key = SecretKey::generate(&mut OsRng);
        let server = Server::start(vec![
            of_organization(visibility),
            public_key(&key),
            of_organization(visibility),
            Answer::Json(204, Value::Null),
            Answer::Json(200, shown("2026-03-01T12:00:00Z")),
        ]);
        let config = json!({"organization": "acme", "secret": "API_KEY"});
        let target = target(&server.base, config).unwrap();
        let site = site(&target);
        assert_eq!(target.write(&site, &SecretValue::new("sk-new")), done());
        let sent = &server.received()[3];
        assert_eq!(sent.line, "PUT /orgs/acme/actions/secrets/API_KEY");
        assert_eq!(sent.body["visibility"], visibility);
        assert_eq!(sent.body.get("selected_repository_ids"), None);
    }
}

#[test]
fn every_selected_repository_is_sent_along_over_all_pages() {
    let key = SecretKey::generate(&mut OsRng);
    let page = |ids: std::ops::Range<u64>| {
        let repositories: Vec<Value> = ids.map(|id| json!({"id": id})).collect();
        Answer::Json(
            200,
            json!({"total_count": 103, "repositories": repositories}),
        )
    };
    let server = Server::start(vec![
        of_organization("selected"),
        public_key(&key),
        of_organization("selected"),
        page(0..100),
        page(100..103),
        Answer::Json(204, Value::Null),
        Answer::Json(200, shown("2026-03-01T12:00:00Z")),
        public_key(&key),
        of_organization("selected"),
        page(0..99),
    ]);
    let config = json!({"organization": "acme", "secret": "API_KEY"});
    let target = target(&server.base, config).unwrap();
    let site = site(&target);
    assert_eq!(target.write(&site, &SecretValue::new("sk-new")), done());
    let received = server.received();
    assert_eq!(
        received[4].line,
        "GET /orgs/acme/actions/secrets/API_KEY/repositories?per_page=100&page=2"
    );
    assert_eq!(received[5].body["visibility"], "selected");
    let ids: Vec<u64> = (0..103).collect();
    assert_eq!(received[5].body["selected_repository_ids"], json!(ids));
    let Effect::NotDone(fault) = target.write(&site, &SecretValue::new("sk-new")) else {
        panic!("four repositories would have lost the secret");
    };
    assert_eq!(fault.what, "the list of selected repositories is not whole");
}

#[test]
fn a_secret_that_is_not_there_is_made_only_where_that_was_said() {
    let missing = || Answer::Json(404, json!({"message": "Not Found"}));
    let server = Server::start(vec![missing()]);
    let config = json!({"repository": "acme/web", "secret": "API_KEY"});
    let fault = target(&server.base, config)
        .unwrap()
        .sites(Pass(1))
        .unwrap_err();
    assert_eq!(
        fault.what,
        "github-actions/acme/web: there is no such secret, or the token may not see it"
    );
    let key = SecretKey::generate(&mut OsRng);
    let server = Server::start(vec![
        missing(),
        public_key(&key),
        missing(),
        Answer::Json(201, json!({})),
        Answer::Json(200, shown("2026-03-01T12:00:00Z")),
    ]);
    let config = json!({"organization": "acme", "secret": "API_KEY", "create": true});
    let target = target(&server.base, config).unwrap();
    let site = site(&target);
    assert_eq!(site.stored, Stored::Absent);
    assert_eq!(target.write(&site, &SecretValue::new("sk-new")), done());
    assert_eq!(server.received()[3].body["visibility"], "private");
}

#[test]
fn a_clear_no_and_a_lost_answer_are_told_apart() {
    let key = SecretKey::generate(&mut OsRng);
    let mut script = vec![
        Answer::Json(200, shown("2026-03-01T11:00:00Z")),
        public_key(&key),
        Answer::Json(403, json!({"message": "no"})),
        Answer::Json(200, json!({"key_id": "1", "key": "c2hvcnQ="})),
        public_key(&key),
    ];
    script.extend((0..8).map(|_| Answer::Lost));
    let server = Server::start(script);
    let config = json!({"repository": "acme/web", "secret": "API_KEY"});
    let target = target(&server.base, config).unwrap();
    let site = site(&target);
    let new = SecretValue::new("sk-new");
    assert!(matches!(target.write(&site, &new), Effect::NotDone(_)));
    let Effect::NotDone(fault) = target.write(&site, &new) else {
        panic!("nothing can be sealed to five bytes");
    };
    assert_eq!(fault.what, "the public key cannot be understood");
    assert!(matches!(target.write(&site, &new), Effect::Uncertain(_)));
}

#[test]
fn a_place_is_named_in_one_of_three_ways() {
    let why = |config: Value| {
        let built = target("http://127.0.0.1:1", config);
        built.err().map(|fault| fault.what).unwrap_or_default()
    };
    let one_of =
        "a secret is of a `repository`, of an `environment` of one, or of an `organization`";
    assert_eq!(why(json!({"secret": "A"})), one_of);
    assert_eq!(why(json!({"secret": "A", "environment": "x"})), one_of);
    assert_eq!(
        why(json!({"secret": "A", "repository": "a/b", "organization": "a"})),
        one_of
    );
    assert_eq!(why(json!({"secret": "A", "organization": "a/b"})), one_of);
    for repository in ["web", "a/b/c", "../x", "a/..", "a b/c"] {
        assert_eq!(
            why(json!({"secret": "A", "repository": repository})),
            "`repository` is written `owner/name`",
            "{repository}"
        );
    }
    for secret in ["", "1A", "A-B", "GITHUB_TOKEN", "A/../B"] {
        assert_eq!(
            why(json!({"secret": secret, "repository": "a/b"})),
            "a secret is named with letters, digits and `_`, and not `GITHUB_…`",
            "{secret}"
        );
    }
}
