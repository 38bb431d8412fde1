//! One passage through the log for one period: what leaves it as it is read, and what stands at its end.
//!
//! Memory is that of the rotations that are open and of the secrets there are, however many events go through.

use crate::ledger::{Digest, EntryRef, Facts};
use crate::model::Instant;

use super::exception::{Deviation, Exception, Kind};
use super::lives::{Life, Lives, Moves};
use super::population::{Census, Member};
use super::row::Row;
use super::rows::Rows;
use super::{Change, Period};

/// A log that is being read for a period.
#[derive(Debug)]
pub struct Book {
    period: Period,
    now: Instant,
    /// The latest time seen. A clock that went back does not bring an event into a period that is over: each event
    /// belongs to one period, and the events of a period are numbered without a gap.
    high: Instant,
    place: Place,
    lives: Lives,
    rows: Rows,
    opening: u64,
    extent: Extent,
    running: Facts,
    anchors: Vec<Anchor>,
}

/// Where an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Within,
    After,
}

/// The events of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// How many there are.
    pub events: u64,
    /// The number of the last event before the period; 0 if there is none.
    pub before: u64,
    /// Its hash.
    pub before_hash: Digest,
    /// When the first one was recorded.
    pub first_at: Option<Instant>,
    /// The hash of the last event up to the end of the period.
    pub head: Digest,
}

/// A mark of the log that was set outside of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchor {
    /// When.
    pub at: Instant,
    /// Where: a tag, an authority.
    pub place: String,
    /// How many events it covers.
    pub size: String,
    /// What it was set on, and where the proof is.
    pub facts: Facts,
}

/// What an event gave.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether it belongs to the period.
    pub within: bool,
    /// The row it completed.
    pub row: Option<Row>,
    /// The change of the configuration it tells of.
    pub change: Option<Change>,
}

/// What stands at the end of the period.
#[derive(Debug)]
pub struct Closing {
    /// The moment it is about: the end of the period, or the newest event of one that is not over.
    pub as_of: Instant,
    /// The rotations that are open then.
    pub open: Vec<Row>,
    /// Every secret that is managed then.
    pub members: Vec<Member>,
    /// The sum that shows that these are all.
    pub census: Census,
    /// What is not as it should be then, apart from rotations.
    pub deviations: Vec<Deviation>,
    /// The events.
    pub extent: Extent,
    /// With what configuration and program the log was last written.
    pub running: Facts,
    /// What was anchored within the period.
    pub anchors: Vec<Anchor>,
}

impl Book {
    /// A book of that period. `now` only decides whether the period is over.
    pub fn of(period: Period, now: Instant) -> Self {
        Self {
            period,
            now,
            high: Instant::MIN_UTC,
            place: Place::Before,
            lives: Lives::default(),
            rows: Rows::default(),
            opening: 0,
            extent: Extent {
                events: 0,
                before: 0,
                before_hash: Digest::GENESIS,
                first_at: None,
                head: Digest::GENESIS,
            },
            running: Facts::new(),
            anchors: Vec::new(),
        }
    }

    /// Takes the next event, in the order of the log.
    pub fn see(&mut self, entry: &EntryRef<'_>) -> Seen {
        self.high = self.high.max(entry.at);
        if self.high >= self.period.to {
            self.place = Place::After;
        }
        if self.place == Place::After {
            return Seen::default();
        }
        if self.place == Place::Before && self.high >= self.period.from {
            self.begin();
        }
        let within = self.place == Place::Within;
        self.extent.take(entry, self.place);
        let change = Change::of(entry, &self.lives).filter(|_| within);
        let row = self.rows.see(entry, &self.lives).filter(|_| within);
        self.lives.see(entry);
        match &*entry.kind {
            "config.changed" => {
                let facts = entry.facts.iter().flatten();
                self.running = facts
                    .map(|(name, fact)| (name.to_string(), fact.to_string()))
                    .collect();
            }
            "anchor.done" if within => self.anchors.push(Anchor::of(entry)),
            _ => {}
        }
        Seen {
            within,
            row,
            change,
        }
    }

    /// The period begins: what is there now was there before.
    fn begin(&mut self) {
        self.place = Place::Within;
        self.opening = self.lives.managed().count() as u64;
        self.lives.moves = Moves::default();
    }

    /// The end of the log, or of the period.
    pub fn close(mut self) -> Closing {
        if self.place == Place::Before {
            // Nothing happened in it.
            self.begin();
        }
        let as_of = match self.period.to <= self.now {
            true => self.period.to,
            false => self.high.max(self.period.from),
        };
        let Moves { added, removed } = self.lives.moves;
        let members: Vec<Member> = self
            .lives
            .managed()
            .map(|(name, life)| Member::of(name, life, as_of))
            .collect();
        let deviations = self
            .lives
            .managed()
            .flat_map(|(name, life)| deviations(name, life, as_of))
            .collect();
        Closing {
            as_of,
            open: self.rows.finish(),
            census: Census {
                opening: self.opening,
                added,
                removed,
                closing: members.len() as u64,
            },
            members,
            deviations,
            extent: self.extent,
            running: self.running,
            anchors: self.anchors,
        }
    }
}

/// What is wrong with a secret at that moment, seen from outside of its rotations.
fn deviations(name: &str, life: &Life, as_of: Instant) -> Vec<Deviation> {
    let fact = |key: &str| life.about.get(key).cloned().unwrap_or_default();
    let deviation = |kind, opened, reason: String| Deviation {
        service: name.to_owned(),
        exception: Exception {
            kind,
            opened,
            closed: None,
            reason,
            event: life.first_event,
        },
        owner: fact("owner"),
        who: String::new(),
        rotation: String::new(),
    };
    let never = life.rotated_at.is_none().then(|| {
        let since = life.since.unwrap_or(as_of);
        let (kind, reason) = match life.lost {
            true => (
                Kind::Lost,
                "its keys were refused, and no other one is known",
            ),
            false => (Kind::NeverAdopted, "its key was never taken over"),
        };
        deviation(kind, since, reason.to_owned())
    });
    // The row of an open rotation tells of the leak that it answers.
    let leak = life.leak.as_ref().filter(|_| !life.open);
    let leak = leak.map(|(since, reason)| deviation(Kind::Compromise, *since, reason.clone()));
    // Due on a day: it is late on the next one.
    let overdue = life
        .due()
        .filter(|due| due.date_naive() < as_of.date_naive());
    let overdue = overdue.map(|due| {
        let days = (as_of.date_naive() - due.date_naive()).num_days();
        let reason = format!(
            "not rotated {} after its due day",
            super::tables::days(days)
        );
        deviation(Kind::Overdue, due, reason)
    });
    let review = fact("review").parse::<chrono::NaiveDate>().ok();
    let review = review
        .filter(|review| *review < as_of.date_naive())
        .map(|review| {
            let opened = review.and_time(chrono::NaiveTime::MIN).and_utc();
            deviation(
                Kind::ReviewPassed,
                opened,
                "what is said of it was to be reviewed".to_owned(),
            )
        });
    let all = never.into_iter().chain(leak).chain(overdue);
    all.chain(review).collect()
}

impl Extent {
    fn take(&mut self, entry: &EntryRef<'_>, place: Place) {
        self.head = entry.hash.unwrap_or(self.head);
        match place {
            Place::Before => (self.before, self.before_hash) = (entry.seq, self.head),
            Place::Within => {
                self.events += 1;
                self.first_at = self.first_at.or(Some(entry.at));
            }
            Place::After => {}
        }
    }

    /// The number of the last event up to the end of the period.
    pub fn last(&self) -> u64 {
        self.before + self.events
    }
}

impl Anchor {
    pub(super) fn of(entry: &EntryRef<'_>) -> Self {
        let facts = entry.facts.iter().flatten();
        Self {
            at: entry.at,
            place: entry.place.as_deref().unwrap_or_default().to_owned(),
            size: entry.fact("size").unwrap_or_default().to_owned(),
            facts: facts
                .map(|(name, fact)| (name.to_string(), fact.to_string()))
                .collect(),
        }
    }
}
