//! Rotations of MySQL and MariaDB passwords under load.

use ::mysql::prelude::Queryable;

use crate::load::Load;
use crate::mysql_server::{LEGACY, Mysql, engines};

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    for engine in engines() {
        let server = Mysql::start(&engine, &[]);
        let port = server.port;
        let load = Load {
            name: &format!("{engine:?}"),
            account: &format!(
                "mysql: {{ host: 127.0.0.1, port: {port}, user: rotakey, password: {{ env: ACCOUNT_PASSWORD }} }}"
            ),
            issuer: "{ kind: mysql, user: app }",
            user: "app",
            password: LEGACY,
            log_in: &|user, password| {
                let mut conn = server
                    .log_in(user, password)
                    .map_err(|error| error.to_string())?;
                conn.query_drop("SELECT 1")
                    .map_err(|error| error.to_string())
            },
        };
        let told = load.run();
        assert_eq!(server.passwords(), 1);
        assert_eq!(
            server.text("SELECT count(*) FROM mysql.user WHERE User LIKE 'app%'"),
            "1"
        );
        let written = server.written();
        assert!(written.contains("ALTER USER"));
        for password in &told.passwords {
            assert!(!written.contains(password.as_str()));
        }
        // A client's connection ends a moment after it was closed.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let sessions =
            "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER IN ('app', 'rotakey')";
        assert_eq!(server.text(sessions), "0");
    }
}
