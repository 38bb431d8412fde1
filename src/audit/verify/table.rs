//! A CSV export beside the log: cell by cell.

use std::io;

use csv::{Reader, StringRecord};

use crate::ledger::Events;
use crate::model::Instant;

use super::super::book::Book;
use super::super::row::Row;
use super::super::tables::{self, ROTATIONS};
use super::super::{Period, cell};
use super::VerifyError;

/// Compares an earlier CSV export of that period with the log, cell by cell, and says how many rows it confirmed.
///
/// Columns that the export does not have are not missed, so that one from an older rotakey is still confirmed.
pub fn csv_export(
    mut events: Events<'_>,
    period: Period,
    now: Instant,
    export: impl io::Read,
) -> Result<u64, VerifyError> {
    let mut earlier = Earlier::open(export)?;
    let mut book = Book::of(period, now);
    while let Some(entry) = events.next_entry().map_err(VerifyError::Log)? {
        if let Some(row) = book.see(&entry).row {
            earlier.confirm(&row)?;
        }
    }
    for row in book.close().open {
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
            .map(|name| ROTATIONS.iter().position(|known| *known == name))
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
        let ours = tables::rotation(row);
        for (there, column) in self.record.iter().zip(&self.columns) {
            if there != cell::text(&ours[*column]) {
                return differs(self.row, format!("column `{}`", ROTATIONS[*column]));
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
