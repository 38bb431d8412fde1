//! The one HTTP client: who may be called, how often, how long, and what an answer means.
//!
//! Every call ends in one of three ways, and that is decided here and nowhere else:
//!
//! | what happened | a read | a change |
//! | --- | --- | --- |
//! | no connection, so nothing was sent | tried again, then passing | tried again, then **not done** |
//! | 429, or 403 with a rate limit spent | waited out, then passing | waited out, then **not done** |
//! | 408, 409, 425 | passing | **not done**, passing |
//! | 404, 410 | missing | **not done**, missing |
//! | any other 4xx | refused | **not done**, refused |
//! | 301, 307, 308: asked to go elsewhere | refused; never followed | **not done**, refused |
//! | other 3xx | refused | **uncertain** |
//! | 5xx; no answer in time; an answer that is cut off, too long or not JSON | tried again, then passing | **uncertain** |
//!
//! A change that may be repeated ([`Call::repeatable`]) is tried again also after an uncertain try; once one try was
//! uncertain, only a success settles it, because the earlier request may still land. A create ([`Call::once`]) is sent
//! again only where nothing can have been processed.
//!
//! Redirects are never followed: clients strip `Authorization` on the way to another host, but send `X-Api-Key` and
//! the body along. Error texts hold a status and fixed words, never a body, a header or an address.

mod address;
mod answer;
mod call;
mod client;
mod hidden;
mod lane;
mod probe;
mod reply;
mod tries;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use reqwest::Method;

use crate::model::{Clock, Fault, Instant};

pub use address::{check_address, segment};
pub use answer::{Known, Translate};
pub use call::{Call, Pace};
pub use hidden::HiddenUrl;
pub use probe::{check_probe, ping, probe};
pub use reply::Reply;

use address::Address;
use lane::Lane;

/// Where an API is and how much it takes.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `https://api.vercel.com`; plain http only on loopback.
    pub base: String,
    /// How messages call the other side: `vercel`.
    pub name: String,
    /// How many requests may be under way at the same time; at least one.
    pub in_flight: usize,
}

/// One account at one vendor. Clones share the limit of requests in flight, and the pause that a vendor asks for.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    address: Address,
    name: String,
    lane: Lane,
    clock: Arc<dyn Clock>,
    sent: AtomicU64,
    /// The other side's clock in its newest answer, in seconds since 1970; 0 before the first.
    date: AtomicI64,
}

impl Api {
    /// Checks the address. Sends nothing and loads nothing: the client behind it is built with the first request of
    /// the process.
    pub fn new(endpoint: Endpoint, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let address = Address::parse(&endpoint.base)
            .map_err(|why| Fault::refused(format!("address of {}: {why}", endpoint.name)))?;
        Ok(Self(Arc::new(Inner {
            address,
            name: endpoint.name,
            lane: Lane::new(endpoint.in_flight),
            clock,
            sent: AtomicU64::new(0),
            date: AtomicI64::new(0),
        })))
    }

    /// The other side's clock, as its newest answer told it.
    pub fn date(&self) -> Option<Instant> {
        match self.0.date.load(Ordering::Relaxed) {
            0 => None,
            seconds => Instant::from_timestamp(seconds, 0),
        }
    }

    /// A read of a path, which starts with `/`. Text that is not ours goes through [`segment`] first.
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    /// A `POST`.
    pub fn post(&self, path: impl Into<String>) -> Call {
        self.call(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(&self, path: impl Into<String>) -> Call {
        self.call(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(&self, path: impl Into<String>) -> Call {
        self.call(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.call(Method::DELETE, path)
    }

    /// A `POST` to an address that is a secret itself. It goes through this account's limit, whatever its host.
    pub fn post_to(&self, url: &HiddenUrl) -> Call {
        self.call(Method::POST, "/").exactly(url)
    }

    /// How many requests were sent so far, tries included.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// The clock that this account waits by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(self.clone(), method, path.into())
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Api({})", self.0.name)
    }
}
