//! The PostgreSQL issuer.

use std::sync::Arc;

use rotakey::issuers::{Issuer, Verdict};
use rotakey::model::{Effect, Tag};
use serde_json::{Value, json};

use crate::issuer::{self, ask, conformance, field, issued, key, refused, repeat};
use crate::postgres_server::Postgres;
use crate::proxy::Proxy;

const LEGACY: &str = "made up by a person";

impl Postgres {
    pub(crate) fn issuer(&self) -> Arc<dyn Issuer> {
        self.issuer_with(json!({}), &[])
    }

    pub(crate) fn issuer_with(&self, more: Value, settings: &[(&str, &str)]) -> Arc<dyn Issuer> {
        let config = json!({"postgres": {
            "database": "app", "owner": "app_owner", "roles": ["app_a", "app_b"],
        }});
        issuer::at(self.port, config, more, settings)
    }
}

#[test]
fn versions_come_and_go_and_no_password_is_in_the_log() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let passwords = conformance(&*issuer, Some(key("app", LEGACY)));
    let log = server.home.text("log");
    assert!(
        log.contains("ALTER ROLE \"app_a\" LOGIN PASSWORD 'SCRAM-SHA-256$4096:"),
        "{log}"
    );
    for password in &passwords {
        assert!(!log.contains(password.as_str()), "{password}");
    }
    // The third version is the first role again, and the role of the person is at rest.
    let roles = "SELECT string_agg(rolname || ' ' || rolcanlogin || ' ' || coalesce(left(rolpassword, 5), '-'), ', ' \
        ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'app%'";
    assert_eq!(
        server.text(roles),
        "app false -, app_a false -, app_b true SCRAM, app_owner false -"
    );
}

#[test]
fn a_lost_reply_is_settled_by_the_comment() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let proxy = Proxy::to(server.port, b"COMMIT");
    let port = proxy.port.to_string();
    let issuer = server.issuer_with(json!({}), &[("port", &port)]);
    proxy.lose();
    let (proposal, effect) = ask(&*issuer, "rk-1", None);
    assert!(matches!(effect, Effect::Uncertain(_)), "{effect:?}");
    assert!(proxy.lost());
    let found = issuer.find(&Tag::new("rk-1")).unwrap();
    assert_eq!(found[0].key.id.as_ref().unwrap().as_str(), "app_a");
    assert_eq!(issuer.verify(&proposal).verdict, Verdict::Works);
    let Effect::Done(new) = repeat(&*issuer, "rk-1", &proposal, None) else {
        panic!()
    };
    proxy.lose();
    assert!(matches!(issuer.revoke(&new), Effect::Uncertain(_)));
    assert_eq!(issuer.verify(&new).verdict, Verdict::Refused);
    assert_eq!(issuer.revoke(&new), Effect::Done(()));
}

#[test]
fn what_a_version_creates_belongs_to_the_owner() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    let connect = |key| {
        server
            .connect(field(key, "user"), field(key, "password"), "app")
            .unwrap()
    };
    connect(&one)
        .batch_execute("CREATE SCHEMA s; CREATE TABLE s.t (n int); INSERT INTO s.t VALUES (1)")
        .unwrap();
    let two = issued(&*issuer, "rk-2", Some(&one));
    connect(&two)
        .batch_execute("ALTER TABLE s.t ADD m int; DELETE FROM s.t")
        .unwrap();
    assert_eq!(
        server.text("SELECT relowner::regrole::text FROM pg_class WHERE oid = 's.t'::regclass"),
        "app_owner"
    );
}

#[test]
fn revoking_ends_the_sessions_of_that_role_only() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    let two = issued(&*issuer, "rk-2", Some(&one));
    let connect = |key| {
        server
            .connect(field(key, "user"), field(key, "password"), "app")
            .unwrap()
    };
    let before = chrono::Utc::now();
    let (mut old, mut new) = (connect(&one), connect(&two));
    let used = issuer.last_used(&one).unwrap().unwrap();
    assert!((used - before).num_seconds().abs() <= 1, "{used} {before}");
    assert_eq!(issuer.revoke(&one), Effect::Done(()));
    assert!(old.simple_query("SELECT 1").is_err());
    assert!(new.simple_query("SELECT 1").is_ok());
    assert_eq!(issuer.last_used(&one), Ok(None));
}

#[test]
fn a_late_revoke_does_not_hit_the_next_version_of_the_role() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    let two = issued(&*issuer, "rk-2", Some(&one));
    assert_eq!(issuer.revoke(&one), Effect::Done(()));
    let three = issued(&*issuer, "rk-3", Some(&two));
    assert_eq!(field(&three, "user"), field(&one, "user"));
    assert_eq!(issuer.revoke(&one), Effect::Done(()));
    assert_eq!(issuer.verify(&three).verdict, Verdict::Works);
    // Somebody removed the line: whose password it is cannot be told, so nothing is done.
    server.sql("COMMENT ON ROLE app_a IS 'the shop'");
    let said = refused(issuer.revoke(&three));
    assert_eq!(
        said,
        "the comment on role `app_a` no longer says which version it holds"
    );
    assert_eq!(issuer.verify(&three).verdict, Verdict::Works);
}

#[test]
fn a_role_in_somebody_elses_hands_is_left_alone() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    server.sql("CREATE ROLE app_a LOGIN PASSWORD 'theirs'; COMMENT ON ROLE app_a IS 'ask Zoe'");
    let said = refused(ask(&*issuer, "rk-1", None).1);
    assert_eq!(
        said,
        "role `app_a` may log in already, and not as this version"
    );
    assert!(server.connect("app_a", "theirs", "app").is_ok());
    server.sql("ALTER ROLE app_a NOLOGIN");
    issued(&*issuer, "rk-1", None);
    assert_eq!(
        server.text("SELECT shobj_description('app_a'::regrole, 'pg_authid')"),
        "ask Zoe\nrotakey: rk-1"
    );
    server.sql("CREATE ROLE app_b SUPERUSER NOLOGIN");
    let current = key("app_a", "x");
    assert_eq!(
        refused(ask(&*issuer, "rk-2", Some(&current)).1),
        "role `app_b` is a superuser"
    );
}

#[test]
fn a_role_with_other_rights_than_the_live_one_is_not_woken() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    let says = |undo: &str| {
        let said = refused(ask(&*issuer, "rk-2", Some(&one)).1);
        assert_eq!(
            server.text("SELECT count(*)::text FROM pg_roles WHERE rolname = 'app_b'"),
            "0"
        );
        server.sql(undo);
        said
    };
    let head = "the roles may not do the same: only `app_a`: ";
    server.sql("CREATE TABLE t (n int); GRANT SELECT ON t TO app_a");
    assert_eq!(
        says("REVOKE ALL ON t FROM app_a"),
        format!("{head}privilege on pg_class public.t in database app")
    );
    server.sql("ALTER TABLE t OWNER TO app_a");
    assert_eq!(
        says("ALTER TABLE t OWNER TO app_owner"),
        format!("{head}owns pg_class public.t in database app")
    );
    server.sql("GRANT pg_monitor TO app_a");
    assert_eq!(
        says("REVOKE pg_monitor FROM app_a"),
        format!("{head}membership in pg_monitor")
    );
    server.sql("ALTER ROLE app_a IN DATABASE app SET search_path = x");
    assert_eq!(
        says("ALTER ROLE app_a IN DATABASE app RESET ALL"),
        format!("{head}setting search_path in database app (62fa0e)")
    );
    server.sql("ALTER ROLE app_a CREATEDB CONNECTION LIMIT 7");
    assert_eq!(
        says("ALTER ROLE app_a NOCREATEDB CONNECTION LIMIT -1"),
        format!("{head}attribute CONNECTION LIMIT 7; only `app_a`: attribute CREATEDB")
    );
    issued(&*issuer, "rk-2", Some(&one));
}

#[test]
fn a_role_that_does_not_become_the_owner_is_not_said_to_work() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    server.sql("ALTER ROLE app_a RESET ROLE");
    let Verdict::Unknown(fault) = issuer.verify(&one).verdict else {
        panic!()
    };
    assert_eq!(
        fault.what,
        "`app_a` logs in and does not become `app_owner`"
    );
    assert_eq!(
        fault.hint.unwrap(),
        "GRANT \"app_owner\" TO \"app_a\"; ALTER ROLE \"app_a\" SET ROLE \"app_owner\""
    );
}

#[test]
fn names_are_quoted() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let (owner, role) = ("the \"owner\" of Zoë's\\app", "a'; DROP TABLE t; --\\\"");
    let name = owner.replace('"', "\"\"");
    server.sql(&format!(
        "CREATE ROLE \"{name}\" NOLOGIN; GRANT \"{name}\" TO rotakey WITH ADMIN OPTION"
    ));
    let issuer = server.issuer_with(json!({"owner": owner, "roles": [role, "b"]}), &[]);
    let one = issued(&*issuer, "rk-'\\1", None);
    assert_eq!(field(&one, "user"), role);
    assert_eq!(issuer.find(&Tag::new("rk-'\\1")).unwrap().len(), 1);
    let two = issued(&*issuer, "rk-2", Some(&one));
    assert_eq!(issuer.revoke(&one), Effect::Done(()));
    assert_eq!(issuer.verify(&one).verdict, Verdict::Refused);
    assert_eq!(issuer.verify(&two).verdict, Verdict::Works);
}

#[test]
fn one_role_changes_its_password_where_that_was_accepted() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer_with(json!({"roles": ["app"], "downtime": "accepted"}), &[]);
    let old = key("app", LEGACY);
    let new = issued(&*issuer, "rk-1", Some(&old));
    assert_eq!(issuer.verify(&old).verdict, Verdict::Refused);
    // The old version is gone already; ending it must not end the new one.
    assert_eq!(issuer.revoke(&old), Effect::Done(()));
    assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
    let open = |key| {
        let (user, password) = (field(key, "user"), field(key, "password"));
        server.connect(user, password, "app").unwrap()
    };
    let mut session = open(&new);
    let next = issued(&*issuer, "rk-2", Some(&new));
    assert_eq!(issuer.revoke(&new), Effect::Done(()));
    assert_eq!(issuer.verify(&next).verdict, Verdict::Works);
    assert!(session.simple_query("SELECT 1").is_ok());
    // After a leak nobody keeps what the old password opened.
    assert_eq!(issuer.revoke_leaked(&new), Effect::Done(()));
    assert!(session.simple_query("SELECT 1").is_err());
    assert!(open(&next).simple_query("SELECT 1").is_ok());
}

#[test]
fn a_late_end_of_a_leak_leaves_the_sessions_of_the_next_version() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let one = issued(&*issuer, "rk-1", None);
    let two = issued(&*issuer, "rk-2", Some(&one));
    assert_eq!(issuer.revoke_leaked(&one), Effect::Done(()));
    let three = issued(&*issuer, "rk-3", Some(&two));
    let (user, password) = (field(&three, "user"), field(&three, "password"));
    let mut session = server.connect(user, password, "app").unwrap();
    assert_eq!(field(&three, "user"), field(&one, "user"));
    assert_eq!(issuer.revoke_leaked(&one), Effect::Done(()));
    assert!(session.simple_query("SELECT 1").is_ok());
}

#[test]
fn check_says_what_is_missing() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let issuer = server.issuer();
    let wrong = |issuer: &dyn Issuer| -> Vec<String> {
        let found = issuer.check().into_iter();
        found
            .filter_map(|it| Some(format!("{}: {}", it.what, it.result.err()?)))
            .collect()
    };
    assert_eq!(wrong(&*issuer), [""; 0]);
    let one = issued(&*issuer, "rk-1", None);
    issued(&*issuer, "rk-2", Some(&one));
    assert_eq!(wrong(&*issuer), [""; 0]);
    server.sql("ALTER ROLE app_owner LOGIN; ALTER ROLE rotakey NOCREATEROLE; REVOKE pg_signal_backend FROM rotakey; ALTER ROLE app_b CREATEDB");
    assert_eq!(
        wrong(&*issuer),
        [
            "role `app_owner` rests: role `app_owner` may log in",
            "change roles: the account may not change roles",
            "see and end sessions: the account may not see or end the sessions of others",
            "`app_a` and `app_b` may do the same: the roles may not do the same: only `app_b`: attribute CREATEDB",
        ]
    );
    let said = refused(ask(&*issuer, "rk-3", Some(&key("app_b", "x"))).1);
    assert_eq!(
        said,
        "role `app_a` may log in already, and not as this version"
    );
    // Nothing is done by halves: a role whose sessions cannot be ended keeps its password.
    let mut session = server
        .connect("app_a", field(&one, "password"), "app")
        .unwrap();
    assert_eq!(
        refused(issuer.revoke(&one)),
        "may not end the sessions of role `app_a`"
    );
    assert!(session.simple_query("SELECT 1").is_ok());
    assert_eq!(issuer.verify(&one).verdict, Verdict::Works);
    let hba = server
        .home
        .text("data/pg_hba.conf")
        .replace("scram-sha-256", "trust");
    server.home.write("data/pg_hba.conf", &hba);
    server.sql("SELECT pg_reload_conf()");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(
        wrong(&*issuer).contains(
            &"passwords are asked for: role `app_a` gets in with any password".to_owned()
        )
    );
}

#[test]
fn tls_is_verified_and_never_left_out() {
    let certificates = [
        "ssl=on",
        "ssl_cert_file=../ours-server.pem",
        "ssl_key_file=../ours-server.key",
    ];
    let Some(server) = Postgres::start(&certificates) else {
        return;
    };
    server.home.certificates("theirs");
    let with = |host: &str, ca: &str| {
        let ca = server.home.file(ca);
        server.issuer_with(json!({}), &[("host", host), ("ca", ca.to_str().unwrap())])
    };
    let legacy = key("app", LEGACY);
    assert_eq!(
        with("localhost", "ours.pem").verify(&legacy).verdict,
        Verdict::Works
    );
    assert!(
        server.home.text("log").contains(
            "user=app database=app application_name=rotakey SSL enabled (protocol=TLSv1.3"
        )
    );
    let untrusted = "the server cannot prove who it is, or has no TLS";
    for (host, ca) in [("localhost", "theirs.pem"), ("127.0.0.1", "ours.pem")] {
        let Verdict::Unknown(fault) = with(host, ca).verify(&legacy).verdict else {
            panic!()
        };
        assert_eq!(fault.what, untrusted, "{host} {ca}");
        let said = refused(ask(&*with(host, ca), "rk-1", None).1);
        assert_eq!(said, format!("log in as `rotakey`: {untrusted}"));
    }
    server.home.write("empty.pem", "nothing");
    for ca in ["empty.pem", "ours.key"] {
        let Verdict::Unknown(fault) = with("localhost", ca).verify(&legacy).verdict else {
            panic!()
        };
        assert_eq!(
            fault.what,
            "`ca` holds no certificate that can be read (PEM)"
        );
    }
    // A server without TLS is not spoken to in the clear.
    let Some(plain) = Postgres::start(&[]) else {
        return;
    };
    let port = plain.port.to_string();
    let ca = server.home.file("ours.pem");
    let settings = [
        ("host", "localhost"),
        ("port", port.as_str()),
        ("ca", ca.to_str().unwrap()),
    ];
    let Verdict::Unknown(fault) = plain
        .issuer_with(json!({}), &settings)
        .verify(&legacy)
        .verdict
    else {
        panic!()
    };
    assert_eq!(fault.what, untrusted);
    assert!(!plain.home.text("log").contains("user=app"));
}
