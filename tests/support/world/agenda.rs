//! What will happen when the calendar gets there: deploys that finish, instances that drain, requests that act late.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::log::Vendor;
use super::message::Request;
use super::{render, vercel};

pub(super) enum Event {
    Vercel(vercel::Event),
    Render(render::Event),
    /// A request whose reply was lost lands at last.
    Late {
        n: u64,
        vendor: Vendor,
        request: Request,
    },
    /// Nothing but time changes something here (a key expires, an old instance ends): the services look again.
    Look,
}

/// Events in order of time, and of scheduling within the same instant.
#[derive(Default)]
pub(super) struct Agenda {
    events: BTreeMap<(DateTime<Utc>, u64), Event>,
    scheduled: u64,
}

impl Agenda {
    pub(super) fn schedule(&mut self, at: DateTime<Utc>, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    /// Takes the next event that is due.
    pub(super) fn due(&mut self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Event)> {
        let first = self.events.first_entry()?;
        let (at, _) = *first.key();
        (at <= now).then(|| (at, first.remove()))
    }

    /// The time of the next event, so that a test can go straight there.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.events.keys().next().map(|(at, _)| *at)
    }
}
