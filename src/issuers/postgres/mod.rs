//! PostgreSQL: passwords of two login roles that take turns under one owner.
//!
//! ```yaml
//! accounts:
//!   postgres:
//!     host: db.internal                            # unless said, localhost; a path is the directory of a Unix socket
//!     port: 5432
//!     user: rotakey                                # unless said, postgres
//!     password: { env: ROTAKEY_POSTGRES_PASSWORD }
//!     ca: /etc/ssl/db-ca.pem                       # unless said, the authorities this machine trusts
//! secrets:
//!   database:
//!     every: 90d
//!     issuer: { kind: postgres, database: app, owner: app_owner, roles: [app_a, app_b] }
//!     targets:
//!       - { kind: dotenv, path: /srv/app/.env, variable: DATABASE_URL,
//!           value: "postgres://{user}:{password}@db.internal/app" }
//! ```
//!
//! A version has the fields `user` and `password`.
//!
//! **Overlap: two.** A role has one password, and a new one ends the old one for log-ins. So there are two roles: one is
//! live while the other rests without a password and may not log in, and a rotation wakes the resting one. Both are
//! members of `owner`, which nobody logs in as, and become it as they log in (`ALTER ROLE … SET ROLE`): whatever they
//! create belongs to the owner, and neither ever has a right that the other lacks. To be set up once, by a person:
//!
//! ```sql
//! CREATE ROLE app_owner NOLOGIN;
//! REASSIGN OWNED BY app TO app_owner;              -- what the application's role owned, in every database
//! GRANT app_owner TO app;
//! ALTER ROLE app SET ROLE app_owner;
//! CREATE ROLE rotakey LOGIN CREATEROLE PASSWORD '…';
//! GRANT app_owner TO rotakey WITH ADMIN OPTION;
//! GRANT pg_read_all_stats, pg_signal_backend TO rotakey;
//! ```
//!
//! From PostgreSQL 16 on the account also needs `WITH ADMIN OPTION` on login roles that it did not create. A role that
//! does not exist is created. A second role is given its password only after it was compared with the live one:
//! attributes, memberships, settings, and everything either has a privilege on or owns, in every database.
//!
//! **One role** (`roles: [app]`) means that the old password ends as the new one is set, and services that log in before
//! they have the new one fail. That is refused unless `downtime: accepted` says so.
//!
//! **Issue.** rotakey makes the password up (48 letters and digits, which URLs and shells take unharmed) and sends its
//! SCRAM-SHA-256 verifier only, so no log holds the password. In the same transaction the role's comment gets a line
//! `rotakey: <tag>`, which settles a lost reply; lines that people wrote stay. A role that may log in and does not bear
//! the tag is somebody's, and is refused.
//!
//! **Verify** is a log-in: 28P01 is refused, everything else that goes wrong is not known. A role of the pair must also
//! have become the owner. Where pg_hba.conf says `trust` or `peer`, any password works and nothing would be proven:
//! `check` tries a wrong one and says so.
//!
//! **Revoke** takes password and log-in away and then ends the role's sessions, always: a session outlives its password
//! for as long as it stays open, so a key that was stolen would go on working. It touches the role only while its
//! comment still names the version, so that a late repeat cannot hit the next one. Before that, outside an emergency,
//! the driver asks when the key was last used: a session *opened* with the old role after the promotion belongs to
//! somebody who was not given the new one, and keeps the old one alive. Sessions from before are pools that read the
//! new one as they reconnect. Sessions that came and went are not seen. With one role only an emergency ends sessions:
//! those older than its own connection.
//!
//! No `VALID UNTIL` is set as a dead man's switch: a grace that has to be extended would become an outage.
//!
//! Tried on PostgreSQL 15. Sources: postgresql.org/docs/15, sql-alterrole, sql-comment, catalog-pg-shdepend,
//! monitoring-stats; release notes of 16 for role administration; read on 2026-11-23.

mod config;
mod connect;
mod parity;
mod roles;
mod survey;
mod verifier;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    Account, AccountShape, Effect, Fault, Fields, Finding, Instant, IssuerKind, IssuerStarter, Key,
    KeyId, SecretValue, Tag,
};

use super::database::{self, PASSWORD, USER, field, made_up};
use super::{
    Ability, Capabilities, Found, Issuer, Overlap, Request, Seen, Trust, ValueBy, Verdict,
};
pub(super) use config::Config;
use connect::Server;
use roles::{Pair, Rest, Wake};
use verifier::Verifier;

/// The note that says which line stands in the role's comment.
const TAG: &str = "tag";

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "postgres",
    needs: &[],
    takes: &["password"],
    settings: database::SETTINGS,
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "postgres",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "PostgreSQL password",
        secret: "database",
        title: "Database password",
        every: "90d",
        keys: ", database: app, owner: app_owner, roles: [app_a, app_b]",
        variable: "DATABASE_URL",
        value: Some("postgres://{user}:{password}@db.internal/app"),
        account: Some(
            "postgres: { host: db.internal, user: rotakey, password: { env: ROTAKEY_POSTGRES_PASSWORD } }",
        ),
        note: "Fully automatic once two login roles and their owner are set up: see examples/postgres-password.yaml.",
    },
};

/// The roles of one application.
pub(super) struct Postgres {
    config: Config,
    overlap: Overlap,
    server: Server,
}

impl Postgres {
    pub(super) fn new(config: Config, account: &Arc<Account>) -> Result<Self, Fault> {
        let overlap = config.overlap()?;
        let server = Server::new(account, &config.database)?;
        let own = server.account_role();
        if config.owner == own || config.roles.iter().any(|role| role == own) {
            return Err(Fault::refused(format!(
                "`{own}` is the role that rotakey itself logs in as; it cannot rotate that here"
            )));
        }
        Ok(Self {
            overlap,
            server,
            config,
        })
    }

    fn pair<'a>(&'a self, live: Option<&'a str>) -> Pair<'a> {
        Pair {
            owner: &self.config.owner,
            live,
            shared: self.overlap == Overlap::None,
        }
    }

    fn make(&self, request: &Request<'_>) -> Result<Effect<Key>, Fault> {
        let proposal = request
            .proposal
            .ok_or_else(|| Fault::refused("there is no password to set"))?;
        let role = field(proposal, USER)?.expose();
        if !self.config.roles.iter().any(|known| known == role) {
            return Err(
                Fault::refused("the role of this version is not in `roles` any more")
                    .hint("put it back until the rotation is over"),
            );
        }
        let live = request.current.map(|key| field(key, USER)).transpose()?;
        let wake = Wake {
            role,
            verifier: &Verifier::of(field(proposal, PASSWORD)?)?,
            tag: request.tag,
        };
        let pair = self.pair(live.map(SecretValue::expose));
        let done = self.server.transact(|with| pair.wake(with, &wake));
        Ok(done.map(|()| Key {
            fields: proposal.fields.clone(),
            ..marked(role, Some(request.tag.as_str()))
        }))
    }

    /// Takes password and log-in away and ends the sessions.
    fn put_to_rest(&self, key: &Key, trust: Trust) -> Effect<()> {
        let role = match role_of(key) {
            Ok(role) => role,
            Err(fault) => return Effect::NotDone(fault),
        };
        let pair = self.pair(None);
        let put = self
            .server
            .transact(|with| pair.rest(with, role, tag_of(key)));
        // One role holds the next version already, and the sessions of both.
        let shared = self.overlap == Overlap::None && trust == Trust::Lost;
        match put {
            Effect::Done(Rest::Elsewhere) if !shared => Effect::Done(()),
            Effect::Done(_) => roles::end_sessions(&self.server, role),
            Effect::NotDone(fault) => Effect::NotDone(fault),
            Effect::Uncertain(fault) => Effect::Uncertain(fault),
        }
    }
}

/// A key without its password.
fn marked(role: &str, tag: Option<&str>) -> Key {
    let notes = tag.map(|tag| (TAG.to_owned(), tag.to_owned()));
    Key {
        id: Some(KeyId::new(role)),
        fields: Fields::default(),
        notes: notes.into_iter().collect::<BTreeMap<_, _>>(),
    }
}

/// The role of a version. One that was found by its tag has no fields.
fn role_of(key: &Key) -> Result<&str, Fault> {
    match &key.id {
        Some(id) => Ok(id.as_str()),
        None => field(key, USER).map(SecretValue::expose),
    }
}

fn tag_of(key: &Key) -> Option<&str> {
    key.notes.get(TAG).map(String::as_str)
}

impl Issuer for Postgres {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: self.overlap,
            value: ValueBy::Rotakey,
            finds: Ability::Yes,
            expires: Ability::No,
            reports_use: Ability::Yes,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!(
            "postgres {}/{}",
            self.server.place.host, self.config.database
        )
    }

    fn check(&self) -> Vec<Finding> {
        survey::findings(&self.server, &self.config)
    }

    fn propose(&self, current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        let live = current.map(|key| field(key, USER)).transpose()?;
        let live = live.map(SecretValue::expose);
        let resting = self
            .config
            .roles
            .iter()
            .find(|role| Some(role.as_str()) != live);
        let role = resting
            .or(self.config.roles.first())
            .ok_or_else(|| Fault::refused("`roles` is empty"))?;
        Ok(Some(Key {
            fields: made_up(role, trust)?,
            ..marked(role, None)
        }))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.make(request).unwrap_or_else(Effect::NotDone)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let mut client = self.server.admin()?;
        let mut found = Vec::new();
        for role in &self.config.roles {
            let is = roles::role(&mut client, role)?;
            if is.is_some_and(|is| is.may_log_in && is.tag.as_deref() == Some(tag.as_str())) {
                found.push(Found {
                    key: marked(role, Some(tag.as_str())),
                    created_at: None,
                });
            }
        }
        Ok(found)
    }

    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        let role = field(key, USER)?.expose();
        let Some(is) = roles::role(&mut self.server.admin()?, role)? else {
            return Ok(None);
        };
        let found = marked(role, is.tag.as_deref());
        Ok(Some((KeyId::new(role), found, None)))
    }

    fn verify(&self, key: &Key) -> Seen {
        survey::log_in(&self.server, &self.config, key).unwrap_or_else(Seen::unknown)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.put_to_rest(key, Trust::Kept)
    }

    fn revoke_leaked(&self, key: &Key) -> Effect<()> {
        self.put_to_rest(key, Trust::Lost)
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        survey::last_log_in(&self.server, role_of(key)?)
    }
}

#[cfg(test)]
mod tests;
