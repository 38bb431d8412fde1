//! Reading the audit log from its first event: segment by segment, then the tail, with the memory of a few segments.
//!
//! Every event is checked on the way: its number, its hash, and at the end that the log leads to the head the document
//! states. Evidence is never made from a log that does not hold together.

use std::sync::Arc;

use memchr::memchr;
use memchr::memmem::Finder;

use super::ahead::{Ahead, Segment};
use super::chain::{Digest, Entry, link};
use super::entry::EntryRef;
use super::segment::SegmentName;
use super::{Ledger, LedgerError};

/// The audit log from its beginning.
///
/// As an `Iterator` it yields owned entries; [`Events::next_entry`] lends them and is several times faster.
#[must_use = "events are read when they are asked for"]
pub struct Events<'a> {
    ledger: &'a Ledger,
    /// The segments that are not read yet.
    ahead: Option<Ahead>,
    /// The one that is being read, and how far.
    segment: Segment,
    offset: usize,
    hash_key: Finder<'static>,
    tail: usize,
    events: u64,
    head: Digest,
    over: bool,
}

impl<'a> Events<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            ahead: None,
            segment: Segment {
                name: String::new(),
                text: String::new(),
            },
            offset: 0,
            hash_key: Finder::new(HASH_KEY),
            tail: 0,
            events: 0,
            head: Digest::GENESIS,
            over: false,
        }
    }

    /// The next event, borrowed until the one after it is asked for. After an error there are no more.
    pub fn next_entry(&mut self) -> Result<Option<EntryRef<'_>>, LedgerError> {
        if self.over {
            return Ok(None);
        }
        // Set back below only where there is something to go on with.
        self.over = true;
        while self.offset == self.segment.text.len() {
            if !self.load()? {
                return self.next_of_tail();
            }
        }
        let start = self.offset;
        let length = memchr(b'\n', &self.segment.text.as_bytes()[start..])
            .ok_or_else(|| self.broken(&format!("event {} is cut short", self.events + 1)))?;
        let line = &self.segment.text.as_bytes()[start..start + length];
        let (hash, bare) = split(line, &self.hash_key)
            .ok_or_else(|| self.broken(&format!("event {} carries no hash", self.events + 1)))?;
        let seq = self.events + 1;
        if link(self.ledger.id(), seq, self.head, bare) != hash {
            return Err(self.broken(&misplaced(line, seq)));
        }
        (self.head, self.events, self.offset) = (hash, seq, start + length + 1);
        self.over = false;
        let entry: Option<EntryRef<'_>> =
            serde_json::from_str(&self.segment.text[start..start + length]).ok();
        match entry {
            Some(entry) if entry.seq == seq => Ok(Some(entry)),
            _ => Err(self.broken(&format!("event {seq} does not say what events say"))),
        }
    }

    /// Goes to the next segment; false when there is none.
    fn load(&mut self) -> Result<bool, LedgerError> {
        let ahead = match self.ahead.take() {
            Some(ahead) => ahead,
            None => {
                let store = Arc::clone(&self.ledger.store);
                let identities = Arc::clone(&self.ledger.identities);
                Ahead::of(self.known_segments()?, store, identities)?
            }
        };
        let next = ahead.next()?;
        self.ahead = Some(ahead);
        let Some(next) = next else { return Ok(false) };
        (self.segment, self.offset) = (next, 0);
        Ok(true)
    }

    /// The segments the document knows of. What a crash left after them is not part of the log; one that is missing is
    /// noticed where its first event should stand.
    pub(super) fn known_segments(&self) -> Result<Vec<SegmentName>, LedgerError> {
        let sealed = &self.ledger.document.audit.sealed;
        let last = sealed.last.as_deref().and_then(SegmentName::parse);
        let mut names: Vec<_> = self
            .ledger
            .store
            .segments()?
            .iter()
            .filter_map(|name| SegmentName::parse(name))
            .filter(|name| last.as_ref().is_some_and(|last| name <= last))
            .collect();
        names.sort();
        Ok(names)
    }

    fn next_of_tail(&mut self) -> Result<Option<EntryRef<'_>>, LedgerError> {
        let audit = &self.ledger.document.audit;
        if self.tail == 0 && (self.events, self.head) != (audit.sealed.events, audit.sealed.head) {
            return Err(self.broken(&match self.events < audit.sealed.events {
                true => format!("event {} is missing", self.events + 1),
                false => format!(
                    "event {} is not the one the ledger goes on from",
                    self.events
                ),
            }));
        }
        // The tail itself was checked when the ledger was opened.
        let entry = audit.tail.get(self.tail);
        self.tail += 1;
        self.over = entry.is_none();
        Ok(entry.map(Entry::as_ref))
    }

    fn broken(&self, why: &str) -> LedgerError {
        let place = match self.segment.name.as_str() {
            "" => "the audit log".to_owned(),
            name => format!("the audit log ({name}, after event {})", self.events),
        };
        LedgerError::Tampered {
            place,
            why: why.to_owned(),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry()
            .map(|entry| entry.map(Entry::from))
            .transpose()
    }
}

/// Says which event it is that does not fit.
fn misplaced(line: &[u8], seq: u64) -> String {
    let entry = std::str::from_utf8(line).ok();
    let entry: Option<EntryRef<'_>> = entry.and_then(|line| serde_json::from_str(line).ok());
    match entry {
        Some(entry) => entry.misplaced(seq),
        None => format!("event {seq} cannot be read"),
    }
}

/// Takes the hash out of a canonical line; what is left in two pieces is what was hashed.
///
/// Quotes within a text are escaped, so these bytes can only be the key, and no other object of an entry has it.
fn split<'a>(line: &'a [u8], hash_key: &Finder<'_>) -> Option<(Digest, [&'a [u8]; 2])> {
    let start = hash_key.find(line)?;
    let digits = start + HASH_KEY.len();
    let end = digits + 64;
    let hash = Digest::parse(std::str::from_utf8(line.get(digits..end)?).ok()?)?;
    let after = line.get(end..)?.strip_prefix(b"\",")?;
    Some((hash, [&line[..start], after]))
}

const HASH_KEY: &[u8] = b"\"hash\":\"";
