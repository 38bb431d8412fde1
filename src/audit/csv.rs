//! `audit export --csv`: the rotations of a period as a table that every spreadsheet opens clean.
//!
//! Every cell is quoted and stays text, rows end in CRLF (RFC 4180), all times are UTC. The same log and the same period
//! give the same bytes, on any machine and in any later year.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::ledger::Events;
use crate::model::Instant;

use super::export::{ExportError, Sink, read};
use super::row::Row;
use super::{Period, cell, tables};

/// What an export came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// How many rows it has.
    pub rows: u64,
    /// The hash of the newest event it covers.
    pub head: crate::ledger::Digest,
    /// The number of that event.
    pub events: u64,
}

/// Writes the rotations of a period. A period in which nothing happened has the header only.
pub fn export(
    events: Events<'_>,
    period: Period,
    now: Instant,
    out: impl Write,
) -> Result<Written, ExportError> {
    let mut sheet = Sheet::open(out, &tables::ROTATIONS)?;
    let closing = read(events, (period, now), &mut sheet)?;
    let (_, rows) = sheet.close()?;
    Ok(Written {
        rows,
        head: closing.extent.head,
        events: closing.extent.last(),
    })
}

/// One table that is being written.
pub(super) struct Sheet<W: Write> {
    table: Writer<W>,
    rows: u64,
}

impl<W: Write> Sheet<W> {
    /// Writes the header.
    pub(super) fn open(out: W, columns: &[&str]) -> io::Result<Self> {
        let mut table = WriterBuilder::new()
            .quote_style(QuoteStyle::Always)
            .terminator(Terminator::CRLF)
            .from_writer(out);
        table.write_record(columns).map_err(unwritten)?;
        Ok(Self { table, rows: 0 })
    }

    /// Writes a row, made safe cell by cell.
    pub(super) fn line(&mut self, cells: &[String]) -> io::Result<()> {
        for cell in cells {
            self.table
                .write_field(&*cell::text(cell))
                .map_err(unwritten)?;
        }
        self.table.write_record(None::<&[u8]>).map_err(unwritten)?;
        self.rows += 1;
        Ok(())
    }

    /// How many rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Brings everything out and says how many rows there are.
    pub(super) fn close(self) -> io::Result<(W, u64)> {
        let out = self.table.into_inner().map_err(|error| {
            io::Error::new(
                error.error().kind(),
                "the table could not be written to its end",
            )
        })?;
        Ok((out, self.rows))
    }
}

impl<W: Write> Sink for Sheet<W> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.line(&tables::rotation(row))
    }
}

fn unwritten(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other("the table is malformed"),
    }
}
