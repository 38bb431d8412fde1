//! HashiCorp Vault and OpenBao: one field of a secret in a KV store, version 2.
//!
//! ```yaml
//! accounts:
//!   vault: { base_url: "https://vault.internal.example.com:8200", token: { env: VAULT_TOKEN }, namespace: team-a }
//! targets:
//!   - kind: vault
//!     mount: secret                # where the KV store is mounted; `secret` unless said
//!     path: web/openai
//!     field: api_key               # the key inside the secret
//!     create: true                 # add the key where the secret has none; the secret itself must be there
//! ```
//!
//! `field:` is the key in the *store* here: where a version has several fields, `value: "{password}"` picks one.
//!
//! **Write.** Every write says which version of the secret it changes (`cas`), so that a change somebody else made
//! since is never overwritten: a stale write is refused and not done. The key alone is changed by `PATCH` where the
//! policy has that capability (Vault 1.9, OpenBao); else the whole secret is read and written back with the new value,
//! under the same `cas`. A number that JSON cannot carry exactly makes the latter refused. Former values stay in the
//! store's own versions (10 unless set), where the time of the change stands as well.
//!
//! The policy needs `read` and `patch`, or `read` and `update`, on `MOUNT/data/PATH`. Readers poll or render on their
//! own; nothing is redeployed, so that the grace must be longer than their interval.
//!
//! Sources: the KV v2 API of HashiCorp Vault (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2), the wording of
//! a refused `cas` in its source; read in November 2026. No server of either could be run for a test here.

mod wire;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Connections, Pass, Site, Stored, Target, Written};
use crate::http::{Api, Call, Known, segment};
use crate::model::{
    Account as Settings, AccountShape, Effect, Fault, FaultKind, Finding, SecretValue, SiteId,
    TargetKind, TargetStarter, sanitise,
};
use wire::{Held, Made, is_exact};

const IN_FLIGHT: usize = 8;

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "vault",
    needs: &["token"],
    takes: &[],
    settings: &["namespace"],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "vault",
    account: Some(&ACCOUNT),
    address: &["mount", "path", "field"],
    starter: TargetStarter {
        about: "a key in HashiCorp Vault or OpenBao",
        keys: ", mount: secret, path: NAME, field: value",
        account: Some(
            "vault: { base_url: \"https://vault.internal.example.com:8200\", token: { env: VAULT_TOKEN } }",
        ),
    },
};

/// The keys of `kind: vault`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "secret")]
    mount: String,
    path: String,
    field: String,
    #[serde(default)]
    create: bool,
}

fn secret() -> String {
    "secret".to_owned()
}

/// One key of one secret.
struct Vault {
    config: Config,
    /// The path of its data.
    data: String,
    settings: Arc<Settings>,
    api: Api,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    let base = settings.base_url().ok_or_else(|| {
        Fault::refused(format!("account `{}` has no `base_url`", settings.name()))
            .hint("write the address of your server, such as https://vault.example.com:8200")
    })?;
    let (Some(mount), Some(path)) = (encoded(&config.mount), encoded(&config.path)) else {
        return Err(
            Fault::refused("`mount` and `path` are words with `/` between them")
                .hint("leave out `data/`, and slashes at the beginning and the end"),
        );
    };
    Ok(Arc::new(Vault {
        data: format!("/v1/{mount}/data/{path}"),
        config,
        settings: Arc::clone(settings),
        api: connections.api(settings, base, IN_FLIGHT)?,
    }))
}

impl Vault {
    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.settings.needed("token")?.value()?;
        let call = call.secret_header("x-vault-token", token).codes(known);
        // Agents and proxies that forward requests on their own are kept from doing so by this header.
        let call = call.header("x-vault-request", "true");
        Ok(match self.settings.setting("namespace") {
            Some(namespace) => call.header("x-vault-namespace", namespace),
            None => call,
        })
    }

    /// The newest version of the secret.
    fn held(&self) -> Result<Held, Fault> {
        let reply = self
            .dressed(self.api.get(&self.data))?
            .accept(&[404])
            .read()?;
        // A version that was deleted comes with its metadata and a 404.
        let held = match reply.status {
            404 => None,
            _ => reply.parse::<wire::Answer<Held>>()?.data,
        };
        held.filter(|held| held.data.is_some()).ok_or_else(|| {
            Fault::missing("the store has no such secret, or its newest version is deleted")
                .hint("write it once by hand, or correct `mount:` and `path:`")
        })
    }

    fn stored(&self, held: &Held) -> Result<Stored, Fault> {
        let field = &self.config.field;
        match held.data.as_ref().and_then(|data| data.get(field)) {
            Some(Value::String(text)) => Ok(Stored::Value(SecretValue::new(text.as_str()))),
            Some(_) => Err(Fault::refused(format!(
                "key `{}` holds no text",
                sanitise(field)
            ))),
            None if self.config.create => Ok(Stored::Absent),
            None => Err(
                Fault::missing(format!("the secret has no key `{}`", sanitise(field)))
                    .hint("add it by hand, or say `create: true`"),
            ),
        }
    }

    /// The key alone, where the policy allows it; `None` where it does not, and nothing was changed.
    fn patch(&self, held: &Held, value: &SecretValue) -> Result<Option<Effect<Made>>, Fault> {
        let mut data = Map::new();
        data.insert(self.config.field.clone(), json!(value.expose()));
        let body = json!({"options": {"cas": held.metadata.version}, "data": data});
        let call = self.dressed(self.api.patch(&self.data))?;
        let call = call.json_as("application/merge-patch+json", &body);
        let effect = call.accept(&[403, 404, 405]).once();
        if let Effect::Done(reply) = &effect
            && matches!(reply.status, 403..=405)
        {
            return Ok(None);
        }
        Ok(Some(effect.read(|reply| made(&reply))))
    }

    /// The whole secret with the new value in it.
    fn post(&self, held: Held, value: &SecretValue) -> Result<Effect<Made>, Fault> {
        let mut data = held.data.unwrap_or_default();
        if !data.values().all(is_exact) {
            return Err(Fault::refused(
                "the secret holds a number that cannot be written back exactly",
            )
            .hint("give the policy the capability `patch`, which leaves the other keys alone"));
        }
        data.insert(self.config.field.clone(), json!(value.expose()));
        let body = json!({"options": {"cas": held.metadata.version}, "data": data});
        let call = self.dressed(self.api.post(&self.data))?.json(&body);
        Ok(call.once().read(|reply| made(&reply)))
    }

    fn store(&self, value: &SecretValue) -> Result<Effect<Written>, Fault> {
        let held = self.held()?;
        if self.stored(&held)? == Stored::Value(value.clone()) {
            return Ok(Effect::Done(Written {
                at: held.metadata.created_time,
                marker: None,
            }));
        }
        let effect = match self.patch(&held, value)? {
            Some(effect) => effect,
            None => self.post(held, value)?,
        };
        Ok(effect.read(|made| {
            let now = self.held()?;
            match self.stored(&now)? == Stored::Value(value.clone()) {
                true => Ok(Written {
                    at: made.created_time,
                    marker: None,
                }),
                false => Err(Fault::passing("does not hold what was just written")),
            }
        }))
    }

    fn site_id(&self) -> SiteId {
        let (account, field) = (self.settings.name(), &self.config.field);
        SiteId::new(format!("vault/{account}{}#{field}", self.data))
    }
}

impl Target for Vault {
    fn label(&self) -> String {
        let config = &self.config;
        format!(
            "vault/{}/{}",
            sanitise(&config.mount),
            sanitise(&config.path)
        )
    }

    fn check(&self) -> Vec<Finding> {
        let stored = self.held().and_then(|held| self.stored(&held));
        vec![Finding {
            what: format!("{}: read {}", self.label(), sanitise(&self.config.field)),
            result: stored.map(|_| String::new()),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let stored = self.held().and_then(|held| self.stored(&held));
        Ok(vec![Site {
            id: self.site_id(),
            label: format!("{} {}", self.label(), sanitise(&self.config.field)),
            services: Vec::new(),
            stored: stored.map_err(|fault| fault.at(self.label()))?,
        }])
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        if site.id != self.site_id() {
            return Effect::NotDone(Fault::refused("this is not the place of this target"));
        }
        self.store(value).unwrap_or_else(Effect::NotDone)
    }
}

fn made(reply: &crate::http::Reply) -> Result<Made, Fault> {
    let answer: wire::Answer<Made> = reply.parse()?;
    answer
        .data
        .ok_or_else(|| Fault::passing("the answer does not say which version was written"))
}

/// A path in which every part is encoded and none is empty.
fn encoded(path: &str) -> Option<String> {
    let parts: Vec<String> = path.split('/').map(segment).collect();
    let whole = parts
        .iter()
        .all(|part| !part.is_empty() && part != "." && part != "..");
    whole.then(|| parts.join("/"))
}

/// What an error means. Nothing of it is shown.
fn known(body: &Value) -> Option<Known> {
    let errors = body["errors"].as_array()?;
    let says = |words: &str| {
        let mut texts = errors.iter().filter_map(Value::as_str);
        texts.any(|text| text.contains(words))
    };
    if says("check-and-set parameter did not match") {
        return Some(Known {
            what: "somebody else changed the secret in the same moment",
            hint: None,
            kind: Some(FaultKind::Passing),
        });
    }
    if says("Vault is sealed") {
        return Some(Known {
            what: "the server is sealed",
            hint: Some("unseal it"),
            kind: None,
        });
    }
    None
}

#[cfg(test)]
mod tests;
