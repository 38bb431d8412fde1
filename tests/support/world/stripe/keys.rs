//! API keys, and the balance, which is the cheapest call that proves one.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::message::{Reply, Request};
use super::super::settings::Settings;
use super::super::state::State;
use super::refuse;

/// An API key, kept for ever, so that its life can be looked at afterwards.
#[derive(Clone, Debug)]
pub(crate) struct StripeKey {
    pub(crate) value: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expired_at: Option<DateTime<Utc>>,
    /// What a restricted key may do besides being known.
    pub(crate) reads_balance: bool,
}

impl StripeKey {
    /// Expired, whatever the caches still accept.
    pub(crate) fn dead(&self, now: DateTime<Utc>) -> bool {
        self.expired_at.is_some_and(|end| end <= now)
    }

    pub(super) fn accepted(&self, now: DateTime<Utc>, settings: &Settings) -> bool {
        self.expired_at
            .is_none_or(|end| now < end + settings.expired_key_lag)
    }
}

pub(super) fn balance(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let value = request.bearer().unwrap_or_default();
    let key = state.stripe.find(value).expect("it was admitted");
    if !key.reads_balance {
        let message = "The provided key does not have the required permissions for this endpoint.";
        return Err(refuse(403, "", message));
    }
    let sum = json!([{"amount": 1_234_500, "currency": "eur"}]);
    let livemode = value.contains("_live_");
    Ok(Reply::json(
        200,
        &json!({"object": "balance", "available": sum, "livemode": livemode, "pending": []}),
    ))
}
