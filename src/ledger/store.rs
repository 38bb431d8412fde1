//! Where a ledger is kept: a small contract with compare-and-swap, so that it can be a file, an object or a row.

use std::fmt;

use super::LedgerError;

/// The identity of one stored state of the ledger: two stores of the same bytes have different ones.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// Wraps what the store tells states apart by: an inode and its times, an ETag, a row version.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// What it was made of.
    pub fn token(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Revision({})", self.0)
    }
}

/// A place for one ledger and its sealed segments. It sees ciphertext only.
pub trait Store: Send + Sync {
    /// The place in words, stable between runs: a path, `s3://bucket/key`.
    fn place(&self) -> &str;

    /// What is stored now; `None` if nothing is.
    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError>;

    /// The revision that is stored now, without loading it. Looked at before every outside effect, so it is cheap.
    fn revision(&self) -> Result<Option<Revision>, LedgerError>;

    /// Whether that revision is still the stored one (G6).
    fn is_still(&self, known: &Revision) -> Result<bool, LedgerError> {
        Ok(self.revision()?.as_ref() == Some(known))
    }

    /// Stores the bytes if `expected` is still what is stored; `None` says that nothing may be.
    ///
    /// When it returns, the bytes survive a power cut. When it fails, what is stored is the former state or the new one,
    /// whole. Where a reply was lost, the store looks which of the two it is before it returns.
    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError>;

    /// Stores a sealed part of the audit log, as durably. The leftover of a crash under the same name gives way.
    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError>;

    /// The names of all segments, in any order.
    fn segments(&self) -> Result<Vec<String>, LedgerError>;

    /// One segment.
    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError>;

    /// Takes the lock or says at once who holds it. `holder` describes this run, for that message only.
    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError>;
}

/// The lock, until it is dropped.
#[must_use = "the lock ends when the guard is dropped"]
pub trait Guard: Send + Sync {
    /// Whether it still keeps others out.
    fn is_held(&self) -> Result<bool, LedgerError>;
}
