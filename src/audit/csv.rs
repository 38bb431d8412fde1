//! `audit export --csv`: the rows of a period as a table that every spreadsheet opens clean.
//!
//! Every cell is quoted, rows end in CRLF (RFC 4180), all times are UTC. The same log and the same period give the same
//! bytes, on any machine and in any later year.

use std::io;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::ledger::{Events, LedgerError};
use crate::model::Instant;

use super::rows::{Key, Row, Rows, Status};
use super::{Period, cell};

/// The columns, in order.
pub const COLUMNS: [&str; 22] = [
    "time",
    "service",
    "old_key",
    "new_key",
    "who",
    "trigger",
    "reason",
    "status",
    "sites",
    "verified_by",
    "old_key_refused_at",
    "problems",
    "rotation",
    "old_fingerprint",
    "new_fingerprint",
    "old_key_id",
    "new_key_id",
    "started_at",
    "completed_at",
    "first_event",
    "last_event",
    "last_hash",
];

/// Why an export was not made.
#[derive(Debug)]
pub enum ExportError {
    /// The log could not be read.
    Log(LedgerError),
    /// The table could not be written.
    Write(io::Error),
}

/// Writes the rows of a period and says how many there are. A period in which nothing happened has the header only.
pub fn export(
    mut events: Events<'_>,
    period: Period,
    out: impl io::Write,
) -> Result<u64, ExportError> {
    let mut table = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(out);
    table.write_record(COLUMNS).map_err(unwritten)?;
    let mut rows = Rows::of(period);
    let mut count = 0;
    while let Some(entry) = events.next_entry().map_err(ExportError::Log)? {
        if let Some(row) = rows.see(&entry) {
            write(&mut table, &row)?;
            count += 1;
        }
    }
    for row in rows.finish() {
        write(&mut table, &row)?;
        count += 1;
    }
    table.flush().map_err(ExportError::Write)?;
    Ok(count)
}

fn write(table: &mut Writer<impl io::Write>, row: &Row) -> Result<(), ExportError> {
    table.write_record(cells(row)).map_err(unwritten)
}

/// The cells of a row, in the order of [`COLUMNS`].
pub(super) fn cells(row: &Row) -> [String; COLUMNS.len()] {
    let key = |key: &Option<Key>, part: fn(&Key) -> &str| {
        cell::text(key.as_ref().map(part).unwrap_or_default()).into_owned()
    };
    let list = |joined: String| cell::text(&joined).into_owned();
    let text = |text: &str| cell::text(text).into_owned();
    [
        time(Some(row.time)),
        text(&row.service),
        key(&row.old, |key| &key.hint),
        key(&row.new, |key| &key.hint),
        list(cell::list(&row.who)),
        row.trigger.to_owned(),
        text(&row.reason),
        status(row.status),
        list(cell::list(&row.sites)),
        list(cell::list(&row.verified)),
        time(row.old_refused),
        list(cell::list(&row.problems)),
        text(&row.rotation),
        key(&row.old, |key| &key.fingerprint),
        key(&row.new, |key| &key.fingerprint),
        key(&row.old, |key| &key.id),
        key(&row.new, |key| &key.id),
        time(Some(row.started)),
        time(row.completed),
        row.first_event.to_string(),
        row.last_event.to_string(),
        // With its kind in front: 64 digits could be read as a number.
        format!("sha256:{}", row.last_hash),
    ]
}

fn status(status: Status) -> String {
    match status {
        Status::Completed => "completed".to_owned(),
        Status::RolledBack => "rolled back".to_owned(),
        Status::Abandoned => "abandoned".to_owned(),
        Status::Open => "open".to_owned(),
        Status::InGrace => "open, in grace".to_owned(),
        Status::RollingBack => "open, rolling back".to_owned(),
        Status::Stuck => "open, a person is needed".to_owned(),
        Status::Adopted => "adopted".to_owned(),
        Status::Postponed(None) => "postponed".to_owned(),
        Status::Postponed(until) => format!("postponed until {}", time(until)),
    }
}

fn time(at: Option<Instant>) -> String {
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

fn unwritten(error: csv::Error) -> ExportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ExportError::Write(error),
        _ => ExportError::Write(io::Error::other("the table is malformed")),
    }
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Log(error) => error.fmt(out),
            Self::Write(error) => write!(out, "write the export: {error}"),
        }
    }
}

impl std::error::Error for ExportError {}
