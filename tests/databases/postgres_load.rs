//! Rotations of PostgreSQL roles by the program itself: under load, and after a leak.

use crate::load::Load;
use crate::postgres_server::Postgres;

const LEGACY: &str = "made up by a person";

fn with<T>(server: &Postgres, work: impl FnOnce(&Load<'_>) -> T) -> T {
    let port = server.port;
    work(&Load {
        name: "PostgreSQL",
        account: &format!(
            "postgres: {{ host: 127.0.0.1, port: {port}, user: rotakey, password: {{ env: ACCOUNT_PASSWORD }} }}"
        ),
        issuer: "{ kind: postgres, database: app, owner: app_owner, roles: [app_a, app_b] }",
        user: "app",
        password: LEGACY,
        log_in: &|user, password| {
            let client = server.connect(user, password, "app");
            let query = client.and_then(|mut client| client.batch_execute("SELECT 1"));
            query.map_err(|error| format!("{error:?}"))
        },
    })
}

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let told = with(&server, |load| load.run());
    let log = server.home.text("log");
    for password in &told.passwords {
        assert!(!log.contains(password.as_str()));
    }
    let roles =
        "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'app%'";
    assert_eq!(server.text(roles), "app app_a app_b app_owner");
    let awake = "SELECT count(*)::text FROM pg_authid WHERE rolname LIKE 'app%' AND (rolcanlogin OR rolpassword IS NOT NULL)";
    assert_eq!(server.text(awake), "1");
    let sessions = "SELECT count(*)::text FROM pg_stat_activity WHERE usename LIKE 'app%'";
    assert_eq!(server.text(sessions), "0");
}

#[test]
fn after_a_leak_nobody_keeps_what_the_password_had_opened() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let mut open = server.connect("app", LEGACY, "app").unwrap();
    with(&server, |load| {
        load.leak(|| open.simple_query("SELECT 1").is_ok())
    });
}
