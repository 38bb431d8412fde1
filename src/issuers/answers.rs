//! What an issuer answers: of a key that is tried, and of those it lists.

use crate::model::{Fault, Instant, Key, KeyId};

/// What the issuer says of a key now.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Whether the key works.
    pub verdict: Verdict,
    /// The issuer's own clock (its `Date` header), the second clock by which grace is measured.
    pub date: Option<Instant>,
}

impl Seen {
    /// What the issuer says without telling the time.
    pub fn undated(verdict: Verdict) -> Self {
        Self {
            verdict,
            date: None,
        }
    }

    /// Nobody could tell.
    pub fn unknown(fault: Fault) -> Self {
        Self::undated(Verdict::Unknown(fault))
    }
}

/// Whether a key works.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is accepted.
    Works,
    /// It is accepted as genuine and refused for this call: a narrow scope, not a dead key.
    Denied,
    /// It is refused: dead, or not yet known everywhere.
    Refused,
    /// Nobody could tell.
    Unknown(Fault),
}

/// A key that `find` came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The key without its value, which an issuer shows only once; the fields are empty.
    pub key: Key,
    /// When the issuer made it, if it says.
    pub created_at: Option<Instant>,
}

/// A key that an issuer lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its public id.
    pub id: KeyId,
    /// What it is called there.
    pub name: String,
    /// When it was made, if the issuer says.
    pub created_at: Option<Instant>,
    /// When it was last used, if the issuer says.
    pub last_used: Option<Instant>,
}
