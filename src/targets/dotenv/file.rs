//! Reading and durably replacing one small file that other programs read at any time.
//!
//! The new text goes to a file beside the old one, which takes its place with one rename, so that a reader sees all of
//! the old or all of the new. That file holds secrets: it is 0600 from birth, gets the owner, the extended attributes
//! (ACL, SELinux label) and last the mode of the original, and one that a killed run left behind is swept by the next
//! write.
//!
//! A rename gives the name to another inode. Where that is not possible or would be noticed, the bytes are written
//! into the file that is there: one with several hard links, one that is itself a mount point (a bind mount, as inside
//! containers), one whose owner we cannot give to a new file, and one in a directory where we cannot create files.
//! Only the bytes from the first difference on are written, with the space for them reserved first, and synced; a
//! power cut in that instant can still leave them torn. From outside a container a bind mount cannot be seen; the
//! configuration says `in_place: true` then.

mod beside;

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::model::{Effect, Fault, FaultKind};
use beside::{beside, copy_attributes, directory, sweep};

/// A file of settings is never larger.
const LARGEST: u64 = 1024 * 1024;

const NAME_A_FILE: &str = "correct `path:`; it names one file of `NAME=value` lines";

/// What a file held when it was read.
pub(super) struct Snapshot {
    path: PathBuf,
    metadata: Metadata,
    pub(super) text: Zeroizing<Vec<u8>>,
}

/// Whether a new file may take the place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Yes, where nothing speaks against it.
    Rename,
    /// No.
    InPlace,
}

/// Why a new file cannot take the place of the old one.
enum Obstacle {
    /// Nothing is wrong with writing in place.
    WriteInPlace,
    /// Nothing may be written now.
    Stop(Fault),
}

/// The file a path leads to, through all symbolic links. A file that does not exist yet has a directory that does.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, Fault> {
    let found = path.canonicalize().or_else(|error| {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(error);
        };
        // A link to nowhere is not a place to create a file at.
        if error.kind() != ErrorKind::NotFound || path.is_symlink() {
            return Err(error);
        }
        let here = Path::new(".");
        let directory = if directory == Path::new("") {
            here
        } else {
            directory
        };
        Ok(directory.canonicalize()?.join(name))
    });
    found.map_err(|error| trouble("cannot be found", &error))
}

/// Reads a file at a path without symbolic links. `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Snapshot>, Fault> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble("cannot be opened", &error)),
    };
    let unreadable = |error| trouble("cannot be read", &error);
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Fault::refused("is not a regular file").hint(NAME_A_FILE));
    }
    if metadata.len() > LARGEST {
        return Err(Fault::refused("is larger than 1 MiB").hint(NAME_A_FILE));
    }
    let room = metadata.len() as usize + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    let path = path.to_owned();
    Ok(Some(Snapshot {
        path,
        metadata,
        text,
    }))
}

/// Makes a file that is not there, 0600.
pub(super) fn create(path: &Path, text: &[u8]) -> Effect<()> {
    sweep(path);
    let made = beside(path, text).and_then(|made| {
        made.into_temp_path()
            .persist_noclobber(path)
            .map_err(|error| error.error)
    });
    match made {
        Ok(()) => synced(path),
        Err(error) => Effect::NotDone(trouble("cannot be created", &error)),
    }
}

impl Snapshot {
    /// When the file was last written, by the clock of its file system.
    pub(super) fn modified(&self) -> Option<std::time::SystemTime> {
        self.metadata.modified().ok()
    }

    /// Replaces the text, unless somebody else did since it was read.
    pub(super) fn replace(&self, text: &[u8], way: Way) -> Effect<()> {
        self.replace_by(text, way, |from, to| fs::rename(from, to))
    }

    fn replace_by(
        &self,
        text: &[u8],
        way: Way,
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Effect<()> {
        sweep(&self.path);
        if way == Way::InPlace || self.metadata.nlink() > 1 {
            return self.overwrite(text);
        }
        match self.swap(text, rename) {
            Ok(()) => synced(&self.path),
            Err(Obstacle::WriteInPlace) => self.overwrite(text),
            Err(Obstacle::Stop(fault)) => Effect::NotDone(fault),
        }
    }

    fn swap(
        &self,
        text: &[u8],
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<(), Obstacle> {
        let new = beside(&self.path, text)?;
        self.dress(new.as_file())
            .map_err(|_| Obstacle::WriteInPlace)?;
        new.as_file().sync_all()?;
        self.unchanged(&fs::symlink_metadata(&self.path)?)?;
        rename(new.path(), &self.path)?;
        // Its name is gone, so there is nothing left to remove.
        new.into_temp_path().keep().ok();
        Ok(())
    }

    /// Gives a new file the owner, the attributes and the mode of the old one. The mode comes last: a change of owner
    /// clears some of its bits, and until then nobody else can read the file.
    fn dress(&self, new: &File) -> io::Result<()> {
        let (uid, gid) = (self.metadata.uid(), self.metadata.gid());
        let made = new.metadata()?;
        if (made.uid(), made.gid()) != (uid, gid) {
            fchown(new, Some(uid), Some(gid))?;
        }
        copy_attributes(&File::open(&self.path)?, new)?;
        new.set_permissions(Permissions::from_mode(self.metadata.mode() & 0o7777))
    }

    fn overwrite(&self, text: &[u8]) -> Effect<()> {
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)
            .and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = match file {
            Ok(opened) => opened,
            Err(error) => return Effect::NotDone(trouble("cannot be written", &error)),
        };
        if let Err(Obstacle::Stop(fault)) = self.unchanged(&metadata) {
            return Effect::NotDone(fault);
        }
        if let Err(error) = reserve(&file, text.len() as u64) {
            return Effect::NotDone(trouble("cannot be written", &error));
        }
        let same = text
            .iter()
            .zip(self.text.iter())
            .take_while(|(new, old)| new == old)
            .count();
        let written = file
            .write_all_at(&text[same..], same as u64)
            .and_then(|()| file.set_len(text.len() as u64))
            .and_then(|()| file.sync_all());
        match written {
            Ok(()) => Effect::Done(()),
            Err(error) => Effect::Uncertain(trouble("may be written in part", &error)),
        }
    }

    fn unchanged(&self, now: &Metadata) -> Result<(), Obstacle> {
        let what = |of: &Metadata| (of.dev(), of.ino(), of.len(), of.mtime(), of.mtime_nsec());
        if what(now) == what(&self.metadata) {
            return Ok(());
        }
        Err(Obstacle::Stop(Fault::passing(
            "was changed by somebody else at the same time",
        )))
    }
}

impl From<io::Error> for Obstacle {
    /// A mount point cannot be renamed over, and not every directory lets us create files.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem => Self::WriteInPlace,
            _ => Self::Stop(trouble("cannot be replaced", &error)),
        }
    }
}

/// Without this a power cut may undo the rename.
fn synced(path: &Path) -> Effect<()> {
    match File::open(directory(path)).and_then(|directory| directory.sync_all()) {
        Ok(()) => Effect::Done(()),
        Err(error) => Effect::Uncertain(trouble("may not outlive a power cut", &error)),
    }
}

/// Takes the space before a byte is changed, so that a full disk leaves the old text whole.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length.max(1)) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _length: u64) -> io::Result<()> {
    Ok(())
}

fn trouble(what: &str, error: &io::Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::NotFound => FaultKind::Missing,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::Interrupted => {
            FaultKind::Passing
        }
        _ => FaultKind::Refused,
    };
    let hint = match error.kind() {
        ErrorKind::NotFound => Some("correct `path:`, or where its link leads"),
        ErrorKind::PermissionDenied => {
            Some("let the user that runs rotakey read and write the file, and enter its directory")
        }
        ErrorKind::ReadOnlyFilesystem => Some("mount that file system for writing"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("make room on that disk"),
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => Some(NAME_A_FILE),
        _ => None,
    };
    Fault {
        kind,
        hint: hint.map(str::to_owned),
        ..Fault::refused(format!("{what}: {}", error.kind()))
    }
}

#[cfg(test)]
mod tests;
