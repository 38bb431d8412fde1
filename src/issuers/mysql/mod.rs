//! MySQL and MariaDB: passwords of one account, of which two are let in while services move from one to the other.
//!
//! ```yaml
//! accounts:
//!   mysql:
//!     host: db.internal                            # unless said, localhost; a path is a Unix socket
//!     port: 3306
//!     user: rotakey                                # unless said, root
//!     password: { env: ROTAKEY_MYSQL_PASSWORD }
//!     ca: /etc/ssl/db-ca.pem                       # unless said, the authorities that Mozilla trusts
//! secrets:
//!   database:
//!     every: 90d
//!     issuer: { kind: mysql, user: app }
//!     targets:
//!       - { kind: dotenv, path: /srv/app/.env, variable: DATABASE_URL, value: "mysql://{user}:{password}@db.internal/app" }
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `user`, `host` | the account; it exists, for only people know what it may do | `host: "%"` |
//! | `sessions` | what happens to open sessions when a password is revoked: `kept`, or `ended` | `kept` |
//!
//! A version has the fields `user` and `password`. It has no public id: a hash would help whoever guesses. To be set up
//! once, by a person (MariaDB: `mysql.global_priv` and `CONNECTION ADMIN`, before 10.5 `SUPER`):
//!
//! ```sql
//! CREATE USER rotakey@'10.0.%' IDENTIFIED BY '…' REQUIRE SSL;
//! GRANT CREATE USER, PROCESS, CONNECTION_ADMIN ON *.* TO rotakey@'10.0.%';
//! GRANT SELECT ON mysql.user TO rotakey@'10.0.%';
//! ```
//!
//! `CREATE USER` is the right to change every account's password, `root`'s too. On MySQL, `SYSTEM_USER` protects those
//! that have it.
//!
//! **Overlap: two.** The server is asked what it is (`VERSION()`), and what the account holds; what is sent depends on
//! that and on nothing that was remembered:
//!
//! | | MySQL, 8.0.17 on | MariaDB, 10.4 on |
//! | --- | --- | --- |
//! | a new password | `ALTER USER … IDENTIFIED WITH caching_sha2_password AS 0x… RETAIN CURRENT PASSWORD` | `ALTER USER … IDENTIFIED VIA mysql_native_password USING '*OLD' OR mysql_native_password USING '*NEW'` |
//! | the old one dies | `ALTER USER … DISCARD OLD PASSWORD` | the list without it, whatever else it holds |
//! | the new one dies (an undo) | the old one becomes the present one, then `DISCARD OLD PASSWORD` | the list without it |
//!
//! An account of MySQL that has an old password already is refused: `RETAIN` would end that, and rotakey ends nothing
//! that it did not issue or adopt. Its own old password was discarded before the next rotation begins. So is an account
//! whose password is not the current version's: an application may change its own password, and so may who stole it;
//! beside the new one it would live on. The last password of an account is never removed.
//!
//! **Hashes only.** rotakey makes the password up (48 letters and digits) and sends what the server would keep, so that
//! no log holds it. MySQL's grammar lets `AS` and `RETAIN` stand together (WL#11540), which its manual leaves out. The
//! kind of password stays what it is, for a change of plugin ends the old one. MySQL: `caching_sha2_password`, with as
//! many rounds as before, or `mysql_native_password`.
//! MariaDB: one password of `mysql_native_password`, and nothing else. For each further alternative the server asks the
//! client again: every client answers that once, which is what the second password takes, and not every client twice
//! (MariaDB's own C library does, the Rust driver here does not). So an account with more ways in is refused, and so is
//! `ed25519`, where the first asking is spent before any password is tried: services would be turned away in the middle
//! of a rotation. A native hash has no salt, which 48 random characters do not need, and who steals it can log in only
//! if he also listens to a log-in: use TLS. Where MariaDB has a password validation plugin,
//! `strict_password_validation` refuses hashes.
//!
//! **A lost reply** is settled by asking what the account holds: the same password asked for again finds its own hash,
//! and nothing is sent. A named lock keeps a statement that lands late from meeting the next one.
//!
//! **Verify** is a log-in: 1045 is refused, everything else that goes wrong is not known. `CURRENT_USER()` must be the
//! account, for the same user from another host is another account with passwords of its own. A refused log-in counts
//! towards `FAILED_LOGIN_ATTEMPTS`; rotakey makes one or two per rotation.
//!
//! **Sessions** outlive their password, and the server does not say which password one of them used. It numbers them:
//! those that are older than a connection made after the removal may have used the old one, and younger ones cannot.
//! `sessions: ended` ends all older ones of that user at the revocation, those that used the new password included;
//! clients connect again. An emergency always does. With `kept`, only new log-ins are refused. Where sessions are to
//! end and the account may not end them, the password stays too; `check` asks beforehand.
//!
//! **TLS** as in `postgres`: verified, or this machine. A `ca` is trusted beside Mozilla's list and not instead of it.
//! `localhost` is TCP here, never the socket. Replicas learn passwords by replication, and are not asked.
//!
//! Tried on MariaDB 10.11 (every test run) and, by hand, on MySQL 9.7. MySQL 8 was tested against statement texts only,
//! and `mysql_native_password` on any MySQL. Sources: dev.mysql.com/doc/refman/8.4, alter-user, password-management,
//! account-management-statements; mariadb.com/kb, alter-user, authentication-from-mariadb-104; read on 2026-11-23.

mod account;
mod alternatives;
mod change;
mod codes;
mod connect;
mod dual;
mod hash;
mod sessions;
mod survey;

use std::sync::Arc;

use serde::Deserialize;

use crate::model::{
    Account, AccountShape, Effect, Fault, FieldName, Finding, IssuerKind, IssuerStarter, Key,
    SecretValue,
};

use super::database::{self, login_fields, made_up};
use super::one_user::{Sessions, password_of};
use super::{Ability, Capabilities, Issuer, Overlap, Request, Seen, Trust, ValueBy, Verdict};
use account::Name;
use change::Change;
use connect::Server;

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "mysql",
    needs: &[],
    takes: &["password"],
    settings: database::SETTINGS,
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "mysql",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "MySQL or MariaDB password",
        secret: "mysql",
        title: "MySQL password",
        every: "90d",
        keys: ", user: app, host: \"%\"",
        variable: "MYSQL_URL",
        value: Some("mysql://{user}:{password}@mysql.internal/app"),
        account: Some(
            "mysql: { host: mysql.internal, user: rotakey, password: { env: ROTAKEY_MYSQL_PASSWORD } }",
        ),
        note: "Fully automatic once rotakey has an account of its own: see examples/mysql-password.yaml.",
    },
};

/// The keys of `kind: mysql`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    user: String,
    host: Option<String>,
    #[serde(default)]
    sessions: Sessions,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        login_fields()
    }
}

/// The passwords of one account.
pub(super) struct Mysql {
    name: Name,
    sessions: Sessions,
    server: Server,
}

impl Mysql {
    pub(super) fn new(config: Config, account: &Arc<Account>) -> Result<Self, Fault> {
        let server = Server::new(account)?;
        let name = Name {
            user: config.user,
            // Servers keep it in small letters.
            host: config.host.as_deref().unwrap_or("%").to_ascii_lowercase(),
        };
        let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        if !plain(&name.user) || !plain(&name.host) {
            let fault =
                Fault::refused("`user` and `host` name an account, as in `app` and `10.0.%`");
            return Err(fault);
        }
        if name.user == server.account_user() {
            return Err(Fault::refused(format!(
                "`{}` is the user that rotakey itself logs in as; it cannot rotate that here",
                name.user
            )));
        }
        Ok(Self {
            name,
            sessions: config.sessions,
            server,
        })
    }

    fn password_of<'k>(&self, key: &'k Key) -> Result<&'k SecretValue, Fault> {
        password_of(key, &self.name.user)
    }

    fn change(&self, key: &Key, change: Change<'_>) -> Effect<()> {
        match self.password_of(key) {
            Ok(password) => change::send(&self.server, &self.name, change, password),
            Err(fault) => Effect::NotDone(fault),
        }
    }
}

impl Issuer for Mysql {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Two,
            value: ValueBy::Rotakey,
            finds: Ability::No,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("mysql {}", self.server.place.host)
    }

    fn check(&self) -> Vec<Finding> {
        survey::findings(&self.server, &self.name)
    }

    fn propose(&self, _current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        made_up(&self.name.user, trust).map(|fields| Some(Key::of(fields)))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let Some(proposal) = request.proposal else {
            return Effect::NotDone(Fault::refused("there is no password to set"));
        };
        let current = request.current.map(|key| self.password_of(key)).transpose();
        match current {
            Ok(current) => self
                .change(proposal, Change::Add { current })
                .map(|()| proposal.clone()),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn verify(&self, key: &Key) -> Seen {
        let seen = self
            .password_of(key)
            .and_then(|password| survey::log_in(&self.server, &self.name, password));
        seen.unwrap_or_else(Seen::unknown)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.change(key, Change::Remove(self.sessions))
    }

    fn revoke_leaked(&self, key: &Key) -> Effect<()> {
        self.change(key, Change::Remove(Sessions::Ended))
    }
}

#[cfg(test)]
mod tests;
