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
//! ends all those of the user at the revocation, new ones included: clients connect again. With `kept`, whoever stole a
//! password keeps the connections that are open; after a leak, say `ended`, or run `CLIENT KILL USER app` on each node.
//!
//! The account needs `+acl|getuser +acl|setuser +acl|save +acl|dryrun +config|get +config|rewrite +info +client|kill`;
//! `acl|setuser` is the right to do everything. `check` asks by `ACL DRYRUN` (Redis 7).
//!
//! Tried on Redis 7.0. Sources: redis.io, ACL and `ACL SETUSER`, read on 2026-11-23.

mod node;

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::{
    Account, AccountShape, Effect, Fault, FieldName, Fields, Finding, IssuerKind, Key, SecretValue,
};

use super::database::Place;
use super::generated::{self, Generated};
use super::{Ability, Capabilities, Issuer, Overlap, Request, Seen, ValueBy, Verdict};
use node::{Closed, Keeping, Node};

const USER: &str = "user";
const PASSWORD: &str = "password";
const PORT: u16 = 6379;

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "redis",
    needs: &["password"],
    takes: &[],
    settings: &["host", "port", "user", "ca"],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "redis",
    account: Some(&ACCOUNT),
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sessions {
    #[default]
    Kept,
    Ended,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(USER), FieldName::new(PASSWORD)]
    }
}

/// The passwords of one user.
pub(super) struct Redis {
    config: Config,
    account: Arc<Account>,
    nodes: Vec<Place>,
    maker: Generated,
}

/// A node that was looked at and can be changed.
struct Ready {
    place: String,
    node: Node,
    keeping: Keeping,
    has: bool,
}

impl Redis {
    pub(super) fn new(config: Config, account: &Arc<Account>) -> Result<Self, Fault> {
        if config.user.is_empty() || !config.user.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::refused(
                "`user` is the name of an ACL user, without spaces",
            ));
        }
        let nodes = match &config.nodes {
            None => vec![Place::of(account, PORT)?],
            Some(nodes) if nodes.is_empty() => return Err(Fault::refused("`nodes` is empty")),
            Some(nodes) => nodes
                .iter()
                .map(|node| Place::parse(account, node, PORT))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            config,
            nodes,
            account: Arc::clone(account),
            maker: Generated::new(&generated::Config::default()),
        })
    }

    fn account_user(&self) -> &str {
        self.account.setting("user").unwrap_or("default")
    }

    fn admin(&self, place: &Place) -> Result<Node, Fault> {
        let password = self.account.needed("password")?.value()?;
        Node::log_in(place, self.account_user(), password).map_err(|closed| {
            closed
                .fault()
                .at(format!("log in as `{}`", self.account_user()))
        })
    }

    /// Looks at every node before any is changed. A node without the user has no password to take away.
    fn ready(&self, hash: &str, change: Change) -> Result<Vec<Ready>, Fault> {
        let mut all = Vec::new();
        for place in &self.nodes {
            let at = format!("{}:{}", place.host, place.port);
            let look = || -> Result<Option<Ready>, Fault> {
                let mut node = self.admin(place)?;
                let Some(user) = node.user(&self.config.user)? else {
                    return match change {
                        Change::Remove => Ok(None),
                        Change::Add => Err(Fault::missing(format!(
                            "there is no user `{}`",
                            self.config.user
                        ))
                        .hint("make it with ACL SETUSER; only you know what it may do")),
                    };
                };
                if change == Change::Add && (user.any_password || !user.on) {
                    let what = if user.on {
                        "takes any password (nopass)"
                    } else {
                        "is off"
                    };
                    return Err(Fault::refused(format!(
                        "user `{}` {what}",
                        self.config.user
                    )));
                }
                let keeping = node.keeping()?;
                let has = user.hashes.iter().any(|known| known == hash);
                Ok(Some(Ready {
                    place: at.clone(),
                    node,
                    keeping,
                    has,
                }))
            };
            all.extend(look().map_err(|fault| fault.at(&at))?);
        }
        Ok(all)
    }

    /// Changes every node.
    fn change(&self, hash: &str, change: Change) -> Effect<()> {
        let ready = match self.ready(hash, change) {
            Ok(ready) => ready,
            Err(fault) => return Effect::NotDone(fault),
        };
        for mut at in ready {
            if let Err(fault) = self.change_one(&mut at, hash, change) {
                return Effect::Uncertain(fault.at(&at.place));
            }
        }
        Effect::Done(())
    }

    fn change_one(&self, at: &mut Ready, hash: &str, change: Change) -> Result<(), Fault> {
        let user = &self.config.user;
        match change {
            Change::Add => at.node.change(user, &format!("#{hash}"))?,
            // Removing a password that is not there is an error to Redis and success to us.
            Change::Remove if !at.has => {}
            Change::Remove => at.node.change(user, &format!("!{hash}"))?,
        }
        // Also where nothing had to be changed: the run that did may have died before it got here.
        at.node.keep(at.keeping)?;
        match (change, self.config.sessions) {
            (Change::Remove, Sessions::Ended) => at.node.end_connections(user),
            _ => Ok(()),
        }
    }

    fn hash_of(&self, key: &Key) -> Result<String, Fault> {
        if field(key, USER)?.expose() != self.config.user {
            return Err(Fault::refused(
                "the user of this version is not the `user` of the configuration",
            ));
        }
        let digest = Sha256::digest(field(key, PASSWORD)?.expose());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What every node says of the version.
    fn verdict(&self, key: &Key) -> Result<Verdict, Fault> {
        let (user, password) = (field(key, USER)?, field(key, PASSWORD)?);
        let mut accepted = 0;
        for place in &self.nodes {
            match Node::log_in(place, user.expose(), password) {
                Ok(_) => accepted += 1,
                Err(Closed::WrongPassword) => {}
                Err(Closed::Unreachable(fault)) => {
                    return Err(fault.at(format!("{}:{}", place.host, place.port)));
                }
            }
        }
        Ok(match accepted {
            0 => Verdict::Refused,
            all if all == self.nodes.len() => Verdict::Works,
            some => {
                let all = self.nodes.len();
                let fault = Fault::passing(format!("accepted by {some} of {all} nodes"));
                Verdict::Unknown(fault.hint("give every node the same users: ACL LIST shows them"))
            }
        })
    }

    fn look(&self, place: &Place) -> Result<String, Fault> {
        let mut node = self.admin(place)?;
        let name = &self.config.user;
        let Some(user) = node.user(name)? else {
            return Err(Fault::missing(format!("there is no user `{name}`")));
        };
        if user.any_password || !user.on {
            let what = if user.on {
                "takes any password (nopass)"
            } else {
                "is off"
            };
            return Err(Fault::refused(format!("user `{name}` {what}")));
        }
        let keeping = node.keeping()?;
        let save: &[&str] = match keeping {
            Keeping::AclFile => &["ACL", "SAVE"],
            Keeping::Configuration => &["CONFIG", "REWRITE"],
        };
        for words in [&["ACL", "SETUSER", name, "on"], save] {
            if !node.may(self.account_user(), words)? {
                return Err(Fault::refused(format!(
                    "the account may not do {}",
                    words[..2].join(" ")
                )));
            }
        }
        Ok(format!("user `{name}` has {} passwords", user.hashes.len()))
    }
}

fn field<'a>(key: &'a Key, name: &str) -> Result<&'a SecretValue, Fault> {
    let field = key.fields.field(&FieldName::new(name));
    field.ok_or_else(|| Fault::refused(format!("the version has no field `{name}`")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
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
        let hosts: Vec<&str> = self.nodes.iter().map(|place| place.host.as_str()).collect();
        format!("redis {}", hosts.join(", "))
    }

    fn check(&self) -> Vec<Finding> {
        let look = |place: &Place| Finding {
            what: format!(
                "change `{}` at redis {}:{}",
                self.config.user, place.host, place.port
            ),
            result: self.look(place),
        };
        self.nodes.iter().map(look).collect()
    }

    fn propose(&self, _current: Option<&Key>, trust: super::Trust) -> Result<Option<Key>, Fault> {
        let made = self.maker.propose(None, trust)?;
        let password = made.as_ref().and_then(|key| key.fields.primary());
        let password = password.ok_or_else(|| Fault::refused("no password could be made up"))?;
        let fields = [
            (USER, SecretValue::new(&self.config.user)),
            (PASSWORD, password.clone()),
        ];
        let fields = fields.map(|(name, value)| (FieldName::new(name), value));
        Ok(Some(Key::of(Fields::from_iter(fields))))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let Some(proposal) = request.proposal else {
            return Effect::NotDone(Fault::refused("there is no password to set"));
        };
        match self.hash_of(proposal) {
            Ok(hash) => self.change(&hash, Change::Add).map(|()| proposal.clone()),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn verify(&self, key: &Key) -> Seen {
        Seen {
            verdict: self.verdict(key).unwrap_or_else(Verdict::Unknown),
            date: None,
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        match self.hash_of(key) {
            Ok(hash) => self.change(&hash, Change::Remove),
            Err(fault) => Effect::NotDone(fault),
        }
    }
}
