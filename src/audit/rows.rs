//! From events to rows: one row for each rotation, adoption and postponement.
//!
//! A rotation belongs to the period in which it ended. One that is open when the period ends is in that period's export
//! too, with the status it had at that moment; what happened after the period never changes an export of it.

use std::collections::BTreeMap;

use crate::ledger::{Digest, EntryRef, Text};

use super::exception::Kind;
use super::lives::Lives;
use super::row::{Row, Status, add};

/// Folds the log into rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    open: BTreeMap<String, Open>,
}

/// A rotation that has not ended yet.
#[derive(Debug)]
struct Open {
    row: Row,
    /// How far it is, also while it is stuck.
    phase: Status,
}

impl Rows {
    /// Takes the next event, in the order of the log, and returns the row it completes. `lives` has seen all events
    /// before this one.
    pub(super) fn see(&mut self, entry: &EntryRef<'_>, lives: &Lives) -> Option<Row> {
        // A postponement while a rotation is open is a row of its own.
        match (&entry.rotation, &*entry.kind) {
            (_, "adopt.done") => Some(Row::alone(entry, Status::Adopted, &lives.about(entry))),
            (_, "skip.done") => {
                let status = Status::Postponed(entry.until);
                Some(Row::alone(entry, status, &lives.about(entry)))
            }
            (Some(rotation), _) => self.step(rotation, entry, lives),
            (None, _) => None,
        }
    }

    /// The rotations that are open now, in the order in which they began.
    pub(super) fn finish(self) -> Vec<Row> {
        let mut open: Vec<Row> = self.open.into_values().map(|open| open.row).collect();
        open.sort_by_key(|row| row.first_event);
        open
    }

    fn step(&mut self, rotation: &Text<'_>, entry: &EntryRef<'_>, lives: &Lives) -> Option<Row> {
        if !self.open.contains_key(&**rotation) {
            let row = begun(entry, lives);
            let phase = row.status;
            self.open.insert(rotation.to_string(), Open { row, phase });
        }
        let open = self.open.get_mut(&**rotation)?;
        open.take(entry);
        open.row.completed?;
        self.open.remove(&**rotation).map(|open| open.row)
    }
}

/// The row of a rotation before its first event is taken.
fn begun(entry: &EntryRef<'_>, lives: &Lives) -> Row {
    let mut row = Row::alone(entry, Status::Open, &lives.about(entry));
    let life = lives.of(&row.service);
    let due = entry.fact("due_at").and_then(|due| due.parse().ok());
    row.dates.due = due.or_else(|| life?.due());
    row.dates.warned = life.and_then(|life| life.warned);
    let fact = |name| entry.fact(name).unwrap_or_default().to_owned();
    (row.ticket, row.approved_by) = (fact("ticket"), fact("approved_by"));
    row
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
        let said_why = || note.unwrap_or_default().to_owned();
        match &*entry.kind {
            "rotation.begun" => {
                row.reason = said_why();
                if row.trigger == "emergency" {
                    row.except(Kind::Compromise, entry, said_why());
                }
            }
            "rotation.escalated" => row.except(Kind::Compromise, entry, said_why()),
            "issue.done" => row.dates.issued = Some(entry.at),
            "verify.done" => row
                .verified
                .extend(note.map(|how| format!("issuer: {how}"))),
            "deliver.done" => {
                row.dates.delivered = Some(entry.at);
                row.sites.extend(place.map(str::to_owned));
            }
            "deliver.reopened" => {
                row.except(Kind::Drift, entry, place.unwrap_or_default().to_owned());
            }
            "confirm.done" => {
                row.verified.extend([said(place, note)]);
                // In an undo it is the old key that is seen again.
                if self.phase != Status::RollingBack {
                    row.dates.confirmed = Some(entry.at);
                    row.close(Kind::Drift, entry.at);
                }
            }
            "promote.done" => {
                row.dates.promoted = Some(entry.at);
                self.reach(Status::InGrace);
            }
            "undo.begun" => {
                add(&mut row.problems, note);
                row.except(Kind::RolledBack, entry, said_why());
                self.reach(Status::RollingBack);
            }
            // Taken forward after all: it is proven and promoted again.
            "rotation.forward" => {
                row.dates.promoted = None;
                row.close(Kind::RolledBack, entry.at);
                self.reach(Status::Open);
            }
            "rotation.stuck" => {
                row.status = Status::Stuck;
                add(&mut row.problems, note);
                row.except(Kind::Stuck, entry, said_why());
            }
            "rotation.resumed" => {
                row.status = self.phase;
                row.close(Kind::Stuck, entry.at);
            }
            "revoke.intended" => {
                row.dates.revoke_sent = Some(entry.at).filter(|_| !row.unobserved())
            }
            // In an undo it is the new key that is refused.
            "revoke.done" if self.phase != Status::RollingBack => {
                row.dates.old_refused = Some(entry.at).filter(|_| !row.unobserved());
                row.verified
                    .extend(note.map(|how| format!("old key: {how}")));
            }
            "rotation.finished" => self.end(entry, Status::Completed),
            "rotation.rolled_back" => self.end(entry, Status::RolledBack),
            "rotation.abandoned" => {
                add(&mut row.problems, note);
                row.except(Kind::Abandoned, entry, said_why());
                self.end(entry, Status::Abandoned);
            }
            "rotation.lost" => {
                if entry.fact("old_key") == Some("refused") {
                    row.dates.old_refused.get_or_insert(entry.at);
                }
                add(&mut row.problems, note);
                row.except(Kind::Lost, entry, said_why());
                self.end(entry, Status::Lost);
            }
            kind if kind.ends_with(".uncertain") || kind.ends_with(".not_done") => {
                let problem = format!("{kind} {}", said(place, note));
                add(&mut row.problems, Some(&problem));
                row.except(Kind::StepFailed, entry, problem);
            }
            _ => {}
        }
    }

    fn reach(&mut self, phase: Status) {
        (self.phase, self.row.status) = (phase, phase);
    }

    fn end(&mut self, entry: &EntryRef<'_>, status: Status) {
        self.reach(status);
        let row = &mut self.row;
        row.time = entry.at;
        row.completed = Some(entry.at);
        if let (Some(days), Some(due)) = (row.days_late(), row.dates.due) {
            let reason = format!(
                "due on {}, current after {}",
                due.date_naive(),
                super::tables::days(days)
            );
            row.except(Kind::Late, entry, reason);
            let late = row.exceptions.last_mut();
            late.into_iter().for_each(|late| late.opened = due);
            row.exceptions.sort_by_key(|one| one.opened);
        }
        // Late ended when the new key became current; everything else ends with the rotation.
        let promoted = row.dates.promoted.unwrap_or(entry.at);
        row.close(Kind::Late, promoted);
        for one in row.exceptions.iter_mut().filter(|one| one.closed.is_none()) {
            one.closed = Some(entry.at);
        }
    }
}

fn said(place: Option<&str>, note: Option<&str>) -> String {
    match (place, note) {
        (Some(place), Some(note)) => format!("{place}: {note}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    }
}
