//! A ledger in memory: for simulations, and the smallest example of a store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::LedgerError;
use super::store::{Guard, Revision, Store};

/// A ledger in memory, with the same contract as one in a file. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    ledger: Option<Vec<u8>>,
    writes: u64,
    segments: BTreeMap<String, Vec<u8>>,
    holder: Option<String>,
}

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn revision(&self) -> Option<Revision> {
        let writes = self.writes;
        self.ledger
            .as_ref()
            .map(|_| Revision::new(writes.to_string()))
    }
}

impl Store for MemoryStore {
    fn place(&self) -> &str {
        "memory"
    }

    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        let kept = self.kept();
        Ok(kept.ledger.clone().zip(kept.revision()))
    }

    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        Ok(self.kept().revision())
    }

    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        let mut kept = self.kept();
        match (kept.revision(), expected) {
            (None, None) => {}
            (Some(stored), Some(expected)) if stored == *expected => {}
            (Some(_), None) => {
                return Err(LedgerError::Exists {
                    place: self.place().to_owned(),
                });
            }
            (_, Some(_)) => {
                return Err(LedgerError::LostClaim {
                    why: "the ledger was changed by someone else",
                });
            }
        }
        kept.writes += 1;
        kept.ledger = Some(bytes.to_owned());
        Ok(Revision::new(kept.writes.to_string()))
    }

    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.kept()
            .segments
            .insert(name.to_owned(), bytes.to_owned());
        Ok(())
    }

    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        Ok(self.kept().segments.keys().cloned().collect())
    }

    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.kept()
            .segments
            .get(name)
            .cloned()
            .ok_or_else(|| LedgerError::Tampered {
                place: name.to_owned(),
                why: "this part of the audit log is missing".to_owned(),
            })
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        let mut kept = self.kept();
        if kept.holder.is_some() {
            return Err(LedgerError::Busy {
                holder: kept.holder.clone(),
            });
        }
        kept.holder = Some(holder.to_owned());
        Ok(Box::new(MemoryLock(self.clone())))
    }
}

struct MemoryLock(MemoryStore);

impl Guard for MemoryLock {
    fn is_held(&self) -> Result<bool, LedgerError> {
        Ok(self.0.kept().holder.is_some())
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.kept().holder = None;
    }
}
