//! The audit chain: how an event is written, and the hash that ties it to all before it.
//!
//! `hash_n = SHA-256("rotakey-audit-v1\0" ‖ ledger id ‖ n as 8 bytes big-endian ‖ hash_(n-1) ‖ event_n)`, where `event_n` is
//! the canonical JSON (RFC 8785) of the entry without its hash, and `hash_0` is 32 zero bytes. The schema has ASCII keys,
//! strings and integers only; so that form is what serde writes when the fields stand in the order of their names, and
//! anyone can recompute it with a sorting JSON printer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::model::{Instant, RotationId, RunId, SecretName};

use super::entry::EntryRef;
use super::event::{Event, KeyMark};

/// 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub(super) [u8; 32]);

impl Digest {
    /// What stands before the first event.
    pub const GENESIS: Digest = Digest([0; 32]);

    /// Reads 64 lowercase hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

pub(super) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    // Two of them are read for each event of an export: one look at the end is cheaper than one at each digit.
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen < 16).then_some(bytes)
}

/// What each byte is worth as a lowercase hexadecimal digit; 255 if it is none.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Hex;
        impl serde::de::Visitor<'_> for Hex {
            type Value = Digest;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("64 hexadecimal digits")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Digest, E> {
                Digest::parse(text).ok_or_else(|| E::custom("not 64 hexadecimal digits"))
            }
        }
        from.deserialize_str(Hex)
    }
}

/// Which ledger this is: the SHA-256 of its MAC key, which only its readers know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LedgerId(pub(super) Digest);

impl fmt::Display for LedgerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// `cron`, `user@host`, or the run of a CI system.
    pub id: String,
    /// Of which kind.
    pub kind: ActorKind,
}

/// The kinds of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A schedule.
    Auto,
    /// A person.
    Manual,
    /// A CI system.
    Ci,
}

impl ActorKind {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActorKind::Auto => "auto",
            ActorKind::Manual => "manual",
            ActorKind::Ci => "ci",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind.as_str(), self.id)
    }
}

/// One numbered and chained line of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Counted from 1 without a gap.
    pub seq: u64,
    /// When, by our clock.
    pub at: Instant,
    /// In which run.
    pub run: RunId,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// The hash over this and all before.
    pub hash: Digest,
}

impl Entry {
    /// Chains an event to what is before it.
    pub(super) fn chained(unchained: Unchained, ledger: LedgerId, before: Digest) -> Self {
        let Unchained {
            seq,
            at,
            run,
            actor,
            event,
        } = unchained;
        let mut entry = Self {
            seq,
            at,
            run,
            actor,
            event,
            hash: Digest::GENESIS,
        };
        entry.hash = entry.as_ref().expected_hash(ledger, before);
        entry
    }
}

/// An event that is not chained yet.
pub(super) struct Unchained {
    pub(super) seq: u64,
    pub(super) at: Instant,
    pub(super) run: RunId,
    pub(super) actor: Actor,
    pub(super) event: Event,
}

/// Computes the hash from the canonical bytes, which may come in two pieces.
pub(super) fn link(ledger: LedgerId, seq: u64, before: Digest, event: [&[u8]; 2]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(b"rotakey-audit-v1\0");
    hasher.update(ledger.0.0);
    hasher.update(seq.to_be_bytes());
    hasher.update(before.0);
    hasher.update(event[0]);
    hasher.update(event[1]);
    Digest(hasher.finalize().into())
}

impl From<EntryRef<'_>> for Entry {
    fn from(entry: EntryRef<'_>) -> Self {
        let mark = |mark: super::entry::MarkRef<'_>| KeyMark {
            hint: mark.hint.into_hint(),
            fingerprint: mark.fingerprint.into(),
            id: mark.id.map(Into::into),
        };
        Self {
            seq: entry.seq,
            at: entry.at,
            run: RunId::new(entry.run),
            actor: Actor {
                id: entry.actor.id.into(),
                kind: entry.actor.kind,
            },
            hash: entry.hash.unwrap_or(Digest::GENESIS),
            event: Event {
                kind: entry.kind.into(),
                secret: entry.secret.map(SecretName::new),
                rotation: entry.rotation.map(RotationId::new),
                trigger: entry.trigger,
                place: entry.place.map(Into::into),
                old: entry.old.map(mark),
                new: entry.new.map(mark),
                note: entry.note.map(Into::into),
                until: entry.until,
                facts: entry
                    .facts
                    .into_iter()
                    .flatten()
                    .map(|(name, fact)| (name.into(), fact.into()))
                    .collect(),
            },
        }
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(out)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        EntryRef::deserialize(from).map(Entry::from)
    }
}
