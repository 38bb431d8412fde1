//! GitHub's REST API, for every kind that talks to it.

use std::sync::Arc;

use crate::http::{Api, Call, Endpoint};
use crate::model::{Account, Clock, Fault};

pub(in crate::issuers) const BASE: &str = "https://api.github.com";
const VERSION: &str = "2022-11-28";
const IN_FLIGHT: usize = 2;

/// The API of the account.
pub(in crate::issuers) fn open(account: &Account, clock: &Arc<dyn Clock>) -> Result<Api, Fault> {
    let endpoint = Endpoint {
        base: account.base_url().unwrap_or(BASE).to_owned(),
        name: "github".to_owned(),
        in_flight: IN_FLIGHT,
    };
    Api::new(endpoint, Arc::clone(clock))
}

/// A call with the headers that GitHub asks for.
pub(in crate::issuers) fn dressed(call: Call) -> Call {
    call.header("accept", "application/vnd.github+json")
        .header("x-github-api-version", VERSION)
}
