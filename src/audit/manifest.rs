//! The manifest of a bundle: where it is from, what it is about, and the digest of each of its files.
//!
//! It says neither when nor on which machine it was written: the same log and period give the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use crate::ledger::{Digest, Facts, LedgerId};
use crate::model::Instant;

use super::Period;
use super::book::{Anchor, Closing};

/// The form of bundles that this build writes.
pub(super) const FORMAT: u32 = 1;

/// What it is called in a bundle.
pub(super) const MANIFEST: &str = "manifest.json";

/// No manifest is this large.
const LARGEST: u64 = 16 << 20;

/// What a bundle is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The program that wrote it.
    pub(super) tool: String,
    /// Which ledger it is from.
    pub(super) ledger: LedgerId,
    /// The command that writes it again.
    pub(super) command: String,
    pub(super) period: Bounds,
    pub(super) events: Chain,
    pub(super) population: Sum,
    /// With what configuration and program the log was last written within the period.
    pub(super) running: Facts,
    pub(super) anchors: Vec<Proof>,
    /// Rows and digests by file.
    #[serde(default)]
    pub(super) files: BTreeMap<String, FileMark>,
}

/// The period, half open, in UTC; `null` where it has no bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub(super) from: Option<Instant>,
    pub(super) to: Option<Instant>,
    /// The moment that the population is about.
    pub(super) as_of: Instant,
}

/// Where the events of the period lie in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Chain {
    pub(super) count: u64,
    /// The number of the event before the first.
    pub(super) before: u64,
    /// Its hash; 64 zeros before the first event of all.
    pub(super) before_hash: Digest,
    /// The number of the last.
    pub(super) last: u64,
    /// Its hash.
    pub(super) head: Digest,
}

/// Opening + added − removed = closing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sum {
    pub(super) opening: u64,
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) closing: u64,
}

/// An anchor that was set within the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) at: Instant,
    pub(super) place: String,
    pub(super) facts: Facts,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FileMark {
    pub(super) sha256: String,
    pub(super) bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<u64>,
}

impl Manifest {
    pub(super) fn of(ledger: LedgerId, period: Period, closing: &Closing) -> Self {
        let (from, to) = period.bounds();
        let (extent, census) = (&closing.extent, &closing.census);
        Self {
            format: FORMAT,
            tool: format!("rotakey {}", env!("CARGO_PKG_VERSION")),
            ledger,
            command: command(from, to),
            period: Bounds {
                from,
                to,
                as_of: closing.as_of,
            },
            events: Chain {
                count: extent.events,
                before: extent.before,
                before_hash: extent.before_hash,
                last: extent.last(),
                head: extent.head,
            },
            population: Sum {
                opening: census.opening,
                added: census.added,
                removed: census.removed,
                closing: census.closing,
            },
            running: closing.running.clone(),
            anchors: closing.anchors.iter().map(Proof::of).collect(),
            files: BTreeMap::new(),
        }
    }

    /// Reads the one in that directory. A file that is none is invalid data.
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(directory.join(MANIFEST))?
            .take(LARGEST)
            .read_to_string(&mut text)?;
        serde_json::from_str(&text).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// The period as the log knows it.
    pub(super) fn bounds(&self) -> Period {
        Period {
            from: self.period.from.unwrap_or(Instant::MIN_UTC),
            to: self.period.to.unwrap_or(Instant::MAX_UTC),
        }
    }
}

impl Proof {
    fn of(anchor: &Anchor) -> Self {
        Self {
            at: anchor.at,
            place: anchor.place.clone(),
            facts: anchor.facts.clone(),
        }
    }
}

fn command(from: Option<Instant>, to: Option<Instant>) -> String {
    let mut command = "rotakey audit export --bundle DIR".to_owned();
    for (flag, bound) in [("--from", from), ("--to", to)] {
        if let Some(bound) = bound {
            let bound = bound.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            command.push_str(&format!(" {flag} {bound}"));
        }
    }
    command
}
