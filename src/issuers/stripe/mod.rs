//! Stripe: secret and restricted API keys. A person makes and expires them, and rotakey does the rest; or, in Stripe's
//! private preview, rotakey does all of it.
//!
//! ```yaml
//! accounts:
//!   stripe: {}                      # may be left out; it holds no credential, only a `base_url` where there is one
//! secrets:
//!   stripe:
//!     every: 60d
//!     issuer:
//!       kind: stripe
//!       mode: live                  # or test; a key of the other mode is refused
//!       type: restricted            # or secret; unless said, the type of the live key
//! ```
//!
//! With `api: preview` under `issuer:` everything is different: see `managed`. Without it:
//!
//! **Why a person.** Stripe has no call that makes a key of one's own account: `/v2/iam/api_keys` exists in the private
//! preview alone, and is not in the general release (API version 2026-10-28) or the public preview. Keys are made,
//! shown once and expired in the dashboard, behind a second factor.
//!
//! **What is looked at before a key is recorded.** The prefix says what a key is: `sk_live_` and `rk_live_` work on
//! real money, `sk_test_` and `rk_test_` do not, `pk_` is public and no secret at all, `whsec_` signs webhooks. A key
//! of the other mode, or of the other type than the live one, is refused: a full key in place of a restricted one
//! would hand every service more than it had.
//!
//! **Overlap: many.** The old key works until it is expired. Let the dashboard *create* a key; its "rotate" ends the
//! old one by a clock of its own, which knows nothing of the services that still use it.
//!
//! **Verify.** `GET /v1/balance` with the key: 200 works; 403 is a restricted key that may not read the balance, and
//! genuine; 401 refused.
//!
//! **Revoke.** After the grace, when no site holds the old key and no service runs it, a person is asked to expire it.
//! Every later run looks once more, and the rotation is closed by the run that finds the old key refused. Stripe was
//! seen to accept an expired key for some minutes.
//!
//! Sources: stripe-node 23.1.0, stripe-python 16.1.0, 16.1.0b1 and 16.1.0a4, docs.stripe.com/keys, the error of an
//! expired key in the tests of stripe-cli; read in November 2026.

mod assisted;
mod jwe;
mod managed;
mod prefix;
mod wire;

use std::sync::Arc;

use serde::Deserialize;

use crate::http::{Api, Endpoint, Reply};
use crate::model::{
    Account, AccountShape, Clock, Fault, FieldName, Fields, IssuerKind, IssuerStarter, Key,
};

use super::{Issuer, Seen, Verdict};
use prefix::{Mode, Type};

const BASE: &str = "https://api.stripe.com";
/// A run makes a handful of calls at most.
const IN_FLIGHT: usize = 2;

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "stripe",
    needs: &[],
    takes: &["api_key"],
    settings: &["context"],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "stripe",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "Stripe secret key (a person makes it, rotakey does the rest)",
        secret: "stripe",
        title: "Stripe API",
        every: "60d",
        keys: ", mode: live",
        variable: "STRIPE_SECRET_KEY",
        value: None,
        account: None,
        note: "Stripe has no call that makes a key: `rotakey rotate stripe` takes it at a hidden prompt and does the rest.",
    },
};

/// The keys of `kind: stripe`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    mode: Mode,
    #[serde(rename = "type")]
    kind: Option<Type>,
    api: Option<Preview>,
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
    api_version: Option<String>,
}

/// The one API by which Stripe makes keys.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preview {
    Preview,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(Fields::VALUE)]
    }
}

/// Opens the issuer.
pub(super) fn build(
    config: Config,
    account: &Arc<Account>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Issuer>, Fault> {
    let api = open(account, clock)?;
    Ok(match config.api {
        Some(Preview::Preview) => Arc::new(managed::Managed::new(config, account, api)?),
        None => Arc::new(assisted::Assisted::new(config, api)?),
    })
}

/// The API of the account, for every kind that talks to Stripe.
pub(super) fn open(account: &Account, clock: &Arc<dyn Clock>) -> Result<Api, Fault> {
    let endpoint = Endpoint {
        base: account.base_url().unwrap_or(BASE).to_owned(),
        name: "stripe".to_owned(),
        in_flight: IN_FLIGHT,
    };
    Api::new(endpoint, Arc::clone(clock))
}

fn dashboard(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "https://dashboard.stripe.com/apikeys",
        Mode::Test => "https://dashboard.stripe.com/test/apikeys",
    }
}

/// Makes one real call with the key.
fn look(api: &Api, key: &Key) -> Seen {
    let call = key
        .value()
        .map(|value| api.get("/v1/balance").bearer(value));
    match call.and_then(|call| call.accept(&[401, 403]).read()) {
        Ok(reply) => Seen {
            verdict: verdict(&reply),
            date: reply.date,
        },
        Err(fault) => Seen::unknown(fault),
    }
}

/// What an answer to a call with a key says of the key. Only Stripe's own words count: a proxy can say 401 as well.
fn verdict(reply: &Reply) -> Verdict {
    let by_stripe = reply.json().is_ok_and(|body| body["error"].is_object());
    match reply.status {
        401 if by_stripe => Verdict::Refused,
        403 if by_stripe => Verdict::Denied,
        status @ (401 | 403) => Verdict::Unknown(Fault::passing(format!(
            "the answer is not one of Stripe's (HTTP {status})"
        ))),
        _ => Verdict::Works,
    }
}

#[cfg(test)]
mod tests;
