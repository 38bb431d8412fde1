//! `audit export --json`: the same evidence for programs, one JSON object a line.
//!
//! The first key, `record`, says what a line is: `rotation`, `exception`, `change`, `secret`, and at the end one `export`
//! with the period, the sum of the population and the head of the log. Keys are the columns of the tables, values are
//! texts; what is empty is left out.

use std::io::{self, Write};

use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::Serializer;

use crate::ledger::{Events, LedgerId};
use crate::model::Instant;

use super::change::Change;
use super::exception::Deviation;
use super::export::{ExportError, Sink, read};
use super::manifest::Manifest;
use super::row::Row;
use super::{Period, tables};

/// Writes the evidence of a period.
pub fn export(
    ledger: LedgerId,
    events: Events<'_>,
    (period, now): (Period, Instant),
    out: impl Write,
) -> Result<(), ExportError> {
    let mut lines = Lines { out };
    let closing = read(events, (period, now), &mut lines)?;
    for member in &closing.members {
        lines.put("secret", &tables::POPULATION, &tables::member(member))?;
    }
    let manifest = Manifest::of(ledger, period, &closing);
    let mut line = serde_json::to_value(&manifest).map_err(io::Error::from)?;
    if let Some(map) = line.as_object_mut() {
        map.insert("record".to_owned(), "export".into());
    }
    serde_json::to_writer(&mut lines.out, &line).map_err(io::Error::from)?;
    lines.out.write_all(b"\n")?;
    lines.out.flush()?;
    Ok(())
}

struct Lines<W> {
    out: W,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, record: &str, columns: &[&str], cells: &[String]) -> io::Result<()> {
        let mut line = Serializer::new(&mut self.out);
        let mut map = line.serialize_map(None)?;
        map.serialize_entry("record", record)?;
        for (column, cell) in columns
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
        {
            map.serialize_entry(column, cell)?;
        }
        map.end()?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Sink for Lines<W> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.put("rotation", &tables::ROTATIONS, &tables::rotation(row))
    }

    fn deviation(&mut self, deviation: &Deviation) -> io::Result<()> {
        self.put(
            "exception",
            &tables::EXCEPTIONS,
            &tables::deviation(deviation),
        )
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.put("change", &tables::CHANGES, &tables::change(change))
    }
}
