//! Reads the log once for a period and hands what it gives to whoever writes it down.

use std::fmt;
use std::io;

use crate::ledger::{EntryRef, Events, LedgerError};
use crate::model::Instant;

use super::Period;
use super::book::{Book, Closing};
use super::change::Change;
use super::exception::Deviation;
use super::row::Row;

/// Someone who writes the evidence down, piece by piece, in the order in which it comes.
pub(super) trait Sink {
    /// A rotation, an adoption or a postponement.
    fn row(&mut self, row: &Row) -> io::Result<()>;

    /// Something that was not as it should be.
    fn deviation(&mut self, deviation: &Deviation) -> io::Result<()> {
        let _passed_over = deviation;
        Ok(())
    }

    /// A change of the configuration.
    fn change(&mut self, change: &Change) -> io::Result<()> {
        let _passed_over = change;
        Ok(())
    }

    /// An event of the period.
    fn event(&mut self, entry: &EntryRef<'_>) -> io::Result<()> {
        let _passed_over = entry;
        Ok(())
    }
}

/// Why an export was not made.
#[derive(Debug)]
pub enum ExportError {
    /// The log could not be read.
    Log(LedgerError),
    /// The evidence could not be written.
    Write(io::Error),
}

/// Reads the whole log, verifies it on the way, and returns what stands at the end of the period.
pub(super) fn read(
    mut events: Events<'_>,
    (period, now): (Period, Instant),
    sink: &mut impl Sink,
) -> Result<Closing, ExportError> {
    let mut book = Book::of(period, now);
    while let Some(entry) = events.next_entry().map_err(ExportError::Log)? {
        let seen = book.see(&entry);
        if let Some(row) = &seen.row {
            tell(sink, row)?;
        }
        if let Some(change) = &seen.change {
            sink.change(change)?;
        }
        if seen.within {
            sink.event(&entry)?;
        }
    }
    let closing = book.close();
    for row in &closing.open {
        tell(sink, row)?;
    }
    for deviation in &closing.deviations {
        sink.deviation(deviation)?;
    }
    Ok(closing)
}

fn tell(sink: &mut impl Sink, row: &Row) -> io::Result<()> {
    sink.row(row)?;
    row.deviations()
        .try_for_each(|deviation| sink.deviation(&deviation))
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(out),
            Self::Write(error) => write!(out, "write the export: {error}"),
        }
    }
}

impl std::error::Error for ExportError {}
