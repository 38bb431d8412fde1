//! A throw-away PostgreSQL, set up as the issuer's page says.

use std::path::{Path, PathBuf};

use postgres::{Client, NoTls};
use rustix::process::Signal;

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
    /// `None` where it is not installed, which was said then.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            server::absent("PostgreSQL");
            return None;
        };
        let home = Home::new();
        home.certificates("ours");
        Some(Self::of(&programs, home, settings))
    }

    /// One of these programs, in that directory.
    pub(crate) fn of(programs: &Path, home: Home, settings: &[&str]) -> Self {
        home.write("password", "the password of the superuser");
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
        postgres
    }

    /// Lets the server tell another time than the machine's: what `tell_time` said last. Only `now()` is changed, which
    /// is what rotakey asks for.
    pub(crate) fn with_calendar(&self) {
        let time = self.home.file("time").display().to_string();
        self.sql(&format!(
            "ALTER FUNCTION pg_catalog.now() RENAME TO real_now; \
             CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER \
             AS $$ SELECT pg_read_file('{time}')::timestamptz $$"
        ));
    }

    /// What time it is for the server from now on, in RFC 3339.
    pub(crate) fn tell_time(&self, time: &str) {
        // A reader must never find half of it.
        self.home.replace("time", time);
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
}

/// Where the newest one is.
pub(crate) fn programs() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let versions = installed.flatten().map(|entry| entry.path().join("bin"));
    let mut versions: Vec<PathBuf> = versions.collect();
    versions.retain(|programs| programs.join("initdb").exists());
    versions.sort();
    // Elsewhere than on Debian they stand where every program stands.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut plain = std::env::split_paths(&path);
    versions
        .pop()
        .or_else(|| plain.find(|programs| programs.join("initdb").exists()))
}
