//! The kinds that change real databases: one throw-away server for a row, put back to its first state for every life.

use serde_json::json;

use crate::server::ACCOUNT_PASSWORD;
use crate::support::sandbox::Sandbox;

use super::scene::{Conforms, Scene, due, field_beside};
use super::vendors::{config, fill, in_file};
use super::wire::Wire;

const LIVE: &str = "made up by a person";

/// A sandbox with the password in a file, and rotakey's own in the environment.
fn sandbox(account: &str, issuer: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    fill(&sandbox, &format!("\"{LIVE}\""));
    let password = ACCOUNT_PASSWORD.to_owned();
    sandbox.environment.insert("PASSWORD".to_owned(), password);
    let target = "{ kind: dotenv, path: shop.env, variable: KEY, field: password }";
    let live = json!({"user": "app", "password": LIVE}).to_string();
    due(&sandbox, &config(account, issuer, target), &live);
    sandbox
}

#[cfg(feature = "postgres")]
pub(super) fn postgres(suite: &mut dyn Conforms) {
    use std::sync::Arc;

    use crate::postgres_server::Postgres;

    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    server.with_calendar();
    let server = Arc::new(server);
    // Statements, not log-ins: `Q` asks, `P` prepares.
    let wire = Wire::to(server.port, |bytes| matches!(bytes, [b'Q' | b'P', ..]));
    let account = format!(
        "  postgres: {{ host: 127.0.0.1, port: {}, user: rotakey, password: {{ env: PASSWORD }} }}",
        wire.port
    );
    let issuer = "{ kind: postgres, database: app, owner: app_owner, roles: [app_a, app_b] }";
    suite.all(&|| {
        server.sql(&format!(
            "DROP ROLE IF EXISTS app_a; DROP ROLE IF EXISTS app_b; \
             ALTER ROLE app LOGIN PASSWORD '{LIVE}'; COMMENT ON ROLE app IS NULL"
        ));
        wire.begin(|| ());
        server.tell_time("2024-02-18T09:00:00Z");
        let sandbox = sandbox(&account, issuer);
        let (calendar, clock) = (sandbox.calendar.clone(), Arc::clone(&server));
        wire.begin(move || clock.tell_time(&calendar.now().to_rfc3339()));
        let (door, roles) = (Arc::clone(&server), Arc::clone(&server));
        Scene {
            roads: vec![Box::new(wire.clone())],
            used: Box::new(in_file),
            works: Box::new(move |sandbox, value| {
                let user = user(sandbox, value);
                door.connect(&user, value, "app").is_ok()
            }),
            live: Box::new(move |_| {
                let live = "SELECT coalesce(string_agg(rolname, ','), '') FROM pg_roles \
                    WHERE rolname IN ('app', 'app_a', 'app_b') AND rolcanlogin";
                let names = roles.text(live);
                names
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect()
            }),
            ..Scene::new(sandbox)
        }
    });
}

/// Whose password it is.
fn user(sandbox: &Sandbox, password: &str) -> String {
    field_beside(sandbox, ("password", password), "user").unwrap_or_default()
}

#[cfg(feature = "redis")]
pub(super) fn redis(suite: &mut dyn Conforms) {
    use std::sync::Arc;

    use crate::redis_server::Redis;

    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let server = Arc::new(server);
    // Commands, not log-ins.
    let asks = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        !["AUTH", "HELLO", "CLIENT"]
            .iter()
            .any(|word| text.contains(word))
    };
    let wire = Wire::to(server.port, asks);
    let account = format!(
        "  redis: {{ host: 127.0.0.1, port: {}, user: rotakey, password: {{ env: PASSWORD }} }}",
        wire.port
    );
    suite.all(&|| {
        server.rule(&format!(
            "app resetpass #{}",
            crate::redis_server::hash(LIVE)
        ));
        wire.begin(|| ());
        let sandbox = sandbox(&account, "{ kind: redis, user: app }");
        let (door, passwords) = (Arc::clone(&server), Arc::clone(&server));
        Scene {
            roads: vec![Box::new(wire.clone())],
            used: Box::new(in_file),
            works: Box::new(move |_, value| door.log_in("app", value).is_ok()),
            // The server knows hashes only, so that each counts as the user that the ledger knows.
            live: Box::new(move |_| vec!["app".to_owned(); passwords.passwords("app")]),
            ..Scene::new(sandbox)
        }
    });
}

#[cfg(feature = "mysql")]
pub(super) fn mysql(suite: &mut dyn Conforms) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use crate::mysql_server::{Mysql, engines};

    // Statements, not log-ins, nor what the driver asks about each connection. A command has the number 0 in its packet.
    let asks = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        matches!(bytes, [_, _, _, 0, 0x03 | 0x16 | 0x17, ..]) && !text.contains("@@max_allowed")
    };
    for engine in engines() {
        let server = Arc::new(Mysql::start(&engine, &[]));
        let wire = Wire::to(server.port, asks);
        let account = format!(
            "  mysql: {{ host: 127.0.0.1, port: {}, user: rotakey, password: {{ env: PASSWORD }} }}",
            wire.port
        );
        suite.all(&|| {
            server.sql(&format!("ALTER USER app@'%' IDENTIFIED BY '{LIVE}'"));
            server.tell_time(1_708_246_800);
            wire.begin(|| ());
            let sandbox = sandbox(&account, "{ kind: mysql, user: app }");
            let (calendar, clock) = (sandbox.calendar.clone(), Arc::clone(&server));
            let told = AtomicI64::new(0);
            wire.begin(move || {
                let now = calendar.now().timestamp();
                if told.swap(now, Ordering::SeqCst) != now {
                    clock.tell_time(now);
                }
            });
            let (door, passwords) = (Arc::clone(&server), Arc::clone(&server));
            Scene {
                roads: vec![Box::new(wire.clone())],
                used: Box::new(in_file),
                works: Box::new(move |_, value| door.log_in("app", value).is_ok()),
                // The server knows hashes only, so that each counts as the user that the ledger knows.
                live: Box::new(move |_| vec!["app".to_owned(); passwords.passwords()]),
                ..Scene::new(sandbox)
            }
        });
    }
}
