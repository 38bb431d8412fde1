//! The figures of a period, counted while its rows go by.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::when::counted;

use super::super::exception::{Deviation, Kind};
use super::super::row::{Row, Status};

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) completed: u64,
    pub(super) rolled_back: u64,
    pub(super) abandoned: u64,
    pub(super) lost: u64,
    pub(super) open: u64,
    pub(super) adopted: u64,
    pub(super) postponed: u64,
    /// Rotations whose old key was observed refused.
    pub(super) refused: u64,
    /// Rotations of a known due date that became current.
    pub(super) due: u64,
    /// Of these, so many by days late.
    late: BTreeMap<i64, u64>,
    pub(super) emergencies: u64,
    /// The longest time from the word of a leak to the refusal of the old key.
    pub(super) longest_leak: Option<TimeDelta>,
    pub(super) by_hand: u64,
    pub(super) approved: u64,
    pub(super) ticketed: u64,
    /// How many of each kind, and how many of them are open.
    pub(super) exceptions: BTreeMap<Kind, (u64, u64)>,
}

impl Summary {
    pub(super) fn row(&mut self, row: &Row) {
        match row.status {
            Status::Completed => self.completed += 1,
            Status::RolledBack => self.rolled_back += 1,
            Status::Abandoned => self.abandoned += 1,
            Status::Lost => self.lost += 1,
            Status::Adopted => self.adopted += 1,
            Status::Postponed(_) => self.postponed += 1,
            Status::Open | Status::InGrace | Status::RollingBack | Status::Stuck => self.open += 1,
        }
        if !row.is_rotation() {
            return;
        }
        self.refused += u64::from(row.dates.old_refused.is_some());
        if row.dates.due.is_some() && row.dates.promoted.is_some() {
            self.due += 1;
            if let Some(days) = row.days_late() {
                *self.late.entry(days).or_default() += 1;
            }
        }
        self.by_hand += u64::from(row.trigger != "scheduled");
        self.approved += u64::from(!row.approved_by.is_empty());
        self.ticketed += u64::from(!row.ticket.is_empty());
        if row
            .exceptions
            .iter()
            .any(|one| one.kind == Kind::Compromise)
        {
            self.emergencies += 1;
            self.longest_leak = self.longest_leak.max(row.time_to_revoke());
        }
    }

    pub(super) fn deviation(&mut self, deviation: &Deviation) {
        let (all, open) = self.exceptions.entry(deviation.exception.kind).or_default();
        *all += 1;
        *open += u64::from(deviation.exception.closed.is_none());
    }

    pub(super) fn rotations(&self) -> u64 {
        self.completed + self.rolled_back + self.abandoned + self.lost + self.open
    }

    pub(super) fn late(&self) -> u64 {
        self.late.values().sum()
    }

    /// The median and the most days late, of those that were late.
    pub(super) fn lateness(&self) -> Option<(i64, i64)> {
        let most = *self.late.keys().next_back()?;
        let middle = self.late().div_ceil(2);
        let mut passed = 0;
        let median = self.late.iter().find_map(|(days, count)| {
            passed += count;
            (passed >= middle).then_some(*days)
        });
        Some((median?, most))
    }

    pub(super) fn open_exceptions(&self) -> u64 {
        self.exceptions.values().map(|(_, open)| open).sum()
    }

    pub(super) fn all_exceptions(&self) -> u64 {
        self.exceptions.values().map(|(all, _)| all).sum()
    }

    /// The result of the period in one sentence.
    pub(super) fn sentence(&self) -> String {
        let rotations = self.rotations();
        if rotations == 0 {
            return "No rotation ended or was open in this period.".to_owned();
        }
        let mut parts = vec![format!(
            "{} of {} completed",
            self.completed,
            number(rotations, "rotation")
        )];
        match self.lateness() {
            Some((_, most)) => {
                parts.push(format!(
                    "{} late, by at most {}",
                    self.late(),
                    super::super::tables::days(most)
                ));
            }
            None if self.due > 0 => parts.push("none late".to_owned()),
            None => {}
        }
        for (count, what) in [
            (self.rolled_back, "rolled back"),
            (self.abandoned, "abandoned"),
            (self.lost, "lost"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        parts.push(format!("{} open at its end", self.open));
        parts.join(", ") + "."
    }
}

/// A number with its noun.
pub(super) fn number(count: u64, noun: &str) -> String {
    counted(i64::try_from(count).unwrap_or(i64::MAX), noun)
}
