//! Stripe: API keys that a person makes, expires and rolls in the dashboard, and webhook endpoints with their secrets.
//!
//! Sources: stripe-node 23.1.0 and stripe-cli (the error of an expired key), docs.stripe.com on idempotent requests and
//! webhooks, November 2026. From third parties: that an expired key is accepted for some minutes
//! (`Settings::expired_key_lag`).

mod keys;
mod routes;
mod webhooks;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::World;
use super::agenda::Event;
use super::message::{Reply, Request};
use super::mint::last4;
use super::settings::Settings;
use super::state::State;

pub(crate) use keys::StripeKey;
pub(super) use routes::ROUTES;
use webhooks::Endpoint;

/// One account, live mode and test mode side by side.
#[derive(Default)]
pub(super) struct Stripe {
    pub(super) keys: Vec<StripeKey>,
    endpoints: Vec<Endpoint>,
    /// First answers by idempotency key: the body that was sent, and what was said to it.
    answered: BTreeMap<String, (Vec<u8>, Reply)>,
}

impl Stripe {
    pub(super) fn find(&self, value: &str) -> Option<&StripeKey> {
        self.keys.iter().find(|key| key.value == value)
    }

    /// One call with a key, by a client or by a running service. Says whether Stripe lets it in.
    pub(super) fn authenticate(
        &self,
        value: &str,
        now: DateTime<Utc>,
        settings: &Settings,
    ) -> Option<&StripeKey> {
        self.find(value).filter(|key| key.accepted(now, settings))
    }

    /// Whether a receiver that accepts these secrets, separated by commas, gets every event at least once.
    pub(super) fn reaches(&self, secrets: &str) -> bool {
        let mut live = self.endpoints.iter().filter(|one| one.is_live());
        live.any(|one| secrets.split(',').any(|secret| secret == one.secret))
    }
}

/// Lets in whoever has a live key.
pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    let Some(value) = request.bearer() else {
        let message = "You did not provide an API key.";
        return Err(refuse(401, "", message));
    };
    let State {
        stripe,
        now,
        settings,
        ..
    } = state;
    match (
        stripe.authenticate(value, *now, settings),
        stripe.find(value),
    ) {
        (Some(_), _) => Ok(()),
        (None, Some(_)) => {
            let message = format!("Expired API Key provided: {}", redacted(value));
            Err(refuse(401, "api_key_expired", &message))
        }
        (None, None) => {
            let message = format!("Invalid API Key provided: {}", redacted(value));
            Err(refuse(401, "", &message))
        }
    }
}

/// An error in Stripe's shape; an empty code is left out, as most of theirs are.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Reply {
    let mut error = json!({"message": message, "type": "invalid_request_error"});
    if !code.is_empty() {
        error["code"] = json!(code);
    }
    Reply::json(status, &json!({"error": error}))
}

/// The start and the end of a key, as Stripe's errors show it.
fn redacted(value: &str) -> String {
    let start: String = value.chars().take(8).collect();
    format!("{start}*********{}", last4(value))
}

/// What a person does in the dashboard.
impl World {
    /// Creates a key: `rk_live_` is a restricted one, `sk_live_` a whole one.
    pub(crate) fn stripe_create(&self, prefix: &str) -> StripeKey {
        let mut state = self.state();
        let key = StripeKey {
            value: state.mint.secret(prefix, 99),
            created_at: state.now,
            expired_at: None,
            reads_balance: true,
        };
        state.stripe.keys.push(key.clone());
        key
    }

    /// Expires a key at once.
    pub(crate) fn stripe_expire(&self, value: &str) {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = state.now;
        let found = state.stripe.keys.iter_mut().find(|key| key.value == value);
        let key = found.expect("a key of this world");
        key.expired_at.get_or_insert(now);
        let end = now + state.settings.expired_key_lag;
        state.agenda.schedule(end, Event::Look);
    }

    /// Takes the right to read the balance away from a restricted key.
    pub(crate) fn stripe_narrow(&self, value: &str) {
        let mut state = self.state();
        let found = state.stripe.keys.iter_mut().find(|key| key.value == value);
        found.expect("a key of this world").reads_balance = false;
    }

    /// The values of the keys that are not expired, oldest first.
    pub(crate) fn stripe_live(&self) -> Vec<String> {
        let state = self.state();
        let keys = state.stripe.keys.iter().filter(|key| !key.dead(state.now));
        keys.map(|key| key.value.clone()).collect()
    }

    /// Makes a webhook endpoint, and gives its secret.
    pub(crate) fn stripe_endpoint(&self, url: &str) -> String {
        let mut guard = self.state();
        let state = &mut *guard;
        let endpoint = Endpoint::new(state, url);
        let secret = endpoint.secret.clone();
        state.stripe.endpoints.push(endpoint);
        secret
    }

    /// The ids and the secrets of the endpoints that are there.
    pub(crate) fn stripe_endpoints(&self) -> Vec<(String, String)> {
        let state = self.state();
        let live = state.stripe.endpoints.iter().filter(|one| one.is_live());
        live.map(|one| (one.id.clone(), one.secret.clone()))
            .collect()
    }
}
