//! `audit export --bundle DIR`: the whole set for an auditor, in one passage through the log.
//!
//! | file | holds |
//! | --- | --- |
//! | `rotations.csv` | one row a rotation, adoption or postponement |
//! | `population.csv` | every secret at the end of the period |
//! | `exceptions.csv` | what was not as it should be |
//! | `changes.csv` | configuration, policies, who came and went |
//! | `events.jsonl` | the events of the period as they were hashed |
//! | `report.html` | the same to read and to print |
//! | `manifest.json` | period, place in the chain, sum of the population, digests |
//! | `README.txt`, `verify.py`, `SHA256SUMS` | how to check it without rotakey |

mod ground;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::ledger::{EntryRef, Events, LedgerId};
use crate::model::Instant;

use super::change::Change;
use super::csv::Sheet;
use super::exception::Deviation;
use super::export::{ExportError, Sink, read};
use super::manifest::{FileMark, MANIFEST, Manifest};
use super::page::{Identity, Page};
use super::row::Row;
use super::{Period, tables};

pub use ground::{Ground, ground};

/// The digests of all other files, for `sha256sum -c`.
pub const SUMS: &str = "SHA256SUMS";
/// Checks a bundle with nothing but Python's standard library.
const VERIFY: &str = include_str!("verify.py");
/// Says how.
const README: &str = include_str!("README.txt");

/// What a bundle came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundled {
    /// Rotations, adoptions and postponements.
    pub rotations: u64,
    /// What was not as it should be.
    pub exceptions: u64,
    /// Events of the period.
    pub events: u64,
    /// The hash of the newest one.
    pub head: crate::ledger::Digest,
}

/// Writes all files into that directory, which exists and is empty.
pub fn export(
    ledger: LedgerId,
    events: Events<'_>,
    (period, now): (Period, Instant),
    directory: &Path,
) -> Result<Bundled, ExportError> {
    let mut files = Files::open(directory, Page::of(Identity { ledger, period })?)?;
    let closing = read(events, (period, now), &mut files)?;
    let mut population = Sheet::open(create(directory, "population.csv")?, &tables::POPULATION)?;
    for member in &closing.members {
        population.line(&tables::member(member))?;
    }
    let exceptions = files.exceptions.rows();
    let mut marks = BTreeMap::new();
    let mut report = create(directory, "report.html")?;
    files.page.finish(&closing, &mut report)?;
    marks.insert("report.html", report.mark(None)?);
    for (name, sheet) in [
        ("rotations.csv", files.rotations),
        ("exceptions.csv", files.exceptions),
        ("changes.csv", files.changes),
        ("population.csv", population),
    ] {
        let (out, rows) = sheet.close()?;
        marks.insert(name, out.mark(Some(rows))?);
    }
    let rotations = marks["rotations.csv"].rows.unwrap_or_default();
    let count = closing.extent.events;
    marks.insert("events.jsonl", files.events.mark(Some(count))?);
    for (name, text) in [("README.txt", README), ("verify.py", VERIFY)] {
        marks.insert(name, write(directory, name, text.as_bytes())?);
    }
    let mut manifest = Manifest::of(ledger, period, &closing);
    manifest.files = marks
        .iter()
        .map(|(name, mark)| ((*name).to_owned(), mark.clone()))
        .collect();
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
    text.push(b'\n');
    marks.insert(MANIFEST, write(directory, MANIFEST, &text)?);
    let sums = marks.iter().map(|(name, mark)| line(&mark.sha256, name));
    write(directory, SUMS, sums.collect::<String>().as_bytes())?;
    Ok(Bundled {
        rotations,
        exceptions,
        events: count,
        head: closing.extent.head,
    })
}

/// The files that are filled while the log is read.
struct Files {
    rotations: Sheet<Hashed>,
    exceptions: Sheet<Hashed>,
    changes: Sheet<Hashed>,
    events: Hashed,
    page: Page,
}

impl Files {
    fn open(directory: &Path, page: Page) -> io::Result<Self> {
        Ok(Self {
            rotations: Sheet::open(create(directory, "rotations.csv")?, &tables::ROTATIONS)?,
            exceptions: Sheet::open(create(directory, "exceptions.csv")?, &tables::EXCEPTIONS)?,
            changes: Sheet::open(create(directory, "changes.csv")?, &tables::CHANGES)?,
            events: create(directory, "events.jsonl")?,
            page,
        })
    }
}

impl Sink for Files {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.page.row(row)?;
        self.rotations.line(&tables::rotation(row))
    }

    fn deviation(&mut self, deviation: &Deviation) -> io::Result<()> {
        self.page.deviation(deviation)?;
        self.exceptions.line(&tables::deviation(deviation))
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.page.change(change)?;
        self.changes.line(&tables::change(change))
    }

    fn event(&mut self, entry: &EntryRef<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.events, entry)?;
        self.events.write_all(b"\n")
    }
}

/// A file whose digest is known when it is whole.
struct Hashed {
    file: BufWriter<Hashing>,
}

struct Hashing {
    file: File,
    hasher: Sha256,
    bytes: u64,
}

/// A line as `sha256sum` writes it.
fn line(digest: &str, name: &str) -> String {
    format!("{digest}  {name}\n")
}

fn create(directory: &Path, name: &str) -> io::Result<Hashed> {
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(directory.join(name))?;
    let hashing = Hashing {
        file,
        hasher: Sha256::new(),
        bytes: 0,
    };
    Ok(Hashed {
        file: BufWriter::with_capacity(64 * 1024, hashing),
    })
}

fn write(directory: &Path, name: &str, text: &[u8]) -> io::Result<FileMark> {
    let mut file = create(directory, name)?;
    file.write_all(text)?;
    file.mark(None)
}

impl Hashed {
    /// Makes the file durable and says what it is.
    fn mark(self, rows: Option<u64>) -> io::Result<FileMark> {
        let hashing = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        hashing.file.sync_all()?;
        let digest = hashing.hasher.finalize();
        Ok(FileMark {
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: hashing.bytes,
            rows,
        })
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
