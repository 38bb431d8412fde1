//! A bundle: in itself, beside the one before it, and beside today's log.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::ledger::{Digest, EntryRef, Ledger, LedgerId};
use crate::model::Instant;

use super::super::manifest::{FORMAT, MANIFEST, Manifest};
use super::{VerifyError, csv_export};

/// A bundle whose files are whole and whose events form a chain.
#[derive(Debug)]
pub struct Bundle {
    directory: PathBuf,
    manifest: Manifest,
}

impl Bundle {
    /// Reads a bundle and checks it in itself. Needs no ledger.
    pub fn open(directory: &Path) -> Result<Self, VerifyError> {
        let manifest = Manifest::read(directory).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                VerifyError::Export("its manifest cannot be understood".to_owned())
            }
            _ => unreadable(MANIFEST, &error),
        })?;
        if manifest.format > FORMAT {
            return Err(VerifyError::Export("a newer rotakey wrote it".to_owned()));
        }
        let bundle = Self {
            directory: directory.to_owned(),
            manifest,
        };
        // The events first: they name what was changed, a digest only says that something was.
        bundle.check_events()?;
        bundle.check_files()?;
        Ok(bundle)
    }

    /// Which ledger it is from.
    pub fn ledger(&self) -> LedgerId {
        self.manifest.ledger
    }

    /// The numbers of the event before the first and of the last.
    pub fn reach(&self) -> (u64, u64) {
        (self.manifest.events.before, self.manifest.events.last)
    }

    /// The hash of its last event.
    pub fn head(&self) -> Digest {
        self.manifest.events.head
    }

    /// Compares it with today's log: every event by its hash, then the table of rotations cell by cell. Says how many
    /// rows that has.
    pub fn against(&self, ledger: &Ledger, now: Instant) -> Result<u64, VerifyError> {
        if ledger.id() != self.manifest.ledger {
            return Err(VerifyError::Export("it is from another ledger".to_owned()));
        }
        let chain = &self.manifest.events;
        if ledger.event_count() < chain.last {
            let first = ledger.event_count() + 1;
            return Err(VerifyError::Event(format!(
                "event {first} is missing in the ledger; the export has it"
            )));
        }
        let mut today = ledger.events();
        let mut hash = Some(Digest::GENESIS);
        let mut seq = 0;
        while seq < chain.before {
            let entry = today.next_entry().map_err(VerifyError::Log)?;
            (hash, seq) = (entry.and_then(|entry| entry.hash), seq + 1);
        }
        if hash != Some(chain.before_hash) {
            return Err(VerifyError::Event(format!(
                "event {seq} of the ledger is not the one the export begins after"
            )));
        }
        self.each(|entry| {
            let there = today.next_entry().map_err(VerifyError::Log)?;
            match there.and_then(|there| there.hash) == entry.hash {
                true => Ok(()),
                false => Err(VerifyError::Event(format!(
                    "event {} of the ledger is not the one in the export",
                    entry.seq
                ))),
            }
        })?;
        csv_export(
            ledger.events(),
            self.manifest.bounds(),
            now,
            self.file("rotations.csv")?,
        )
    }

    fn check_files(&self) -> Result<(), VerifyError> {
        for (name, mark) in &self.manifest.files {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(plain) || name.starts_with('.') {
                return Err(VerifyError::Export(
                    "its manifest names odd files".to_owned(),
                ));
            }
            let mut file = self.file(name)?;
            let mut hasher = Sha256::new();
            io::copy(&mut file, &mut hasher).map_err(|error| unreadable(name, &error))?;
            let digest: String = hasher
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if digest != mark.sha256 {
                return Err(VerifyError::File(format!(
                    "{name} is not the file that was written"
                )));
            }
        }
        Ok(())
    }

    fn check_events(&self) -> Result<(), VerifyError> {
        let chain = &self.manifest.events;
        let (mut seq, mut head) = (chain.before, chain.before_hash);
        self.each(|entry| {
            seq += 1;
            let expected = entry.expected_hash(self.manifest.ledger, head);
            if entry.seq != seq || entry.hash != Some(expected) {
                return Err(VerifyError::Event(entry.misplaced(seq)));
            }
            head = expected;
            Ok(())
        })?;
        if seq < chain.last {
            return Err(VerifyError::Event(format!("event {} is missing", seq + 1)));
        }
        match (seq, head) == (chain.last, chain.head) && seq - chain.before == chain.count {
            true => Ok(()),
            false => Err(VerifyError::Event(format!(
                "event {seq} is not the one that the manifest names as the last"
            ))),
        }
    }

    /// Hands over each of its events.
    fn each(
        &self,
        mut look: impl FnMut(&EntryRef<'_>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let mut lines = BufReader::with_capacity(64 * 1024, self.file("events.jsonl")?);
        let mut line = String::new();
        let mut number = 0;
        loop {
            line.clear();
            number += 1;
            let length = lines
                .read_line(&mut line)
                .map_err(|error| unreadable("events.jsonl", &error))?;
            if length == 0 {
                return Ok(());
            }
            let broken =
                || VerifyError::Event(format!("line {number} of events.jsonl is not an event"));
            let entry: EntryRef<'_> = serde_json::from_str(&line).map_err(|_| broken())?;
            look(&entry)?;
        }
    }

    fn hash_of(&self, seq: u64) -> Result<Option<Digest>, VerifyError> {
        let chain = &self.manifest.events;
        if seq == chain.before {
            return Ok(Some(chain.before_hash));
        }
        let mut found = None;
        self.each(|entry| {
            if entry.seq == seq {
                found = entry.hash;
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn file(&self, name: &str) -> Result<File, VerifyError> {
        File::open(self.directory.join(name)).map_err(|error| unreadable(name, &error))
    }
}

/// Whether a later bundle goes on from an earlier one: `None` where the two have no event in common and none is between
/// them to tell by.
pub fn continues(earlier: &Bundle, later: &Bundle) -> Result<Option<u64>, VerifyError> {
    if earlier.ledger() != later.ledger() {
        return Err(VerifyError::Export(
            "the two are from different ledgers".to_owned(),
        ));
    }
    let seq = earlier.manifest.events.last;
    match later.hash_of(seq)? {
        None => Ok(None),
        Some(hash) if hash == earlier.head() => Ok(Some(seq)),
        Some(_) => Err(VerifyError::Event(format!(
            "event {seq} is another one than in the export before: the log was written anew"
        ))),
    }
}

fn unreadable(name: &str, error: &io::Error) -> VerifyError {
    VerifyError::Export(format!("{name} cannot be read ({})", error.kind()))
}
