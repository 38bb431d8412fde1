//! Small aligned tables. Columns are as wide as their widest cell; on a terminal that is too narrow the widest column
//! is cut, never the layout.

use unicode_width::UnicodeWidthStr;

use super::fit::fit;
use super::ink::Ink;
use super::printer::Printer;

const GAP: usize = 2;
/// No column is cut to less than this.
const NARROWEST: usize = 8;

/// A table that is being filled.
#[derive(Clone, Debug)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<(Ink, String)>>,
}

impl Table {
    /// A table with these headings.
    pub fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self {
            heads: heads.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells from outside have been through the sanitiser; what is missing at the end stays empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (Ink, String)>) {
        let cells = cells.into_iter().take(self.heads.len());
        self.rows.push(cells.collect());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table to stdout.
    pub fn print(&self, printer: &mut Printer) {
        let width = printer.width().unwrap_or(usize::MAX);
        let text = self.text(width, &|ink, text| printer.paint(ink, text));
        printer.data(&text);
    }

    fn text(&self, width: usize, paint: &dyn Fn(Ink, &str) -> String) -> String {
        let widths = self.widths(width);
        let heads: Vec<_> = self
            .heads
            .iter()
            .map(|head| (Ink::Heading, head.clone()))
            .collect();
        std::iter::once(&heads)
            .chain(&self.rows)
            .map(|row| line(row, &widths, paint) + "\n")
            .collect()
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (widest, (_, cell)) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.width());
            }
        }
        let room = width.saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// Padded outside the colour, so that escape codes do not count; nothing after the last cell.
fn line(row: &[(Ink, String)], widths: &[usize], paint: &dyn Fn(Ink, &str) -> String) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for ((ink, cell), width) in row.iter().zip(widths) {
        let cell = fit(cell, *width);
        if !cell.is_empty() {
            line.push_str(&" ".repeat(owed));
            line.push_str(&paint(*ink, &cell));
            owed = 0;
        }
        owed += width.saturating_sub(cell.width()) + GAP;
    }
    line
}
