//! What a test may ask the world afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::World;
use super::inspect::{Running, Stored};
use super::log::{Entry, Violation};
use super::mint::last4;
use super::openai::ApiKey;
use super::services::{Failure, Tally};

impl World {
    /// Every request to a vendor, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.state().log.entries.clone()
    }

    /// How often each label was seen.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        self.state().log.counts()
    }

    /// The log as text, for a failed test.
    pub(crate) fn dump(&self) -> String {
        let lines = self.requests().iter().map(Entry::line).collect::<Vec<_>>();
        lines.join("\n")
    }

    /// What a careful client never does.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.state().log.violations.clone()
    }

    /// How often a redirect was followed.
    pub(crate) fn trap_hits(&self) -> u64 {
        self.core.trap_hits.load(Ordering::SeqCst)
    }

    /// Every refused call of every service.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.state().fleet.failures.clone()
    }

    /// How the calls of each service have gone.
    pub(crate) fn tallies(&self) -> BTreeMap<String, Tally> {
        self.state().fleet.tallies.clone()
    }

    /// Every OpenAI key there ever was, oldest first.
    pub(crate) fn all_keys(&self) -> Vec<ApiKey> {
        self.state().openai.keys.clone()
    }

    /// The OpenAI keys that are neither deleted nor expired.
    pub(crate) fn live_keys(&self) -> Vec<ApiKey> {
        let state = self.state();
        let keys = state.openai.keys.iter();
        keys.filter(|key| !key.dead(state.now)).cloned().collect()
    }

    pub(crate) fn stored(&self) -> Vec<Stored> {
        self.state().stored()
    }

    pub(crate) fn running(&self) -> Vec<Running> {
        self.state().running()
    }

    /// The different values of a variable that are stored anywhere, by their last four characters.
    pub(crate) fn stored_last4(&self, variable: &str) -> BTreeSet<String> {
        let stored = self
            .stored()
            .into_iter()
            .filter(|stored| stored.variable == variable);
        stored.map(|stored| last4(&stored.value)).collect()
    }

    /// The different values of a variable that run anywhere, by their last four characters.
    pub(crate) fn running_last4(&self, variable: &str) -> BTreeSet<String> {
        let running = self
            .running()
            .into_iter()
            .filter(|running| running.variable == variable);
        running.map(|running| last4(&running.value)).collect()
    }

    /// Sites that store, and services that run, a key that its vendor has ended. Must be empty at every moment.
    pub(crate) fn uses_dead_key(&self) -> Vec<String> {
        self.state().uses_dead_key()
    }

    /// Every secret the world has made or been given, tokens included: none may show up in any output.
    pub(crate) fn all_secret_values(&self) -> Vec<String> {
        self.state().mint.secrets().to_vec()
    }

    /// The time of the next thing that time alone will bring, such as the end of a build.
    pub(crate) fn next_event(&self) -> Option<DateTime<Utc>> {
        self.state().agenda.next()
    }
}
