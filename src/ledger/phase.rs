//! The saga of one rotation: its phases, and the one function that says which milestone may follow.
//!
//! The ledger stores the milestones, not the phase. Live and on recovery the phase is what folding [`next`] over them
//! gives, so a ledger that tells an impossible story is refused when it is loaded.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the first milestone.
    Unbegun,
    /// The intent is durable; a key with its tag may or may not exist.
    Issuing,
    /// The new version is recorded; nobody uses it.
    Issued,
    /// It is proven at the issuer and on its way to the sites.
    Delivering,
    /// It is current; the old version still works.
    Grace,
    /// The old version is being killed: the point of no return.
    Revoking,
    /// The old version is being put back.
    Undoing,
    /// The old version is back everywhere; the new one is to be killed.
    Discarding,
    /// The end: the new version is the only one.
    Finished,
    /// The end: the old version is the only one.
    RolledBack,
    /// The end: nothing was ever issued.
    Abandoned,
    /// The end: the new version died, and the old one cannot be put back.
    Lost,
}

/// What can happen to a rotation, in the past tense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// A tag, and a proposal where rotakey chooses the value, became durable.
    Intended,
    /// The issuer made the version.
    Issued,
    /// The version worked at the issuer.
    Verified,
    /// Every service was observed on it.
    Promoted,
    /// The delete of the old version is about to be sent.
    RevokeIntended,
    /// The old version was observed refused, or there never was one.
    Finished,
    /// The rotation is to be taken back.
    UndoBegun,
    /// A person decided to go forward after all.
    Resumed,
    /// Every service was observed back on the old version.
    Restored,
    /// The new version was observed refused.
    Discarded,
    /// Nothing was issued, and nothing will be.
    Abandoned,
    /// The new version was observed refused, and the old one is dead, leaked or told to end.
    Lost,
}

/// A milestone that cannot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMilestone {
    /// Where the rotation stood.
    pub phase: Phase,
    /// What was said to have happened.
    pub milestone: Milestone,
}

/// Says where a milestone leads.
pub fn next(phase: Phase, milestone: Milestone) -> Result<Phase, IllegalMilestone> {
    use Milestone as M;
    match (phase, milestone) {
        // Intended again: the first key was reaped by its tag, and a new one is asked for.
        (Phase::Unbegun | Phase::Issuing, M::Intended) => Ok(Phase::Issuing),
        (Phase::Issuing, M::Issued) => Ok(Phase::Issued),
        (Phase::Issuing, M::Abandoned) => Ok(Phase::Abandoned),
        (Phase::Issued, M::Verified) => Ok(Phase::Delivering),
        (Phase::Delivering, M::Promoted) => Ok(Phase::Grace),
        (Phase::Issued | Phase::Delivering | Phase::Grace, M::UndoBegun) => Ok(Phase::Undoing),
        (Phase::Grace, M::RevokeIntended) => Ok(Phase::Revoking),
        (Phase::Grace | Phase::Revoking, M::Finished) => Ok(Phase::Finished),
        (Phase::Undoing, M::Restored) => Ok(Phase::Discarding),
        (Phase::Undoing | Phase::Discarding, M::Resumed) => Ok(Phase::Delivering),
        (Phase::Discarding, M::Discarded) => Ok(Phase::RolledBack),
        (
            Phase::Delivering | Phase::Grace | Phase::Revoking | Phase::Undoing | Phase::Discarding,
            M::Lost,
        ) => Ok(Phase::Lost),
        (
            Phase::Unbegun
            | Phase::Issuing
            | Phase::Issued
            | Phase::Delivering
            | Phase::Grace
            | Phase::Revoking
            | Phase::Undoing
            | Phase::Discarding
            | Phase::Finished
            | Phase::RolledBack
            | Phase::Abandoned
            | Phase::Lost,
            M::Intended
            | M::Issued
            | M::Verified
            | M::Promoted
            | M::RevokeIntended
            | M::Finished
            | M::UndoBegun
            | M::Resumed
            | M::Restored
            | M::Discarded
            | M::Abandoned
            | M::Lost,
        ) => Err(IllegalMilestone { phase, milestone }),
    }
}

impl fmt::Display for IllegalMilestone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "a rotation that stands at {:?} cannot become {:?}",
            self.phase, self.milestone
        )
    }
}

impl std::error::Error for IllegalMilestone {}
