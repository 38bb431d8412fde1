//! Rotations of Redis passwords by the program itself: under load, and after a leak.

use ::redis::cmd;

use crate::load::Load;
use crate::redis_server::{LEGACY, Redis};

fn with<T>(server: &Redis, work: impl FnOnce(&Load<'_>) -> T) -> T {
    let port = server.port;
    work(&Load {
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
    })
}

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let told = with(&server, |load| load.run());
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

#[test]
fn after_a_leak_nobody_keeps_what_the_password_had_opened() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let mut open = server.log_in("app", LEGACY).unwrap();
    with(&server, |load| {
        load.leak(|| cmd("PING").query::<String>(&mut open).is_ok());
    });
}
