//! Files that survive a power cut: whole and new, or whole and old, never between.
//!
//! A temporary file in the same directory, 0600 from birth, with its space reserved first so that a full disk says so
//! before anything depends on it; then write, fsync, rename, and fsync of the directory. After a failed fsync the
//! kernel forgets the dirty pages and the next fsync succeeds, so nothing is ever tried again on the same file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, FallocateFlags, OFlags, access};
use rustix::io::Errno;

use super::error::{LedgerError, Peril};

/// What may stand under the name before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Anything; it gives way.
    Anything,
    /// Nothing.
    Nothing,
}

/// Writes the file and makes both it and its name durable.
pub(super) fn write(path: &Path, bytes: &[u8], before: Before) -> Result<(), LedgerError> {
    let temporary = temporary(path);
    let written = written(&temporary, bytes).and_then(|()| named(&temporary, path, before));
    if written.is_err() {
        // The error that matters is the first one.
        drop(fs::remove_file(&temporary));
    }
    written?;
    let directory = directory(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| LedgerError::io("fsync", directory, error))
}

/// Reads a regular file that is not behind a symlink, up to a size.
pub(super) fn read(
    path: &Path,
    largest: u64,
) -> Result<Option<(Vec<u8>, fs::Metadata)>, LedgerError> {
    let failed = |doing| move |error| LedgerError::io(doing, path, error);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
            return Err(not_safe(path, Peril::Symlink));
        }
        Err(error) => return Err(failed("open")(error)),
    };
    let about = file.metadata().map_err(failed("stat"))?;
    if !about.is_file() {
        return Err(not_safe(path, Peril::NotAFile));
    }
    if about.len() > largest {
        return Err(LedgerError::Corrupt {
            place: path.display().to_string(),
            why: "it is larger than any ledger".to_owned(),
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1);
    file.take(largest)
        .read_to_end(&mut bytes)
        .map_err(failed("read"))?;
    Ok(Some((bytes, about)))
}

/// Removes what a killed run left of its temporary files; their names begin with `.` and `of`.
pub(super) fn sweep(directory: &Path, of: &str) -> Result<(), LedgerError> {
    let failed = |error| LedgerError::io("read", directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| is_temporary(name, of)) {
            continue;
        }
        let stale = entry.path();
        let Ok(about) = fs::symlink_metadata(&stale) else {
            continue;
        };
        if about.is_file()
            && about.nlink() == 1
            && about.uid() == rustix::process::geteuid().as_raw()
        {
            fs::remove_file(&stale).map_err(|error| LedgerError::io("remove", &stale, error))?;
        }
    }
    Ok(())
}

/// Refuses a directory in which others could swap files, as ssh does.
pub(super) fn vet_directory(path: &Path) -> Result<(), LedgerError> {
    let about = fs::metadata(path).map_err(|error| LedgerError::io("stat", path, error))?;
    if !about.is_dir() {
        return Err(not_safe(path, Peril::NotADirectory));
    }
    vet(path, &about)
}

/// Refuses a directory in which nothing can be written.
pub(super) fn vet_writable(path: &Path) -> Result<(), LedgerError> {
    access(path, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| LedgerError::io("write in", path, error.into()))
}

/// Refuses what is not ours, or what others may write.
pub(super) fn vet(path: &Path, about: &fs::Metadata) -> Result<(), LedgerError> {
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(not_safe(path, Peril::Foreign));
    }
    if about.mode() & 0o022 != 0 {
        return Err(not_safe(path, Peril::Open));
    }
    Ok(())
}

fn not_safe(path: &Path, why: Peril) -> LedgerError {
    LedgerError::Unsafe {
        path: path.to_owned(),
        why,
    }
}

fn written(temporary: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let failed = |doing| move |error| LedgerError::io(doing, temporary, error);
    // `create_new` is O_EXCL, which does not follow a symlink either.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)
        .map_err(failed("create"))?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes.len() as u64) {
        // Some file systems cannot reserve; there the write itself will tell.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return Err(failed("reserve")(error.into())),
    }
    file.write_all(bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("fsync"))
}

fn named(temporary: &Path, path: &Path, before: Before) -> Result<(), LedgerError> {
    let failed = |doing| move |error| LedgerError::io(doing, path, error);
    match before {
        Before::Anything => fs::rename(temporary, path).map_err(failed("rename")),
        Before::Nothing => {
            // A hard link, unlike a rename, never takes the place of something else.
            fs::hard_link(temporary, path).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => LedgerError::Exists {
                    place: path.display().to_string(),
                },
                _ => failed("link")(error),
            })?;
            fs::remove_file(temporary).map_err(failed("unlink"))
        }
    }
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    directory(path).join(format!(".{name}.tmp.{:016x}", rand::random::<u64>()))
}

fn is_temporary(name: &str, of: &str) -> bool {
    name.strip_prefix('.')
        .and_then(|name| name.rsplit_once(".tmp."))
        .is_some_and(|(file, random)| {
            file.starts_with(of)
                && random.len() == 16
                && random.bytes().all(|b| b.is_ascii_hexdigit())
        })
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
