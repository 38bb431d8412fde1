//! All nodes of one user: looked at before any is changed, and changed one by one.

use std::fmt;
use std::sync::Arc;

use super::Verdict;
use super::node::{Keeping, Node};
use crate::issuers::database::{Closed, Place};
use crate::issuers::one_user::Sessions;
use crate::model::{Account, Effect, Fault, Finding, SecretValue};

const PORT: u16 = 6379;

/// Every server that has the user.
pub(super) struct Nodes {
    pub(super) user: String,
    account: Arc<Account>,
    places: Vec<Place>,
}

/// What a change is to come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Remove(Sessions),
}

/// A node that was looked at and can be changed.
struct Ready {
    place: String,
    node: Node,
    keeping: Keeping,
    has: bool,
}

impl Nodes {
    /// Those that are named; with none, the `host` of the account.
    pub(super) fn new(
        user: String,
        named: Option<&[String]>,
        account: &Arc<Account>,
    ) -> Result<Self, Fault> {
        if user.is_empty() || !user.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::refused(
                "`user` is the name of an ACL user, without spaces",
            ));
        }
        let places = match named {
            None => vec![Place::of(account, PORT)?],
            Some([]) => return Err(Fault::refused("`nodes` is empty")),
            Some(nodes) => nodes
                .iter()
                .map(|node| Place::parse(account, node, PORT))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            user,
            account: Arc::clone(account),
            places,
        })
    }

    fn account_user(&self) -> &str {
        self.account.setting("user").unwrap_or("default")
    }

    fn admin(&self, place: &Place) -> Result<Node, Fault> {
        let password = self.account.needed("password")?.value()?;
        Node::log_in(place, self.account_user(), password)
            .map_err(|closed| closed.account(self.account_user(), "WRONGPASS"))
    }

    /// Looks at every node before any is changed. A node without the user has no password to take away.
    fn ready(&self, hash: &str, change: Change) -> Result<Vec<Ready>, Fault> {
        let mut all = Vec::new();
        for place in &self.places {
            let at = format!("{}:{}", place.host, place.port);
            let look = || -> Result<Option<Ready>, Fault> {
                let mut node = self.admin(place)?;
                let Some(user) = node.user(&self.user)? else {
                    return match change {
                        Change::Remove(_) => Ok(None),
                        Change::Add => {
                            Err(Fault::missing(format!("there is no user `{}`", self.user))
                                .hint("make it with ACL SETUSER; only you know what it may do"))
                        }
                    };
                };
                if change == Change::Add {
                    user.takes_passwords(&self.user)?;
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
    pub(super) fn change(&self, hash: &str, change: Change) -> Effect<()> {
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
        let user = &self.user;
        match change {
            Change::Add => at.node.change(user, &format!("#{hash}"))?,
            // Removing a password that is not there is an error to Redis and success to us.
            Change::Remove(_) if !at.has => {}
            Change::Remove(_) => at.node.change(user, &format!("!{hash}"))?,
        }
        // Also where nothing had to be changed: the run that did may have died before it got here.
        at.node.keep(at.keeping)?;
        match change {
            Change::Remove(Sessions::Ended) => at.node.end_connections(user),
            Change::Remove(Sessions::Kept) | Change::Add => Ok(()),
        }
    }

    /// What every node says of the version.
    pub(super) fn verdict(&self, user: &str, password: &SecretValue) -> Result<Verdict, Fault> {
        let mut accepted = 0;
        for place in &self.places {
            match Node::log_in(place, user, password) {
                Ok(_) => accepted += 1,
                Err(Closed::WrongPassword) => {}
                Err(Closed::Unreachable(fault)) => {
                    return Err(fault.at(format!("{}:{}", place.host, place.port)));
                }
            }
        }
        Ok(match accepted {
            0 => Verdict::Refused,
            all if all == self.places.len() => Verdict::Works,
            some => {
                let all = self.places.len();
                let fault = Fault::passing(format!("accepted by {some} of {all} nodes"));
                Verdict::Unknown(fault.hint("give every node the same users: ACL LIST shows them"))
            }
        })
    }

    /// Everything a change will need, node by node. Changes nothing.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let look = |place: &Place| Finding {
            what: format!(
                "change `{}` at redis {}:{}",
                self.user, place.host, place.port
            ),
            result: self.look(place),
        };
        self.places.iter().map(look).collect()
    }

    fn look(&self, place: &Place) -> Result<String, Fault> {
        let mut node = self.admin(place)?;
        let name = self.user.as_str();
        let Some(user) = node.user(name)? else {
            return Err(Fault::missing(format!("there is no user `{name}`")));
        };
        user.takes_passwords(name)?;
        let keeping = node.keeping()?;
        let save: &[&str] = match keeping {
            Keeping::AclFile => &["ACL", "SAVE"],
            Keeping::Configuration => &["CONFIG", "REWRITE"],
        };
        let end: &[&str] = &["CLIENT", "KILL", "USER", name];
        for words in [&["ACL", "SETUSER", name, "on"], save, end] {
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

impl fmt::Display for Nodes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self
            .places
            .iter()
            .map(|place| place.host.as_str())
            .collect();
        out.write_str(&hosts.join(", "))
    }
}
