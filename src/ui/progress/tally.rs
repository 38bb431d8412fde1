//! Counting the places of one step.

use std::collections::BTreeMap;

use crate::model::sanitise;

/// How far a step has come with its places.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    places: usize,
    done: usize,
    /// Why, by place, in the order in which they failed.
    failed: Vec<(String, String)>,
    /// What takes a while, by place.
    waits: BTreeMap<String, String>,
}

impl Tally {
    pub(super) fn expect(&mut self, places: usize) {
        self.places += places;
    }

    pub(super) fn done(&mut self, place: &str) {
        self.waits.remove(place);
        self.done += 1;
    }

    pub(super) fn waits(&mut self, place: &str, doing: &str) {
        self.waits.insert(place.to_owned(), sanitise(doing));
    }

    pub(super) fn failed(&mut self, place: &str, why: &str) {
        self.waits.remove(place);
        self.failed.push((sanitise(place), sanitise(why)));
    }

    /// How many places were done.
    pub(super) fn count(&self) -> usize {
        self.done
    }

    /// How many places there are; never fewer than have been heard of.
    pub(super) fn places(&self) -> usize {
        self.places.max(self.done + self.failed.len())
    }

    pub(super) fn is_over(&self) -> bool {
        self.places() > 0 && self.done + self.failed.len() >= self.places()
    }

    pub(super) fn failures(&self) -> &[(String, String)] {
        &self.failed
    }

    /// What takes a while, as `place: doing`.
    pub(super) fn waiting(&self) -> impl Iterator<Item = String> {
        self.waits
            .iter()
            .map(|(place, doing)| format!("{}: {doing}", sanitise(place)))
    }
}
