//! What one try came to, from the status or from the way it broke.

use std::error::Error;
use std::io;

use serde_json::Value;

use super::reply::Reply;
use crate::model::{Fault, FaultKind, Instant};

/// What a vendor's error code means, in fixed words of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A lowercase fragment: `the team is blocked`.
    pub what: &'static str,
    /// One imperative line.
    pub hint: Option<&'static str>,
    /// What kind of failure it is, where the status alone does not say. Given for a 429, it ends the retries: no wait
    /// within a run cures this one.
    pub kind: Option<FaultKind>,
}

/// Recognises a vendor's error body. Returns fixed words, so nothing of the body can reach a message.
pub type Translate = fn(&Value) -> Option<Known>;

/// What one try came to.
#[derive(Debug)]
pub(super) enum Try {
    /// An answer that the caller takes for success.
    Good(Reply),
    /// A clear no; nothing was changed, and asking again gives the same.
    No(Fault),
    /// Nothing was processed, and asking again may work.
    Later(Fault, Wait),
    /// Nobody can say whether it was processed.
    Unclear(Fault, Wait),
    /// Nobody can say whether it was processed, and asking again gives the same.
    UnclearForGood(Fault),
}

/// Whom a wait concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// This call only.
    Backoff,
    /// Every call of the account: a rate limit.
    Pause,
}

/// Reads the status of a whole answer.
pub(super) fn judge(
    reply: Reply,
    accepted: &[u16],
    translate: Option<Translate>,
    now: Instant,
) -> Try {
    let status = reply.status;
    if accepted.contains(&status) || (200..300).contains(&status) {
        return Try::Good(reply);
    }
    let known = translate.and_then(|translate| translate(&reply.json().ok()?));
    let mut fault = describe(status, known.as_ref());
    // A vendor's own word beats the status: no wait within a run cures it.
    let settled = known.is_some_and(|known| known.kind.is_some());
    let limited = !settled && (status == 429 || (status == 403 && reply.says_limit_is_spent()));
    if limited || status == 503 {
        fault.retry_after = reply.retry_after(now);
    }
    if limited {
        fault.kind = FaultKind::Passing;
        if known.is_none() {
            fault.what = format!("rate limited (HTTP {status})");
        }
    }
    match status {
        301 | 307 | 308 => Try::No(fault),
        100..400 => Try::UnclearForGood(fault),
        400..500 if limited => Try::Later(fault, Wait::Pause),
        400..500 => Try::No(fault),
        503 => Try::Unclear(fault, Wait::Pause),
        _ => Try::Unclear(fault, Wait::Backoff),
    }
}

/// An answer that must be JSON, or nothing at all. A login page of some network in between says nothing about the
/// vendor, whatever its status.
pub(super) fn json(reply: Reply) -> Try {
    match reply.check() {
        Ok(()) => Try::Good(reply),
        Err(fault) => Try::Unclear(fault, Wait::Backoff),
    }
}

fn describe(status: u16, known: Option<&Known>) -> Fault {
    let (kind, what) = match status {
        300..400 => (
            FaultKind::Refused,
            "answered with a redirect, which is never followed",
        ),
        401 | 403 => (FaultKind::Refused, "token refused"),
        402 => (FaultKind::Refused, "payment required"),
        404 => (FaultKind::Missing, "not found"),
        410 => (FaultKind::Missing, "gone"),
        408 => (FaultKind::Passing, "the request came in too slowly"),
        409 => (FaultKind::Passing, "in conflict with another change"),
        425 => (FaultKind::Passing, "too early"),
        429 => (FaultKind::Passing, "rate limited"),
        400..500 => (FaultKind::Refused, "request refused"),
        500..600 => (FaultKind::Passing, "server error"),
        _ => (FaultKind::Passing, "unexpected answer"),
    };
    let (kind, what, hint) = match known {
        Some(known) => (known.kind.unwrap_or(kind), known.what, known.hint),
        None => (kind, what, None),
    };
    let mut fault = Fault::passing(format!("{what} (HTTP {status})"));
    fault.kind = kind;
    fault.hint = hint.map(str::to_owned);
    fault
}

/// Reads why no whole answer came. The error itself is never printed: it holds the address.
pub(super) fn broken(error: &reqwest::Error, name: &str, seconds: i64) -> Try {
    if error.is_builder() {
        return Try::No(Fault::refused("the request cannot be put together"));
    }
    // First of all: a connection that took too long is a timeout too, but nothing was sent.
    if error.is_connect() {
        return unreachable(error, name);
    }
    if error.is_timeout() {
        return Try::Unclear(
            Fault::passing(format!("no answer within {seconds} s")),
            Wait::Backoff,
        );
    }
    broke_off()
}

/// A body of which only a part came.
pub(super) fn cut_off(error: &io::Error, name: &str, seconds: i64) -> Try {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    match inner {
        Some(error) => broken(error, name, seconds),
        None => broke_off(),
    }
}

/// A body that goes on and on. The next one would too.
pub(super) fn too_long(bytes: u64) -> Try {
    Try::UnclearForGood(Fault::passing(format!(
        "the answer is longer than {} KiB",
        bytes / 1024
    )))
}

fn broke_off() -> Try {
    Try::Unclear(
        Fault::passing("the connection broke before the answer was whole"),
        Wait::Backoff,
    )
}

fn unreachable(error: &reqwest::Error, name: &str) -> Try {
    let certificate = causes(error).any(|cause| {
        let tls = cause.downcast_ref::<rustls::Error>();
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    });
    if certificate {
        return Try::No(
            Fault::refused(format!("the certificate of {name} is not accepted"))
                .hint("let SSL_CERT_FILE name the bundle that holds its issuer"),
        );
    }
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let why = match io.map(io::Error::kind) {
        _ if error.is_dns() => "its name is not known",
        _ if error.is_timeout() => "timed out",
        Some(io::ErrorKind::ConnectionRefused) => "connection refused",
        Some(io::ErrorKind::TimedOut) => "timed out",
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => "no route",
        _ => "no connection",
    };
    Try::Later(
        Fault::passing(format!("cannot reach {name}: {why}")),
        Wait::Backoff,
    )
}

/// What the error was made of. An I/O error passes over the error it wraps when asked for its source, so that one is
/// taken out by hand.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
        Some(cause)
    })
}
