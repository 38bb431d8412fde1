//! Why a ledger cannot be used, each with one line of advice.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::IllegalChange;

/// Why the ledger was refused, is busy, or could not be written. Nothing was written to it when one of these comes back
/// from opening or locking.
#[derive(Debug)]
pub enum LedgerError {
    /// There is no ledger, and no sign that there ever was one.
    Missing {
        /// Where it was looked for.
        place: String,
    },
    /// There is a ledger where a new one was to be made.
    Exists {
        /// Where.
        place: String,
    },
    /// There is no ledger, but there was one.
    Lost {
        /// Where it was.
        place: String,
        /// The side file that remembers it.
        mark: PathBuf,
    },
    /// It is cut short, changed, or no ledger at all.
    Corrupt {
        /// Which file.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The identity itself cannot be used.
    Identity {
        /// Where the identity comes from.
        source: String,
        /// Why not.
        why: String,
        /// What to do, where whoever read it knows.
        hint: Option<String>,
    },
    /// The identity does not open this ledger.
    WrongIdentity {
        /// Which file.
        place: String,
        /// Where the identity comes from.
        source: String,
    },
    /// A recipient cannot be used.
    Recipient {
        /// As it was written.
        text: String,
        /// Why not.
        why: String,
    },
    /// It decrypts, and rotakey did not write it.
    Tampered {
        /// Which file.
        place: String,
        /// What gives it away.
        why: String,
    },
    /// It is another ledger than the one that stood here before.
    Replaced {
        /// Which file.
        place: String,
        /// The side file that remembers the other one.
        mark: PathBuf,
    },
    /// It is an older copy than one that was seen here.
    RolledBack {
        /// Which file.
        place: String,
        /// The sequence it has.
        have: u64,
        /// The sequence that was seen.
        seen: u64,
        /// The side file that remembers.
        mark: PathBuf,
    },
    /// It went on from an older copy: its history is not the one that was seen here.
    Forked {
        /// Which file.
        place: String,
        /// The side file that remembers the other history.
        mark: PathBuf,
    },
    /// A newer rotakey wrote it.
    NewerFormat {
        /// Which file.
        place: String,
        /// Its format.
        have: u32,
        /// The newest format this build knows.
        know: u32,
    },
    /// Another run holds the lock.
    Busy {
        /// What it wrote about itself.
        holder: Option<String>,
    },
    /// The recipients it is to be sealed to leave out the identity of this run.
    LockedOut,
    /// This run does not hold the ledger any more, or not yet (G6).
    LostClaim {
        /// How that shows.
        why: &'static str,
    },
    /// A file or directory that others could tamper with.
    Unsafe {
        /// Which.
        path: PathBuf,
        /// Why.
        why: Peril,
    },
    /// Nothing says where this machine notes what it has seen of the ledger.
    NoStateHome,
    /// The document could not be sealed.
    Unsealed {
        /// Why.
        why: String,
    },
    /// The file system said no.
    Io {
        /// What was being done: `write`, `fsync`.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A commit failed while a new key was only in memory: the sealed ledger with that key was put aside.
    Rescued {
        /// Where it is.
        copy: PathBuf,
        /// Where it belongs.
        place: String,
        /// Why the commit failed.
        cause: Box<LedgerError>,
    },
    /// A change does not fit the state: a broken invariant of rotakey's own.
    IllegalChange(IllegalChange),
}

/// How others could tamper with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peril {
    /// A symlink leads somewhere else.
    Symlink,
    /// A device, a pipe, a directory.
    NotAFile,
    /// Not a directory.
    NotADirectory,
    /// It is not ours.
    Foreign,
    /// The group or everybody may write.
    Open,
}

impl LedgerError {
    /// Whether the ledger was refused: exit code 4.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::Lost { .. }
            | Self::Corrupt { .. }
            | Self::Identity { .. }
            | Self::WrongIdentity { .. }
            | Self::Tampered { .. }
            | Self::Replaced { .. }
            | Self::RolledBack { .. }
            | Self::Forked { .. }
            | Self::NewerFormat { .. }
            | Self::Unsafe { .. } => true,
            Self::Exists { .. }
            | Self::Recipient { .. }
            | Self::LockedOut
            | Self::NoStateHome
            | Self::Busy { .. }
            | Self::LostClaim { .. }
            | Self::Unsealed { .. }
            | Self::Io { .. }
            | Self::Rescued { .. }
            | Self::IllegalChange(_) => false,
        }
    }

    /// Whether the same command may work later: exit code 75.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::LostClaim { .. } => true,
            Self::Io { source, .. } => is_full(source),
            _ => false,
        }
    }

    /// One imperative line, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => "run `rotakey init`, or name the ledger's real place".to_owned(),
            Self::Exists { .. } => "choose another path; a ledger is never overwritten".to_owned(),
            Self::Lost { mark, .. } => format!(
                "restore the ledger from its backup; only if it is gone for good, remove {} and run `rotakey init`",
                mark.display()
            ),
            Self::Corrupt { .. } | Self::Tampered { .. } => {
                "keep this file for the investigation and restore the newest backup".to_owned()
            }
            Self::Identity { hint: Some(hint), .. } => hint.clone(),
            // A new identity would open nothing, so this may not sound like advice to make one.
            Self::Identity { .. } => {
                "give the one the ledger was made with (`--identity FILE`): age or ed25519 SSH, without a passphrase"
                    .to_owned()
            }
            Self::WrongIdentity { .. } => {
                "use the identity the ledger was made with, or the break-glass one".to_owned()
            }
            Self::Recipient { .. } => {
                "give recipients as `age1…`, `ssh-ed25519 …` or a plugin's `age1name1…`".to_owned()
            }
            Self::LockedOut => {
                "list its recipient as well; `age-keygen -y identity.txt` prints it".to_owned()
            }
            Self::Replaced { mark, .. } | Self::RolledBack { mark, .. } | Self::Forked { mark, .. } => format!(
                "restore the newest copy; only if there is none and you trust this one, remove {}",
                mark.display()
            ),
            Self::NewerFormat { .. } => "install the newer rotakey that wrote it".to_owned(),
            Self::Busy { .. } => "wait for the other run to end; its lock ends with it".to_owned(),
            Self::Unsafe { path, why } => why.hint(path),
            Self::NoStateHome => {
                "set XDG_STATE_HOME to a directory that is not restored together with the ledger".to_owned()
            }
            Self::Io { source, path, .. } => io_hint(source, path),
            Self::Rescued { copy, place, cause } if matches!(**cause, Self::LostClaim { .. }) => format!(
                "another run has gone on with {place}, so leave that as it is: look with `age -d` which key {} has more, and delete that one at its issuer",
                copy.display()
            ),
            Self::Rescued { copy, place, .. } => {
                format!("mend the disk, then `mv {} {place}` and run `rotakey rotate`", copy.display())
            }
            Self::LostClaim { .. }
            | Self::Unsealed { .. }
            | Self::IllegalChange(_) => return None,
        };
        Some(hint)
    }

    /// An I/O error that says of what.
    pub fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

fn io_hint(error: &io::Error, path: &Path) -> String {
    let path = path.display();
    match error.kind() {
        _ if is_full(error) => "make room on that disk, then run the same command again".to_owned(),
        io::ErrorKind::PermissionDenied => {
            format!(
                "run as the user who owns it, or give it to this one: `ls -ld {path}` shows both"
            )
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount that file system for writing, or name a place on another".to_owned()
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "make that directory, or name the ledger's real place".to_owned()
        }
        _ => "look after that disk (`dmesg` says more), then run the same command again".to_owned(),
    }
}

impl Peril {
    fn hint(self, path: &Path) -> String {
        match self {
            Self::Symlink => "put the file itself there, or name its real place".to_owned(),
            Self::NotAFile | Self::NotADirectory => {
                format!(
                    "look what it is (`ls -ld {}`), or name the real place",
                    path.display()
                )
            }
            Self::Foreign => format!("run as the user who owns it, or `chown` {}", path.display()),
            Self::Open => format!("chmod go-w {}", path.display()),
        }
    }
}

impl fmt::Display for Peril {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Symlink => "it is a symlink",
            Self::NotAFile => "it is not a regular file",
            Self::NotADirectory => "it is not a directory",
            Self::Foreign => "it belongs to someone else",
            Self::Open => "others may write to it",
        })
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { place } => write!(out, "there is no ledger at {place}"),
            Self::Exists { place } => write!(out, "there is a ledger at {place} already"),
            Self::Lost { place, .. } => {
                write!(out, "the ledger at {place} is lost: it was there before")
            }
            Self::Corrupt { place, why } => write!(out, "{place} is damaged: {why}"),
            Self::Identity { source, why, .. } => write!(out, "identity from {source}: {why}"),
            Self::WrongIdentity { place, source } => {
                write!(out, "the identity from {source} does not open {place}")
            }
            Self::Recipient { text, why } => {
                write!(out, "recipient `{}`: {why}", text.escape_debug())
            }
            Self::LockedOut => write!(
                out,
                "with these recipients the identity of this run could not open the ledger any more"
            ),
            Self::Tampered { place, why } => {
                write!(out, "{place} was not written by rotakey: {why}")
            }
            Self::Replaced { place, .. } => {
                write!(
                    out,
                    "{place} is another ledger than the one seen here before"
                )
            }
            Self::RolledBack {
                place, have, seen, ..
            } => write!(
                out,
                "{place} is an old copy: it stands at commit {have}, commit {seen} was seen here"
            ),
            Self::Forked { place, .. } => {
                write!(
                    out,
                    "{place} has another history than the one seen here before"
                )
            }
            Self::NewerFormat { place, have, know } => write!(
                out,
                "{place} has format {have}, written by a newer rotakey; this one knows format {know}"
            ),
            Self::Busy {
                holder: Some(holder),
            } => write!(out, "the ledger is held by another run ({holder})"),
            Self::Busy { holder: None } => out.write_str("the ledger is held by another run"),
            Self::LostClaim { why } => write!(out, "this run does not hold the ledger: {why}"),
            Self::Unsafe { path, why } => write!(out, "{} is not safe: {why}", path.display()),
            Self::NoStateHome => out.write_str(
                "neither XDG_STATE_HOME nor HOME says where to note what this machine has seen of the ledger",
            ),
            Self::Unsealed { why } => write!(out, "the ledger cannot be sealed: {why}"),
            Self::Io {
                doing,
                path,
                source,
            } => write!(out, "{doing} {}: {source}", path.display()),
            Self::Rescued { copy, cause, .. } => {
                write!(
                    out,
                    "{cause}; the ledger with the newest key is at {}",
                    copy.display()
                )
            }
            Self::IllegalChange(illegal) => {
                write!(out, "the change does not fit the ledger: {illegal}")
            }
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<IllegalChange> for LedgerError {
    fn from(illegal: IllegalChange) -> Self {
        Self::IllegalChange(illegal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rescued(cause: LedgerError) -> String {
        let rescued = LedgerError::Rescued {
            copy: PathBuf::from("rescue.json.age"),
            place: "ledger.json.age".to_owned(),
            cause: Box::new(cause),
        };
        rescued.hint().expect("there is something to do")
    }

    #[test]
    fn every_trouble_with_a_file_has_advice_of_its_own_and_only_a_full_disk_may_pass() {
        let of = |kind: io::ErrorKind| {
            let error = LedgerError::io("write", Path::new("/srv/ledger"), kind.into());
            (error.hint().expect("advice"), error.may_pass())
        };
        for (kind, hint, passes) in [
            (
                io::ErrorKind::StorageFull,
                "make room on that disk, then run the same command again",
                true,
            ),
            (
                io::ErrorKind::QuotaExceeded,
                "make room on that disk, then run the same command again",
                true,
            ),
            (
                io::ErrorKind::PermissionDenied,
                "run as the user who owns it, or give it to this one: `ls -ld /srv/ledger` shows both",
                false,
            ),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                "mount that file system for writing, or name a place on another",
                false,
            ),
            (
                io::ErrorKind::NotFound,
                "make that directory, or name the ledger's real place",
                false,
            ),
            (
                io::ErrorKind::Other,
                "look after that disk (`dmesg` says more), then run the same command again",
                false,
            ),
        ] {
            assert_eq!(of(kind), (hint.to_owned(), passes));
        }
    }

    #[test]
    fn a_rescued_ledger_is_never_to_be_put_over_the_newer_one_of_another_run() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let full = rescued(LedgerError::io("write", Path::new("ledger"), full));
        assert!(full.contains("`mv rescue.json.age ledger.json.age`"));
        let taken = rescued(LedgerError::LostClaim {
            why: "another run has it",
        });
        assert_eq!(
            taken,
            "another run has gone on with ledger.json.age, so leave that as it is: look with `age -d` which key \
             rescue.json.age has more, and delete that one at its issuer"
        );
    }
}
