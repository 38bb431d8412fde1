//! What the vendors saw: every request in order of arrival, and what a careful client would not have done.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// One of the simulated vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Vendor {
    OpenAi,
    Vercel,
    Render,
    Stripe,
    GitHub,
    /// A 1Password Connect server.
    OnePassword,
    /// A KV store of HashiCorp Vault.
    Vault,
}

/// One request to a vendor.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Counts from 1 over all vendors.
    pub(crate) n: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) vendor: Vendor,
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// `openai.create_key`, `vercel.patch_env web`: the same in every run.
    pub(crate) what: String,
    /// The status that was sent, or would have been sent.
    pub(crate) status: u16,
    /// The vendor's own code answered with success, however the reply fared. Turns true later for a late act.
    pub(crate) acted: bool,
    /// The client never got a reply.
    pub(crate) dropped: bool,
}

impl Entry {
    /// Whether the request could change anything.
    pub(crate) fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// One line for a failed test's dump.
    pub(crate) fn line(&self) -> String {
        let Self {
            n,
            at,
            method,
            path,
            what,
            status,
            ..
        } = self;
        let fate = match (self.acted, self.dropped) {
            (true, true) => ", acted, reply lost",
            (false, true) => ", dropped",
            (true, false) => "",
            (false, false) => ", did not act",
        };
        let time = at.format("%Y-%m-%dT%H:%M:%S");
        format!("{n:>4} {time} {what}: {method} {path} -> {status}{fate}")
    }
}

/// Something that worked, and that a careful client never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The request that did it.
    pub(crate) n: u64,
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Entry>,
    pub(super) violations: Vec<Violation>,
    /// The request being handled, which is who gets the blame.
    pub(super) current: u64,
}

impl Log {
    pub(super) fn arrive(&mut self, entry: Entry) -> u64 {
        let n = self.entries.len() as u64 + 1;
        self.entries.push(Entry { n, ..entry });
        n
    }

    pub(super) fn entry(&mut self, n: u64) -> &mut Entry {
        let index = usize::try_from(n - 1).expect("a log that fits in memory");
        &mut self.entries[index]
    }

    pub(super) fn blame(&mut self, rule: &'static str, detail: String) {
        let n = self.current;
        self.violations.push(Violation { n, rule, detail });
    }

    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.what.clone()).or_default() += 1;
        }
        counts
    }
}
