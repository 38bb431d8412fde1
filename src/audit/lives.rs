//! What the log says of each secret at a moment: whose it is, how old its key is, when the next one is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ledger::{EntryRef, Facts, Trigger};
use crate::model::{Instant, Schedule, Span};

use super::row::Key;

/// One secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    /// What the configuration last said of it.
    pub(super) about: Arc<Facts>,
    schedule: Option<Schedule>,
    max_age: Option<Span>,
    /// Since when rotakey has managed it; a secret that was taken out keeps the date.
    pub(super) since: Option<Instant>,
    pub(super) managed: bool,
    /// When the current key came to life.
    pub(super) rotated_at: Option<Instant>,
    /// The same of the key before, while a rotation is open.
    before: Option<Instant>,
    /// Until when it is postponed.
    pub(super) skip: Option<Instant>,
    /// The latest warning.
    pub(super) warned: Option<Instant>,
    pub(super) current: Option<Key>,
    /// The fingerprints of the keys that work.
    pub(super) live: BTreeSet<String>,
    /// Rotations that were completed.
    pub(super) completed: u64,
    pub(super) open: bool,
    pub(super) stuck: bool,
    /// Whether both keys died, and no other one is known.
    pub(super) lost: bool,
    /// A leak that no rotation has answered: since when, and how.
    pub(super) leak: Option<(Instant, String)>,
    /// The number of the event it was first seen in.
    pub(super) first_event: u64,
}

/// All secrets the log has told of so far.
#[derive(Debug, Default)]
pub(super) struct Lives {
    by_name: BTreeMap<String, Life>,
    nothing: Arc<Facts>,
    /// How many were added and taken out since somebody last asked.
    pub(super) moves: Moves,
}

/// How a population changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pub(super) added: u64,
    pub(super) removed: u64,
}

impl Lives {
    pub(super) fn of(&self, name: &str) -> Option<&Life> {
        self.by_name.get(name)
    }

    /// What is known of the secret of an event.
    pub(super) fn about(&self, entry: &EntryRef<'_>) -> Arc<Facts> {
        let life = entry.secret.as_deref().and_then(|name| self.of(name));
        Arc::clone(life.map_or(&self.nothing, |life| &life.about))
    }

    pub(super) fn managed(&self) -> impl Iterator<Item = (&str, &Life)> {
        let managed = self.by_name.iter().filter(|(_, life)| life.managed);
        managed.map(|(name, life)| (name.as_str(), life))
    }

    /// Takes the next event. Most events, the steps of a rotation, say nothing of this.
    pub(super) fn see(&mut self, entry: &EntryRef<'_>) {
        let Some(name) = entry.secret.as_deref() else {
            return;
        };
        let kind = &*entry.kind;
        let known = kind.starts_with("rotation.")
            || kind.starts_with("secret.")
            || matches!(
                kind,
                "adopt.done"
                    | "issue.done"
                    | "promote.done"
                    | "restore.confirmed"
                    | "skip.done"
                    | "warn.done"
                    | "leak.told"
            );
        if !known {
            return;
        }
        if !self.by_name.contains_key(name) {
            let life = Life {
                first_event: entry.seq,
                ..Life::default()
            };
            self.by_name.insert(name.to_owned(), life);
        }
        let Some(life) = self.by_name.get_mut(name) else {
            return;
        };
        match kind {
            "secret.unmanaged" => {
                self.moves.removed += u64::from(life.managed);
                life.managed = false;
                return;
            }
            "secret.managed" | "secret.changed" => life.describe(entry),
            _ => {}
        }
        // A ledger may be older than the events that tell of this: whatever is rotated is managed.
        if !life.managed && (life.since.is_none() || kind == "secret.managed") {
            life.managed = true;
            life.since.get_or_insert(entry.at);
            self.moves.added += 1;
        }
        life.step(entry);
    }
}

impl Life {
    /// When the next key is due, by what was configured.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.rotated_at?;
        let due = self.schedule.as_ref()?.due_after(since)?;
        let latest = self.max_age.map(|most| since + most.delta());
        let skip = self
            .skip
            .map(|skip| latest.map_or(skip, |latest| latest.min(skip)));
        Some(skip.map_or(due, |skip| skip.max(due)))
    }

    /// How long a key may live, counted in days from when the current one came to life; not less than one.
    pub(super) fn allowed_days(&self) -> Option<i64> {
        let since = self.rotated_at?;
        let due = self.schedule.as_ref()?.due_after(since)?;
        Some((due.date_naive() - since.date_naive()).num_days().max(1))
    }

    fn describe(&mut self, entry: &EntryRef<'_>) {
        let facts = entry.facts.iter().flatten();
        let facts: Facts = facts
            .map(|(name, fact)| (name.to_string(), fact.to_string()))
            .collect();
        let every = facts.get("every").map(String::as_str);
        // A cron expression is told as one.
        let every = every.map(|every| every.strip_prefix("cron ").unwrap_or(every));
        self.schedule = every.and_then(|every| Schedule::parse(every).ok());
        let most = facts.get("max_age");
        self.max_age = most.and_then(|most| Span::parse(most).ok());
        self.about = Arc::new(facts);
    }

    fn step(&mut self, entry: &EntryRef<'_>) {
        let fingerprint = |mark: &crate::ledger::MarkRef<'_>| mark.fingerprint.to_string();
        match &*entry.kind {
            "adopt.done" => {
                let created = entry.fact("created_at").and_then(|at| at.parse().ok());
                self.rotated_at = created.or(Some(entry.at));
                self.skip = None;
                self.current = entry.new.as_ref().map(Key::of);
                self.lost = false;
                self.live = entry.new.iter().map(fingerprint).collect();
            }
            "rotation.begun" => (self.open, self.before) = (true, self.rotated_at),
            "issue.done" => self.live.extend(entry.new.iter().map(fingerprint)),
            "promote.done" => {
                self.rotated_at = Some(entry.at);
                (self.skip, self.warned) = (None, None);
                self.lost = false;
                self.current = entry.new.as_ref().map(Key::of);
            }
            "restore.confirmed" => {
                self.rotated_at = self.before;
                self.current = entry.old.as_ref().map(Key::of);
            }
            "rotation.finished" => {
                if let Some(old) = &entry.old {
                    self.live.remove(&*old.fingerprint);
                }
                self.completed += 1;
                (self.open, self.stuck) = (false, false);
                if entry.trigger == Some(Trigger::Emergency) {
                    self.leak = None;
                }
            }
            "rotation.rolled_back" => {
                if let Some(new) = &entry.new {
                    self.live.remove(&*new.fingerprint);
                }
                (self.open, self.stuck) = (false, false);
            }
            "rotation.abandoned" => (self.open, self.stuck) = (false, false),
            "rotation.lost" => {
                let left = entry.fact("old_key") == Some("accepted");
                let kept = entry.old.as_ref().filter(|_| left);
                for dead in [&entry.new, &entry.old].into_iter().flatten() {
                    self.live.remove(&*dead.fingerprint);
                }
                self.live.extend(kept.map(fingerprint));
                self.current = kept.map(Key::of);
                self.rotated_at = self.before.filter(|_| kept.is_some());
                self.lost = kept.is_none();
                (self.open, self.stuck) = (false, false);
            }
            "leak.told" => {
                let reason = entry.note.as_deref().unwrap_or_default();
                self.leak.get_or_insert((entry.at, reason.to_owned()));
            }
            "rotation.stuck" => self.stuck = true,
            "rotation.resumed" => self.stuck = false,
            "skip.done" => self.skip = entry.until,
            "warn.done" => self.warned = Some(entry.at),
            _ => {}
        }
    }
}
