//! The kinds of news, by which a channel says what it wants to hear and how loudly.

use serde::{Deserialize, Serialize};

/// A kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A rotation is coming.
    Upcoming,
    /// There is a new key, and it is on its way.
    Started,
    /// A key leaked.
    Emergency,
    /// Every service is on the new key.
    Complete,
    /// The old key is dead.
    Revoked,
    /// A rotation was taken back.
    RolledBack,
    /// Only a person can go on.
    PersonNeeded,
}

impl Event {
    /// All of them, in the order of a rotation's life.
    pub const ALL: [Event; 7] = [
        Event::Upcoming,
        Event::Started,
        Event::Emergency,
        Event::Complete,
        Event::Revoked,
        Event::RolledBack,
        Event::PersonNeeded,
    ];

    /// What somebody should look at soon, unless a channel says otherwise.
    pub const LOUD: [Event; 3] = [Event::Emergency, Event::RolledBack, Event::PersonNeeded];

    /// The word for it in the configuration and in webhooks.
    pub const fn word(self) -> &'static str {
        match self {
            Event::Upcoming => "upcoming",
            Event::Started => "started",
            Event::Emergency => "emergency",
            Event::Complete => "complete",
            Event::Revoked => "revoked",
            Event::RolledBack => "rolled_back",
            Event::PersonNeeded => "person_needed",
        }
    }
}
