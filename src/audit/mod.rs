//! Views of the audit log: what an auditor is handed, and the check that nothing was changed since.
//!
//! The log itself is in the ledger. Everything here reads it once, from its first event, and keeps no more in memory than
//! the rotations that are open at that point and the secrets there are.
//!
//! | file | holds |
//! | --- | --- |
//! | `period` | the time an export is about |
//! | `book` | one passage through the log; what leaves it on the way, and what stands at its end |
//! | `row`, `rows` | a rotation as one line, and how events become one |
//! | `lives`, `population` | what is known of each secret, and the sum over all of them |
//! | `exception`, `change` | what was not as it should be; what changed around the secrets |
//! | `tables`, `cell` | the columns, and what may stand in a cell |
//! | `export`, `csv`, `jsonl`, `page`, `bundle`, `manifest` | the forms it is handed out in |
//! | `checkpoint`, `anchor`, `verify` | the head as others hold it, and whether everything still fits together |

pub mod anchor;
mod book;
pub mod bundle;
mod cell;
mod change;
pub mod checkpoint;
pub mod csv;
mod exception;
mod export;
pub mod jsonl;
mod lives;
mod manifest;
pub mod page;
mod period;
mod population;
mod row;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
pub mod verify;

pub use book::{Anchor, Book, Closing, Extent, Seen};
pub use change::Change;
pub use exception::{Deviation, Exception, Kind};
pub use export::ExportError;
pub use period::Period;
pub use population::{Census, Member, Standing};
pub use row::{Dates, Key, Row, Status};
pub use tables::{CHANGES, EXCEPTIONS, POPULATION, ROTATIONS};
