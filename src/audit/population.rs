//! Which secrets there are at the end of a period, and the sum that shows that these are all.

use std::sync::Arc;

use crate::ledger::Facts;
use crate::model::Instant;

use super::lives::Life;
use super::row::Key;

/// One secret at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name in the configuration.
    pub name: String,
    /// What the configuration said of it.
    pub about: Arc<Facts>,
    /// Since when it is managed.
    pub since: Option<Instant>,
    /// The key that is current.
    pub current: Option<Key>,
    /// When that one came to life.
    pub rotated_at: Option<Instant>,
    /// How old it is.
    pub age_days: Option<i64>,
    /// How old it may become before the next is due.
    pub allowed_days: Option<i64>,
    /// When the next is due.
    pub due: Option<Instant>,
    /// How it stands.
    pub standing: Standing,
    /// How many of its keys work.
    pub live_keys: usize,
    /// How many rotations it has seen to their end.
    pub completed: u64,
}

/// How a secret stands against its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its key is younger than the policy allows.
    Compliant,
    /// It would be due, and is postponed.
    Postponed,
    /// A rotation is open.
    InProgress,
    /// A rotation is open, and a person is needed.
    Stuck,
    /// The due day has passed.
    Overdue,
    /// Its key was never taken over.
    NeverAdopted,
    /// The log does not say how often it is to be rotated.
    NoPolicy,
}

/// The sum of a period: what was there, what came and went, what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// At its beginning.
    pub opening: u64,
    /// Within it.
    pub added: u64,
    /// Within it.
    pub removed: u64,
    /// At its end, counted anew.
    pub closing: u64,
}

impl Census {
    /// Whether opening + added − removed is what is there at the end.
    pub fn adds_up(&self) -> bool {
        self.opening + self.added == self.closing + self.removed
    }
}

impl Member {
    pub(super) fn of(name: &str, life: &Life, as_of: Instant) -> Self {
        let age = life
            .rotated_at
            .map(|at| (as_of.date_naive() - at.date_naive()).num_days().max(0));
        Self {
            name: name.to_owned(),
            about: Arc::clone(&life.about),
            since: life.since,
            current: life.current.clone(),
            rotated_at: life.rotated_at,
            age_days: age,
            allowed_days: life.allowed_days(),
            due: life.due(),
            standing: standing(life, as_of),
            live_keys: life.live.len(),
            completed: life.completed,
        }
    }
}

impl Standing {
    /// The words in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::Compliant => "compliant",
            Standing::Postponed => "postponed",
            Standing::InProgress => "in progress",
            Standing::Stuck => "person needed",
            Standing::Overdue => "overdue",
            Standing::NeverAdopted => "never adopted",
            Standing::NoPolicy => "policy not recorded",
        }
    }
}

fn standing(life: &Life, as_of: Instant) -> Standing {
    let overdue = life
        .due()
        .is_some_and(|due| due.date_naive() < as_of.date_naive());
    match life {
        Life { lost: true, .. } => Standing::Stuck,
        _ if life.rotated_at.is_none() => Standing::NeverAdopted,
        Life { stuck: true, .. } => Standing::Stuck,
        _ if overdue => Standing::Overdue,
        Life { open: true, .. } => Standing::InProgress,
        _ if life.due().is_none() => Standing::NoPolicy,
        _ if life.skip.is_some_and(|skip| skip > as_of) => Standing::Postponed,
        _ => Standing::Compliant,
    }
}
