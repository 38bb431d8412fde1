//! The ledger: all state and the newest evidence, in one age-encrypted file.
//!
//! [`Ledger::open`] reads it, [`LockedLedger::lock`] takes it for writing. A [`Change`] is the only way to change the state,
//! and it writes its audit [`Event`] in the same commit. What stands where:
//!
//! | file | holds |
//! | --- | --- |
//! | `state`, `change`, `apply`, `phase`, `event` | what is remembered, what can happen to it, and what the log says of it |
//! | `outbox` | what people are to be told, until every channel has told them |
//! | `document`, `seal` | the JSON document and its MAC; age around it |
//! | `chain`, `entry`, `segment`, `events`, `ahead` | the audit log: how it is linked, written, moved out of the document, and read |
//! | `store`, `file`, `memory`, `durable` | where the bytes are kept, and how they survive a power cut |
//! | `highwater`, `claim` | what catches a replaced or rolled-back ledger, and a second run |
//! | `open`, `locked` | the ledger to read and the ledger to write |
//! | `reseal` | another circle of readers |

mod ahead;
mod apply;
mod chain;
mod change;
mod claim;
mod document;
mod durable;
mod entry;
mod error;
mod event;
mod events;
mod file;
mod highwater;
mod known;
mod locked;
mod memory;
mod open;
mod outbox;
mod phase;
mod reseal;
mod seal;
mod segment;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use apply::IllegalChange;
pub use chain::{Actor, ActorKind, Digest, Entry, LedgerId};
pub use change::{Begun, Change, Declaration, NewVersion, OldKey, Progress, Step, What};
pub use claim::Claim;
pub use entry::{ActorRef, EntryRef, MarkRef, Text};
pub use error::{LedgerError, Peril};
pub use event::{Event, Facts, KeyMark};
pub use events::Events;
pub use file::FileStore;
pub use known::KnownSites;
pub use locked::{LockedLedger, Unmarked};
pub use memory::MemoryStore;
pub use open::{Ledger, Opening};
pub use outbox::{Audience, Delivery, News, Notice, Outbox, Ready, Thread, Topic};
pub use phase::{IllegalMilestone, Milestone, Phase, next};
pub use reseal::{Circle, recipient};
pub use seal::{new_identity, recipient_of};
pub use state::*;
pub use store::{Guard, Revision, Store};
