//! The plaintext of the ledger: one JSON document that `jq` reads, and the MAC that says rotakey wrote it.
//!
//! age does not say who wrote a file: whoever knows a recipient can make one. The MAC key stands inside the document, so
//! only who can read the ledger can make one that verifies; and the ledger's id is the hash of that key.

use std::io::{self, Write};

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::model::{Fields, Instant, RunId};

use super::chain::{Digest, Entry, LedgerId, hex, parse_hex};
use super::state::State;

/// The format this build writes, and the newest it reads.
pub(super) const FORMAT: u32 = 1;

type HmacSha256 = Hmac<Sha256>;

/// What never changes in the life of a ledger.
pub(super) struct Keys {
    mac: Zeroizing<[u8; 32]>,
    fingerprint: Zeroizing<[u8; 32]>,
    /// Which ledger this is.
    pub(super) id: LedgerId,
}

/// How often it was written, and by whom.
#[derive(Clone, Debug)]
pub(super) struct Front {
    /// Commits so far.
    pub(super) seq: u64,
    /// Runs that have claimed it (G5).
    pub(super) epoch: u64,
    /// The run that claimed it last.
    pub(super) owner: RunId,
    /// The latest instant ever recorded.
    pub(super) high_time: Instant,
}

/// The audit log, as far as the document holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    /// The number of the next event.
    pub(super) next: u64,
    /// The hash of the newest event.
    pub(super) head: Digest,
    /// What was moved into segments.
    pub(super) sealed: Sealed,
    /// The newest events.
    pub(super) tail: Vec<Entry>,
}

/// The events that are not in the document any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// How many segments.
    pub(super) segments: u64,
    /// The name of the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<String>,
    /// How many events.
    pub(super) events: u64,
    /// The hash of the newest one.
    pub(super) head: Digest,
}

/// Everything.
pub(super) struct Document {
    pub(super) keys: Keys,
    pub(super) front: Front,
    pub(super) recipients: Vec<String>,
    pub(super) state: State,
    pub(super) audit: Audit,
}

/// Why a text is not a ledger.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A newer format.
    Newer(u32),
    /// No such document.
    Malformed(String),
    /// The MAC or the id is wrong.
    Forged(&'static str),
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    ledger: LedgerId,
    seq: u64,
    epoch: u64,
    owner: &'a RunId,
    high_time: Instant,
    recipients: &'a [String],
    state: &'a State,
    audit: &'a Audit,
    mac_key: &'a str,
    fp_key: &'a str,
    mac: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<'a> {
    format: u32,
    ledger: LedgerId,
    seq: u64,
    epoch: u64,
    owner: RunId,
    high_time: Instant,
    recipients: Vec<String>,
    state: State,
    audit: Audit,
    /// Borrowed from the text, which is wiped.
    mac_key: &'a str,
    fp_key: &'a str,
    mac: &'a str,
}

#[derive(Deserialize)]
struct Gate {
    format: u32,
}

impl Keys {
    /// Draws new ones.
    pub(super) fn random() -> Self {
        Self::of(
            Zeroizing::new(rand::random()),
            Zeroizing::new(rand::random()),
        )
    }

    fn of(mac: Zeroizing<[u8; 32]>, fingerprint: Zeroizing<[u8; 32]>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"rotakey-ledger-id-v1");
        hasher.update(mac.as_slice());
        Self {
            id: LedgerId(Digest(hasher.finalize().into())),
            mac,
            fingerprint,
        }
    }

    /// `fp1_` and 80 bits of a keyed digest: of the value alone where there is one field, else of all names and values,
    /// each after its length.
    pub(super) fn fingerprint(&self, fields: &Fields) -> String {
        let mut digest = keyed(&self.fingerprint);
        let mut several = fields.iter();
        match (several.next(), several.next()) {
            (Some((_, value)), None) => digest.update(value.expose().as_bytes()),
            _ => {
                for (name, value) in fields.iter() {
                    for text in [name.as_str(), value.expose()] {
                        digest.update(&(text.len() as u64).to_be_bytes());
                        digest.update(text.as_bytes());
                    }
                }
            }
        }
        format!("fp1_{}", hex(&digest.finalize().into_bytes()[..10]))
    }
}

impl Document {
    /// The text, as the commit after this one would write it with that front and audit log.
    pub(super) fn text(&self, front: &Front, audit: &Audit) -> Zeroizing<Vec<u8>> {
        let mac_key = Zeroizing::new(hex(self.keys.mac.as_slice()));
        let fp_key = Zeroizing::new(hex(self.keys.fingerprint.as_slice()));
        let unsigned = Written {
            format: FORMAT,
            ledger: self.keys.id,
            seq: front.seq,
            epoch: front.epoch,
            owner: &front.owner,
            high_time: front.high_time,
            recipients: &self.recipients,
            state: &self.state,
            audit,
            mac_key: &mac_key,
            fp_key: &fp_key,
            mac: "",
        };
        let mut out = Wiped::default();
        // Without blanks, which would be a fifth of a large ledger: `jq` puts them in.
        serde_json::to_writer(&mut out, &unsigned).expect(WRITES);
        let mac = mac(&self.keys.mac, &[&out.0]).finalize().into_bytes();
        let start = out.0.len() - end("").len();
        out.0.truncate(start);
        out.write_all(end(&hex(&mac)).as_bytes()).expect(WRITES);
        out.write_all(b"\n").expect(WRITES);
        out.0
    }

    /// Reads a text and verifies that rotakey wrote it.
    pub(super) fn read(text: &[u8]) -> Result<Self, Unreadable> {
        let malformed = |error: serde_json::Error| {
            // The position only: the message could quote a value.
            Unreadable::Malformed(format!(
                "its text is not a ledger (line {}, column {})",
                error.line(),
                error.column()
            ))
        };
        // A newer one may well be malformed to this build. A large ledger is not gone through twice to know it beforehand.
        let newer = || match serde_json::from_slice(text) {
            Ok(Gate { format }) if format > FORMAT => Some(Unreadable::Newer(format)),
            _ => None,
        };
        let read: Read<'_> =
            serde_json::from_slice(text).map_err(|error| newer().unwrap_or(malformed(error)))?;
        if read.format > FORMAT {
            return Err(Unreadable::Newer(read.format));
        }
        let key = |text: &str| {
            parse_hex(text)
                .map(Zeroizing::new)
                .ok_or(Unreadable::Forged("its keys are not keys"))
        };
        let keys = Keys::of(key(read.mac_key)?, key(read.fp_key)?);
        if keys.id != read.ledger {
            return Err(Unreadable::Forged("its id does not belong to its key"));
        }
        let forged = Unreadable::Forged("its MAC is wrong");
        let Some(stated) = parse_hex(read.mac) else {
            return Err(forged);
        };
        let genuine = match text.strip_suffix(format!("{}\n", end(read.mac)).as_bytes()) {
            Some(start) => mac(&keys.mac, &[start, end("").as_bytes()]),
            None => read.mac_of_one_with_blanks(&keys.mac),
        };
        genuine.verify_slice(&stated).map_err(|_| forged)?;
        Ok(Self {
            keys,
            front: Front {
                seq: read.seq,
                epoch: read.epoch,
                owner: read.owner,
                high_time: read.high_time,
            },
            recipients: read.recipients,
            state: read.state,
            audit: read.audit,
        })
    }
}

const WRITES: &str = "the document has string keys, and writing to memory cannot fail";

/// How a document ends. The MAC is over the text of the same document with an empty one, without the line end.
fn end(mac: &str) -> String {
    format!("\"{mac}\"}}")
}

fn mac(key: &Zeroizing<[u8; 32]>, texts: &[&[u8]]) -> HmacSha256 {
    texts
        .iter()
        .fold(keyed(key), |mac, text| mac.chain_update(text))
}

impl Read<'_> {
    /// The MAC of a ledger that an early build wrote, with blanks: they do not count.
    fn mac_of_one_with_blanks(&self, key: &Zeroizing<[u8; 32]>) -> HmacSha256 {
        let unsigned = Written {
            format: self.format,
            ledger: self.ledger,
            seq: self.seq,
            epoch: self.epoch,
            owner: &self.owner,
            high_time: self.high_time,
            recipients: &self.recipients,
            state: &self.state,
            audit: &self.audit,
            mac_key: self.mac_key,
            fp_key: self.fp_key,
            mac: "",
        };
        let mut hashing = Hashing(keyed(key));
        serde_json::to_writer(io::BufWriter::new(&mut hashing), &unsigned).expect(WRITES);
        hashing.0
    }
}

fn keyed(key: &Zeroizing<[u8; 32]>) -> HmacSha256 {
    HmacSha256::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length")
}

struct Hashing(HmacSha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A growing text that wipes what it grows out of.
#[derive(Default)]
struct Wiped(Zeroizing<Vec<u8>>);

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity((needed * 2).max(4096)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
