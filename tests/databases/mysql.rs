//! The MySQL issuer, on MariaDB and, where there is one, on MySQL.

use std::sync::Arc;

use ::mysql::Conn;
use ::mysql::prelude::Queryable;
use rotakey::issuers::{Issuer, Verdict};
use rotakey::model::Effect;
use serde_json::{Value, json};

use crate::issuer::{self, ask, conformance, field, issued, key, refused, repeat};
use crate::mysql_server::{Engine, LEGACY, Mysql, engines};
use crate::proxy::Proxy;

impl Mysql {
    pub(crate) fn issuer(&self) -> Arc<dyn Issuer> {
        self.issuer_with(json!({}), &[])
    }

    pub(crate) fn issuer_with(&self, more: Value, settings: &[(&str, &str)]) -> Arc<dyn Issuer> {
        let config = json!({"mysql": {"user": "app"}});
        issuer::at(self.port, config, more, settings)
    }
}

fn unknown(issuer: &dyn Issuer, key: &rotakey::model::Key) -> String {
    match issuer.verify(key).verdict {
        Verdict::Unknown(fault) => fault.what,
        other => panic!("{other:?}"),
    }
}

fn lives(conn: &mut Conn) -> bool {
    conn.query_drop("SELECT 1").is_ok()
}

#[test]
fn versions_come_and_go_and_no_password_is_in_a_log() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let passwords = conformance(&*server.issuer(), Some(key("app", LEGACY)));
        assert_eq!(server.passwords(), 1, "{engine:?}");
        let written = server.written();
        let sent = match engine {
            Engine::MariaDb => "ALTER USER `app`@`%` IDENTIFIED VIA mysql_native_password USING '*",
            Engine::MySql(_) => "RETAIN CURRENT PASSWORD",
        };
        assert!(written.contains(sent), "{engine:?}");
        for password in &passwords {
            assert!(!written.contains(password.as_str()), "{password}");
        }
    }
}

#[test]
fn a_lost_reply_is_settled_by_what_the_account_holds() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let proxy = Proxy::to(server.port, b"ALTER USER");
        let port = proxy.port.to_string();
        let issuer = server.issuer_with(json!({}), &[("port", &port)]);
        let old = key("app", LEGACY);
        proxy.lose();
        let (proposal, effect) = ask(&*issuer, "rk-1", Some(&old));
        assert!(matches!(effect, Effect::Uncertain(_)), "{effect:?}");
        assert!(proxy.lost());
        assert_eq!(issuer.verify(&proposal).verdict, Verdict::Works);
        let Effect::Done(new) = repeat(&*issuer, "rk-1", &proposal, Some(&old)) else {
            panic!()
        };
        assert_eq!(
            (server.passwords(), issuer.verify(&old).verdict),
            (2, Verdict::Works)
        );
        proxy.lose();
        assert!(matches!(issuer.revoke(&old), Effect::Uncertain(_)));
        assert_eq!(issuer.verify(&old).verdict, Verdict::Refused);
        assert_eq!(issuer.revoke(&old), Effect::Done(()));
        assert_eq!(
            (server.passwords(), issuer.verify(&new).verdict),
            (1, Verdict::Works)
        );
        // The undo of a rotation, in which the reply gets lost as well. On MySQL that takes two statements.
        let next = issued(&*issuer, "rk-2", Some(&new));
        proxy.lose();
        assert!(matches!(issuer.revoke(&next), Effect::Uncertain(_)));
        assert_eq!(issuer.verify(&next).verdict, Verdict::Refused);
        assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
        assert_eq!(issuer.revoke(&next), Effect::Done(()));
        assert_eq!(
            (server.passwords(), issuer.verify(&new).verdict),
            (1, Verdict::Works)
        );
    }
}

#[test]
fn what_else_the_account_has_stays() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        server.sql("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 7");
        server.sql("ALTER USER app@'%' PASSWORD EXPIRE INTERVAL 400 DAY");
        server.sql("CREATE DATABASE shop");
        server.sql("GRANT SELECT ON shop.* TO app@'%'");
        let shown = || {
            let account = server.text("SHOW CREATE USER app@'%'");
            let grants: Vec<String> = server.admin().query("SHOW GRANTS FOR app@'%'").unwrap();
            let all = format!("{account} {}", grants.join(" "));
            // Without the hashes of what is rotated.
            let words = all
                .split(' ')
                .filter(|word| !word.contains("'*") && !word.contains("$A$"));
            words.collect::<Vec<_>>().join(" ")
        };
        let before = shown();
        let issuer = server.issuer();
        let old = key("app", LEGACY);
        let new = issued(&*issuer, "rk-1", Some(&old));
        assert_eq!(issuer.verify(&old).verdict, Verdict::Works);
        assert_eq!(issuer.revoke(&old), Effect::Done(()));
        assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
        assert!(
            before.contains("MAX_USER_CONNECTIONS 7") && before.contains("shop"),
            "{before}"
        );
        assert_eq!(shown(), before);
    }
}

#[test]
fn sessions_of_a_dead_password_end_after_a_leak_or_where_that_was_asked_for() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        server.sql("CREATE USER shop@'%' IDENTIFIED BY 'x'");
        let mut other = server.log_in("shop", "x").unwrap();
        let mut current = key("app", LEGACY);
        for (sessions, leaked, kept) in [
            ("kept", false, true),
            ("ended", false, false),
            ("kept", true, false),
        ] {
            let issuer = server.issuer_with(json!({"sessions": sessions}), &[]);
            let new = issued(&*issuer, "rk-1", Some(&current));
            let mut open = server.log_in("app", field(&current, "password")).unwrap();
            let effect = match leaked {
                true => issuer.revoke_leaked(&current),
                false => issuer.revoke(&current),
            };
            assert_eq!(effect, Effect::Done(()));
            assert_eq!(lives(&mut open), kept, "{engine:?}: {sessions} {leaked}");
            assert_eq!(issuer.verify(&current).verdict, Verdict::Refused);
            current = new;
        }
        assert!(
            lives(&mut other)
                && lives(&mut server.log_in("app", field(&current, "password")).unwrap())
        );
        // Nothing is done by halves: where sessions cannot be ended, the password stays.
        server.sql("REVOKE PROCESS ON *.* FROM rotakey@'%'");
        let issuer = server.issuer();
        let new = issued(&*issuer, "rk-2", Some(&current));
        assert_eq!(
            refused(issuer.revoke_leaked(&current)),
            "the account was not granted PROCESS (by a role does not count)"
        );
        assert_eq!(issuer.verify(&current).verdict, Verdict::Works);
        assert_eq!(issuer.revoke(&current), Effect::Done(()));
        assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
    }
}

#[test]
fn accounts_that_cannot_be_rotated_are_left_alone() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let says = |user: &str| {
            let issuer = server.issuer_with(json!({"user": user}), &[]);
            let (proposal, effect) = ask(&*issuer, "rk-1", None);
            // MySQL asks a user that does not exist for a log-in of some kind, so as not to give that away.
            assert_ne!(issuer.verify(&proposal).verdict, Verdict::Works);
            refused(effect)
        };
        assert_eq!(says("nobody"), "there is no account `nobody`@`%`");
        let issuer = server.issuer_with(json!({"user": "nobody"}), &[]);
        assert_eq!(issuer.revoke(&key("nobody", "x")), Effect::Done(()));
        server.sql("CREATE USER `empty`@'%' IDENTIFIED BY ''");
        assert_eq!(says("empty"), "`empty`@`%`: takes an empty password");
        server.sql("CREATE USER shut@'%' IDENTIFIED BY 'x' ACCOUNT LOCK");
        assert_eq!(says("shut"), "account `shut`@`%` is locked");
        let shut = unknown(
            &*server.issuer_with(json!({"user": "shut"}), &[]),
            &key("shut", "x"),
        );
        assert!(shut.starts_with("the account is locked ("), "{shut}");
        if engine == Engine::MariaDb {
            server.sql("INSTALL SONAME 'auth_ed25519'");
            server.sql("CREATE USER signs@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x')");
            let (_, effect) = ask(
                &*server.issuer_with(json!({"user": "signs"}), &[]),
                "rk-1",
                None,
            );
            let said = "`signs`@`%`: logs in by `ed25519`, of which not every client can try two";
            assert_eq!(refused(effect), said);
        }
        // The last password is not removed, for nobody could log in.
        let legacy = key("app", LEGACY);
        assert_eq!(
            refused(server.issuer().revoke(&legacy)),
            "`app`@`%`: is the only password of `app`@`%`, and nobody could log in any more"
        );
        assert_eq!(server.issuer().verify(&legacy).verdict, Verdict::Works);
    }
}

#[test]
fn an_old_password_that_nobody_told_of_is_not_ended() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let issuer = server.issuer();
        let (retained, reason) = match engine {
            Engine::MariaDb => (
                "ALTER USER app@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('second') \
                 OR mysql_native_password USING PASSWORD('made up by a person')",
                "has several ways in already (`mysql_native_password`, `mysql_native_password`), \
                 and not every client tries a third",
            ),
            Engine::MySql(_) => (
                "ALTER USER app@'%' IDENTIFIED BY 'second' RETAIN CURRENT PASSWORD",
                "has an old password still, which a new one would end",
            ),
        };
        server.sql(retained);
        let (legacy, second) = (key("app", LEGACY), key("app", "second"));
        let (_, effect) = ask(&*issuer, "rk-1", Some(&second));
        assert_eq!(refused(effect), format!("`app`@`%`: {reason}"));
        for one in [&legacy, &second] {
            assert_eq!(issuer.verify(one).verdict, Verdict::Works);
        }
        // Once it is known it can be revoked, and then there is room.
        assert_eq!(issuer.revoke(&legacy), Effect::Done(()));
        let stolen = key("app", "changed by the application itself");
        let (_, effect) = ask(&*issuer, "rk-1", Some(&stolen));
        let strange = "`app`@`%`: holds a password that is not the current version's";
        assert_eq!(refused(effect), strange);
        issued(&*issuer, "rk-1", Some(&second));
    }
}

#[test]
fn names_are_quoted_and_passwords_of_people_may_hold_anything() {
    for engine in engines() {
        let server = Mysql::start(&engine, &["--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES"]);
        let password = "Zoë's \\ \"p\" `w` % \u{1F511} $A$005$";
        let name = "a'; \\`b\"ë";
        let quoted = name.replace('`', "``");
        let literal = password.replace('\'', "''");
        server.sql(&format!(
            "CREATE USER `{quoted}`@`%` IDENTIFIED BY '{literal}'"
        ));
        let issuer = server.issuer_with(json!({"user": name}), &[]);
        let old = key(name, password);
        assert_eq!(issuer.verify(&old).verdict, Verdict::Works);
        let new = issued(&*issuer, "rk-1", Some(&old));
        assert_eq!(issuer.revoke(&old), Effect::Done(()));
        assert_eq!(issuer.verify(&old).verdict, Verdict::Refused);
        assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
    }
}

#[test]
fn the_same_user_from_another_host_is_another_account() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let issuer = server.issuer();
        server.sql(&format!(
            "CREATE USER app@localhost IDENTIFIED BY '{LEGACY}'"
        ));
        assert_eq!(
            unknown(&*issuer, &key("app", LEGACY)),
            "logs in from here as `app@localhost`, which is another account"
        );
        let found = issuer.check().remove(2);
        assert_eq!(found.what, "only one account is `app`");
        assert_eq!(
            found.result.unwrap_err().what,
            "the same user from `localhost` has passwords of its own"
        );
        let here = server.issuer_with(json!({"host": "localhost"}), &[]);
        let new = issued(&*here, "rk-1", Some(&key("app", LEGACY)));
        assert_eq!(here.revoke(&new), Effect::Done(()));
    }
}

#[test]
fn check_says_what_is_missing() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let issuer = server.issuer();
        let wrong = || -> Vec<String> {
            let found = issuer.check().into_iter();
            found
                .filter_map(|it| Some(format!("{}: {}", it.what, it.result.err()?)))
                .collect()
        };
        assert_eq!(wrong(), [""; 0]);
        assert_eq!(issuer.check()[1].result.as_deref(), Ok("has one password"));
        // Also in the middle of a rotation nothing is amiss.
        let new = issued(&*issuer, "rk-0", Some(&key("app", LEGACY)));
        assert_eq!(wrong(), [""; 0]);
        assert_eq!(issuer.revoke(&new), Effect::Done(()));
        let admin = match engine {
            Engine::MariaDb => "CONNECTION ADMIN",
            Engine::MySql(_) => "CONNECTION_ADMIN",
        };
        server.sql(&format!(
            "REVOKE CREATE USER, PROCESS, {admin} ON *.* FROM rotakey@'%'"
        ));
        assert_eq!(
            wrong(),
            [
                "change accounts: the account was not granted CREATE USER (by a role does not count)".to_owned(),
                format!(
                    "see and end sessions: the account was not granted PROCESS, {admin} (by a role does not count)"
                ),
            ]
        );
        let (_, effect) = ask(&*issuer, "rk-1", None);
        assert_eq!(refused(effect), "ALTER USER: permission denied (1227)");
        server.sql("GRANT CREATE USER ON *.* TO rotakey@'%'");
        server.sql("SET GLOBAL read_only = 1");
        let (_, effect) = ask(&*issuer, "rk-1", None);
        assert_eq!(
            refused(effect),
            "ALTER USER: this server is read-only (1290)"
        );
        server.sql("SET GLOBAL read_only = 0");
        if engine == Engine::MariaDb {
            server.sql("INSTALL SONAME 'simple_password_check'");
            let (_, effect) = ask(&*issuer, "rk-1", None);
            assert_eq!(
                refused(effect),
                "ALTER USER: the server wants to see passwords, and gets hashes (1819)"
            );
            server.sql("SET GLOBAL strict_password_validation = OFF");
            issued(&*issuer, "rk-1", None);
        }
    }
}

#[test]
fn tls_is_verified_and_never_left_out() {
    let certificates = [
        "--ssl-ca=HOME/ours.pem",
        "--ssl-cert=HOME/ours-server.pem",
        "--ssl-key=HOME/ours-server.key",
    ];
    for engine in engines() {
        let server = Mysql::start(&engine, &certificates);
        server.home.certificates("theirs");
        server.sql("ALTER USER app@'%' REQUIRE SSL");
        server.sql("ALTER USER rotakey@'%' REQUIRE SSL");
        let with = |host: &str, ca: &str| {
            let ca = server.home.file(ca);
            server.issuer_with(json!({}), &[("host", host), ("ca", ca.to_str().unwrap())])
        };
        let legacy = key("app", LEGACY);
        let issuer = with("localhost", "ours.pem");
        assert_eq!(issuer.verify(&legacy).verdict, Verdict::Works);
        issued(&*issuer, "rk-1", Some(&legacy));
        let untrusted = "the server cannot prove who it is, or has no TLS";
        for (host, ca) in [("localhost", "theirs.pem"), ("127.0.0.1", "ours.pem")] {
            assert_eq!(unknown(&*with(host, ca), &legacy), untrusted, "{host} {ca}");
            let said = refused(ask(&*with(host, ca), "rk-1", None).1);
            assert_eq!(said, format!("log in as `rotakey`: {untrusted}"));
        }
        server.home.write("empty.pem", "nothing");
        for ca in ["empty.pem", "ours.key"] {
            let said = unknown(&*with("localhost", ca), &legacy);
            assert_eq!(said, "`ca` holds no certificate that can be read (PEM)");
        }
        if engine != Engine::MariaDb {
            continue;
        }
        // A server without TLS is not spoken to in the clear. MySQL makes certificates of its own.
        let plain = Mysql::start(&engine, &[]);
        let port = plain.port.to_string();
        let ca = server.home.file("ours.pem");
        let settings = [
            ("host", "localhost"),
            ("port", port.as_str()),
            ("ca", ca.to_str().unwrap()),
        ];
        let issuer = plain.issuer_with(json!({}), &settings);
        assert_eq!(unknown(&*issuer, &legacy), untrusted);
        assert!(!plain.home.text("general").contains("app@localhost on"));
    }
}

#[test]
fn a_socket_is_spoken_to_where_it_is_named_and_never_else() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let socket = server.home.file("socket");
        let issuer = server.issuer_with(json!({}), &[("host", socket.to_str().unwrap())]);
        issued(&*issuer, "rk-1", Some(&key("app", LEGACY)));
        assert!(
            server
                .home
                .text("general")
                .contains("app@localhost on  using Socket")
        );
        let server = Mysql::start(&engine, &[]);
        issued(
            &*server.issuer_with(json!({}), &[("host", "localhost")]),
            "rk-1",
            None,
        );
        assert!(
            !server
                .home
                .text("general")
                .contains("app@localhost on  using Socket")
        );
    }
}
