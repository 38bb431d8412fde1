//! A throw-away MariaDB, set up as the issuer's page says. With `ROTAKEY_MYSQLD`, a program that runs MySQL's `mysqld`
//! as well: no MySQL is in Debian's stable release.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use ::mysql::prelude::Queryable;
use ::mysql::{Conn, OptsBuilder};
use rustix::process::Signal;

use crate::server::ACCOUNT_PASSWORD;
use crate::server::{self, Home, Process};

pub(crate) const LEGACY: &str = "made up by a person";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    MariaDb,
    MySql(OsString),
}

/// What is to be tested here; what is not installed says so.
pub(crate) fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    match Path::new("/usr/sbin/mariadbd").exists() {
        true => engines.push(Engine::MariaDb),
        false => server::absent("MariaDB"),
    }
    engines.extend(std::env::var_os("ROTAKEY_MYSQLD").map(Engine::MySql));
    engines
}

pub(crate) struct Mysql {
    _process: Process,
    pub(crate) engine: Engine,
    pub(crate) home: Home,
    pub(crate) port: u16,
}

impl Mysql {
    pub(crate) fn start(engine: &Engine, settings: &[&str]) -> Self {
        let home = Home::new();
        home.certificates("ours");
        let folder = home.path().to_str().unwrap().to_owned();
        let data = format!("--datadir={folder}/data");
        match engine {
            Engine::MariaDb => server::run(home.command("mariadb-install-db").args([
                "--no-defaults",
                &data,
                // Two that set up a server at once would take each other's files away.
                &format!("--tmpdir={folder}"),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])),
            Engine::MySql(program) => server::run(home.command(program).args([
                "--no-defaults",
                "--initialize-insecure",
                &data,
            ])),
        };
        let port = server::free_port();
        let mut command = match engine {
            Engine::MariaDb => home.command("/usr/sbin/mariadbd"),
            Engine::MySql(program) => home.command(program),
        };
        command.arg("--no-defaults").arg(&data).args([
            &format!("--port={port}"),
            &format!("--tmpdir={folder}"),
            &format!("--socket={folder}/socket"),
            &format!("--pid-file={folder}/pid"),
            &format!("--general-log-file={folder}/general"),
            &format!("--log-bin={folder}/binary"),
        ]);
        command.args([
            "--bind-address=127.0.0.1",
            "--general-log",
            "--server-id=1",
            "--binlog-format=STATEMENT",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
        ]);
        if *engine != Engine::MariaDb {
            command.args(["--mysqlx=OFF", "--secure-file-priv=NULL"]);
        }
        command.args(settings.iter().map(|word| word.replace("HOME", &folder)));
        let process = home.start(command, Signal::TERM, port);
        let server = Self {
            _process: process,
            engine: engine.clone(),
            home,
            port,
        };
        server.set_up();
        server
    }

    /// What a person does once, as the page of the issuer says it.
    fn set_up(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.try_admin().is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        let (admin, table) = match self.engine {
            Engine::MariaDb => ("CONNECTION ADMIN", "global_priv"),
            Engine::MySql(_) => ("CONNECTION_ADMIN", "user"),
        };
        self.sql(&format!("CREATE USER app@'%' IDENTIFIED BY '{LEGACY}'"));
        self.sql(&format!(
            "CREATE USER rotakey@'%' IDENTIFIED BY '{ACCOUNT_PASSWORD}'"
        ));
        self.sql(&format!(
            "GRANT CREATE USER, PROCESS, {admin} ON *.* TO rotakey@'%'"
        ));
        self.sql(&format!("GRANT SELECT ON mysql.{table} TO rotakey@'%'"));
    }

    fn try_admin(&self) -> Result<Conn, ::mysql::Error> {
        let socket = self.home.file("socket");
        let options = OptsBuilder::new()
            .socket(socket.to_str())
            .user(Some("root"));
        Conn::new(options)
    }

    pub(crate) fn admin(&self) -> Conn {
        self.try_admin().unwrap()
    }

    /// Does something as root.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) {
        self.admin().query_drop(statement).unwrap();
    }

    /// One text, asked for as root.
    #[track_caller]
    pub(crate) fn text(&self, query: &str) -> String {
        self.admin().query_first(query).unwrap().unwrap()
    }

    /// As an application does that connects by TCP.
    pub(crate) fn log_in(&self, user: &str, password: &str) -> Result<Conn, ::mysql::Error> {
        let options = OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(self.port)
            .prefer_socket(false)
            .user(Some(user))
            .pass(Some(password));
        Conn::new(options)
    }

    /// What time it is from now on for connections of those who may do nothing special, in seconds since 1970.
    pub(crate) fn tell_time(&self, time: i64) {
        self.sql(&format!(
            "SET GLOBAL init_connect = 'SET timestamp = {time}'"
        ));
    }

    /// Everything the server wrote down: the general log, the error log, and the binary log.
    pub(crate) fn written(&self) -> String {
        self.sql("FLUSH LOGS");
        let binary = std::fs::read_dir(self.home.path()).unwrap();
        let mut names: Vec<String> = binary
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("binary.0"))
            .collect();
        names.extend(["general".to_owned(), "log".to_owned()]);
        names.iter().map(|name| self.home.text(name)).collect()
    }

    /// How many passwords the account has.
    pub(crate) fn passwords(&self) -> usize {
        match self.engine {
            Engine::MariaDb => self
                .text("SELECT Priv FROM mysql.global_priv WHERE User = 'app' AND Host = '%'")
                .matches('*')
                .count(),
            Engine::MySql(_) => {
                let ask = "SELECT concat(authentication_string, coalesce(User_attributes, '')) FROM mysql.user \
                           WHERE User = 'app' AND Host = '%'";
                self.text(ask).matches("$A$").count()
            }
        }
    }
}
