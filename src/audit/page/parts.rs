//! Pieces of markup that every section is made of.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::model::Instant;

/// Rows of a table that stands further down.
pub(super) struct Part {
    out: BufWriter<File>,
    count: u64,
}

impl Part {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            out: BufWriter::new(tempfile::tempfile()?),
            count: 0,
        })
    }

    pub(super) fn line(&mut self) -> &mut BufWriter<File> {
        self.count += 1;
        &mut self.out
    }

    /// The table with all rows that were kept.
    pub(super) fn table(&mut self, heads: &[&str], out: &mut impl Write) -> io::Result<()> {
        if self.count == 0 {
            return writeln!(out, "<p>None.</p>");
        }
        open_table(heads, out)?;
        self.out.flush()?;
        let kept = self.out.get_mut();
        kept.seek(SeekFrom::Start(0))?;
        io::copy(kept, out)?;
        writeln!(out, "</tbody></table></div>")
    }
}

pub(super) fn open_table(heads: &[&str], out: &mut impl Write) -> io::Result<()> {
    write!(out, "<div class=\"wide\"><table><thead><tr>")?;
    for head in heads {
        write!(out, "<th>{head}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

pub(super) fn section(out: &mut impl Write, number: u8, title: &str, what: &str) -> io::Result<()> {
    writeln!(out, "<h2><b>{number}</b>{title}</h2>")?;
    match what {
        "" => Ok(()),
        what => writeln!(out, "<p class=\"note\">{what}</p>"),
    }
}

/// `2024-02-18 09:02`, broken nowhere but in the middle; the seconds are in the tables.
pub(super) fn stamp(at: Option<Instant>) -> String {
    const FORM: &str = "<span class=\"d\">%Y-%m-%d</span> <span class=\"d\">%H:%M</span>";
    at.map(|at| at.format(FORM).to_string()).unwrap_or_default()
}

/// A due date, which is a day.
pub(super) fn day(at: Option<Instant>) -> String {
    at.map(|at| at.format("<span class=\"d\">%Y-%m-%d</span>").to_string())
        .unwrap_or_default()
}
