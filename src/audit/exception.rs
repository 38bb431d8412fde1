//! What was not as it should be: the rows an auditor reads first.

use crate::model::Instant;

/// One deviation, from when it was noticed to when it was over.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Of which kind.
    pub kind: Kind,
    /// Since when.
    pub opened: Instant,
    /// Until when; `None` while it lasts.
    pub closed: Option<Instant>,
    /// What was said of it.
    pub reason: String,
    /// The number of the event that tells of it.
    pub event: u64,
}

/// The kinds of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The new key became current after its due day.
    Late,
    /// The due date has passed and the secret was not rotated.
    Overdue,
    /// The due date was moved.
    Postponed,
    /// The secret is configured, and its key was never taken over.
    NeverAdopted,
    /// The rotation was taken back.
    RolledBack,
    /// The rotation ended before a key was made.
    Abandoned,
    /// The new key was refused once it was out, and the old one could not be put back.
    Lost,
    /// A step was refused, or nobody knows whether it was done.
    StepFailed,
    /// Only a person could go on.
    Stuck,
    /// A key leaked.
    Compromise,
    /// A site did not hold the current key and was written again.
    Drift,
    /// The day to review what is said of the secret has passed.
    ReviewPassed,
}

impl Kind {
    /// The words in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Late => "late",
            Kind::Overdue => "overdue",
            Kind::Postponed => "postponed",
            Kind::NeverAdopted => "never adopted",
            Kind::RolledBack => "rolled back",
            Kind::Abandoned => "abandoned",
            Kind::Lost => "lost",
            Kind::StepFailed => "step failed",
            Kind::Stuck => "person needed",
            Kind::Compromise => "compromise",
            Kind::Drift => "drift",
            Kind::ReviewPassed => "review passed",
        }
    }
}

impl Exception {
    /// Adds to what is said; a rotation that fails every night is told in bounded space.
    pub(super) fn add(&mut self, reason: &str) {
        const ENOUGH: usize = 600;
        if !reason.is_empty() && !self.reason.contains(reason) && self.reason.len() < ENOUGH {
            self.reason.push_str(" | ");
            self.reason.push_str(reason);
        }
    }
}

/// A deviation with whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// Which secret.
    pub service: String,
    /// What.
    pub exception: Exception,
    /// Who answers for the secret.
    pub owner: String,
    /// Who acted.
    pub who: String,
    /// In which rotation; empty where in none.
    pub rotation: String,
}
