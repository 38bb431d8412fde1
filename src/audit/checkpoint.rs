//! The head of the log as others hold it: three lines, as in the C2SP specification of tlog checkpoints.
//!
//! ```text
//! rotakey/3f…        origin: the ledger
//! 4711               how many events
//! 9a…                the hash of the last of them
//! ```
//!
//! The third line is the head of a hash chain, in hexadecimal, not the root of a Merkle tree. A signed tag carries these
//! lines as its message; a time stamp is over the SHA-256 of the same bytes.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::ledger::{Digest, Events, LedgerError, LedgerId};

use super::book::Anchor;

/// The head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub ledger: LedgerId,
    /// How many events.
    pub size: u64,
    /// The hash of the last one.
    pub head: Digest,
}

/// What is anchored of a log so far.
#[derive(Clone, Debug)]
pub struct Anchored {
    /// Where the log stands now.
    pub now: Checkpoint,
    /// What was set, in that order.
    pub anchors: Vec<Anchor>,
    /// The places of the anchors since which nothing but anchors was recorded: setting one again would show no more.
    pub fresh: BTreeSet<String>,
}

impl Checkpoint {
    /// SHA-256 over the three lines.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "rotakey/{}\n{}\n{}", self.ledger, self.size, self.head)
    }
}

/// Reads and verifies the whole log: nothing is anchored that does not hold together.
pub fn read(ledger: LedgerId, mut events: Events<'_>) -> Result<Anchored, LedgerError> {
    let mut read = Anchored {
        now: Checkpoint {
            ledger,
            size: 0,
            head: Digest::GENESIS,
        },
        anchors: Vec::new(),
        fresh: BTreeSet::new(),
    };
    while let Some(entry) = events.next_entry()? {
        read.now.size = entry.seq;
        read.now.head = entry.hash.unwrap_or(read.now.head);
        if &*entry.kind == "anchor.done" {
            let anchor = Anchor::of(&entry);
            read.fresh.insert(anchor.place.clone());
            read.anchors.push(anchor);
        } else {
            read.fresh.clear();
        }
    }
    Ok(read)
}
