//! One line of evidence: a rotation, an adoption or a postponement. It stands alone, since any of them may be drawn as a
//! sample.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::issuers;
use crate::ledger::{Digest, EntryRef, Facts, MarkRef, Text, Trigger};
use crate::model::Instant;

use super::exception::{Deviation, Exception, Kind};

/// One line of evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When it ended; for one that is open, when it began.
    pub time: Instant,
    /// Which secret.
    pub service: String,
    /// What the configuration said of the secret when it began.
    pub about: Arc<Facts>,
    /// The old key.
    pub old: Option<Key>,
    /// The new key.
    pub new: Option<Key>,
    /// Everyone who acted, in that order.
    pub who: Vec<String>,
    /// In which runs.
    pub runs: Vec<String>,
    /// The change request, as whoever asked for it named it.
    pub ticket: String,
    /// Who allowed it, as whoever asked for it said.
    pub approved_by: String,
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
    /// Every date from due to refused.
    pub dates: Dates,
    /// What went wrong, in order.
    pub problems: Vec<String>,
    /// What was not as it should be.
    pub exceptions: Vec<Exception>,
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

/// The life of a rotation in dates; what did not happen has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dates {
    /// When it was due.
    pub due: Option<Instant>,
    /// When people were told that it will be.
    pub warned: Option<Instant>,
    /// When the new key was made.
    pub issued: Option<Instant>,
    /// When the last place took it.
    pub delivered: Option<Instant>,
    /// When the last service was observed on it.
    pub confirmed: Option<Instant>,
    /// When it became the current one.
    pub promoted: Option<Instant>,
    /// When the delete of the old key was about to be sent. None where there is nobody to send it to.
    pub revoke_sent: Option<Instant>,
    /// When the old key was observed refused. None where nobody could refuse it.
    pub old_refused: Option<Instant>,
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
    /// The new key was refused once it was out, and the old one could not be put back.
    Lost,
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

impl Row {
    /// A row of this one event.
    pub(super) fn alone(entry: &EntryRef<'_>, status: Status, about: &Arc<Facts>) -> Self {
        let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
        let ends = matches!(status, Status::Adopted | Status::Postponed(_));
        let reason = if ends {
            text(&entry.note)
        } else {
            String::new()
        };
        let mut row = Self {
            time: entry.at,
            service: text(&entry.secret),
            about: Arc::clone(about),
            old: None,
            new: entry.new.as_ref().filter(|_| ends).map(Key::of),
            who: Vec::new(),
            runs: Vec::new(),
            ticket: String::new(),
            approved_by: String::new(),
            trigger: "",
            reason,
            status,
            sites: BTreeSet::new(),
            verified: BTreeSet::new(),
            dates: Dates::default(),
            problems: Vec::new(),
            exceptions: Vec::new(),
            rotation: text(&entry.rotation),
            started: entry.at,
            completed: ends.then_some(entry.at),
            first_event: entry.seq,
            last_event: entry.seq,
            last_hash: entry.hash.unwrap_or(Digest::GENESIS),
        };
        row.see_actor(entry);
        if let Status::Postponed(until) = status {
            let reason = row.reason.clone();
            row.except(Kind::Postponed, entry, reason);
            row.exceptions.iter_mut().for_each(|one| one.closed = until);
        }
        row
    }

    /// Whether it is the passage of a secret from one version to the next, or the attempt.
    pub fn is_rotation(&self) -> bool {
        !matches!(self.status, Status::Adopted | Status::Postponed(_))
    }

    /// How many days after the due day the new key became current; `None` where it was not late or never did.
    pub fn days_late(&self) -> Option<i64> {
        let (due, promoted) = (self.dates.due?, self.dates.promoted?);
        let days = (promoted.date_naive() - due.date_naive()).num_days();
        (days > 0).then_some(days)
    }

    /// Whether its keys end without anything being sent, and without anybody who could refuse them.
    pub(super) fn unobserved(&self) -> bool {
        let issuer = self.about.get("issuer");
        issuer.is_some_and(|place| issuers::is_rotakey_itself(place))
    }

    /// How long the old key went on working: after the new one became current, or after its leak was told.
    pub fn time_to_revoke(&self) -> Option<TimeDelta> {
        let leak = self
            .exceptions
            .iter()
            .find(|one| one.kind == Kind::Compromise);
        let from = leak.map(|leak| leak.opened).or(self.dates.promoted)?;
        Some(self.dates.old_refused? - from)
    }

    /// Its deviations, each standing alone.
    pub(super) fn deviations(&self) -> impl Iterator<Item = Deviation> {
        self.exceptions.iter().map(|exception| Deviation {
            service: self.service.clone(),
            exception: exception.clone(),
            owner: self.about.get("owner").cloned().unwrap_or_default(),
            who: self.who.join(", "),
            rotation: self.rotation.clone(),
        })
    }

    pub(super) fn see_actor(&mut self, entry: &EntryRef<'_>) {
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
        if self.runs.last().map(String::as_str) != Some(&*entry.run) {
            add(&mut self.runs, Some(&*entry.run));
        }
    }

    pub(super) fn see_keys(&mut self, entry: &EntryRef<'_>) {
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

    /// Notes something that was not as it should be; the same kind is noted once, and once more after it was closed.
    pub(super) fn except(&mut self, kind: Kind, entry: &EntryRef<'_>, reason: String) {
        let known = self.exceptions.iter_mut().rev();
        let mut open = known.filter(|known| known.kind == kind && known.closed.is_none());
        match open.next() {
            Some(known) => known.add(&reason),
            None => self.exceptions.push(Exception {
                kind,
                opened: entry.at,
                closed: None,
                reason,
                event: entry.seq,
            }),
        }
    }

    pub(super) fn close(&mut self, kind: Kind, at: Instant) {
        let open = self.exceptions.iter_mut();
        for one in open.filter(|one| one.kind == kind && one.closed.is_none()) {
            one.closed = Some(at);
        }
    }
}

impl Key {
    pub(super) fn of(mark: &MarkRef<'_>) -> Self {
        Self {
            hint: mark.hint.to_string(),
            fingerprint: mark.fingerprint.to_string(),
            id: mark.id.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

pub(super) fn add(list: &mut Vec<String>, item: Option<&str>) {
    if let Some(item) = item
        && !list.iter().any(|known| known == item)
    {
        list.push(item.to_owned());
    }
}

const fn word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Scheduled => "scheduled",
        Trigger::Manual => "manual",
        Trigger::Emergency => "emergency",
    }
}
