//! Rotations of MySQL and MariaDB passwords by the program itself: under load, and after a leak.

use ::mysql::prelude::Queryable;

use crate::load::Load;
use crate::mysql_server::{LEGACY, Mysql, engines};

fn with<T>(server: &Mysql, work: impl FnOnce(&Load<'_>) -> T) -> T {
    let port = server.port;
    work(&Load {
        name: &format!("{:?}", server.engine),
        account: &format!(
            "mysql: {{ host: 127.0.0.1, port: {port}, user: rotakey, password: {{ env: ACCOUNT_PASSWORD }} }}"
        ),
        issuer: "{ kind: mysql, user: app }",
        user: "app",
        password: LEGACY,
        log_in: &|user, password| {
            let conn = server.log_in(user, password);
            let asked = conn.and_then(|mut conn| conn.query_drop("SELECT 1"));
            asked.map_err(|error| error.to_string())
        },
    })
}

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let told = with(&server, |load| load.run());
        assert_eq!(server.passwords(), 1);
        let accounts = "SELECT count(*) FROM mysql.user WHERE User LIKE 'app%'";
        assert_eq!(server.text(accounts), "1");
        let written = server.written();
        assert!(written.contains("ALTER USER"));
        for password in &told.passwords {
            assert!(!written.contains(password.as_str()));
        }
        // A client's connection ends a moment after it was closed.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let sessions =
            "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER IN ('app', 'rotakey')";
        assert_eq!(server.text(sessions), "0");
    }
}

#[test]
fn after_a_leak_nobody_keeps_what_the_password_had_opened() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let mut open = server.log_in("app", LEGACY).unwrap();
        with(&server, |load| {
            load.leak(|| open.query_drop("SELECT 1").is_ok())
        });
    }
}
