//! A scripted server on loopback and a clock that jumps, for tests of everything that calls an API.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::{Api, Endpoint};
use crate::model::{Clock, Instant};

/// One scripted answer.
pub(crate) enum Answer {
    /// A status and a JSON body.
    Json(u16, Value),
    /// A status, extra header lines, a JSON body.
    With(u16, &'static str, Value),
    /// These bytes as they are.
    Raw(Vec<u8>),
    /// Whatever this makes of the request: a status and a JSON body, or nothing, as with [`Answer::Lost`].
    By(Box<Respond>),
    /// Nothing: the connection is closed after the request was read.
    Lost,
}

/// Makes an answer of a request: a status and a JSON body, or nothing.
pub(crate) type Respond = dyn FnOnce(&Received) -> Option<(u16, Value)> + Send;

/// What was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `GET /v1/x?limit=2`.
    pub(crate) line: String,
    /// The header lines.
    pub(crate) headers: String,
    /// The JSON body, or a text with what is not JSON; null where there is none.
    pub(crate) body: Value,
}

/// Answers the requests it gets with the script, in order.
pub(crate) struct Server {
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(crate) fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        std::thread::spawn(move || {
            for answer in script {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                serve(stream, answer, &log);
            }
        });
        Self { base, received }
    }

    /// Everything received so far, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .expect("no panic while logging")
            .clone()
    }

    /// The request lines received so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().into_iter().map(|one| one.line).collect()
    }

    /// An account at this server.
    pub(crate) fn api(&self, clock: &Arc<JumpingClock>) -> Api {
        let endpoint = Endpoint {
            base: self.base.clone(),
            name: "vendor".to_owned(),
            in_flight: 4,
        };
        Api::new(endpoint, Arc::clone(clock) as Arc<dyn Clock>).expect("loopback is allowed")
    }
}

fn serve(mut stream: TcpStream, answer: Answer, log: &Mutex<Vec<Received>>) {
    let Some(received) = receive(&mut stream) else {
        return;
    };
    let by = match answer {
        Answer::By(make) => {
            make(&received).map_or(Answer::Lost, |(status, body)| Answer::Json(status, body))
        }
        answer => answer,
    };
    log.lock().expect("no panic while logging").push(received);
    let bytes = match by {
        Answer::Json(status, body) => whole(status, "", &body),
        Answer::With(status, headers, body) => whole(status, headers, &body),
        Answer::Raw(bytes) => bytes,
        Answer::Lost | Answer::By(_) => return,
    };
    stream.write_all(&bytes).ok();
}

fn whole(status: u16, headers: &str, body: &Value) -> Vec<u8> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut one).ok()?;
        bytes.push(one[0]);
    }
    let head = String::from_utf8(bytes).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let length = headers
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        headers: headers.to_ascii_lowercase(),
        body: read(&body),
    })
}

fn read(body: &[u8]) -> Value {
    let text = || String::from_utf8_lossy(body).into_owned();
    match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text())),
    }
}

/// A clock on which waiting takes no time, and that remembers its waits.
pub(crate) struct JumpingClock(Mutex<(Instant, Vec<TimeDelta>, Option<usize>)>);

impl JumpingClock {
    /// Starts at 2026-03-01 12:00.
    pub(crate) fn new() -> Arc<Self> {
        let start = DateTime::from_timestamp(1_772_366_400, 0).expect("a valid time");
        Arc::new(Self(Mutex::new((start, Vec::new(), None))))
    }

    /// Asks the run to stop once so many waits have begun.
    pub(crate) fn stop_after_waits(&self, waits: usize) {
        self.0.lock().expect("no panic while waiting").2 = Some(waits);
    }

    /// All waits so far.
    pub(crate) fn waits(&self) -> Vec<TimeDelta> {
        self.0.lock().expect("no panic while waiting").1.clone()
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Instant {
        self.0.lock().expect("no panic while waiting").0
    }

    fn wait(&self, span: TimeDelta) {
        let mut inner = self.0.lock().expect("no panic while waiting");
        inner.0 += span;
        inner.1.push(span);
    }

    fn stopping(&self) -> bool {
        let inner = self.0.lock().expect("no panic while waiting");
        inner.2.is_some_and(|waits| inner.1.len() >= waits)
    }
}
