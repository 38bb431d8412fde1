//! What goes wrong at a request, on whatever road it travels.

use chrono::TimeDelta;

use super::mortal::Life;
use super::sandbox::Sandbox;
use super::world::{Fault, Moment, RetryAfter};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    KilledBefore,
    KilledAfter,
    /// Killed while the request is on its way; it lands minutes later.
    KilledLate,
    RequestLost,
    ReplyLost,
    ActsLate,
    ActsTwice,
    Forbidden,
    TooMany,
    TooManySoon,
    TooManyForLong,
    ErrorBefore,
    ErrorAfter,
    Redirect,
    Hostile,
    Huge,
    Html,
    HalfJson,
}

use Trouble::*;

impl Trouble {
    /// The same for a simulated vendor.
    pub(crate) fn fault(self) -> Fault {
        let soon = TimeDelta::minutes(5);
        match self {
            KilledBefore | RequestLost => Fault::request_lost(),
            KilledAfter | ReplyLost => Fault::reply_lost(),
            KilledLate | ActsLate => Fault::acts_late(soon),
            ActsTwice => Fault::acts_twice(),
            Forbidden => Fault::refuse(403),
            TooMany => Fault::too_many(RetryAfter::Absent),
            TooManySoon => Fault::too_many(RetryAfter::Seconds(20)),
            TooManyForLong => Fault::too_many(RetryAfter::Date(TimeDelta::hours(2))),
            ErrorBefore => Fault::refuse(500),
            ErrorAfter => Fault::error_after_acting(500),
            Redirect => Fault::redirect(307),
            Hostile => Fault::hostile(400),
            Huge => Fault::huge(),
            Html => Fault::html(502),
            HalfJson => Fault::half_json(),
        }
    }

    pub(crate) fn kills(self) -> bool {
        matches!(self, KilledBefore | KilledAfter | KilledLate)
    }
}

/// Lets it happen at the n-th request from now on to a simulated vendor.
pub(crate) fn spoil(sandbox: &Sandbox, n: u64, trouble: Trouble, life: &Life) {
    let n = n + sandbox.world.requests().len() as u64;
    sandbox.world.fault(n, trouble.fault());
    if trouble.kills() {
        let life = life.clone();
        sandbox
            .world
            .on_request(n, Moment::Before, move || life.end());
    }
}
