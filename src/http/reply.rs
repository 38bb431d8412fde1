//! An answer that came whole: its status, its date, its JSON.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::{Fault, Instant, sanitise};

/// The most bytes of an answer that are read, unless a call says otherwise.
pub(super) const BODY: u64 = 1 << 20;

/// An answer with a status that the caller takes for success. Its body may hold secrets: it is wiped when dropped and
/// never printed.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The other side's clock.
    pub date: Option<Instant>,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

impl Reply {
    pub(super) fn new(status: u16, headers: HeaderMap, body: Zeroizing<Vec<u8>>) -> Self {
        let date = text(&headers, "date").and_then(http_date);
        Self {
            status,
            date,
            headers,
            body,
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Fault> {
        self.parse()
    }

    /// The body as a type of one's own; fields it does not name are passed over.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        if !self.says_json() {
            return Err(Fault::passing("the answer is not JSON"));
        }
        // What serde has to say may quote the body.
        serde_json::from_slice(&self.body)
            .map_err(|_| Fault::passing("the answer cannot be understood"))
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Whether the body is JSON, or nothing at all.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.body.is_empty() {
            true => Ok(()),
            false => self.parse::<IgnoredAny>().map(|_| ()),
        }
    }

    /// Whether there is no body.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// A header, made safe to print.
    pub fn header(&self, name: &str) -> Option<String> {
        text(&self.headers, name).map(sanitise)
    }

    /// The items of a header that is a list with commas, each made safe to print.
    pub fn items(&self, name: &str) -> Vec<String> {
        let list = text(&self.headers, name).unwrap_or_default();
        let items = list.split(',').map(sanitise);
        items.filter(|item| !item.is_empty()).collect()
    }

    /// How long the other side asks us to wait, whichever way it says so.
    pub(super) fn retry_after(&self, now: Instant) -> Option<TimeDelta> {
        let number =
            |name: &str| text(&self.headers, name).and_then(|text| text.trim().parse::<f64>().ok());
        // Its own clock, where it tells: ours may be off by more than the wait.
        let now = self.date.unwrap_or(now);
        if let Some(span) = number("retry-after-ms").and_then(milliseconds) {
            return Some(span);
        }
        if let Some(span) = number("retry-after").and_then(|s| milliseconds(s * 1000.0)) {
            return Some(span);
        }
        if let Some(at) = text(&self.headers, "retry-after").and_then(http_date) {
            return Some((at - now).max(TimeDelta::zero()));
        }
        ["x-ratelimit-reset", "ratelimit-reset"]
            .iter()
            .find_map(|name| number(name).and_then(|reset| until(reset, now)))
    }

    /// Whether a 403 is a rate limit in disguise, as GitHub's are.
    pub(super) fn says_limit_is_spent(&self) -> bool {
        let spent = |name: &str| text(&self.headers, name).is_some_and(|left| left.trim() == "0");
        spent("x-ratelimit-remaining") || self.headers.contains_key("retry-after")
    }

    fn says_json(&self) -> bool {
        let kind = text(&self.headers, "content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
            || kind.to_ascii_lowercase().ends_with("+json")
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Reply(HTTP {}, {} bytes)",
            self.status,
            self.body.len()
        )
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Instant> {
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.with_timezone(&Utc))
}

/// A reset is written as seconds to go, as epoch seconds, or as epoch milliseconds. Nothing resets in 30 years, and
/// nothing did in 1970.
fn until(reset: f64, now: Instant) -> Option<TimeDelta> {
    const EPOCH_SECONDS: f64 = 1e9;
    const EPOCH_MILLISECONDS: f64 = 1e12;
    let now = now.timestamp_millis() as f64;
    let left = match reset {
        _ if reset >= EPOCH_MILLISECONDS => reset - now,
        _ if reset >= EPOCH_SECONDS => reset * 1000.0 - now,
        _ => reset * 1000.0,
    };
    milliseconds(left.max(0.0))
}

fn milliseconds(number: f64) -> Option<TimeDelta> {
    // Hours are as good as for ever here; the bound keeps the conversion exact.
    (number >= 0.0).then(|| TimeDelta::milliseconds(number.min(1e12).ceil() as i64))
}
