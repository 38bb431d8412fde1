//! The Redis issuer, on two nodes.

use std::sync::Arc;

use ::redis::{Client, Connection, cmd};
use rotakey::issuers::{Issuer, Verdict};
use rotakey::model::Effect;
use serde_json::{Value, json};

use crate::issuer::{self, ask, conformance, field, issued, key, refused, repeat};
use crate::proxy::Proxy;
use crate::redis_server::{LEGACY, Redis, hash};

fn issuer_of(ports: &[u16], more: Value) -> Arc<dyn Issuer> {
    let nodes: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let config = json!({"redis": {"user": "app", "nodes": nodes}});
    issuer::at(ports[0], config, more, &[])
}

#[test]
fn versions_come_and_go_on_every_node_and_no_password_is_seen() {
    let Some((one, two)) = Redis::pair() else {
        return;
    };
    let issuer = issuer_of(&[one.port, two.port], json!({}));
    let passwords = conformance(&*issuer, Some(key("app", LEGACY)));
    for node in [&one, &two] {
        let mut admin = node.log_in("admin", "admin").unwrap();
        let slow: ::redis::Value = cmd("SLOWLOG").arg("GET").arg(-1).query(&mut admin).unwrap();
        let slow = format!("{slow:?}");
        assert!(slow.contains("SETUSER"));
        // What is kept over a restart is the last version and nothing before it.
        let kept = node.home.text("users.acl");
        let hashes: Vec<&str> = kept
            .lines()
            .find(|line| line.starts_with("user app "))
            .unwrap()
            .split(' ')
            .filter(|word| word.starts_with('#'))
            .collect();
        assert_eq!(hashes, [format!("#{}", hash(&passwords[3]))]);
        for password in &passwords {
            assert!(
                !slow.contains(password.as_str())
                    && !node.home.text("log").contains(password.as_str())
            );
        }
    }
}

#[test]
fn a_lost_reply_is_asked_for_again() {
    let Some((one, two)) = Redis::pair() else {
        return;
    };
    let proxy = Proxy::to(two.port, b"SETUSER");
    let issuer = issuer_of(&[one.port, proxy.port], json!({}));
    proxy.lose();
    let (proposal, effect) = ask(&*issuer, "rk-1", None);
    assert!(matches!(effect, Effect::Uncertain(_)), "{effect:?}");
    assert!(proxy.lost());
    let Effect::Done(new) = repeat(&*issuer, "rk-1", &proposal, None) else {
        panic!()
    };
    assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
    proxy.lose();
    assert!(matches!(issuer.revoke(&new), Effect::Uncertain(_)));
    assert_eq!(issuer.revoke(&new), Effect::Done(()));
    assert_eq!(issuer.verify(&new).verdict, Verdict::Refused);
    assert!(two.home.text("users.acl").contains(&hash(LEGACY)));
    assert!(
        !two.home
            .text("users.acl")
            .contains(&hash(field(&new, "password")))
    );
}

#[test]
fn nothing_is_changed_where_one_node_cannot_be() {
    let Some((one, two)) = Redis::pair() else {
        return;
    };
    let issuer = issuer_of(&[one.port, two.port], json!({}));
    let at = format!("127.0.0.1:{}", two.port);
    let says = || {
        let (proposal, effect) = ask(&*issuer, "rk-1", None);
        assert_eq!(issuer.verify(&proposal).verdict, Verdict::Refused);
        refused(effect)
    };
    two.rule("app off");
    assert_eq!(says(), format!("{at}: user `app` is off"));
    two.rule("app on");
    two.rule("rotakey -acl");
    assert_eq!(
        says(),
        format!("{at}: ACL GETUSER: the account may not do that (NOPERM)")
    );
    two.rule("rotakey +acl|getuser +acl|dryrun +acl|setuser");
    assert_eq!(
        issuer.check()[1].result.as_ref().unwrap_err().what,
        "the account may not do ACL SAVE"
    );
    two.rule("rotakey +acl|save -client|kill");
    assert_eq!(
        issuer.check()[1].result.as_ref().unwrap_err().what,
        "the account may not do CLIENT KILL"
    );
    two.rule("rotakey +client|kill");
    assert_eq!(
        issuer.check()[1].result.as_ref().unwrap(),
        "user `app` has 1 passwords"
    );
    one.rule("app >only-here");
    let Verdict::Unknown(fault) = issuer.verify(&key("app", "only-here")).verdict else {
        panic!()
    };
    assert_eq!(fault.what, "accepted by 1 of 2 nodes");
    // A user that takes any password would, with the first of its own, refuse all others.
    two.rule("app nopass");
    let (_, effect) = ask(&*issuer, "rk-1", None);
    assert_eq!(
        refused(effect),
        format!("{at}: user `app` takes any password (nopass)")
    );
}

#[test]
fn connections_end_with_their_password_after_a_leak_or_where_that_was_asked_for() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let ping = |connection: &mut Connection| cmd("PING").query::<String>(connection).is_ok();
    for (sessions, leaked, lives) in [
        ("kept", false, true),
        ("ended", false, false),
        ("kept", true, false),
    ] {
        let issuer = issuer_of(&[server.port], json!({"sessions": sessions}));
        let new = issued(&*issuer, "rk-1", None);
        let mut open = server.log_in("app", field(&new, "password")).unwrap();
        let effect = match leaked {
            true => issuer.revoke_leaked(&new),
            false => issuer.revoke(&new),
        };
        assert_eq!(effect, Effect::Done(()));
        assert_eq!(ping(&mut open), lives, "{sessions} {leaked}");
    }
}

#[test]
fn a_node_that_would_forget_is_refused() {
    let Some(server) = Redis::start(&["--aclfile", ""]) else {
        return;
    };
    let client = Client::open(format!("redis://127.0.0.1:{}", server.port)).unwrap();
    let mut open = client.get_connection().unwrap();
    for rules in [
        &["app", "on", ">x", "+@all"][..],
        &["rotakey", "on", ">the password of rotakey", "+@all"],
    ] {
        cmd("ACL")
            .arg("SETUSER")
            .arg(rules)
            .exec(&mut open)
            .unwrap();
    }
    let issuer = issuer_of(&[server.port], json!({}));
    let at = format!("127.0.0.1:{}", server.port);
    assert_eq!(
        refused(ask(&*issuer, "rk-1", None).1),
        format!("{at}: forgets its users at a restart")
    );
}

#[test]
fn tls_is_verified_and_never_left_out() {
    let tls = [
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-cert-file",
        "ours-server.pem",
        "--tls-key-file",
        "ours-server.key",
        "--tls-auth-clients",
        "no",
    ];
    let Some(server) = Redis::start(&tls) else {
        return;
    };
    let Some(plain) = Redis::start(&[]) else {
        return;
    };
    server.home.certificates("theirs");
    let with = |host: &str, port: u16, ca: &str| {
        let ca = server.home.file(ca);
        let settings = [("host", host), ("ca", ca.to_str().unwrap())];
        issuer::at(
            port,
            json!({"redis": {"user": "app"}}),
            json!({}),
            &settings,
        )
    };
    let legacy = key("app", LEGACY);
    assert_eq!(
        with("localhost", server.port, "ours.pem")
            .verify(&legacy)
            .verdict,
        Verdict::Works
    );
    issued(&*with("localhost", server.port, "ours.pem"), "rk-1", None);
    for (host, port, ca) in [
        ("localhost", server.port, "theirs.pem"),
        ("127.0.0.1", server.port, "ours.pem"),
        ("localhost", plain.port, "ours.pem"),
    ] {
        let verdict = with(host, port, ca).verify(&legacy).verdict;
        assert!(
            matches!(verdict, Verdict::Unknown(_)),
            "{host} {ca}: {verdict:?}"
        );
    }
}
