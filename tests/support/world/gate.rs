//! The way of one request through the world: logged, spoilt by its fault if it has one, acted on under the lock, answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::agenda::Event;
use super::calendar::{Calendar, Watcher, http_date};
use super::faults::{Act, Fault, Moment, Outcome, RetryAfter};
use super::log::{Entry, Vendor};
use super::message::{Reply, Request};
use super::server::Answer;
use super::state::{State, refuse};

/// Stands for the reply of a vendor that was never asked.
const UNANSWERED: u16 = 0;

/// What all listeners share.
pub(super) struct Core {
    pub(super) calendar: Calendar,
    state: Mutex<State>,
    pub(super) trap_url: String,
    pub(super) trap_hits: Arc<AtomicU64>,
}

impl Watcher for Core {
    fn time_passed(&self) {
        self.state().call_vendors();
    }
}

/// What was decided about a request when it arrived.
struct Arrival {
    n: u64,
    label: String,
    fault: Option<Fault>,
}

impl Core {
    pub(super) fn new(calendar: &Calendar, trap_url: String, trap_hits: Arc<AtomicU64>) -> Self {
        Self {
            calendar: calendar.clone(),
            state: Mutex::new(State::new(calendar.now())),
            trap_url,
            trap_hits,
        }
    }

    /// The state, caught up with the calendar.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(self.calendar.now());
        state
    }

    /// Handles one request to a vendor.
    pub(super) fn handle(&self, vendor: Vendor, request: &Request) -> Answer {
        let latency = self.state().settings.latency;
        thread::sleep(latency);
        let arrival = self.arrive(vendor, request);
        self.run_hooks(&arrival, Moment::Before);
        let act = arrival
            .fault
            .as_ref()
            .map_or(Act::Once, |fault| fault.act.clone());
        let honest = self.act(arrival.n, vendor, request, &act);
        let answer = self.spoil(&arrival, vendor, request, honest);
        self.run_hooks(&arrival, Moment::After);
        if let Some(fault) = &arrival.fault {
            thread::sleep(fault.delay);
        }
        answer
    }

    fn arrive(&self, vendor: Vendor, request: &Request) -> Arrival {
        let mut guard = self.state();
        let state = &mut *guard;
        let takes = state.settings.request_takes;
        self.calendar.nudge(takes);
        state.settle(self.calendar.now());
        let label = state.label(vendor, request);
        let n = state.log.arrive(Entry {
            n: 0,
            at: state.now,
            vendor,
            method: request.method.clone(),
            path: request.path.clone(),
            what: label.clone(),
            status: 0,
            acted: false,
            dropped: false,
        });
        state.note_leaks(n, request);
        let fault = state.faults.take(n, &label);
        Arrival { n, label, fault }
    }

    fn run_hooks(&self, arrival: &Arrival, moment: Moment) {
        let mut lent = self.state().faults.lend(arrival.n, &arrival.label, moment);
        for (_, hook) in &mut lent {
            hook();
        }
        self.state().faults.give_back(lent);
    }

    /// Does what the fault lets happen, then lets every service call its vendor.
    fn act(&self, n: u64, vendor: Vendor, request: &Request, act: &Act) -> Reply {
        let mut state = self.state();
        let reply = match act {
            Act::Never => Reply::empty(UNANSWERED),
            Act::Once => state.act(n, vendor, request),
            Act::Twice => {
                let first = state.act(n, vendor, request);
                state.act(n, vendor, request);
                first
            }
            Act::Late(delay) => {
                let at = state.now + *delay;
                let request = request.clone();
                state
                    .agenda
                    .schedule(at, Event::Late { n, vendor, request });
                Reply::empty(UNANSWERED)
            }
        };
        state.call_vendors();
        state.headed(vendor, request, reply)
    }

    fn spoil(&self, arrival: &Arrival, vendor: Vendor, request: &Request, honest: Reply) -> Answer {
        let mut state = self.state();
        let outcome = arrival
            .fault
            .as_ref()
            .map_or(&Outcome::Honest, |fault| &fault.outcome);
        let status = honest.status;
        let answer = match outcome {
            Outcome::Lost => Answer::HangUp,
            Outcome::Honest | Outcome::CutOff | Outcome::HalfJson | Outcome::Huge
                if status == UNANSWERED =>
            {
                Answer::HangUp
            }
            Outcome::Honest => Answer::Whole(honest),
            Outcome::CutOff => Answer::Half(honest),
            Outcome::HalfJson => {
                let mut half = honest;
                half.body.truncate(half.body.len() / 2);
                Answer::Whole(half)
            }
            Outcome::Huge => {
                let mut huge = honest;
                let body = std::mem::replace(&mut huge.body, vec![b' '; 2 * 1024 * 1024]);
                huge.body.extend(body);
                Answer::Whole(huge)
            }
            other => {
                let made_up = self.made_up(other, vendor, request, &state);
                Answer::Whole(state.headed(vendor, request, made_up))
            }
        };
        let entry = state.log.entry(arrival.n);
        entry.dropped = matches!(answer, Answer::HangUp);
        entry.status = match &answer {
            Answer::Whole(reply) | Answer::Half(reply) => reply.status,
            Answer::HangUp => status,
        };
        answer
    }

    /// Replies that the vendor itself never wrote.
    fn made_up(
        &self,
        outcome: &Outcome,
        vendor: Vendor,
        request: &Request,
        state: &State,
    ) -> Reply {
        match outcome {
            Outcome::TooMany(retry_after) => {
                let reply = refuse(vendor, 429, "rate_limited", "too many requests, slow down");
                match retry_after {
                    RetryAfter::Absent => reply,
                    RetryAfter::Seconds(seconds) => reply.with("Retry-After", seconds.to_string()),
                    RetryAfter::Date(ahead) => {
                        reply.with("Retry-After", http_date(state.now + *ahead))
                    }
                }
            }
            Outcome::Redirect(status) => Reply::empty(*status).with(
                "Location",
                format!("{}{}?{}", self.trap_url, request.path, request.raw_query),
            ),
            Outcome::Hostile(status) => {
                let echo = format!(
                    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}{} {}\u{2066}\r\nerror: all keys are fine\u{9b}31m",
                    request.header("authorization").unwrap_or_default(),
                    String::from_utf8_lossy(&request.body),
                );
                refuse(vendor, *status, &echo, &echo)
            }
            Outcome::Html(status) => Reply::text(
                *status,
                "text/html; charset=utf-8",
                b"<!doctype html><title>Welcome</title><p>Please sign in to the network.".to_vec(),
            ),
            Outcome::Status(status) => {
                refuse(vendor, *status, "simulated", "the simulated vendor refuses")
            }
            Outcome::Honest
            | Outcome::Lost
            | Outcome::CutOff
            | Outcome::HalfJson
            | Outcome::Huge => unreachable!("these keep the vendor's own reply"),
        }
    }

    /// Counts whoever follows a redirect.
    pub(super) fn trap(hits: &AtomicU64) -> Answer {
        hits.fetch_add(1, Ordering::SeqCst);
        Answer::Whole(Reply::empty(200))
    }
}
