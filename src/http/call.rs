//! One call: put together, then sent in one of three ways that differ in what may be repeated.

use std::io::Read;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::{Translate, Try, Wait, broken, judge};
use super::lane::{Blocked, Patience};
use super::reply::{BODY, Reply};
use super::{Api, client};
use crate::model::{Effect, Fault, SecretValue};

/// How often a call is tried that meets a failure other than a rate limit.
const TRIES: u32 = 4;

/// How often a rate limit is waited out. The waits themselves are bounded too.
const LIMITS: u32 = 12;

const FIRST_BACKOFF: TimeDelta = TimeDelta::milliseconds(500);

/// A call that has not been sent yet.
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    api: Api,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Zeroizing<Vec<u8>>>,
    accepted: &'static [u16],
    translate: Option<Translate>,
    deadline: TimeDelta,
    longest: u64,
    fault: Option<Fault>,
}

/// What a call does to the other side, which decides what may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// Nothing: sent again whenever that may help.
    Read,
    /// A change that comes to the same however often it is made: sent again whenever that may help.
    Repeatable,
    /// A change that must not be made twice: sent again only where nothing can have been processed.
    Once,
}

/// How a call ended.
enum End {
    Good(Reply),
    No(Fault),
    Unclear(Fault),
}

impl Call {
    pub(super) fn new(api: Api, method: Method, path: String) -> Self {
        Self {
            api,
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            accepted: &[],
            translate: None,
            deadline: TimeDelta::seconds(30),
            longest: BODY,
            fault: None,
        }
    }

    /// Adds to the query. Never a secret: addresses end up in the logs of servers and proxies.
    pub fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// Sends the token as `Authorization: Bearer`.
    pub fn bearer(self, token: &SecretValue) -> Self {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.push_header("authorization", &text, true)
    }

    /// Sends the token in a header of the vendor's own.
    pub fn secret_header(self, name: &str, value: &SecretValue) -> Self {
        self.push_header(name, value.expose(), true)
    }

    /// Sends a header that anyone may see.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.push_header(name, value, false)
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(Zeroizing::new(bytes)),
            Err(_) => self.fault = Some(Fault::refused("the request cannot be put together")),
        }
        self.header("content-type", "application/json")
    }

    /// Takes these statuses for an answer instead of a failure.
    pub fn accept(mut self, statuses: &'static [u16]) -> Self {
        self.accepted = statuses;
        self
    }

    /// Says what the vendor's error codes mean.
    pub fn codes(mut self, translate: Translate) -> Self {
        self.translate = Some(translate);
        self
    }

    /// Sets the time for one try, from connecting to the last byte; 30 seconds unless set.
    pub fn timeout(mut self, span: TimeDelta) -> Self {
        self.deadline = span;
        self
    }

    /// Sets the most bytes of an answer that are read; 1 MiB unless set.
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.longest = bytes;
        self
    }

    /// Sends a call that changes nothing, again if that may help.
    pub fn read(self) -> Result<Reply, Fault> {
        match self.send(Nature::Read) {
            End::Good(reply) => Ok(reply),
            End::No(fault) | End::Unclear(fault) => Err(fault),
        }
    }

    /// Sends a change that comes to the same however often it is made, again if that may help.
    pub fn repeatable(self) -> Effect<Reply> {
        self.send(Nature::Repeatable).into()
    }

    /// Sends a change that must not be made twice: again only where nothing can have been processed.
    pub fn once(self) -> Effect<Reply> {
        self.send(Nature::Once).into()
    }

    fn push_header(mut self, name: &str, value: &str, secret: bool) -> Self {
        let name = name.parse::<HeaderName>();
        let value = HeaderValue::from_str(value);
        match (name, value) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(secret);
                self.headers.push((name, value));
            }
            _ => {
                self.fault = Some(
                    Fault::refused("the credential holds a character that no header can carry")
                        .hint("look for a line break at the end of the token"),
                );
            }
        }
        self
    }

    fn send(mut self, nature: Nature) -> End {
        if let Some(fault) = self.fault.take() {
            return End::No(fault);
        }
        let Some(url) = self.api.0.address.join(&self.path, &self.query) else {
            return End::No(Fault::refused(
                "a name holds characters that no path can carry",
            ));
        };
        let mut run = Run {
            patience: Patience::default(),
            tries: 0,
            limits: 0,
            unclear: None,
        };
        loop {
            let slot = match self.api.0.lane.enter(&*self.api.0.clock, &mut run.patience) {
                Ok(slot) => slot,
                Err(blocked) => return run.end(held(blocked)),
            };
            let answer = self.attempt(&url);
            drop(slot);
            if let Some(end) = run.next(&self, answer, nature) {
                return end;
            }
        }
    }

    /// One try, from connecting to the last byte.
    fn attempt(&self, url: &Url) -> Try {
        let client = match client::shared(self.api.0.address.reach()) {
            Ok(client) => client,
            Err(fault) => return Try::No(fault),
        };
        let seconds = self.deadline.num_seconds();
        let mut request = client
            .request(self.method.clone(), url.clone())
            .timeout(self.deadline.to_std().unwrap_or_default());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.to_vec());
        }
        self.api.0.sent.fetch_add(1, Ordering::Relaxed);
        let response = match request.send() {
            Ok(response) => response,
            Err(error) => return broken(&error, &self.api.0.name, seconds),
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = match self.read_body(response, seconds) {
            Ok(body) => body,
            // A clear no stays a clear no, whatever became of its explanation.
            Err(_) if (300..500).contains(&status) && !self.accepted.contains(&status) => {
                Zeroizing::default()
            }
            Err(unclear) => return unclear,
        };
        let reply = Reply::new(status, headers, body);
        judge(reply, self.accepted, self.translate, self.api.0.clock.now())
    }

    fn read_body(
        &self,
        response: reqwest::blocking::Response,
        seconds: i64,
    ) -> Result<Zeroizing<Vec<u8>>, Try> {
        let mut body = Zeroizing::new(Vec::new());
        let read = response.take(self.longest + 1).read_to_end(&mut body);
        match read {
            Ok(length) if length as u64 <= self.longest => Ok(body),
            Ok(_) => Err(Try::UnclearForGood(Fault::passing(format!(
                "the answer is longer than {} KiB",
                self.longest / 1024
            )))),
            Err(error) => Err(
                match error
                    .get_ref()
                    .and_then(|e| e.downcast_ref::<reqwest::Error>())
                {
                    Some(error) => broken(error, &self.api.0.name, seconds),
                    None => Try::Unclear(
                        Fault::passing("the connection broke before the answer was whole"),
                        Wait::Backoff,
                    ),
                },
            ),
        }
    }

    /// How long to wait before the next try. Spread by path and try, so that calls that failed together do not come
    /// back together, and the same run waits the same when it is replayed.
    fn backoff(&self, tries: u32) -> TimeDelta {
        let full = FIRST_BACKOFF * 2_i32.pow(tries.min(5));
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(tries);
        for byte in self.path.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let part = i32::try_from(hash >> 33 & 0x3ff).unwrap_or(0);
        full / 2 + full / 2 * part / 1024
    }
}

/// The tries of one call so far.
struct Run {
    patience: Patience,
    tries: u32,
    limits: u32,
    /// The last try of which nobody knows whether it was processed.
    unclear: Option<Fault>,
}

impl Run {
    /// The end of the call, or `None` to try again; the wait in between is over then.
    fn next(&mut self, call: &Call, answer: Try, nature: Nature) -> Option<End> {
        let (mut fault, wait, clear) = match answer {
            Try::Good(reply) => return Some(End::Good(reply)),
            Try::No(fault) => return Some(self.end(fault)),
            Try::UnclearForGood(fault) => return Some(End::Unclear(fault)),
            Try::Later(fault, wait) => (fault, wait, true),
            Try::Unclear(fault, wait) => (fault, wait, false),
        };
        let clock = &*call.api.0.clock;
        let asked = fault.retry_after;
        let span = asked.unwrap_or_else(|| call.backoff(self.tries + self.limits));
        if wait == Wait::Pause && (clear || asked.is_some()) {
            call.api.0.lane.pause(clock, span);
        }
        if !clear && nature != Nature::Read {
            self.unclear = Some(fault.clone());
        }
        if !clear && nature == Nature::Once {
            return Some(self.end(fault));
        }
        let count = match wait {
            Wait::Pause if clear => &mut self.limits,
            _ => &mut self.tries,
        };
        *count += 1;
        if self.tries >= TRIES || self.limits >= LIMITS {
            return Some(self.end(fault));
        }
        match self.patience.wait(clock, span) {
            Ok(()) => None,
            Err(Blocked::Stopping) => Some(self.end(fault)),
            Err(Blocked::TooLong(span)) => {
                fault.retry_after = Some(span);
                Some(self.end(fault))
            }
        }
    }

    fn end(&mut self, fault: Fault) -> End {
        match self.unclear.take() {
            // The earlier request may have been processed, or may still be.
            Some(unclear) => End::Unclear(unclear),
            None => End::No(fault),
        }
    }
}

/// Why a call was never sent, or not sent again.
fn held(blocked: Blocked) -> Fault {
    match blocked {
        Blocked::Stopping => Fault::passing("stopped while waiting for a rate limit"),
        Blocked::TooLong(span) => {
            let mut fault = Fault::passing("rate limited for longer than one run waits");
            fault.retry_after = Some(span);
            fault
        }
    }
}

impl From<End> for Effect<Reply> {
    fn from(end: End) -> Self {
        match end {
            End::Good(reply) => Effect::Done(reply),
            End::No(fault) => Effect::NotDone(fault),
            End::Unclear(fault) => Effect::Uncertain(fault),
        }
    }
}
