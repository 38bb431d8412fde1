//! How the audit log leaves the document: whole months, and no more than a bounded number of events stays behind.
//!
//! A segment is written and durable before the commit that drops its events from the document. If the run dies between
//! the two, the segment stands beside a document that does not know it; it is ignored, and overwritten by the next one.

use chrono::Datelike;

use crate::model::Instant;

use super::LedgerError;
use super::chain::Entry;
use super::document::{Audit, Sealed};
use super::seal::{Form, Recipients};
use super::store::Store;

/// So many events stay in the document at most; a commit writes them all each time.
const MOST: usize = 512;

/// The place of a segment in the log: its month, and its number within the month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentName {
    year: i32,
    month: u32,
    number: u32,
}

impl SegmentName {
    /// Reads `2024-02.001.jsonl.age`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (month, number) = name.strip_suffix(".jsonl.age")?.split_once('.')?;
        let (year, month) = month.split_once('-')?;
        let parsed = Self {
            year: year.parse().ok()?,
            month: month.parse().ok()?,
            number: number.parse().ok()?,
        };
        // One name, one spelling.
        (parsed.text() == name).then_some(parsed)
    }

    pub(super) fn text(&self) -> String {
        let Self {
            year,
            month,
            number,
        } = self;
        format!("{year:04}-{month:02}.{number:03}.jsonl.age")
    }

    /// The name after `last`. A clock that went back does not bring a segment before an older one.
    fn after(last: Option<&str>, month: (i32, u32)) -> Self {
        let first = Self {
            year: month.0,
            month: month.1,
            number: 1,
        };
        match last.and_then(Self::parse) {
            Some(last) if last >= first => Self {
                number: last.number + 1,
                ..last
            },
            _ => first,
        }
    }
}

/// Writes what has to leave the document, and returns the audit log without it; `None` if all of it may stay.
pub(super) fn seal_due(
    audit: &Audit,
    now: Instant,
    recipients: &Recipients,
    store: &dyn Store,
) -> Result<Option<Audit>, LedgerError> {
    let mut rest = audit.tail.as_slice();
    let mut sealed = audit.sealed.clone();
    while let Some(first) = rest.first() {
        let month = month(first.at);
        let length = rest
            .iter()
            .take_while(|entry| self::month(entry.at) == month)
            .count();
        let is_last = length == rest.len();
        if is_last && month == self::month(now) && length <= MOST {
            break;
        }
        let (leaving, staying) = rest.split_at(length);
        sealed = write(leaving, &sealed, month, recipients, store)?;
        rest = staying;
    }
    let moved = rest.len() < audit.tail.len();
    Ok(moved.then(|| Audit {
        next: audit.next,
        head: audit.head,
        sealed,
        tail: rest.to_vec(),
    }))
}

fn write(
    entries: &[Entry],
    before: &Sealed,
    month: (i32, u32),
    recipients: &Recipients,
    store: &dyn Store,
) -> Result<Sealed, LedgerError> {
    let mut lines = Vec::with_capacity(entries.len() * 512);
    let mut head = before.head;
    for entry in entries {
        serde_json::to_writer(&mut lines, entry).expect("an entry has string keys");
        lines.push(b'\n');
        head = entry.hash;
    }
    let name = SegmentName::after(before.last.as_deref(), month).text();
    store.put_segment(&name, &recipients.seal(&lines, Form::Binary)?)?;
    Ok(Sealed {
        segments: before.segments + 1,
        last: Some(name),
        events: before.events + entries.len() as u64,
        head,
    })
}

fn month(at: Instant) -> (i32, u32) {
    (at.year(), at.month())
}
