//! Signing secrets of a webhook endpoint at Stripe: fully automatic, by a second endpoint that overlaps.
//!
//! ```yaml
//! accounts:
//!   stripe: { api_key: { env: ROTAKEY_STRIPE_KEY } }      # a restricted key that may read and write webhook endpoints
//! secrets:
//!   stripe-webhook:
//!     every: 90d
//!     grace: 72h
//!     issuer: { kind: stripe-webhook, url: "https://shop.example.com/hooks/stripe" }
//!     targets:
//!       - { kind: dotenv, path: /srv/shop/.env, variable: STRIPE_WEBHOOK_SECRETS, value: "{value},{previous}" }
//! ```
//!
//! The key of the account decides the mode, live or test. The first secret is taken over with `rotakey adopt`.
//!
//! **Why a second endpoint.** No version of Stripe's API rolls the signing secret of an endpoint. A second endpoint with
//! the same address gets every event as well, signed with a secret of its own, and the first one is deleted after the
//! grace. The new one takes over the events, the API version, the description, the metadata and whether it serves
//! connected accounts from the one before. Only an address with exactly one endpoint is taken over.
//!
//! **What the receiver must do.** While both endpoints are there, each event comes twice, once under either secret. So
//! the receiver accepts either secret and passes over an event it has seen (by the event's `id`, as Stripe's docs ask
//! for anyway). A version therefore has two fields: `value`, and `previous`, the one before, or the same as `value`
//! where there was none. What the new endpoint sends before the receiver knows its secret is refused there and sent
//! again by Stripe, for up to three days in live mode; the old endpoint delivers the same events all the while.
//!
//! **Issue.** Sent once, under an idempotency key; the tag stands in `metadata[rotakey]`, by which an endpoint whose
//! answer was lost is found and deleted. The secret is shown once.
//!
//! **Verify.** The endpoint is read: enabled is working, not there is refused, disabled is neither. Stripe cannot be
//! asked to check a secret, so that its own words are all there is.
//!
//! Sources: Stripe's OpenAPI description, stripe-node 23.1.0 and its branches (no call that rolls a secret),
//! docs.stripe.com/webhooks; read in November 2026. How many endpoints an account may have is not in the description.

mod endpoints;
mod wire;

use std::sync::Arc;

use serde::Deserialize;

use crate::http::{Api, segment};
use crate::model::{
    Account, AccountShape, Clock, Effect, Fault, FieldName, Fields, Finding, Instant, IssuerKind,
    IssuerStarter, Key, KeyId, SecretValue, Tag, sanitise,
};

use super::{
    Ability, Capabilities, Found, Held, Issuer, Overlap, Request, Seen, ValueBy, Verdict, stripe,
};
use wire::{Endpoint, TAG};

const ALL: &str = "/v1/webhook_endpoints";
const PREVIOUS: &str = "previous";

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "stripe",
    needs: &["api_key"],
    takes: &[],
    settings: &[],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "stripe-webhook",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "Stripe webhook signing secret",
        secret: "stripe-webhook",
        title: "Stripe webhook",
        every: "90d",
        keys: ", url: \"https://shop.example.com/hooks/stripe\"",
        variable: "STRIPE_WEBHOOK_SECRETS",
        value: Some("{value},{previous}"),
        account: Some(
            "stripe: { api_key: { env: ROTAKEY_STRIPE_KEY } }    # a restricted key that may write webhook endpoints",
        ),
        note: "Fully automatic. The receiver takes both secrets, separated by a comma, while the endpoints overlap.",
    },
};

/// The keys of `kind: stripe-webhook`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(Fields::VALUE), FieldName::new(PREVIOUS)]
    }
}

/// The endpoints of one address.
pub(super) struct Webhooks {
    config: Config,
    account: Arc<Account>,
    api: Api,
}

impl Webhooks {
    pub(super) fn new(
        config: Config,
        account: &Arc<Account>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            config,
            account: Arc::clone(account),
            api: stripe::open(account, clock)?,
        })
    }

    fn make(&self, request: &Request<'_>) -> Result<Effect<Key>, Fault> {
        let model = self.model(request.current)?;
        if model.url != self.config.url {
            return Err(Fault::refused(
                "the live webhook endpoint has another address than `url:` says",
            ));
        }
        let tag = request.tag.as_str();
        let pairs = model.like_it(tag);
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let call = self
            .dressed(self.api.post(ALL))?
            .header("idempotency-key", tag);
        let before = request.current.and_then(|key| key.fields.primary());
        Ok(call.form(&pairs).once().read(|reply| {
            let made: wire::Made = reply.parse()?;
            let value = SecretValue::new(made.secret);
            let previous = before.cloned().unwrap_or_else(|| value.clone());
            let fields = [(Fields::VALUE, value), (PREVIOUS, previous)];
            let fields = fields
                .into_iter()
                .map(|(name, value)| (FieldName::new(name), value));
            Ok(Key {
                id: Some(KeyId::new(made.id)),
                ..Key::of(fields.collect())
            })
        }))
    }
}

impl Issuer for Webhooks {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Issuer,
            finds: Ability::Yes,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("stripe webhook {}", sanitise(&self.config.url))
    }

    fn check(&self) -> Vec<Finding> {
        // There is no harmless call that needs the right to write, so that stays unasked.
        vec![Finding {
            what: format!("list endpoints of {}", self.place()),
            result: self.list().and_then(|found| match found.len() {
                0 => Err(Fault::missing("no webhook endpoint has this address")),
                many => Ok(format!("{many} endpoints")),
            }),
        }]
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.make(request).unwrap_or_else(Effect::NotDone)
    }

    fn inventory(&self) -> Result<Option<Vec<Held>>, Fault> {
        let held = |endpoint: Endpoint| Held {
            created_at: endpoint.created_at(),
            name: endpoint.metadata.get(TAG).cloned().unwrap_or_default(),
            last_used: None,
            id: KeyId::new(endpoint.id),
        };
        Ok(Some(self.list()?.into_iter().map(held).collect()))
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let tagged = |endpoint: &Endpoint| {
            endpoint.metadata.get(TAG).map(String::as_str) == Some(tag.as_str())
        };
        let found = self.list()?.into_iter().filter(tagged);
        let found = found.map(|endpoint| Found {
            created_at: endpoint.created_at(),
            key: Key::bare(KeyId::new(endpoint.id)),
        });
        Ok(found.collect())
    }

    /// A secret is not listed, so that only the one endpoint of the address can be it for certain.
    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        let mut all = self.list()?;
        let (Some(endpoint), true) = (all.pop(), all.is_empty()) else {
            return Ok(None);
        };
        let id = KeyId::new(endpoint.id.as_str());
        Ok(Some((id.clone(), key.listed_as(id), endpoint.created_at())))
    }

    fn verify(&self, key: &Key) -> Seen {
        let id = key.id.as_ref().ok_or_else(|| {
            Fault::refused("it is not known which webhook endpoint has this secret")
                .hint("say it: --key-id we_…")
        });
        match id.and_then(|id| self.get(id.as_str())) {
            Ok((endpoint, date)) => Seen {
                verdict: match endpoint {
                    Some(endpoint) if endpoint.is_enabled() => Verdict::Works,
                    Some(_) => Verdict::Unknown(Fault::refused("the webhook endpoint is disabled")),
                    None => Verdict::Refused,
                },
                date,
            },
            Err(fault) => Seen::unknown(fault),
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        let Some(id) = &key.id else {
            return Effect::NotDone(Fault::refused(
                "the id of the webhook endpoint is not known",
            ));
        };
        match self.dressed(self.api.delete(one(id.as_str())).accept(&[404])) {
            Ok(call) => call.repeatable().map(drop),
            Err(fault) => Effect::NotDone(fault),
        }
    }
}

fn one(id: &str) -> String {
    format!("{ALL}/{}", segment(id))
}

#[cfg(test)]
mod tests;
