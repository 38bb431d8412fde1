//! From events to rows: one row for each rotation, adoption and postponement.
//!
//! A rotation belongs to the period in which it ended. One that is open when the period ends is in that period's export
//! too, with the status it had at that moment; what happened after the period never changes an export of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{Digest, EntryRef, MarkRef, Text, Trigger};
use crate::model::Instant;

use super::Period;

/// One line of evidence; it stands alone, since any of them may be drawn as a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When it ended; for one that is open, when it began.
    pub time: Instant,
    /// Which secret.
    pub service: String,
    /// The old key.
    pub old: Option<Key>,
    /// The new key.
    pub new: Option<Key>,
    /// Everyone who acted, in that order.
    pub who: Vec<String>,
    /// What set it off: `scheduled`, `manual`, `emergency`; empty where it is no rotation.
    pub trigger: &'static str,
    /// Why, in a person's words.
    pub reason: String,
    /// What came of it.
    pub status: Status,
    /// Every place that took the new key.
    pub sites: BTreeSet<String>,
    /// By what observations.
    pub verified: BTreeSet<String>,
    /// When the old key was observed refused.
    pub old_refused: Option<Instant>,
    /// What went wrong, in order.
    pub problems: Vec<String>,
    /// The id of the rotation; empty where it is none.
    pub rotation: String,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub completed: Option<Instant>,
    /// The number of its first event.
    pub first_event: u64,
    /// The number of its last event.
    pub last_event: u64,
    /// The hash of its last event.
    pub last_hash: Digest,
}

/// A key as evidence shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The last four characters, where they may be shown.
    pub hint: String,
    /// The keyed digest.
    pub fingerprint: String,
    /// The issuer's public id; empty where there is none.
    pub id: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Status {
    /// The new key is everywhere and the old one refused.
    Completed,
    /// The old key is back everywhere and the new one refused.
    RolledBack,
    /// No key was made.
    Abandoned,
    /// Under way: the new key is not everywhere yet.
    Open,
    /// The new key is everywhere, the old one still works.
    InGrace,
    /// The old key is being put back.
    RollingBack,
    /// A person is needed.
    Stuck,
    /// A live key was taken over.
    Adopted,
    /// The due date was moved to then.
    Postponed(Option<Instant>),
}

/// Folds the log into rows.
#[must_use = "rows come out of `see` and `finish`"]
pub struct Rows {
    period: Period,
    open: BTreeMap<String, Open>,
}

/// A rotation that has not ended yet.
struct Open {
    row: Row,
    /// How far it is, also while it is stuck.
    phase: Status,
}

impl Rows {
    /// Rows of that period.
    pub fn of(period: Period) -> Self {
        Self {
            period,
            open: BTreeMap::new(),
        }
    }

    /// Takes the next event, in the order of the log, and returns the row it completes. Events before the period are
    /// needed too: rotations that end in it began there.
    pub fn see(&mut self, entry: &EntryRef<'_>) -> Option<Row> {
        if entry.at >= self.period.to {
            return None;
        }
        let row = match (&entry.rotation, &*entry.kind) {
            (Some(rotation), _) => self.step(rotation, entry)?,
            (None, "adopt.done") => alone(entry, Status::Adopted),
            (None, "skip.done") => alone(entry, Status::Postponed(entry.until)),
            (None, _) => return None,
        };
        self.period.contains(row.time).then_some(row)
    }

    /// The rotations that were open when the period ended, in the order in which they began.
    pub fn finish(self) -> Vec<Row> {
        let mut open: Vec<Row> = self.open.into_values().map(|open| open.row).collect();
        open.sort_by_key(|row| row.first_event);
        open
    }

    fn step(&mut self, rotation: &Text<'_>, entry: &EntryRef<'_>) -> Option<Row> {
        // A postponement while a rotation is open is a row of its own.
        match &*entry.kind {
            "skip.done" => return Some(alone(entry, Status::Postponed(entry.until))),
            "adopt.done" => return Some(alone(entry, Status::Adopted)),
            _ => {}
        }
        if !self.open.contains_key(&**rotation) {
            let row = alone(entry, Status::Open);
            let phase = row.status;
            self.open.insert(rotation.to_string(), Open { row, phase });
        }
        let open = self.open.get_mut(&**rotation)?;
        open.take(entry);
        open.row.completed?;
        self.open.remove(&**rotation).map(|open| open.row)
    }
}

impl Open {
    fn take(&mut self, entry: &EntryRef<'_>) {
        let row = &mut self.row;
        row.last_event = entry.seq;
        row.last_hash = entry.hash.unwrap_or(Digest::GENESIS);
        row.see_actor(entry);
        row.see_keys(entry);
        let note = entry.note.as_deref();
        let place = entry.place.as_deref();
        match &*entry.kind {
            "rotation.begun" => note.unwrap_or_default().clone_into(&mut row.reason),
            "verify.done" => row
                .verified
                .extend(note.map(|how| format!("issuer: {how}"))),
            "deliver.done" => row.sites.extend(place.map(str::to_owned)),
            "confirm.done" => row.verified.extend([said(place, note)]),
            "promote.done" => self.reach(Status::InGrace),
            "undo.begun" => {
                add(&mut row.problems, note);
                self.reach(Status::RollingBack);
            }
            "rotation.stuck" => {
                row.status = Status::Stuck;
                add(&mut row.problems, note);
            }
            "rotation.resumed" => row.status = self.phase,
            // In an undo it is the new key that is refused.
            "revoke.done" if self.phase != Status::RollingBack => {
                row.old_refused = Some(entry.at);
                row.verified
                    .extend(note.map(|how| format!("old key: {how}")));
            }
            "rotation.finished" => self.end(entry, Status::Completed),
            "rotation.rolled_back" => self.end(entry, Status::RolledBack),
            "rotation.abandoned" => {
                add(&mut row.problems, note);
                self.end(entry, Status::Abandoned);
            }
            kind if kind.ends_with(".uncertain") || kind.ends_with(".not_done") => {
                let problem = format!("{kind} {}", said(place, note));
                add(&mut row.problems, Some(&problem));
            }
            _ => {}
        }
    }

    fn reach(&mut self, phase: Status) {
        (self.phase, self.row.status) = (phase, phase);
    }

    fn end(&mut self, entry: &EntryRef<'_>, status: Status) {
        self.reach(status);
        self.row.time = entry.at;
        self.row.completed = Some(entry.at);
    }
}

impl Row {
    fn see_actor(&mut self, entry: &EntryRef<'_>) {
        let (kind, id) = (entry.actor.kind.as_str(), &*entry.actor.id);
        let is_known = |known: &String| {
            known
                .strip_prefix(kind)
                .and_then(|rest| rest.strip_prefix(": "))
                == Some(id)
        };
        if !self.who.iter().any(is_known) {
            self.who.push(format!("{kind}: {id}"));
        }
    }

    fn see_keys(&mut self, entry: &EntryRef<'_>) {
        if self.old.is_none() {
            self.old = entry.old.as_ref().map(Key::of);
        }
        // A key that was lost with its reply is followed by another one.
        if let Some(mark) = &entry.new
            && self
                .new
                .as_ref()
                .is_none_or(|new| new.fingerprint != *mark.fingerprint)
        {
            self.new = Some(Key::of(mark));
        }
        if let Some(trigger) = entry.trigger {
            self.trigger = word(trigger);
        }
    }
}

impl Key {
    fn of(mark: &MarkRef<'_>) -> Self {
        Self {
            hint: mark.hint.to_string(),
            fingerprint: mark.fingerprint.to_string(),
            id: mark.id.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

/// A row of this one event.
fn alone(entry: &EntryRef<'_>, status: Status) -> Row {
    let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
    let ends = matches!(status, Status::Adopted | Status::Postponed(_));
    Row {
        time: entry.at,
        service: text(&entry.secret),
        old: None,
        new: entry.new.as_ref().filter(|_| ends).map(Key::of),
        who: vec![format!(
            "{}: {}",
            entry.actor.kind.as_str(),
            &*entry.actor.id
        )],
        trigger: "",
        reason: if ends {
            text(&entry.note)
        } else {
            String::new()
        },
        status,
        sites: BTreeSet::new(),
        verified: BTreeSet::new(),
        old_refused: None,
        problems: Vec::new(),
        rotation: text(&entry.rotation),
        started: entry.at,
        completed: ends.then_some(entry.at),
        first_event: entry.seq,
        last_event: entry.seq,
        last_hash: entry.hash.unwrap_or(Digest::GENESIS),
    }
}

fn add(list: &mut Vec<String>, item: Option<&str>) {
    if let Some(item) = item
        && !list.iter().any(|known| known == item)
    {
        list.push(item.to_owned());
    }
}

fn said(place: Option<&str>, note: Option<&str>) -> String {
    match (place, note) {
        (Some(place), Some(note)) => format!("{place}: {note}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    }
}

const fn word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Scheduled => "scheduled",
        Trigger::Manual => "manual",
        Trigger::Emergency => "emergency",
    }
}
