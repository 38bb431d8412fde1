//! A throw-away PostgreSQL, set up as the issuer's page says.

use std::path::PathBuf;
use std::sync::Arc;

use postgres::{Client, NoTls};
use rotakey::issuers::Issuer;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::issuer;
use crate::server::{self, Home, Process};

/// What a person does once, as the page of the issuer says it.
const SETUP: &str = "
    CREATE ROLE app LOGIN PASSWORD 'made up by a person'; CREATE ROLE app_owner NOLOGIN;
    GRANT app_owner TO app; ALTER ROLE app SET ROLE app_owner;
    CREATE ROLE rotakey LOGIN CREATEROLE PASSWORD 'the password of rotakey';
    GRANT app_owner TO rotakey WITH ADMIN OPTION;
    GRANT pg_read_all_stats, pg_signal_backend TO rotakey;";

pub(crate) struct Postgres {
    _process: Process,
    pub(crate) home: Home,
    pub(crate) port: u16,
}

impl Postgres {
    /// `None` where it is not installed.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            server::absent("PostgreSQL");
            return None;
        };
        let home = Home::new();
        home.write("password", "the password of the superuser");
        home.certificates("ours");
        server::run(home.command(programs.join("initdb")).args([
            "-D",
            "data",
            "-U",
            "admin",
            "--pwfile=password",
            "--auth=scram-sha-256",
            "--no-sync",
            "-E",
            "UTF8",
        ]));
        let port = server::free_port();
        let mut command = home.command(programs.join("postgres"));
        command.args([
            "-D",
            "data",
            "-p",
            &port.to_string(),
            "-k",
            home.path().to_str().unwrap(),
        ]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "log_statement=all",
            "log_connections=on",
            "fsync=off",
            "max_connections=60",
        ]
        .iter()
        .chain(settings)
        {
            command.args(["-c", setting]);
        }
        let process = home.start(command, Signal::INT, port);
        let postgres = Self {
            _process: process,
            home,
            port,
        };
        // The port opens a moment before the server takes log-ins.
        while postgres
            .connect("admin", "the password of the superuser", "postgres")
            .is_err()
        {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        postgres
            .admin("postgres")
            .batch_execute("CREATE DATABASE app")
            .unwrap();
        postgres.sql(SETUP);
        postgres.sql("ALTER DATABASE app OWNER TO app_owner");
        Some(postgres)
    }

    pub(crate) fn connect(
        &self,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Client, postgres::Error> {
        let mut config = postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user(user)
            .password(password)
            .dbname(database);
        config.connect(NoTls)
    }

    pub(crate) fn admin(&self, database: &str) -> Client {
        self.connect("admin", "the password of the superuser", database)
            .unwrap()
    }

    /// Does something as the superuser in the application's database.
    pub(crate) fn sql(&self, statements: &str) {
        self.admin("app").batch_execute(statements).unwrap();
    }

    /// One text, asked for as the superuser.
    pub(crate) fn text(&self, query: &str) -> String {
        self.admin("app").query_one(query, &[]).unwrap().get(0)
    }

    pub(crate) fn issuer(&self) -> Arc<dyn Issuer> {
        self.issuer_with(json!({}), &[])
    }

    pub(crate) fn issuer_with(&self, more: Value, settings: &[(&str, &str)]) -> Arc<dyn Issuer> {
        let mut config =
            json!({"database": "app", "owner": "app_owner", "roles": ["app_a", "app_b"]});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let port = self.port.to_string();
        let usual = [
            ("host", "127.0.0.1"),
            ("port", &port),
            ("user", "rotakey"),
            ("password", "the password of rotakey"),
        ];
        let all: Vec<_> = usual.into_iter().chain(settings.iter().copied()).collect();
        issuer::build(json!({"postgres": config}), &all)
    }
}

/// Where the newest one is.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut versions: Vec<PathBuf> = versions
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    versions.retain(|programs| programs.join("initdb").exists());
    versions.sort();
    versions.pop()
}
