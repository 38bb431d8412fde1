//! Views of the audit log: what an auditor is handed, and the check that nothing was changed since.
//!
//! The log itself is in the ledger. Everything here reads it once, from its first event, and keeps no more in memory than
//! the rotations that are open at that point.

mod cell;
pub mod csv;
mod period;
mod rows;
#[cfg(test)]
mod tests;
pub mod verify;

pub use period::Period;
pub use rows::{Row, Rows, Status};
