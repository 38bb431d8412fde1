//! One call: put together, then sent in one of three ways that differ in what may be repeated.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use reqwest::blocking::Response;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::{Translate, Try, broken, cut_off, json, judge, too_long};
use super::reply::{BODY, Reply};
use super::tries::{End, Nature, Tries};
use super::{Api, HiddenUrl, client, segment};
use crate::model::{Effect, Fault, SecretValue};

/// A call that has not been sent yet.
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    api: Api,
    method: Method,
    path: String,
    exact: Option<HiddenUrl>,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Zeroizing<Vec<u8>>>,
    accepted: &'static [u16],
    translate: Option<Translate>,
    deadline: TimeDelta,
    longest: u64,
    expected: Body,
    fault: Option<Fault>,
    pace: Pace,
}

/// How much of its caller's time a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It is tried again, and waits for a rate limit.
    Patient,
    /// One try, for what may as well be done later.
    Hasty,
}

/// Whether a header may show in debug output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Secret,
    Public,
}

/// What an answer must be made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Json,
    Any,
}

impl Call {
    pub(super) fn new(api: Api, method: Method, path: String) -> Self {
        Self {
            api,
            method,
            path,
            exact: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            accepted: &[],
            translate: None,
            deadline: TimeDelta::seconds(30),
            longest: BODY,
            expected: Body::Json,
            fault: None,
            pace: Pace::Patient,
        }
    }

    pub(super) fn exactly(mut self, url: &HiddenUrl) -> Self {
        self.exact = Some(url.clone());
        self
    }

    /// Adds to the query. Never a secret: addresses end up in the logs of servers and proxies.
    pub fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// Sends the token as `Authorization: Bearer`.
    pub fn bearer(self, token: &SecretValue) -> Self {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.push_header("authorization", &text, Secrecy::Secret)
    }

    /// Sends the token in a header of the vendor's own.
    pub fn secret_header(self, name: &str, value: &SecretValue) -> Self {
        self.push_header(name, value.expose(), Secrecy::Secret)
    }

    /// Sends a header that anyone may see.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.push_header(name, value, Secrecy::Public)
    }

    /// Sends a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.json_as("application/json", body)
    }

    /// Sends a JSON body of a kind of its own, such as `application/merge-patch+json`.
    pub fn json_as(mut self, kind: &str, body: &Value) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(Zeroizing::new(bytes)),
            Err(_) => self.fault = Some(Fault::refused("the request cannot be put together")),
        }
        self.header("content-type", kind)
    }

    /// Sends a body as it is, for a signature over its bytes.
    pub fn bytes(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = Some(Zeroizing::new(body));
        self.header("content-type", kind)
    }

    /// Sends a form, as browsers encode it. Names may hold brackets: `metadata[gen]`.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| format!("{}={}", segment(name), segment(value));
        let pairs: Vec<String> = pairs.iter().map(pair).collect();
        self.body = Some(Zeroizing::new(pairs.join("&").into_bytes()));
        self.header("content-type", "application/x-www-form-urlencoded")
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

    /// Sets how much of the caller's time it may take.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Sets the most bytes of an answer that are read; 1 MiB unless set.
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.longest = bytes;
        self
    }

    /// Takes any body for an answer, not only JSON: some webhooks answer `ok`.
    pub fn any_body(mut self) -> Self {
        self.expected = Body::Any;
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

    fn push_header(mut self, name: &str, value: &str, secrecy: Secrecy) -> Self {
        let name = name.parse::<HeaderName>();
        let value = HeaderValue::from_str(value);
        match (name, value) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(secrecy == Secrecy::Secret);
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
        let exact = self.exact.as_ref().map(|url| url.whole().clone());
        let joined = || self.api.0.address.join(&self.path, &self.query);
        let Some(url) = exact.or_else(joined) else {
            return End::No(Fault::refused(
                "a name holds characters that no path can carry",
            ));
        };
        let mut tries = match self.pace {
            Pace::Patient => Tries::new(nature, &self.path),
            Pace::Hasty => Tries::new(nature, &self.path).hasty(),
        };
        let (lane, clock) = (&self.api.0.lane, &*self.api.0.clock);
        loop {
            let slot = match lane.enter(clock, tries.patience()) {
                Ok(slot) => slot,
                Err(blocked) => return tries.never_sent(blocked),
            };
            let answer = self.attempt(&url);
            drop(slot);
            if let Some(end) = tries.next(answer, lane, clock) {
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
        let body = match read_body(response, self.longest) {
            Ok(Some(body)) => body,
            // A clear no stays a clear no, whatever became of its explanation.
            _ if (300..500).contains(&status) && !self.accepted.contains(&status) => {
                Zeroizing::default()
            }
            Ok(None) => return too_long(self.longest),
            Err(error) => return cut_off(&error, &self.api.0.name, seconds),
        };
        let reply = Reply::new(status, headers, body);
        if let Some(date) = reply.date {
            self.api.0.date.store(date.timestamp(), Ordering::Relaxed);
        }
        match judge(reply, self.accepted, self.translate, self.api.0.clock.now()) {
            Try::Good(reply) if self.expected == Body::Json => json(reply),
            other => other,
        }
    }
}

/// The whole body, or `None` where it is longer than that.
fn read_body(response: Response, longest: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut body = Zeroizing::new(Vec::new());
    let length = response.take(longest + 1).read_to_end(&mut body)?;
    Ok((length as u64 <= longest).then_some(body))
}
