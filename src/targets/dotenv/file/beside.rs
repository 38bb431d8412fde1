//! The new file that is made beside the old one, to take its place.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};

/// A file beside that one, 0600 from birth, with this text on the disk. It is removed again unless it is kept.
pub(super) fn beside(path: &Path, text: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let (start, end) = temporary(path.file_name().unwrap_or_default());
    let mut new = tempfile::Builder::new()
        .prefix(&start)
        .suffix(end)
        .rand_bytes(16)
        .tempfile_in(directory(path))?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// How the names of our temporary files begin and end: `.env` becomes `..env.rotakey-….tmp`.
fn temporary(name: &OsStr) -> (OsString, &'static str) {
    let mut start = OsString::from(".");
    start.push(name);
    start.push(".rotakey-");
    (start, ".tmp")
}

/// Removes what a killed run left beside the file. Nobody else has such names, and nobody but us writes now: the
/// ledger is locked.
pub(super) fn sweep(path: &Path) {
    let (start, end) = temporary(path.file_name().unwrap_or_default());
    let ours = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.len() == start.len() + 16 + end.len()
            && name.starts_with(start.as_encoded_bytes())
            && name.ends_with(end.as_bytes())
    };
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(directory(path))
        .into_iter()
        .flatten()
        .flatten()
    {
        let plain = || {
            let found = fs::symlink_metadata(entry.path()).ok();
            found.is_some_and(|of| of.is_file() && of.nlink() == 1 && of.uid() == user)
        };
        if ours(&entry.file_name()) && plain() {
            // One that stays is tried again by the next write.
            fs::remove_file(entry.path()).ok();
        }
    }
}

pub(super) fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Gives a file the attributes of another one.
pub(super) fn copy_attributes(from: &File, to: &File) -> io::Result<()> {
    let mut names = vec![0; 64 * 1024];
    let length = match flistxattr(from, &mut names) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..length].split(|byte| *byte == 0) {
        if name.is_empty() {
            continue;
        }
        let mut value = vec![0; 64 * 1024];
        let length = fgetxattr(from, name, &mut value)?;
        fsetxattr(to, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}
