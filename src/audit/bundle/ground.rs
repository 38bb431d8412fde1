//! What stands where a bundle is to go.
//!
//! A directory is given up only where rotakey wrote every byte in it: an earlier bundle of the same ledger and the same
//! period, whole, and nothing beside it. A `manifest.json` alone proves nothing; browsers, packages and backups have one
//! too.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::ledger::LedgerId;
use crate::model::sanitise;

use super::super::manifest::Manifest;
use super::{MANIFEST, Period, SUMS, line};

/// What was found.
#[derive(Debug, PartialEq)]
pub enum Ground {
    /// Nothing: no such directory, or an empty one.
    Free,
    /// An earlier bundle that may give way; holds its digests.
    Earlier(String),
    /// Something that stays, and why.
    Taken(String),
}

/// Looks at that directory for a bundle of that ledger and period.
pub fn ground(directory: &Path, ledger: LedgerId, period: Period) -> Ground {
    let mut entries = match fs::read_dir(directory) {
        Ok(entries) => entries.peekable(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ground::Free,
        Err(_) => return Ground::Taken("is no directory that can be read".to_owned()),
    };
    if entries.peek().is_none() {
        return Ground::Free;
    }
    earlier(directory, ledger, period).map_or_else(Ground::Taken, Ground::Earlier)
}

fn earlier(directory: &Path, ledger: LedgerId, period: Period) -> Result<String, String> {
    let manifest = Manifest::read(directory)
        .map_err(|_| "is not empty and holds no bundle that could be replaced".to_owned())?;
    if manifest.ledger != ledger || manifest.bounds() != period {
        return Err("holds the bundle of another ledger or another period".to_owned());
    }
    let unread = |_| "cannot be read to its end".to_owned();
    let stated = fs::read_to_string(directory.join(SUMS)).map_err(unread)?;
    let files: BTreeSet<&str> = manifest.files.keys().map(String::as_str).collect();
    let files: BTreeSet<&str> = files.into_iter().chain([MANIFEST]).collect();
    for entry in fs::read_dir(directory).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = files.contains(name.as_str()) || name == SUMS;
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let name = sanitise(&name);
            return Err(format!("holds `{name}`, which is not of the bundle"));
        }
    }
    let mut sums = String::new();
    for name in files {
        let sum = digest(&directory.join(name));
        let sum = sum.map_err(|_| format!("holds a bundle without its `{}`", sanitise(name)))?;
        sums += &line(&sum, name);
    }
    match sums == stated {
        true => Ok(sums),
        false => Err("holds a bundle that was changed since it was written".to_owned()),
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
