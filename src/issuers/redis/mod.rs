//! Redis: passwords of an ACL user, which may have several.
//!
//! ```yaml
//! accounts:
//!   redis:
//!     host: redis.internal                         # unless said, localhost; a path is a Unix socket
//!     port: 6379
//!     user: rotakey                                # unless said, default
//!     password: { env: ROTAKEY_REDIS_PASSWORD }
//!     ca: /etc/ssl/redis-ca.pem                    # unless said, the authorities this machine trusts
//! secrets:
//!   cache:
//!     every: 90d
//!     issuer: { kind: redis, user: app, nodes: [redis-1.internal, "redis-2.internal:6380"] }
//!     targets:
//!       - { kind: dotenv, path: /srv/app/.env, variable: REDIS_URL, value: "rediss://{user}:{password}@redis.internal" }
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `user` | the ACL user; it exists, for only people know what it may do | |
//! | `nodes` | every server that has the user, replicas and cluster nodes too | the `host` of the account |
//! | `sessions` | what happens to open connections when a password is revoked: `kept`, or `ended` | `kept` |
//!
//! A version has the fields `user` and `password`. It has no public id: the hash by which a node knows it would help
//! whoever guesses.
//!
//! **Overlap: many.** A new password is added as `#hash` and an old one removed as `!hash`, so that no password stands
//! in `MONITOR`, the slow log or an ACL file. A user with `nopass` is refused: adding the first password would lock out
//! everybody who uses another.
//!
//! **Nodes.** Redis does not pass ACL changes on to replicas or cluster nodes (redis/redis#7988), so that each is
//! listed, asked before anything is changed, and changed alone. A node that fails after another was changed leaves the
//! step uncertain; it is then repeated with the same password, which is harmless. A version works when every node
//! accepts it and is dead when none does.
//!
//! **Restarts.** Each change is kept by `ACL SAVE` where there is an `aclfile`, and by `CONFIG REWRITE` elsewhere, which
//! also writes down whatever else was set by `CONFIG SET`. A node that could keep nothing is refused before the change.
//!
//! **Connections** outlive their password, and Redis does not say which password one of them used. `sessions: ended`
//! ends all those of the user at the revocation (`CLIENT KILL USER`, on each node), new ones included: clients connect
//! again. With `kept` they go on. An emergency always ends them, for whoever stole a password may have one open.
//!
//! The account needs `+acl|getuser +acl|setuser +acl|save +acl|dryrun +config|get +config|rewrite +info +client|kill`;
//! `acl|setuser` is the right to do everything. `check` asks by `ACL DRYRUN` (Redis 7).
//!
//! Tried on Redis 7.0. Sources: redis.io, ACL and `ACL SETUSER`, read on 2026-11-23.

mod node;
mod nodes;

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::{
    Account, AccountShape, Effect, Fault, FieldName, Finding, IssuerKind, IssuerStarter, Key,
};

use super::database::{self, PASSWORD, USER, field, login_fields, made_up};
use super::one_user::{Sessions, password_of};
use super::{Ability, Capabilities, Issuer, Overlap, Request, Seen, Trust, ValueBy, Verdict};
use nodes::{Change, Nodes};

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "redis",
    needs: &["password"],
    takes: &[],
    settings: database::SETTINGS,
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "redis",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "Redis password",
        secret: "cache",
        title: "Cache password",
        every: "90d",
        keys: ", user: app, nodes: [redis.internal]",
        variable: "REDIS_URL",
        value: Some("rediss://{user}:{password}@redis.internal"),
        account: Some("redis: { user: rotakey, password: { env: ROTAKEY_REDIS_PASSWORD } }"),
        note: "Fully automatic once the ACL user is there: see examples/redis-password.yaml.",
    },
};

/// The keys of `kind: redis`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    user: String,
    nodes: Option<Vec<String>>,
    #[serde(default)]
    sessions: Sessions,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        login_fields()
    }
}

/// The passwords of one user.
pub(super) struct Redis {
    sessions: Sessions,
    nodes: Nodes,
}

impl Redis {
    pub(super) fn new(config: Config, account: &Arc<Account>) -> Result<Self, Fault> {
        Ok(Self {
            sessions: config.sessions,
            nodes: Nodes::new(config.user, config.nodes.as_deref(), account)?,
        })
    }

    fn hash_of(&self, key: &Key) -> Result<String, Fault> {
        let digest = Sha256::digest(password_of(key, &self.nodes.user)?.expose());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn change(&self, key: &Key, change: Change) -> Effect<()> {
        match self.hash_of(key) {
            Ok(hash) => self.nodes.change(&hash, change),
            Err(fault) => Effect::NotDone(fault),
        }
    }
}

impl Issuer for Redis {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Rotakey,
            finds: Ability::No,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("redis {}", self.nodes)
    }

    fn check(&self) -> Vec<Finding> {
        self.nodes.findings()
    }

    fn propose(&self, _current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        made_up(&self.nodes.user, trust).map(|fields| Some(Key::of(fields)))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let Some(proposal) = request.proposal else {
            return Effect::NotDone(Fault::refused("there is no password to set"));
        };
        self.change(proposal, Change::Add)
            .map(|()| proposal.clone())
    }

    fn verify(&self, key: &Key) -> Seen {
        let ask = || {
            self.nodes
                .verdict(field(key, USER)?.expose(), field(key, PASSWORD)?)
        };
        Seen::undated(ask().unwrap_or_else(Verdict::Unknown))
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.change(key, Change::Remove(self.sessions))
    }

    fn revoke_leaked(&self, key: &Key) -> Effect<()> {
        self.change(key, Change::Remove(Sessions::Ended))
    }
}
