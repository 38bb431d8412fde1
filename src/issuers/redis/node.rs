//! One Redis server: logging in, asking, and failures in words of our own.

use std::time::Duration;

use redis::{
    Client, Connection, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, TlsCertificates,
    cmd,
};

use crate::issuers::database::{Closed, Place, Wire};
use crate::model::{Fault, SecretValue};

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that somebody has logged in on.
pub(super) struct Node {
    connection: Connection,
}

/// What an ACL user is on one node.
pub(super) struct User {
    on: bool,
    any_password: bool,
    /// SHA-256 of each password, in hexadecimal.
    pub(super) hashes: Vec<String>,
}

/// How a node keeps its users over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// In a file of users: `ACL SAVE`.
    AclFile,
    /// In its configuration file: `CONFIG REWRITE`.
    Configuration,
}

impl User {
    /// Refuses a user whose first password would lock out everybody (`nopass`), and one that none lets in.
    pub(super) fn takes_passwords(&self, name: &str) -> Result<(), Fault> {
        match (self.on, self.any_password) {
            (true, false) => Ok(()),
            (true, true) => Err(Fault::refused(format!(
                "user `{name}` takes any password (nopass)"
            ))),
            (false, _) => Err(Fault::refused(format!("user `{name}` is off"))),
        }
    }
}

impl Node {
    pub(super) fn log_in(
        place: &Place,
        user: &str,
        password: &SecretValue,
    ) -> Result<Self, Closed> {
        let mut node = Self::connect(place).map_err(Closed::Unreachable)?;
        let login = cmd("AUTH")
            .arg(user)
            .arg(password.expose())
            .exec(&mut node.connection);
        match login {
            Ok(()) => Ok(node),
            Err(error) if is_wrong_password(&error) => Err(Closed::WrongPassword),
            Err(error) => Err(Closed::Unreachable(fault(&error))),
        }
    }

    fn connect(place: &Place) -> Result<Self, Fault> {
        let host = match place.host.contains(':') {
            true => format!("[{}]", place.host),
            false => place.host.clone(),
        };
        let port = place.port;
        let client = match place.wire() {
            Wire::Plain if place.is_socket() => {
                Client::open(format!("redis+unix://{}", place.host))
            }
            Wire::Plain => Client::open(format!("redis://{host}:{port}")),
            Wire::Verified => {
                // Somebody else in the process may have chosen a provider already; then theirs stays.
                drop(rustls::crypto::ring::default_provider().install_default());
                // Read here as well, for the driver does not tell a bad file from a bad address.
                drop(place.authorities()?);
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: place.bundle()?,
                };
                Client::build_with_tls(format!("rediss://{host}:{port}"), certificates)
            }
        };
        let client = client.map_err(|_| {
            Fault::refused("`host` is no address, or TLS cannot be set up on this machine")
        })?;
        let connection = client.get_connection_with_timeout(PATIENCE).map_err(|error| {
            let fault = fault(&error);
            match place.wire() {
                Wire::Plain => fault,
                Wire::Verified => fault.hint(
                    "the server must speak TLS on this port and prove who it is; `ca` names an authority of your own",
                ),
            }
        })?;
        for set in [Connection::set_read_timeout, Connection::set_write_timeout] {
            set(&connection, Some(PATIENCE)).map_err(|error| fault(&error))?;
        }
        Ok(Self { connection })
    }

    fn ask<T: FromRedisValue>(&mut self, words: &[&str]) -> Result<T, RedisError> {
        let (verb, rest) = words.split_first().unwrap_or((&"PING", &[]));
        cmd(verb).arg(rest).query(&mut self.connection)
    }

    /// What the user is; `None` if there is none.
    pub(super) fn user(&mut self, name: &str) -> Result<Option<User>, Fault> {
        let told: redis::Value = self
            .ask(&["ACL", "GETUSER", name])
            .map_err(|error| fault(&error).at("ACL GETUSER"))?;
        if told == redis::Value::Nil {
            return Ok(None);
        }
        let strange = |_| Fault::refused("ACL GETUSER answers in a form that is not known");
        let told: Vec<(String, redis::Value)> = redis::from_redis_value(told).map_err(strange)?;
        let mut user = User {
            on: false,
            any_password: false,
            hashes: Vec::new(),
        };
        for (key, value) in told {
            match key.as_str() {
                "flags" => {
                    let flags: Vec<String> = redis::from_redis_value(value).map_err(strange)?;
                    user.on = flags.iter().any(|flag| flag == "on");
                    user.any_password = flags.iter().any(|flag| flag == "nopass");
                }
                "passwords" => user.hashes = redis::from_redis_value(value).map_err(strange)?,
                _ => {}
            }
        }
        Ok(Some(user))
    }

    /// How the node keeps its users. One that forgets them at a restart is refused.
    pub(super) fn keeping(&mut self) -> Result<Keeping, Fault> {
        let acl: Vec<String> = self
            .ask(&["CONFIG", "GET", "aclfile"])
            .map_err(|error| fault(&error).at("CONFIG GET"))?;
        if acl.get(1).is_some_and(|path| !path.is_empty()) {
            return Ok(Keeping::AclFile);
        }
        let told: String = self
            .ask(&["INFO", "server"])
            .map_err(|error| fault(&error).at("INFO"))?;
        let file = told
            .lines()
            .find_map(|line| line.strip_prefix("config_file:"));
        match file.is_some_and(|path| !path.trim().is_empty()) {
            true => Ok(Keeping::Configuration),
            false => Err(Fault::refused("forgets its users at a restart")
                .hint("start it with an `aclfile`, or with a configuration file")),
        }
    }

    /// Changes the user by one rule.
    pub(super) fn change(&mut self, user: &str, rule: &str) -> Result<(), Fault> {
        self.ask::<()>(&["ACL", "SETUSER", user, rule])
            .map_err(|error| fault(&error).at("ACL SETUSER"))
    }

    /// Writes the users down.
    pub(super) fn keep(&mut self, keeping: Keeping) -> Result<(), Fault> {
        let (words, what): (&[&str], _) = match keeping {
            Keeping::AclFile => (&["ACL", "SAVE"], "ACL SAVE"),
            Keeping::Configuration => (&["CONFIG", "REWRITE"], "CONFIG REWRITE"),
        };
        self.ask::<()>(words)
            .map_err(|error| fault(&error).at(what))
    }

    /// Ends the connections of a user.
    pub(super) fn end_connections(&mut self, user: &str) -> Result<(), Fault> {
        self.ask::<i64>(&["CLIENT", "KILL", "USER", user, "SKIPME", "yes"])
            .map(drop)
            .map_err(|error| fault(&error).at("CLIENT KILL"))
    }

    /// Whether the account may do something. Tries nothing out.
    pub(super) fn may(&mut self, account: &str, words: &[&str]) -> Result<bool, Fault> {
        let mut question = vec!["ACL", "DRYRUN", account];
        question.extend(words);
        let told: String = self
            .ask(&question)
            .map_err(|error| fault(&error).at("ACL DRYRUN"))?;
        Ok(told == "OK")
    }
}

/// A user that is off is refused in the same words.
fn is_wrong_password(error: &RedisError) -> bool {
    error.code() == Some("WRONGPASS") || error.kind() == ErrorKind::AuthenticationFailed
}

fn fault(error: &RedisError) -> Fault {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            Fault::refused("the account may not do that (NOPERM)")
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => {
            Fault::refused("this node is read-only (READONLY)")
        }
        ErrorKind::Server(ServerErrorKind::ResponseError) => {
            Fault::refused("the server refuses (ERR)")
        }
        ErrorKind::Io => Fault::passing("cannot be reached, or the connection broke"),
        _ => Fault::passing("the server could not do it"),
    }
}
