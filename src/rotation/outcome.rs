//! What became of one secret in one run. An outcome is data; an error is rotakey itself failing.

use chrono::TimeDelta;

use crate::model::{Hint, Instant, SecretName};

/// What became of one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub secret: SecretName,
    /// What became of it.
    pub result: Ending,
    /// Which key is live where, said so that nobody has to infer it at night.
    pub live: String,
}

/// How a run left a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The new version is current; the old one lives until then.
    Promoted {
        /// The new key.
        new: Hint,
        /// When the old one may be revoked; `None` when there is none, or it is dead already.
        grace_until: Option<Instant>,
    },
    /// The old version is dead.
    Revoked {
        /// Which.
        old: Option<Hint>,
        /// How long it lived after somebody said that it had leaked, where that is why.
        exposed: Option<TimeDelta>,
    },
    /// The rotation was taken back, and the old version is current everywhere.
    RolledBack {
        /// What had failed.
        why: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
    /// Nothing was issued and nothing changed.
    Failed {
        /// What failed.
        why: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
    /// A later run goes on by itself.
    Waiting {
        /// For what.
        why: String,
        /// Not before this, where it is known.
        until: Option<Instant>,
        /// Whether that is the normal course (a stage soaks) or trouble that may pass (a network is down).
        course: Course,
    },
    /// A person was told what to do and has not done it yet; later runs look again by themselves.
    Watching {
        /// What for.
        why: String,
    },
    /// Only a person can go on.
    NeedsPerson {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
}

/// Whether waiting is part of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is: a stage soaks, a grace runs.
    Planned,
    /// It is not: something did not work and may work later.
    Trouble,
}
