//! A throw-away Redis with the users that the issuer's page asks for.

use std::collections::BTreeMap;

use ::redis::{Client, Connection, cmd};
use rustix::process::Signal;

use crate::server::{self, ACCOUNT_PASSWORD, Home, Process};

/// What is live at first.
pub(crate) const LEGACY: &str = "made up by a person";
/// What the page of the issuer says an account needs.
const RIGHTS: &str = "+acl|getuser +acl|setuser +acl|save +acl|dryrun +config|get +config|rewrite +info +client|kill";

pub(crate) struct Redis {
    _process: Process,
    pub(crate) home: Home,
    pub(crate) port: u16,
}

impl Redis {
    /// `None` where it is not installed.
    pub(crate) fn start(more: &[&str]) -> Option<Self> {
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

    pub(crate) fn pair() -> Option<(Self, Self)> {
        Some((Self::start(&[])?, Self::start(&[])?))
    }

    pub(crate) fn log_in(
        &self,
        user: &str,
        password: &str,
    ) -> Result<Connection, ::redis::RedisError> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection()?;
        cmd("AUTH").arg(user).arg(password).exec(&mut connection)?;
        Ok(connection)
    }

    /// How many passwords a user has.
    pub(crate) fn passwords(&self, user: &str) -> usize {
        let mut connection = self.log_in("admin", "admin").unwrap();
        let mut user: BTreeMap<String, ::redis::Value> = cmd("ACL")
            .arg("GETUSER")
            .arg(user)
            .query(&mut connection)
            .unwrap();
        let passwords = user.remove("passwords").unwrap();
        ::redis::from_redis_value::<Vec<String>>(passwords)
            .unwrap()
            .len()
    }

    pub(crate) fn rule(&self, rules: &str) {
        let mut connection = self.log_in("admin", "admin").unwrap();
        let words: Vec<&str> = rules.split(' ').collect();
        cmd("ACL")
            .arg("SETUSER")
            .arg(&words)
            .exec(&mut connection)
            .unwrap();
    }
}

pub(crate) fn hash(password: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(password)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
