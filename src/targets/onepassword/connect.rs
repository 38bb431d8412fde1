//! Through a Connect server of one's own: HTTP, with a token of that server.
//!
//! `base_url` is the address of the server, without `/v1`; plain http is for loopback. Only the value of the field is
//! sent, by its id, with a JSON Patch. When the value changed and by whom stands in the history of the item; it gets no
//! note of rotakey's own, because a patch of the notes would fail where an item has none.

use std::sync::Arc;

use serde_json::json;

use super::wire::{ITEM, Item, Named, VAULT, is_id};
use super::{Config, Place, Way};
use crate::http::{Api, Call, Reply, segment};
use crate::model::{Account, Effect, Fault, SecretValue, sanitise};
use crate::targets::sole::{Advice, sole};
use crate::targets::{Connections, Written};

/// Connect publishes no limit; it answers from its own copy of the vault.
const IN_FLIGHT: usize = 4;
/// An item may have many fields and small files in it.
const ITEM_BYTES: u64 = 16 << 20;

/// One Connect server.
pub(super) struct Connect {
    settings: Arc<Account>,
    api: Api,
}

/// Opens the connection of the account.
pub(super) fn open(
    config: &Config,
    base: &str,
    settings: &Arc<Account>,
    connections: &Connections,
) -> Result<Connect, Fault> {
    let names = [&config.vault, &config.item];
    if names.into_iter().any(|name| name.contains(['"', '\\'])) {
        return Err(
            Fault::refused("a name with `\"` or `\\` cannot be searched for")
                .hint("write the id of the vault or the item"),
        );
    }
    Ok(Connect {
        settings: Arc::clone(settings),
        api: connections.api(settings, base, IN_FLIGHT)?,
    })
}

impl Connect {
    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.settings.needed("token")?.value()?;
        Ok(call.bearer(token).at_most(ITEM_BYTES))
    }

    fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    /// The id of the one thing in a list that has that name.
    fn one(&self, advice: &Advice, path: String, key: &str, name: &str) -> Result<String, Fault> {
        if is_id(name) {
            return Ok(name.to_owned());
        }
        let what = if key == "name" { "vault" } else { "item" };
        let said = format!("{what} `{}`", sanitise(name));
        let call = self
            .api
            .get(path)
            .query("filter", format!("{key} eq \"{name}\""));
        let listed: Vec<Named> = self
            .read(call)
            .and_then(|reply| reply.parse())
            .map_err(|fault| fault.at(format!("find {said}")))?;
        let fit = listed.into_iter().filter(|one| one.is(name));
        sole(fit, &said, advice).map(|one| one.id)
    }

    fn send(&self, place: &Place<'_>, value: &SecretValue) -> Result<Effect<Reply>, Fault> {
        // `~` and `/` mean something in a JSON Pointer (RFC 6901).
        let field = place.field.replace('~', "~0");
        let patch = json!([{
            "op": "replace",
            "path": format!("/fields/{field}/value"),
            "value": value.expose(),
        }]);
        let call = self
            .dressed(self.api.patch(path(place.vault, place.item)))?
            .json(&patch);
        Ok(call.repeatable())
    }
}

impl Way for Connect {
    fn find(&self, config: &Config) -> Result<(String, Item), Fault> {
        let vault = self.one(&VAULT, "/v1/vaults".to_owned(), "name", &config.vault)?;
        let items = format!("/v1/vaults/{}/items", segment(&vault));
        let item = self.one(&ITEM, items, "title", &config.item)?;
        let item = self.read(self.api.get(path(&vault, &item)))?.parse()?;
        Ok((vault, item))
    }

    fn store(&self, place: &Place<'_>, value: &SecretValue) -> Effect<Written> {
        let sent = self.send(place, value).unwrap_or_else(Effect::NotDone);
        sent.read(|reply| {
            let item: Item = reply.parse()?;
            match item.value(place.field) == Some(value) {
                true => Ok(Written {
                    at: item.updated_at.or(reply.date),
                    marker: None,
                }),
                false => Err(Fault::passing("does not hold what was just written")),
            }
        })
    }
}

fn path(vault: &str, item: &str) -> String {
    format!("/v1/vaults/{}/items/{}", segment(vault), segment(item))
}
