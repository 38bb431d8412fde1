//! The guards: what must hold before something that cannot be taken back.
//!
//! Each is necessary. G1 (a durable tag before every create) is in `begin.rs` and `settle.rs`, G5 (the claim) in the
//! ledger's first commit, G6 (the claim checked again before each effect) in `crew.rs`. G3 and G4 look at the world in
//! `observe.rs`, and `clearance.rs` asks for all of them before a delete. Here are the rules that are pure: G2, and grace
//! by two clocks.

use chrono::TimeDelta;

use crate::ledger::{Rotation, Unsettled};
use crate::model::{Instant, RunId, Span};

/// How long an unanswered request may still land.
pub const QUIET: TimeDelta = Unsettled::QUIET;

/// How far the two clocks may differ before destructive steps wait.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// How far our clock may lie behind what the ledger has seen.
const BACKWARDS: TimeDelta = TimeDelta::minutes(2);

/// Something is not allowed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Why, for people.
    pub why: String,
    /// Not before this, where it is known.
    pub until: Option<Instant>,
    /// Whether that is the normal course of things.
    pub course: super::outcome::Course,
}

impl Wait {
    fn planned(why: impl Into<String>, until: Instant) -> Self {
        Self {
            why: why.into(),
            until: Some(until),
            course: super::outcome::Course::Planned,
        }
    }

    pub(super) fn trouble(why: impl Into<String>, until: Option<Instant>) -> Self {
        Self {
            why: why.into(),
            until,
            course: super::outcome::Course::Trouble,
        }
    }

    pub(super) fn turn(most: usize) -> Self {
        Self {
            why: format!("at most {most} rotations begin in one run"),
            until: None,
            course: super::outcome::Course::Planned,
        }
    }

    pub(super) fn frozen(until: Instant) -> Self {
        Self::planned("frozen: no rotation begins", until)
    }

    pub(super) fn setback(times: u32, until: Instant) -> Self {
        Self::planned(format!("taken back {times} times in a row"), until)
    }

    pub(super) fn soak(until: Instant) -> Self {
        Self::planned("the stage before soaks", until)
    }

    pub(super) fn skipped(until: Instant) -> Self {
        Self::planned("postponed", until)
    }
}

/// G2: whether every earlier request has surely landed or died.
///
/// What another run left unanswered needs ten minutes; what this run left unanswered needs a later run as well.
/// Requests of this run that were answered are no doubt at all.
pub(super) fn settled(open: &Rotation, now: Instant, run: &RunId) -> Result<(), Wait> {
    if let Some(unsettled) = &open.unsettled
        && &unsettled.run == run
    {
        return Err(landing(unsettled));
    }
    let left_behind = open.sending.iter().filter(|sending| &sending.run != run);
    open.unsettled
        .iter()
        .chain(left_behind)
        .try_for_each(|doubt| landed(doubt, now))
}

/// The part of G2 that `plan` can tell: whether enough time has passed for a later run.
pub(super) fn quiet(open: &Rotation, now: Instant) -> Result<(), Wait> {
    open.unsettled
        .iter()
        .chain(&open.sending)
        .try_for_each(|doubt| landed(doubt, now))
}

fn landed(doubt: &Unsettled, now: Instant) -> Result<(), Wait> {
    if now >= doubt.since + QUIET {
        Ok(())
    } else {
        Err(landing(doubt))
    }
}

fn landing(doubt: &Unsettled) -> Wait {
    Wait::trouble(
        "a request was not answered and may still land",
        Some(doubt.since + QUIET),
    )
}

/// Whether the grace is over by our clock.
pub(super) fn grace_over(open: &Rotation, grace: Span, now: Instant) -> Result<(), Wait> {
    let Some(promoted) = &open.promoted else {
        return Err(Wait::trouble("the new version is not promoted", None));
    };
    let until = promoted.at + grace.delta();
    if now >= until {
        Ok(())
    } else {
        Err(Wait::planned("grace", until))
    }
}

/// Whether the grace is over by the issuer's clock too, and the two clocks agree on how much time has passed.
///
/// A clock that jumped, a dead battery, a resumed machine: each may delay the end of grace, none may bring it forward.
pub(super) fn clocks_agree(
    open: &Rotation,
    grace: Span,
    now: Instant,
    issuer_now: Option<Instant>,
) -> Result<(), Wait> {
    let Some(promoted) = &open.promoted else {
        return Err(Wait::trouble("the new version is not promoted", None));
    };
    let (Some(then), Some(issuer_now)) = (promoted.issuer_date, issuer_now) else {
        // An issuer without a clock leaves ours, which the ledger at least never saw go backwards.
        return Ok(());
    };
    let (ours, theirs) = (now - promoted.at, issuer_now - then);
    if (ours - theirs).abs() > SKEW {
        return Err(Wait::trouble(
            "our clock and the issuer's disagree on how long the grace has lasted",
            None,
        ));
    }
    if theirs + SKEW < grace.delta() {
        return Err(Wait::trouble(
            "the grace is not over by the issuer's clock",
            None,
        ));
    }
    Ok(())
}

/// Whether our clock has gone backwards since the ledger was last written. Where another clock says the same as ours, the
/// ledger was written by a wrong one.
pub fn clock_went_back(high: Instant, now: Instant, other: Option<Instant>) -> Result<(), Wait> {
    let agrees = other.is_some_and(|other| (other - now).abs() <= SKEW);
    if agrees || now + BACKWARDS >= high {
        return Ok(());
    }
    Err(Wait::trouble(
        "the clock of this machine lies behind what the ledger has seen",
        Some(high),
    ))
}
