//! The Redis issuer, on two nodes.

use std::sync::Arc;

use ::redis::{Client, Connection, cmd};
use rotakey::issuers::{Issuer, Verdict};
use rotakey::model::Effect;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::issuer::{self, ask, conformance, field, issued, key, refused, repeat};
use crate::load::{ACCOUNT_PASSWORD, Load};
use crate::proxy::Proxy;
use crate::server::{self, Home, Process};

const LEGACY: &str = "made up by a person";
/// What the page of the issuer says an account needs.
const RIGHTS: &str = "+acl|getuser +acl|setuser +acl|save +acl|dryrun +config|get +config|rewrite +info +client|kill";

struct Redis {
    _process: Process,
    home: Home,
    port: u16,
}

impl Redis {
    /// `None` where it is not installed.
    fn start(more: &[&str]) -> Option<Self> {
        let program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"];
        let Some(program) = program
            .iter()
            .find(|path| std::path::Path::new(path).exists())
        else {
            server::absent("Redis");
            return None;
        };
        let home = Home::new();
        home.write(
            "users.acl",
            &format!(
                "user default off\nuser admin on >admin ~* &* +@all\nuser app on #{} ~* &* +@all -@admin\n\
                 user rotakey on #{} {RIGHTS}\n",
                hash(LEGACY),
                hash(ACCOUNT_PASSWORD)
            ),
        );
        home.certificates("ours");
        let port = server::free_port();
        let mut command = home.command(program);
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--aclfile",
            "users.acl",
            "--slowlog-log-slower-than",
            "0",
        ]);
        command.args([
            "--slowlog-max-len",
            "10000",
            "--enable-debug-command",
            "yes",
        ]);
        if !more.contains(&"--tls-port") {
            command.args(["--port", &port.to_string()]);
        }
        command.args(more.iter().map(|word| {
            if *word == "PORT" {
                port.to_string()
            } else {
                (*word).to_owned()
            }
        }));
        let process = home.start(command, Signal::TERM, port);
        Some(Self {
            _process: process,
            home,
            port,
        })
    }

    fn pair() -> Option<(Self, Self)> {
        Some((Self::start(&[])?, Self::start(&[])?))
    }

    fn log_in(&self, user: &str, password: &str) -> Result<Connection, ::redis::RedisError> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection()?;
        cmd("AUTH").arg(user).arg(password).exec(&mut connection)?;
        Ok(connection)
    }

    fn rule(&self, rules: &str) {
        let mut connection = self.log_in("admin", "admin").unwrap();
        let words: Vec<&str> = rules.split(' ').collect();
        cmd("ACL")
            .arg("SETUSER")
            .arg(&words)
            .exec(&mut connection)
            .unwrap();
    }
}

fn hash(password: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(password)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn issuer_of(ports: &[u16], more: Value) -> Arc<dyn Issuer> {
    let nodes: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let mut config = json!({"user": "app", "nodes": nodes});
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    issuer::build(
        json!({"redis": config}),
        &[("user", "rotakey"), ("password", ACCOUNT_PASSWORD)],
    )
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
        let (port, ca) = (port.to_string(), server.home.file(ca));
        let settings = [
            ("host", host),
            ("port", &port),
            ("ca", ca.to_str().unwrap()),
            ("user", "rotakey"),
            ("password", ACCOUNT_PASSWORD),
        ];
        issuer::build(json!({"redis": {"user": "app"}}), &settings)
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

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let port = server.port;
    let load = Load {
        name: "Redis",
        account: &format!(
            "redis: {{ host: 127.0.0.1, port: {port}, user: rotakey, password: {{ env: ACCOUNT_PASSWORD }} }}"
        ),
        issuer: "{ kind: redis, user: app }",
        user: "app",
        password: LEGACY,
        log_in: &|user, password| {
            server
                .log_in(user, password)
                .map(drop)
                .map_err(|error| error.to_string())
        },
    };
    let told = load.run();
    let kept = server.home.text("users.acl");
    // The slow log has the last commands, of which every one is slow here.
    let mut admin = server.log_in("admin", "admin").unwrap();
    let slow: ::redis::Value = cmd("SLOWLOG").arg("GET").arg(-1).query(&mut admin).unwrap();
    let slow = format!("{slow:?}");
    assert!(slow.contains("SETUSER"));
    let listed: Vec<String> = cmd("CLIENT")
        .arg("LIST")
        .query::<String>(&mut admin)
        .unwrap()
        .lines()
        .filter(|line| line.contains(" user=app "))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, [""; 0]);
    assert_eq!(
        kept.lines()
            .find(|line| line.starts_with("user app "))
            .unwrap()
            .matches('#')
            .count(),
        1
    );
    for password in &told.passwords {
        for text in [&server.home.text("log"), &kept, &slow] {
            assert!(!text.contains(password.as_str()));
        }
    }
}
