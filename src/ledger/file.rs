//! A ledger in a file.
//!
//! Beside `ledger.json.age` stand `ledger.lock`, which is never deleted and tells who holds it, and `ledger.audit/` with
//! the sealed segments. The lock is on a file of its own: a rename gives the ledger a new inode, and a lock on the old
//! one would keep nobody out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::LedgerError;
use super::durable::{self, Before};
use super::store::{Guard, Revision, Store};

/// No ledger is this large.
const LARGEST: u64 = 384 << 20;

/// A ledger in a file, with its lock and its segments beside it.
pub struct FileStore {
    ledger: PathBuf,
    lock: PathBuf,
    audit: PathBuf,
    place: String,
}

impl FileStore {
    /// Names the file; nothing is read or written yet.
    pub fn at(path: &Path) -> Result<Self, LedgerError> {
        let ledger = resolved(path).map_err(|error| LedgerError::io("resolve", path, error))?;
        let name = ledger.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".age").unwrap_or(&name);
        let stem = stem.strip_suffix(".json").unwrap_or(stem).to_owned();
        Ok(Self {
            lock: ledger.with_file_name(format!("{stem}.lock")),
            audit: ledger.with_file_name(format!("{stem}.audit")),
            place: ledger.display().to_string(),
            ledger,
        })
    }

    fn vet(&self) -> Result<(), LedgerError> {
        durable::vet_directory(self.directory())
    }

    fn directory(&self) -> &Path {
        self.ledger.parent().unwrap_or(Path::new("/"))
    }

    fn locked(&self) -> Result<FileLock, LedgerError> {
        self.vet()?;
        let failed = |doing| move |error| LedgerError::io(doing, &self.lock, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&self.lock)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => Ok(FileLock {
                path: self.lock.clone(),
                file,
            }),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Busy {
                holder: described(&mut file),
            }),
            // A file system that cannot lock cannot keep a second run out.
            Err(TryLockError::Error(error)) => Err(failed("lock")(error)),
        }
    }
}

impl Store for FileStore {
    fn place(&self) -> &str {
        &self.place
    }

    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        match self.vet() {
            Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            vetted => vetted?,
        }
        let Some((bytes, about)) = durable::read(&self.ledger, LARGEST)? else {
            return Ok(None);
        };
        durable::vet(&self.ledger, &about)?;
        Ok(Some((bytes, revision(&about))))
    }

    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        match fs::symlink_metadata(&self.ledger) {
            Ok(about) => Ok(Some(revision(&about))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::io("stat", &self.ledger, error)),
        }
    }

    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        self.vet()?;
        let before = match expected {
            None => Before::Nothing,
            Some(expected) if self.is_still(expected)? => Before::Anything,
            Some(_) => {
                return Err(LedgerError::LostClaim {
                    why: "the ledger was changed by someone else",
                });
            }
        };
        durable::write(&self.ledger, bytes, before)?;
        match durable::read(&self.ledger, LARGEST)? {
            Some((stored, about)) if stored == bytes => Ok(revision(&about)),
            _ => Err(LedgerError::LostClaim {
                why: "what was written is not what is stored",
            }),
        }
    }

    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.vet()?;
        let made = DirBuilder::new().mode(0o700).create(&self.audit);
        match made {
            Ok(()) => File::open(self.directory())
                .and_then(|directory| directory.sync_all())
                .map_err(|error| LedgerError::io("fsync", self.directory(), error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(LedgerError::io("create", &self.audit, error)),
        }
        durable::vet_directory(&self.audit)?;
        durable::write(&self.audit.join(name), bytes, Before::Anything)
    }

    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        let failed = |error| LedgerError::io("read", &self.audit, error);
        let entries = match fs::read_dir(&self.audit) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().map(str::to_owned));
        }
        Ok(names)
    }

    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        let path = self.audit.join(name);
        match durable::read(&path, LARGEST)? {
            Some((bytes, _)) => Ok(bytes),
            None => Err(LedgerError::Tampered {
                place: path.display().to_string(),
                why: "this part of the audit log is missing".to_owned(),
            }),
        }
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        let lock = self.locked()?;
        if !lock.is_held()? {
            return Err(LedgerError::Busy { holder: None });
        }
        lock.describe(holder)?;
        let name = self
            .ledger
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        durable::sweep(self.directory(), &name)?;
        if self.audit.exists() {
            durable::sweep(&self.audit, "")?;
        }
        Ok(Box::new(lock))
    }
}

struct FileLock {
    path: PathBuf,
    file: File,
}

impl FileLock {
    /// Says who holds it, for the message of a second run. Never read for a decision: process ids come again.
    fn describe(&self, holder: &str) -> Result<(), LedgerError> {
        let failed = |error| LedgerError::io("write", &self.path, error);
        self.file.set_len(0).map_err(failed)?;
        (&self.file)
            .write_all(format!("{holder}\n").as_bytes())
            .map_err(failed)
    }
}

impl Guard for FileLock {
    fn is_held(&self) -> Result<bool, LedgerError> {
        let failed = |error| LedgerError::io("stat", &self.path, error);
        let own = self.file.metadata().map_err(failed)?;
        match fs::symlink_metadata(&self.path) {
            // Who deleted the lock file has opened the door to a second run.
            Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Drop for FileLock {
    /// Says that the lock ends. Closing the file would not do: a program that another thread is starting at this moment
    /// has a copy of it until its exec, and the lock would outlive us by that long.
    fn drop(&mut self) {
        // Where it cannot be said, the lock ends with the last copy.
        drop(self.file.unlock());
    }
}

fn described(file: &mut File) -> Option<String> {
    let mut bytes = Vec::new();
    file.take(400).read_to_end(&mut bytes).ok()?;
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(200)
        .collect();
    Some(text).filter(|text| !text.is_empty())
}

fn revision(about: &fs::Metadata) -> Revision {
    let (seconds, nanos) = (about.mtime(), about.mtime_nsec());
    Revision::new(format!(
        "{}:{}:{}:{seconds}.{nanos:09}",
        about.dev(),
        about.ino(),
        about.len()
    ))
}

/// The path with every symlink on the way to the file resolved, as far as it exists. The file itself is not followed.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let Some(name) = absolute.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it does not name a file",
        ));
    };
    let mut existing = absolute.parent().unwrap_or(Path::new("/"));
    let mut rest = PathBuf::new();
    while !existing.exists() {
        let (Some(parent), Some(last)) = (existing.parent(), existing.file_name()) else {
            break;
        };
        rest = Path::new(last).join(rest);
        existing = parent;
    }
    Ok(existing.canonicalize()?.join(rest).join(name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    #[test]
    fn a_lock_that_was_given_back_is_free_although_a_child_has_a_copy_of_its_file() {
        let sandbox = Sandbox::new();
        let store = FileStore::at(&sandbox.ledger()).unwrap();
        let lock = store.locked().unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(matches!(store.locked(), Err(LedgerError::Busy { .. })));
        drop(lock);
        assert!(store.locked().is_ok());
        drop(copy);
    }
}
