//! The tries of one call: what is sent again, how long to wait before, and how the call ends.

use chrono::TimeDelta;

use super::answer::{Try, Wait};
use super::lane::{Blocked, Lane, Patience};
use super::reply::Reply;
use crate::model::{Clock, Effect, Fault};

/// How often a call is tried that meets a failure other than a rate limit.
const TRIES: u32 = 4;

/// How often a rate limit is waited out. The waits themselves are bounded too.
const LIMITS: u32 = 12;

const FIRST_BACKOFF: TimeDelta = TimeDelta::milliseconds(500);

/// What a call does to the other side, which decides what may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// Nothing: sent again whenever that may help.
    Read,
    /// A change that comes to the same however often it is made: sent again whenever that may help.
    Repeatable,
    /// A change that must not be made twice: sent again only where nothing can have been processed.
    Once,
}

/// How a call ended.
pub(super) enum End {
    Good(Reply),
    No(Fault),
    Unclear(Fault),
}

/// The tries of one call so far.
pub(super) struct Tries {
    nature: Nature,
    patience: Patience,
    failures: u32,
    limits: u32,
    most: (u32, u32),
    seed: u64,
    /// The last try of which nobody knows whether it was processed.
    unclear: Option<Fault>,
}

impl Tries {
    pub(super) fn new(nature: Nature, path: &str) -> Self {
        Self {
            nature,
            patience: Patience::default(),
            failures: 0,
            limits: 0,
            most: (TRIES, LIMITS),
            seed: fnv1a(path),
            unclear: None,
        }
    }

    /// Tries once and waits for nothing.
    pub(super) fn hasty(mut self) -> Self {
        self.most = (1, 1);
        self
    }

    pub(super) fn patience(&mut self) -> &mut Patience {
        &mut self.patience
    }

    /// The end of the call, or `None` to try again; the wait in between is over then.
    pub(super) fn next(&mut self, answer: Try, lane: &Lane, clock: &dyn Clock) -> Option<End> {
        let (mut fault, wait, clear) = match answer {
            Try::Good(reply) => return Some(End::Good(reply)),
            Try::No(fault) => return Some(self.end(fault)),
            Try::UnclearForGood(fault) => return Some(End::Unclear(fault)),
            Try::Later(fault, wait) => (fault, wait, true),
            Try::Unclear(fault, wait) => (fault, wait, false),
        };
        let asked = fault.retry_after;
        let span = asked.unwrap_or_else(|| self.backoff());
        if wait == Wait::Pause && (clear || asked.is_some()) {
            lane.pause(clock, span);
        }
        if !clear && self.nature != Nature::Read {
            self.unclear = Some(fault.clone());
        }
        if !clear && self.nature == Nature::Once {
            return Some(self.end(fault));
        }
        match (clear, wait) {
            (true, Wait::Pause) => self.limits += 1,
            _ => self.failures += 1,
        }
        if self.failures >= self.most.0 || self.limits >= self.most.1 {
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

    /// The end of a call that may not start, or not start again.
    pub(super) fn never_sent(&mut self, blocked: Blocked) -> End {
        self.end(held(blocked))
    }

    /// Doubles with every try. Spread by path and try, so that calls that failed together do not come back together,
    /// and the same run waits the same when it is replayed.
    fn backoff(&self) -> TimeDelta {
        let tries = self.failures + self.limits;
        let full = FIRST_BACKOFF * 2_i32.pow(tries.min(5));
        let spread = self.seed.rotate_left(tries * 7) % 1024;
        full / 2 + full / 2 * i32::try_from(spread).unwrap_or(0) / 1024
    }

    fn end(&mut self, fault: Fault) -> End {
        match self.unclear.take() {
            // The earlier request may have been processed, or may still be.
            Some(unclear) => End::Unclear(unclear),
            None => End::No(fault),
        }
    }
}

/// A small hash; nothing depends on it but the spread of waits.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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
