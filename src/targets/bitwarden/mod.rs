//! Bitwarden, and servers that speak like it: one field of one item, through the `bw` command.
//!
//! ```yaml
//! accounts:
//!   bitwarden:
//!     session: { command: [bw, unlock, --raw, --nointeraction, --passwordfile, /etc/rotakey/bw-master] }
//!     command: /usr/local/bin/bw   # unless said, `bw` by PATH
//!     data_dir: /srv/bw            # unless said, what BITWARDENCLI_APPDATA_DIR says, or bw's usual place
//! targets:
//!   - kind: bitwarden
//!     item: OpenAI                 # name or id
//!     field: password              # the password of a login, or the name of a custom field
//! ```
//!
//! The user who runs rotakey is logged in once by hand (`bw login`, or with an API key). `field:` is the field of the
//! *item* here: where a version has several fields, `value: "{password}"` picks one of them.
//!
//! **The session key** that `bw unlock` gives is taken by `bw` in its environment (`BW_SESSION`) or as an argument, and
//! in no other way. An argument can be read by everybody on the machine; so it stands in the environment of `bw`,
//! where the same user and root can read it while `bw` runs. It opens the vault only together with the files of
//! `bw`, until the vault is locked. No value is ever in an environment or an argument. (`bw serve` would need neither,
//! and would open the vault to every program on the machine.)
//!
//! **Look.** `bw` answers from a copy on disk, so every look begins with a `bw sync`, once in each pass. A name is
//! compared letter by letter with what `bw list items --search` finds; an item that is not there, or there twice, is
//! refused.
//!
//! **Write.** The item is read, the value and a line in its notes are changed in it, and it goes back whole, in base64
//! on standard input, which is what `bw encode` makes. The notes say when and in which run; `bw` itself keeps former
//! passwords and hidden fields in the history of the item (the last five). A server that has a newer item than the copy
//! refuses the change; then the copy is renewed and the change made once more. Then the item is read back from the
//! server.
//!
//! **Passkeys.** An item that holds one is refused; keep API keys in items of their own.
//!
//! Readers see the new value when their client has synchronised; nothing is redeployed.
//!
//! Bitwarden's Secrets Manager is another product and its `bws` takes values as arguments only: it is not used.
//!
//! Sources: the source of the command (bitwarden/clients, `apps/cli`), its help texts of version 2026.6.0; read in
//! November 2026. `bw` could not be run against a server for a test here.

mod bw;
mod item;

use std::sync::Arc;

use serde::Deserialize;

use super::note::Signature;
use super::pass::{Answers, PerPass};
use super::sole::{Advice, sole};
use super::whole::{Now, alone};
use super::{Connections, Pass, Site, Stored, Target, Written};
use crate::model::{
    Account as Settings, AccountShape, Clock, Effect, Fault, FaultKind, Finding, RunId,
    SecretValue, SiteId, TargetKind, TargetStarter, sanitise,
};
use bw::Bw;
use item::Item;

/// How often a change is made that meets a newer item on the server.
const TRIES: usize = 3;

const ADVICE: Advice = Advice {
    absent: "correct the name, or make the item by hand",
    several: "write its id instead of its name: bw list items --search NAME",
};

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "bitwarden",
    needs: &["session"],
    takes: &[],
    settings: &["command", "data_dir"],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "bitwarden",
    account: Some(&ACCOUNT),
    address: &["item", "field"],
    starter: TargetStarter {
        about: "an item in Bitwarden",
        keys: ", item: TITLE, field: password",
        account: Some("bitwarden: { session: { env: BW_SESSION } }"),
    },
};

/// The keys of `kind: bitwarden`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    item: String,
    field: String,
}

/// What the targets of one account share: one copy of the vault, made new once in each pass.
struct Vault {
    bw: Bw,
    synced: PerPass<Answers<Result<(), Fault>>>,
}

/// One field of one item.
struct Bitwarden {
    config: Config,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    run: Option<RunId>,
    vault: Arc<Vault>,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    if settings.base_url().is_some() {
        let fault = Fault::refused("`bw` has its own idea of where the server is");
        return Err(fault.hint("remove `base_url`, and tell `bw` once: bw config server https://…"));
    }
    let vault = || {
        Ok(Vault {
            bw: Bw::new(Arc::clone(settings)),
            synced: PerPass::new(),
        })
    };
    Ok(Arc::new(Bitwarden {
        config,
        vault: connections.to(settings, vault)?,
        settings: Arc::clone(settings),
        clock: Arc::clone(&connections.clock),
        run: connections.run.clone(),
    }))
}

impl Bitwarden {
    fn find(&self) -> Result<Item, Fault> {
        let (bw, name) = (&self.vault.bw, &self.config.item);
        let item = match item::is_id(name) {
            true => bw.item(name)?,
            false => {
                let said = format!("item `{}`", sanitise(name));
                let fit = bw.search(name)?.into_iter().filter(|item| item.is(name));
                sole(fit, &said, &ADVICE)?
            }
        };
        item.refuse_unfit()?;
        Ok(item)
    }

    fn site(&self, item: &Item) -> Result<Site, Fault> {
        let (account, field) = (self.settings.name(), &self.config.field);
        let id = item.id()?;
        Ok(Site {
            id: SiteId::new(format!("bitwarden/{account}/{id}/{field}")),
            label: format!("{} {}", self.label(), sanitise(field)),
            services: Vec::new(),
            stored: Stored::Value(item.value(field)?),
        })
    }

    /// The id of the item of a site.
    fn place<'a>(&self, site: &'a Site) -> Option<&'a str> {
        let rest = site.id.as_str().strip_prefix("bitwarden/")?;
        let rest = rest.strip_prefix(self.settings.name().as_str())?;
        let (id, field) = rest.strip_prefix('/')?.split_once('/')?;
        (field == self.config.field && item::is_id(id)).then_some(id)
    }

    /// The item of that id as the server has it.
    fn look(&self, id: &str) -> Result<Item, Fault> {
        self.vault.bw.sync()?;
        let item = self.vault.bw.item(id)?;
        item.refuse_unfit()?;
        Ok(item)
    }

    fn edit(&self, id: &str, value: &SecretValue) -> Result<Effect<Written>, Fault> {
        let before = self.look(id)?;
        let field = &self.config.field;
        let old = before.value(field)?;
        if old == *value {
            return Ok(Effect::Done(before.written()));
        }
        let signature = Signature {
            at: self.clock.now(),
            run: self.run.clone(),
        };
        let changed = before.changed(field, value, &signature)?;
        self.vault.bw.edit(id, &changed, || {
            let after = self.look(id)?;
            let now = match after.value(field)? {
                held if held == *value => Now::New,
                held if held == old => Now::Old,
                _ => Now::Other,
            };
            Ok((now, after.written()))
        })
    }
}

impl Target for Bitwarden {
    fn label(&self) -> String {
        format!("bitwarden/{}", sanitise(&self.config.item))
    }

    fn spoken(&self) -> String {
        "Bitwarden".to_owned()
    }

    fn check(&self) -> Vec<Finding> {
        let found = self.vault.bw.sync().and_then(|()| self.find());
        vec![Finding {
            what: format!("{}: read {}", self.label(), sanitise(&self.config.field)),
            // Whether the item may be edited shows only in an edit.
            result: found
                .and_then(|item| self.site(&item))
                .map(|_| String::new()),
        }]
    }

    fn sites(&self, pass: Pass) -> Result<Vec<Site>, Fault> {
        let synced = self.vault.synced.of(pass);
        let found = synced.get("", || self.vault.bw.sync());
        let found = found.and_then(|()| self.find());
        let site = found.and_then(|item| self.site(&item));
        Ok(vec![site.map_err(|fault| fault.at(self.label()))?])
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let Some(id) = self.place(site) else {
            return Effect::NotDone(Fault::refused("this is not the place of this target"));
        };
        let _alone = alone();
        let mut effect = self.edit(id, value);
        for _ in 1..TRIES {
            match &effect {
                // The server had a newer item, and the next try begins with that.
                Ok(Effect::NotDone(fault)) if fault.kind == FaultKind::Passing => {
                    effect = self.edit(id, value);
                }
                _ => break,
            }
        }
        effect.unwrap_or_else(Effect::NotDone)
    }
}

#[cfg(test)]
mod tests;
