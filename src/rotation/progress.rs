//! What a rotation tells those who watch it. The rotation never prints.

use crate::ledger::Step;
use crate::model::{Hint, Instant, SecretName, Span};

/// Someone who watches: a terminal, a plain log, nobody.
pub trait Progress {
    /// Something happened. Called on the main thread, in order.
    fn tell(&mut self, news: News<'_>);
}

/// One piece of news.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Of which secret.
    pub secret: &'a SecretName,
    /// Its title, for people.
    pub title: &'a str,
    /// What happened.
    pub what: Happening<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// A rotation began, or one that was interrupted goes on.
    Started {
        /// The key that is live.
        old: Option<&'a Hint>,
        /// Whether this run finishes what an earlier one began.
        resumed: bool,
        /// How the live key leaked, when that is why.
        leak: Option<&'a str>,
    },
    /// The issuer made the new key.
    Issued {
        /// The new key.
        new: &'a Hint,
    },
    /// A step has begun on this many places; they are done one by one.
    StepBegan {
        /// Which step.
        step: Step,
        /// The target, or the issuer.
        target: &'a str,
        /// How many places.
        places: usize,
    },
    /// One place is done.
    PlaceDone {
        /// Which step.
        step: Step,
        /// The target, or the issuer.
        target: &'a str,
        /// The place.
        place: &'a str,
    },
    /// One place is doing something that takes a while: `building`.
    PlaceWaits {
        /// Which step.
        step: Step,
        /// The target.
        target: &'a str,
        /// The place.
        place: &'a str,
        /// What it is doing.
        doing: &'a str,
    },
    /// One place did not work.
    PlaceFailed {
        /// Which step.
        step: Step,
        /// The target, or the issuer.
        target: &'a str,
        /// The place.
        place: &'a str,
        /// Why, and whether it may have happened all the same.
        why: &'a str,
    },
    /// A stage is confirmed; the next one waits.
    Soaking {
        /// The stage.
        stage: &'a str,
        /// Until when.
        until: Instant,
    },
    /// Every service is on the new key.
    Promoted {
        /// The key that is live now.
        new: &'a Hint,
        /// The key that still works.
        old: Option<&'a Hint>,
        /// Services that were observed, of all.
        services: (usize, usize),
        /// How long the old key keeps working.
        grace: Span,
    },
    /// The rotation is being taken back.
    UndoBegan {
        /// Why.
        why: &'a str,
    },
    /// Everything is back on the old key, and the new one is dead.
    RolledBack {
        /// What had failed.
        why: &'a str,
        /// The key that is live.
        live: Option<&'a Hint>,
        /// What a person can do about it.
        hint: Option<&'a str>,
    },
    /// The old key is dead.
    Revoked {
        /// Which.
        old: Option<&'a Hint>,
        /// How many services were observed on the new key.
        services: usize,
        /// How that is known: `openai project proj_123 refuses it`.
        observed: &'a str,
        /// When the next rotation is due.
        next: Option<Instant>,
    },
    /// Something worth a line.
    Note {
        /// The line.
        text: &'a str,
    },
}
