//! Rotations of PostgreSQL roles under load.

use crate::load::Load;
use crate::postgres_server::Postgres;

#[test]
fn no_log_in_fails_while_the_password_is_rotated_again_and_again() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let port = server.port;
    let load = Load {
        name: "PostgreSQL",
        account: &format!(
            "postgres: {{ host: 127.0.0.1, port: {port}, user: rotakey, password: {{ env: ACCOUNT_PASSWORD }} }}"
        ),
        issuer: "{ kind: postgres, database: app, owner: app_owner, roles: [app_a, app_b] }",
        user: "app",
        password: "made up by a person",
        log_in: &|user, password| {
            let client = server.connect(user, password, "app");
            let query = client.and_then(|mut client| client.batch_execute("SELECT 1"));
            query.map_err(|error| format!("{error:?}"))
        },
    };
    let told = load.run();
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
