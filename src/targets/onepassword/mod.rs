//! 1Password through a Connect server: one field of one item.
//!
//! ```yaml
//! accounts:
//!   onepassword: { base_url: "https://connect.internal.example.com", token: { env: OP_CONNECT_TOKEN } }
//! targets:
//!   - kind: onepassword
//!     vault: Infra                 # name or id
//!     item: OpenAI                 # title or id
//!     field: credential            # label or id of the field
//!     section: Keys                # only where two fields have the same label
//! ```
//!
//! `base_url` is the address of one's own Connect server, without `/v1`; plain http is for loopback. `field:` is the
//! field of the *item* here: where a version has several fields, `value: "{password}"` picks one of them.
//!
//! Nothing is created: the vault, the item and the field must be there, each exactly once. Only the value of that
//! field is replaced, by its id, with a JSON Patch; other fields, sections, files and tags stay, and 1Password keeps
//! the former value in the history of the item. When the value changed and by whom stands in that history as well;
//! the item gets no note of rotakey's own.
//!
//! **Passkeys.** An item that was rewritten through the API was seen to lose its passkey. An item in which one can be
//! seen is refused; Connect need not show it, so keep API keys in items of their own (category API Credential), not
//! in the login of a person.
//!
//! Readers see the new value when their client has synchronised; nothing is redeployed. Values are readable. There is
//! no way to write only if nobody else has written since: Connect has no condition on the item's version.
//!
//! Sources: 1Password's Connect OpenAPI description 1.8 (1Password/connect), the warning on passkeys in the docs of
//! `op item edit`; read in November 2026.

mod wire;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::{
    Activation, Confirmation, Connections, Pass, Service, Since, Site, Stored, Target, Written,
};
use crate::http::{Api, Call, Endpoint, Reply, segment};
use crate::model::{
    Account as Settings, AccountShape, Effect, Fault, Finding, SecretValue, SiteId, TargetKind,
    sanitise,
};
use wire::{Field, Item, Named, is_id};

/// Connect publishes no limit; it answers from its own copy of the vault.
const IN_FLIGHT: usize = 4;
/// An item may have many fields and small files in it.
const ITEM_BYTES: u64 = 16 << 20;

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "onepassword",
    needs: &["token"],
    takes: &[],
    settings: &[],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "onepassword",
    account: Some(&ACCOUNT),
    address: &["vault", "item", "section?", "field"],
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

/// One field behind one Connect server.
struct OnePassword {
    config: Config,
    settings: Arc<Settings>,
    api: Api,
}

/// What the names of the configuration lead to.
struct Found {
    vault: String,
    item: Item,
    field: Field,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    let base = settings.base_url().ok_or_else(|| {
        Fault::refused(format!("account `{}` has no `base_url`", settings.name()))
            .hint("write the address of your Connect server")
    })?;
    let names = [&config.vault, &config.item];
    if names.into_iter().any(|name| name.contains(['"', '\\'])) {
        return Err(
            Fault::refused("a name with `\"` or `\\` cannot be searched for")
                .hint("write the id of the vault or the item"),
        );
    }
    let endpoint = Endpoint {
        base: base.to_owned(),
        name: settings.name().as_str().to_owned(),
        in_flight: IN_FLIGHT,
    };
    let open = || Api::new(endpoint, Arc::clone(&connections.clock));
    Ok(Arc::new(OnePassword {
        config,
        settings: Arc::clone(settings),
        api: Api::clone(&*connections.to(settings, open)?),
    }))
}

impl OnePassword {
    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.settings.needed("token")?.value()?;
        Ok(call.bearer(token).at_most(ITEM_BYTES))
    }

    fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    /// The id of the one thing in a list that has that name.
    fn one(&self, what: &str, path: String, key: &str, name: &str) -> Result<String, Fault> {
        if is_id(name) {
            return Ok(name.to_owned());
        }
        let said = format!("{what} `{}`", sanitise(name));
        let call = self
            .api
            .get(path)
            .query("filter", format!("{key} eq \"{name}\""));
        let listed: Vec<Named> = self
            .read(call)
            .and_then(|reply| reply.parse())
            .map_err(|fault| fault.at(format!("find {said}")))?;
        let mut fit = listed.into_iter().filter(|one| one.is(name));
        match (fit.next(), fit.next()) {
            (Some(one), None) => Ok(one.id),
            (None, _) => Err(Fault::missing(format!("no {said}"))
                .hint("correct the name, or let the token of the Connect server see the vault")),
            (Some(_), Some(_)) => Err(Fault::refused(format!("there are several: {said}"))
                .hint("write its id instead of its name")),
        }
    }

    fn find(&self) -> Result<Found, Fault> {
        let config = &self.config;
        let vault = self.one("vault", "/v1/vaults".to_owned(), "name", &config.vault)?;
        let items = format!("/v1/vaults/{}/items", segment(&vault));
        let item = self.one("item", items, "title", &config.item)?;
        let item: Item = self.read(self.api.get(path(&vault, &item)))?.parse()?;
        if item.shows_passkey() {
            return Err(
                Fault::refused("the item holds a passkey, which a change could destroy")
                    .hint("keep the key in an item of its own, of the category API Credential"),
            );
        }
        let field = item
            .field(&config.field, config.section.as_deref())?
            .clone();
        Ok(Found { vault, item, field })
    }

    fn site(&self, found: Found) -> Site {
        let Found { vault, item, field } = found;
        let (account, config) = (self.settings.name(), &self.config);
        Site {
            id: SiteId::new(format!(
                "onepassword/{account}/{vault}/{}/{}",
                item.id, field.id
            )),
            label: format!("{} {}", self.label(), sanitise(&config.field)),
            services: Vec::new(),
            // A field that is empty holds the empty text, and can be put back to it.
            stored: Stored::Value(field.value),
        }
    }

    fn store(&self, site: &Site, value: &SecretValue) -> Result<Effect<Reply>, Fault> {
        let (account, mut parts) = (self.settings.name(), site.id.as_str().split('/').skip(1));
        let (Some(at), Some(vault), Some(item), Some(field)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(foreign());
        };
        if at != account.as_str() {
            return Err(foreign());
        }
        // `~` and `/` mean something in a JSON Pointer (RFC 6901).
        let field = field.replace('~', "~0");
        let patch = json!([{
            "op": "replace",
            "path": format!("/fields/{field}/value"),
            "value": value.expose(),
        }]);
        let call = self
            .dressed(self.api.patch(path(vault, item)))?
            .json(&patch);
        Ok(call.repeatable())
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
            result: self.find().map(|found| match found.item.is_login() {
                true => "a login: a passkey in it could be lost".to_owned(),
                false => String::new(),
            }),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let found = self.find().map_err(|fault| fault.at(self.label()))?;
        Ok(vec![self.site(found)])
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let sent = self.store(site, value).unwrap_or_else(Effect::NotDone);
        sent.read(|reply| {
            let item: Item = reply.parse()?;
            let id = site.id.as_str().rsplit('/').next().unwrap_or_default();
            match item.fields.iter().find(|field| field.id == id) {
                Some(field) if field.value == *value => Ok(Written {
                    at: item.updated_at.or(reply.date),
                    marker: None,
                }),
                _ => Err(Fault::passing("does not hold what was just written")),
            }
        })
    }

    fn activate(&self, _service: &Service) -> Effect<Activation> {
        Effect::NotDone(super::nothing_runs_here())
    }

    fn confirm(&self, _service: &Service, _since: Since<'_>) -> Result<Confirmation, Fault> {
        Err(super::nothing_runs_here())
    }
}

fn path(vault: &str, item: &str) -> String {
    format!("/v1/vaults/{}/items/{}", segment(vault), segment(item))
}

fn foreign() -> Fault {
    Fault::refused("this is not a place of 1Password")
}

#[cfg(test)]
mod tests;
