//! Keys that Stripe makes and expires by `/v2/iam/api_keys`, which is in **private preview**.
//!
//! ```yaml
//! accounts:
//!   stripe: { api_key: { env: ROTAKEY_STRIPE_KEY } }      # and `context: acct_…` where the key acts for another account
//! secrets:
//!   stripe:
//!     every: 60d
//!     issuer:
//!       kind: stripe
//!       api: preview
//!       mode: live                                 # or test; the key of the account must be of the same mode
//!       permissions: [charge_read, customer_write] # unless said, those of the live key
//!       connect_permissions: []                    # unless said, those of the live key
//!       api_version: 2026-10-14.preview            # unless said, this one
//! ```
//!
//! **Who may.** Stripe lets in accounts that it has chosen; the docs speak of approved Stripe Apps that make keys for
//! those who install them. Whether an ordinary account may call it on itself is not published. Without the right, Stripe
//! answers 403, nothing is made, and taking `api: preview` away gives the way back to a person and the dashboard.
//!
//! **Issue.** `POST` once, under an idempotency key; the tag is the name of the key, by which one whose answer was lost
//! is found and expired. The secret comes back once: in live mode sealed for an RSA key that is made for the call (see
//! `jwe`), in test mode as it is. A key that cannot be unsealed, or is of the other mode, is expired at once. What is
//! made is a restricted key (`rk_`), with the permissions of the live one: `type: secret` is refused, and so is an
//! empty list of permissions, which Stripe passes over.
//!
//! **Overlap: many.** The old key works until it is expired. Stripe's own `rotate` call is not used: it ends the old key
//! by a clock of its own, which knows nothing of the services that still use it, and was measured by others to end it at
//! once.
//!
//! **Revoke.** `POST …/expire`; others saw a key live on for some seconds to minutes, so that the old key is called with
//! until it is refused. No end can be set on a key that exists, so that there is no dead-man's switch. `last_used` tells
//! whether somebody still uses the old key.
//!
//! Sources: stripe-python 16.1.0a4 and the private-preview branch of stripe-node; Infisical's published measurements in a
//! test-mode sandbox of September 2026. Live mode was seen by nobody who wrote of it, and not by us: that the sealed
//! answer looks as it does here is what the SDK's types and one other client say.

mod make;

use std::sync::Arc;

use serde_json::{Value, json};

use super::prefix::{self, Type, of_this_account};
use super::wire::{Listed, Page};
use super::{Config, dashboard, look};
use crate::http::{Api, Call, Known, segment};
use crate::issuers::{
    Ability, Capabilities, Found, Issuer, Overlap, Request, Seen, ValueBy, pages, shown,
};
use crate::model::{Account, Effect, Fault, FaultKind, Finding, Instant, Key, KeyId, Tag, when};

const ALL: &str = "/v2/iam/api_keys";
const VERSION: &str = "2026-10-14.preview";

/// The keys of one account in one mode.
pub(super) struct Managed {
    config: Config,
    account: Arc<Account>,
    api: Api,
}

impl Managed {
    pub(super) fn new(config: Config, account: &Arc<Account>, api: Api) -> Result<Self, Fault> {
        account.needed("api_key").map_err(|fault| {
            fault.hint("write `api_key: { env: ROTAKEY_STRIPE_KEY }` in the account")
        })?;
        if config.kind == Some(Type::Secret) {
            return Err(
                Fault::refused("the preview makes restricted keys only").hint(
                    "say `type: restricted`, or let a person make the key: without `api: preview`",
                ),
            );
        }
        if config.permissions.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                Fault::refused("an empty list of `permissions` changes nothing at Stripe")
                    .hint("name the permissions, or remove the key to take those of the live one"),
            );
        }
        let version = config.api_version.as_deref().unwrap_or(VERSION);
        if !version.ends_with(".preview") {
            return Err(Fault::refused("`api_version` ends in `.preview` here"));
        }
        Ok(Self {
            config,
            account: Arc::clone(account),
            api,
        })
    }

    /// A call in the name of the account, whose key must be of the mode of the secret.
    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let key = self.account.needed("api_key")?.value()?;
        let mode = self.config.mode;
        if prefix::mode(key.expose()).is_some_and(|found| found != mode) {
            return Err(Fault::refused(format!(
                "the key of the account is not of {mode} mode, which the secret is of"
            ))
            .hint("give the account a key of that mode, or correct `mode:`"));
        }
        let version = self.config.api_version.as_deref().unwrap_or(VERSION);
        let call = call
            .bearer(key)
            .header("stripe-version", version)
            .codes(known);
        Ok(match self.account.setting("context") {
            Some(context) => call.header("stripe-context", context),
            None => call,
        })
    }

    fn list(&self) -> Result<Vec<Listed>, Fault> {
        pages::all("keys", |mark: Option<String>| {
            let mut call = self.api.get(ALL).query("limit", "100");
            if let Some(page) = mark {
                call = call.query("page", page);
            }
            let page: Page = self.dressed(call)?.read().map_err(explained)?.parse()?;
            let next = page.next();
            Ok((page.data, next))
        })
    }

    fn one(&self, id: &KeyId) -> Result<Listed, Fault> {
        let reply = self.dressed(self.api.get(path(id.as_str(), "")))?.read();
        reply.map_err(explained)?.parse()
    }

    fn kill(&self, id: &str) -> Result<Effect<()>, Fault> {
        let call = self.dressed(self.api.post(path(id, "/expire")))?;
        match call.json(&json!({})).repeatable() {
            // It may have been expired before; only Stripe's own list says so.
            Effect::NotDone(fault) if fault.kind != FaultKind::Passing => {
                let alive = |key: &Listed| key.id == id && key.is_active();
                Ok(match self.list()?.iter().any(alive) {
                    true => Effect::NotDone(explained(fault)),
                    false => Effect::Done(()),
                })
            }
            other => Ok(other.map(drop)),
        }
    }

    /// The one listed key that can be this one.
    fn listed(&self, key: &Key) -> Result<Option<Listed>, Fault> {
        let value = key.value()?;
        let same = |listed: &Listed| match listed.token() {
            Some(token) => token == value,
            None => shown::may_be(listed.redacted(), value.expose()),
        };
        let mut fit = self.list()?.into_iter().filter(same);
        Ok(match (fit.next(), fit.next()) {
            (Some(listed), None) => Some(listed),
            _ => None,
        })
    }
}

impl Issuer for Managed {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Issuer,
            finds: Ability::Yes,
            expires: Ability::No,
            reports_use: Ability::Yes,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("stripe {} mode", self.config.mode)
    }

    fn check(&self) -> Vec<Finding> {
        // There is no harmless call that needs the right to make a key, so that stays unasked.
        vec![Finding {
            what: format!("list keys of {}", self.place()),
            result: self
                .list()
                .map(|keys| when::counted(keys.len() as i64, "key")),
        }]
    }

    fn take(&self, supplied: Key, _current: Option<&Key>) -> Result<Key, Fault> {
        of_this_account(
            supplied.value()?.expose(),
            self.config.mode,
            self.config.kind,
        )?;
        Ok(supplied)
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.make(request).unwrap_or_else(Effect::NotDone)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let tagged = |key: &Listed| key.is_active() && key.name.as_deref() == Some(tag.as_str());
        let found = self.list()?.into_iter().filter(tagged);
        let found = found.map(|listed| Found {
            created_at: listed.created,
            key: Key::bare(KeyId::new(listed.id)),
        });
        Ok(found.collect())
    }

    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        Ok(self.listed(key)?.map(|listed| {
            let id = KeyId::new(listed.id);
            (id.clone(), key.listed_as(id), listed.created)
        }))
    }

    fn verify(&self, key: &Key) -> Seen {
        look(&self.api, key)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        match key.known_id() {
            Ok(id) => self.kill(id.as_str()).unwrap_or_else(Effect::NotDone),
            Err(fault) => Effect::NotDone(fault.hint(format!(
                "expire it at {}; rotakey sees when it is refused",
                dashboard(self.config.mode)
            ))),
        }
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        Ok(self.one(key.known_id()?)?.last_used)
    }
}

fn path(id: &str, verb: &str) -> String {
    format!("{ALL}/{}{verb}", segment(id))
}

/// What an error means that Stripe has a word for. Nothing of the body is shown: it may repeat a part of a key.
fn known(body: &Value) -> Option<Known> {
    let code = body["error"]["code"].as_str()?;
    matches!(code, "feature_not_enabled" | "merchant_not_gated").then_some(Known {
        what: "this account is not in Stripe's private preview of managed keys",
        hint: Some(OUTSIDE),
        kind: None,
    })
}

const OUTSIDE: &str = "ask Stripe for access, or remove `api: preview`: then a person makes the key, and rotakey does the rest";

/// A refusal that says no more than its status is, most of all, that of an account outside the preview.
fn explained(fault: Fault) -> Fault {
    match fault.hint.is_none() && fault.kind != FaultKind::Passing {
        true => fault.hint(format!(
            "if this account is not in the private preview, {OUTSIDE}"
        )),
        false => fault,
    }
}

#[cfg(test)]
mod tests;
