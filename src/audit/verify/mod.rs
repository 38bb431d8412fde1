//! `audit verify`: whether the log holds together, and whether an earlier export still says what the log says.

mod bundle;
mod table;

use std::fmt;

use crate::ledger::{Digest, Events, LedgerError};
use crate::model::Instant;

pub use bundle::{Bundle, continues};
pub use table::csv_export;

/// A log that holds together.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How many events it has, numbered from 1 without a gap.
    pub events: u64,
    /// When the first was recorded.
    pub first: Option<Instant>,
    /// When the last was recorded.
    pub last: Option<Instant>,
    /// The hash of the last; compare it with one that was kept elsewhere.
    pub head: Digest,
    /// How many of the first events an anchor covers.
    pub anchored: u64,
}

/// Why something is not confirmed.
#[derive(Debug)]
pub enum VerifyError {
    /// The log itself could not be read or does not hold together.
    Log(LedgerError),
    /// The export could not be read as one.
    Export(String),
    /// A table says something else than the log.
    Differs {
        /// Which row, counted from 1 below the header.
        row: u64,
        /// In what.
        what: String,
    },
    /// A file of a bundle is not the one that was written.
    File(String),
    /// An event is not what it has to be; says which.
    Event(String),
}

/// Reads the whole log. Numbers, hashes and head are checked by reading.
pub fn chain(mut events: Events<'_>) -> Result<Verdict, LedgerError> {
    let mut verdict = Verdict {
        events: 0,
        first: None,
        last: None,
        head: Digest::GENESIS,
        anchored: 0,
    };
    while let Some(entry) = events.next_entry()? {
        verdict.events = entry.seq;
        verdict.first = verdict.first.or(Some(entry.at));
        verdict.last = Some(entry.at);
        verdict.head = entry.hash.unwrap_or(verdict.head);
        if &*entry.kind == "anchor.done" {
            let size = entry.fact("size").and_then(|size| size.parse().ok());
            verdict.anchored = verdict.anchored.max(size.unwrap_or_default());
        }
    }
    Ok(verdict)
}

impl fmt::Display for VerifyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(out),
            Self::Export(why) => write!(out, "the export is not one that rotakey wrote: {why}"),
            Self::Differs { row, what } => {
                write!(out, "the export differs from the log in row {row}: {what}")
            }
            Self::File(what) | Self::Event(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for VerifyError {}
