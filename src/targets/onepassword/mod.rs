//! 1Password: one field of one item, through a Connect server or the `op` command.
//!
//! ```yaml
//! accounts:
//!   onepassword: { base_url: "https://connect.internal.example.com", token: { env: OP_CONNECT_TOKEN } }
//! ```
//! or
//! ```yaml
//! accounts:
//!   onepassword: { command: op }                           # as the user who runs rotakey is signed in
//!   onepassword: { command: op, service_account_token: { file: /etc/rotakey/op-token } }
//! ```
//! and in either case
//! ```yaml
//! targets:
//!   - kind: onepassword
//!     vault: Infra                 # name or id
//!     item: OpenAI                 # title or id
//!     field: credential            # label or id of the field
//!     section: Keys                # only where two fields have the same label
//! ```
//!
//! `field:` is the field of the *item* here: where a version has several fields, `value: "{password}"` picks one of
//! them. What is special to a way stands in `connect` and `op`.
//!
//! Nothing is created: the vault, the item and the field must be there, each exactly once. Other fields, sections and
//! tags stay as they are, and 1Password keeps the former value in the history of the item.
//!
//! **Passkeys.** An item that was rewritten through the API was seen to lose its passkey. An item in which one can be
//! seen is refused; neither way need show it, so keep API keys in items of their own (category API Credential), not in
//! the login of a person.
//!
//! Readers see the new value when their client has synchronised; nothing is redeployed. Values are readable. There is
//! no way to write only if nobody else has written since: neither way has a condition on the item's version.
//!
//! Sources: 1Password's Connect OpenAPI description 1.8 (1Password/connect); `op item edit --help` and
//! developer.1password.com/docs/cli; read in November 2026. Neither a Connect server nor `op` could be run for a test
//! here.

mod connect;
mod op;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Connections, Pass, Site, Stored, Target, Written};
use crate::model::{
    Account as Settings, AccountShape, Effect, Fault, Finding, SecretValue, SiteId, TargetKind,
    TargetStarter, sanitise,
};
use wire::{Field, Item};

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "onepassword",
    needs: &[],
    takes: &["token", "service_account_token"],
    settings: &["command"],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "onepassword",
    account: Some(&ACCOUNT),
    address: &["vault", "item", "section?", "field"],
    starter: TargetStarter {
        about: "an item in 1Password",
        keys: ", vault: Infra, item: TITLE, field: credential",
        account: Some(
            "onepassword: { base_url: \"https://connect.internal.example.com\", token: { env: OP_CONNECT_TOKEN } }",
        ),
    },
};

/// The keys of `kind: onepassword`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    vault: String,
    item: String,
    field: String,
    section: Option<String>,
}

/// The way to the items.
trait Way: Send + Sync {
    /// The vault of the configuration by its id, and the item.
    fn find(&self, config: &Config) -> Result<(String, Item), Fault>;

    /// Puts the value into the field and looks at what it holds then.
    fn store(&self, place: &Place<'_>, value: &SecretValue) -> Effect<Written>;
}

/// One field, by ids.
struct Place<'a> {
    vault: &'a str,
    item: &'a str,
    field: &'a str,
}

/// One field of one item.
struct OnePassword {
    config: Config,
    settings: Arc<Settings>,
    way: Box<dyn Way>,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    Ok(Arc::new(OnePassword {
        way: way(&config, settings, connections)?,
        config,
        settings: Arc::clone(settings),
    }))
}

fn way(
    config: &Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Box<dyn Way>, Fault> {
    let account = settings.name();
    let odd = |what: &str| Fault::refused(format!("account `{account}` {what}"));
    match (settings.base_url(), settings.setting("command")) {
        (Some(_), Some(_)) => Err(odd("has both a `base_url` and a `command`")
            .hint("keep `base_url` for a Connect server, or `command` for `op`")),
        (None, None) => Err(odd("has no `base_url`").hint(
            "write the address of your Connect server, or `command: op` to go through the `op` command",
        )),
        (Some(base), None) => {
            if settings.credential("service_account_token").is_some() {
                return Err(odd("has a `service_account_token`, which a Connect server does not take"));
            }
            settings.needed("token").map_err(|fault| {
                fault.hint("write the token of the Connect server: `token: { env: OP_CONNECT_TOKEN }`")
            })?;
            Ok(Box::new(connect::open(config, base, settings, connections)?))
        }
        (None, Some(command)) => {
            if settings.credential("token").is_some() {
                return Err(odd("has a `token`, which `op` does not take")
                    .hint("write `service_account_token`, or nothing to use `op` as it is signed in"));
            }
            Ok(Box::new(op::Op {
                command: command.to_owned(),
                settings: Arc::clone(settings),
                clock: Arc::clone(&connections.clock),
                run: connections.run.clone(),
                patience: Duration::from_secs(60),
            }))
        }
    }
}

impl OnePassword {
    /// What the names of the configuration lead to.
    fn find(&self) -> Result<(String, Item, Field), Fault> {
        let config = &self.config;
        let (vault, item) = self.way.find(config)?;
        item.refuse_passkey()?;
        let field = item.field(&config.field, config.section.as_deref())?;
        let field = field.clone();
        Ok((vault, item, field))
    }

    fn site(&self, vault: &str, item: &Item, field: Field) -> Site {
        let account = self.settings.name();
        Site {
            id: SiteId::new(format!(
                "onepassword/{account}/{vault}/{}/{}",
                item.id, field.id
            )),
            label: format!("{} {}", self.label(), sanitise(&self.config.field)),
            services: Vec::new(),
            // A field that is empty holds the empty text, and can be put back to it.
            stored: Stored::Value(field.value),
        }
    }

    fn place<'a>(&self, site: &'a Site) -> Option<Place<'a>> {
        let mut parts = site.id.as_str().split('/').skip(1);
        if parts.next()? != self.settings.name().as_str() {
            return None;
        }
        Some(Place {
            vault: parts.next()?,
            item: parts.next()?,
            field: parts.next()?,
        })
    }
}

impl Target for OnePassword {
    fn label(&self) -> String {
        let config = &self.config;
        format!(
            "onepassword/{}/{}",
            sanitise(&config.vault),
            sanitise(&config.item)
        )
    }

    fn spoken(&self) -> String {
        "1Password".to_owned()
    }

    fn check(&self) -> Vec<Finding> {
        vec![Finding {
            what: format!("{}: read {}", self.label(), sanitise(&self.config.field)),
            // Whether the token may write shows only in a write.
            result: self.find().map(|(_, item, _)| match item.is_login() {
                true => "a login: a passkey in it could be lost".to_owned(),
                false => String::new(),
            }),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let (vault, item, field) = self.find().map_err(|fault| fault.at(self.label()))?;
        Ok(vec![self.site(&vault, &item, field)])
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        match self.place(site) {
            Some(place) => self.way.store(&place, value),
            None => Effect::NotDone(Fault::refused("this is not a place of 1Password")),
        }
    }
}

#[cfg(test)]
mod tests;
