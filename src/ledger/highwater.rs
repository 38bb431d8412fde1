//! The mark this machine keeps of the newest ledger it has seen, outside the ledger.
//!
//! It catches what the ledger cannot say of itself: that it is gone, that it is another one, or an older copy. On a new
//! machine there is no mark yet; the ledger is taken as it is, and marked.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::LedgerError;
use super::chain::{Digest, LedgerId, hex};
use super::document::Document;
use super::durable::{self, Before};

/// No mark is this large.
const LARGEST: u64 = 64 << 10;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    ledger: LedgerId,
    seq: u64,
    events: u64,
    head: Digest,
    place: String,
}

/// The file that holds the mark of one ledger.
pub(super) struct HighWater {
    path: PathBuf,
    place: String,
}

impl HighWater {
    /// The mark of the ledger at that place, under the state home of rotakey.
    pub(super) fn of(place: &str, side: &Path) -> Self {
        let name = hex(&Sha256::digest(place.as_bytes())[..16]);
        Self {
            path: side.join(format!("{name}.json")),
            place: place.to_owned(),
        }
    }

    /// The error for a ledger that is not there.
    pub(super) fn absent(&self) -> LedgerError {
        match self.read() {
            Ok(None) => LedgerError::Missing {
                place: self.place.clone(),
            },
            Ok(Some(_)) => LedgerError::Lost {
                place: self.place.clone(),
                mark: self.path.clone(),
            },
            Err(error) => error,
        }
    }

    /// Refuses another ledger, an older copy, and one that went on from an older copy.
    pub(super) fn compare(&self, document: &Document) -> Result<(), LedgerError> {
        let Some(seen) = self.read()? else {
            return Ok(());
        };
        let (place, mark) = (self.place.clone(), self.path.clone());
        if seen.ledger != document.keys.id {
            return Err(LedgerError::Replaced { place, mark });
        }
        let have = document.front.seq;
        if have < seen.seq {
            return Err(LedgerError::RolledBack {
                place,
                have,
                seen: seen.seq,
                mark,
            });
        }
        if !continues(document, &seen) {
            return Err(LedgerError::Forked { place, mark });
        }
        Ok(())
    }

    /// Raises the mark. One that stayed behind, because the run died before this, is still a mark. Where it need not be
    /// raised, it is only made sure that it could be.
    pub(super) fn raise(&self, document: &Document) -> Result<(), LedgerError> {
        let mark = Mark {
            ledger: document.keys.id,
            seq: document.front.seq,
            events: document.audit.next - 1,
            head: document.audit.head,
            place: self.place.clone(),
        };
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        if self.read()?.as_ref() == Some(&mark) {
            return durable::vet_writable(directory);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| LedgerError::io("create", directory, error))?;
        durable::vet_directory(directory)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        durable::sweep(directory, &name)?;
        let text = serde_json::to_vec(&mark).expect("a mark has string keys");
        durable::write(&self.path, &text, Before::Anything)
    }

    fn read(&self) -> Result<Option<Mark>, LedgerError> {
        let Some((bytes, about)) = durable::read(&self.path, LARGEST)? else {
            return Ok(None);
        };
        durable::vet(&self.path, &about)?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| LedgerError::Corrupt {
                place: self.path.display().to_string(),
                why: "it is not a mark that rotakey wrote".to_owned(),
            })
    }
}

/// Whether the history that was seen is the beginning of this one, as far as the document itself can tell. The segments
/// are not read for it: opening a ledger must not get slower with its age.
fn continues(document: &Document, seen: &Mark) -> bool {
    let audit = &document.audit;
    if seen.events + 1 > audit.next {
        return false;
    }
    let known = if seen.events == audit.sealed.events {
        Some(audit.sealed.head)
    } else {
        audit
            .tail
            .iter()
            .find(|entry| entry.seq == seen.events)
            .map(|entry| entry.hash)
    };
    known.is_none_or(|hash| hash == seen.head)
}
