//! The ledger: all state and the newest evidence, in one age-encrypted file.

mod apply;
mod change;
mod event;
mod phase;
mod seal;
mod state;

pub use apply::IllegalChange;
pub use change::{Begun, Change, NewVersion, Progress, Step, What};
pub use event::{Event, KeyMark};
pub use phase::{IllegalMilestone, Milestone, Phase, next};
pub use state::*;
