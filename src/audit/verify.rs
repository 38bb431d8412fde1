//! `audit verify`: whether the log holds together, and whether an earlier export still says what the log says.

use std::fmt;
use std::io;

use csv::{Reader, StringRecord};

use crate::ledger::{Digest, Events, LedgerError};
use crate::model::Instant;

use super::Period;
use super::csv::{COLUMNS, cells};
use super::rows::{Row, Rows};

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
}

/// Why an export is not confirmed.
#[derive(Debug)]
pub enum VerifyError {
    /// The log itself could not be read or does not hold together.
    Log(LedgerError),
    /// The export could not be read as a table.
    Export(String),
    /// The export says something else than the log.
    Differs {
        /// Which row, counted from 1 below the header.
        row: u64,
        /// In what.
        what: String,
    },
}

/// Reads the whole log. Numbers, hashes and head are checked by reading.
pub fn chain(mut events: Events<'_>) -> Result<Verdict, LedgerError> {
    let mut verdict = Verdict {
        events: 0,
        first: None,
        last: None,
        head: Digest::GENESIS,
    };
    while let Some(entry) = events.next_entry()? {
        verdict.events = entry.seq;
        verdict.first = verdict.first.or(Some(entry.at));
        verdict.last = Some(entry.at);
        verdict.head = entry.hash.unwrap_or(verdict.head);
    }
    Ok(verdict)
}

/// Compares an earlier CSV export of that period with the log, cell by cell, and says how many rows it confirmed.
///
/// Columns that the export does not have are not missed, so that one from an older rotakey is still confirmed.
pub fn csv_export(
    mut events: Events<'_>,
    period: Period,
    export: impl io::Read,
) -> Result<u64, VerifyError> {
    let mut earlier = Earlier::open(export)?;
    let mut rows = Rows::of(period);
    while let Some(entry) = events.next_entry().map_err(VerifyError::Log)? {
        if let Some(row) = rows.see(&entry) {
            earlier.confirm(&row)?;
        }
    }
    for row in rows.finish() {
        earlier.confirm(&row)?;
    }
    earlier.end()
}

struct Earlier<R> {
    table: Reader<R>,
    /// Which of our columns each of its columns is.
    columns: Vec<usize>,
    record: StringRecord,
    row: u64,
}

impl<R: io::Read> Earlier<R> {
    fn open(export: R) -> Result<Self, VerifyError> {
        let mut table = Reader::from_reader(export);
        let columns = table
            .headers()
            .map_err(|_| VerifyError::Export("it has no header".to_owned()))?
            .iter()
            .map(|name| COLUMNS.iter().position(|known| *known == name))
            .collect::<Option<Vec<_>>>()
            .filter(|columns| !columns.is_empty())
            .ok_or_else(|| {
                VerifyError::Export("its columns are not those of an export".to_owned())
            })?;
        Ok(Self {
            table,
            columns,
            record: StringRecord::new(),
            row: 0,
        })
    }

    fn confirm(&mut self, row: &Row) -> Result<(), VerifyError> {
        let differs = |number, what: String| Err(VerifyError::Differs { row: number, what });
        if !self.next()? {
            let missing = format!(
                "the export ends here; the log has `{}`, events {} to {}",
                row.service, row.first_event, row.last_event
            );
            return differs(self.row, missing);
        }
        let ours = cells(row);
        for (cell, column) in self.record.iter().zip(&self.columns) {
            if cell != ours[*column] {
                return differs(self.row, format!("column `{}`", COLUMNS[*column]));
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<u64, VerifyError> {
        match self.next()? {
            false => Ok(self.row - 1),
            true => Err(VerifyError::Differs {
                row: self.row,
                what: "the log has no such row".to_owned(),
            }),
        }
    }

    fn next(&mut self) -> Result<bool, VerifyError> {
        self.row += 1;
        self.table
            .read_record(&mut self.record)
            .map_err(|_| VerifyError::Export(format!("row {} cannot be read", self.row)))
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(out),
            Self::Export(why) => write!(out, "the export is not one that rotakey wrote: {why}"),
            Self::Differs { row, what } => {
                write!(out, "the export differs from the log in row {row}: {what}")
            }
        }
    }
}

impl std::error::Error for VerifyError {}
