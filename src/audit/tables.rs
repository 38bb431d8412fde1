//! The columns of the evidence, and what stands in them. CSV, JSON and the page show the same.

use std::fmt::Write as _;

use chrono::TimeDelta;

use crate::ledger::Facts;
use crate::model::Instant;

use super::cell;
use super::change::Change;
use super::exception::Deviation;
use super::population::Member;
use super::row::{Key, Row, Status};

/// The columns of `rotations.csv`, in order.
pub const ROTATIONS: [&str; 45] = [
    "time",
    "service",
    "old_key",
    "new_key",
    "who",
    "trigger",
    "reason",
    "status",
    "sites",
    "verified_by",
    "exceptions",
    "due_at",
    "warned_at",
    "started_at",
    "issued_at",
    "delivered_at",
    "confirmed_at",
    "promoted_at",
    "revoke_sent_at",
    "old_key_refused_at",
    "completed_at",
    "days_late",
    "hours_to_revoke",
    "problems",
    "approved_by",
    "ticket",
    "title",
    "issuer",
    "environment",
    "owner",
    "purpose",
    "criticality",
    "every",
    "grace",
    "policy_ref",
    "rotation",
    "old_fingerprint",
    "new_fingerprint",
    "old_key_id",
    "new_key_id",
    "targets",
    "runs",
    "first_event",
    "last_event",
    "last_hash",
];

/// The columns of `population.csv`, in order.
pub const POPULATION: [&str; 22] = [
    "service",
    "status",
    "current_key",
    "rotated_at",
    "age_days",
    "allowed_days",
    "next_due_at",
    "every",
    "managed_since",
    "keys_valid",
    "rotations_completed",
    "title",
    "issuer",
    "targets",
    "environment",
    "owner",
    "purpose",
    "criticality",
    "policy_ref",
    "review",
    "current_fingerprint",
    "current_key_id",
];

/// The columns of `exceptions.csv`, in order.
pub const EXCEPTIONS: [&str; 9] = [
    "time",
    "service",
    "kind",
    "reason",
    "closed_at",
    "owner",
    "who",
    "rotation",
    "event",
];

/// The columns of `changes.csv`, in order.
pub const CHANGES: [&str; 8] = [
    "time", "what", "service", "detail", "who", "run", "event", "hash",
];

/// The cells of a rotation, in the order of [`ROTATIONS`].
pub(super) fn rotation(row: &Row) -> [String; ROTATIONS.len()] {
    let key = |key: &Option<Key>, part: fn(&Key) -> &String| {
        key.as_ref().map(part).cloned().unwrap_or_default()
    };
    let fact = |name: &str| fact(&row.about, name);
    let dates = &row.dates;
    [
        time(Some(row.time)),
        row.service.clone(),
        key(&row.old, |key| &key.hint),
        key(&row.new, |key| &key.hint),
        cell::list(&row.who),
        row.trigger.to_owned(),
        row.reason.clone(),
        status(row.status),
        cell::list(&row.sites),
        cell::list(&row.verified),
        exceptions(row),
        time(dates.due),
        time(dates.warned),
        time(Some(row.started)),
        time(dates.issued),
        time(dates.delivered),
        time(dates.confirmed),
        time(dates.promoted),
        time(dates.revoke_sent),
        time(dates.old_refused),
        time(row.completed),
        row.days_late().map(days).unwrap_or_default(),
        hours(row.time_to_revoke()),
        cell::list(&row.problems),
        row.approved_by.clone(),
        row.ticket.clone(),
        fact("title"),
        fact("issuer"),
        fact("environment"),
        fact("owner"),
        fact("purpose"),
        fact("criticality"),
        fact("every"),
        fact("grace"),
        fact("policy_ref"),
        row.rotation.clone(),
        key(&row.old, |key| &key.fingerprint),
        key(&row.new, |key| &key.fingerprint),
        key(&row.old, |key| &key.id),
        key(&row.new, |key| &key.id),
        fact("targets"),
        cell::list(&row.runs),
        event(row.first_event),
        event(row.last_event),
        // With its kind in front: 64 digits could be read as a number.
        format!("sha256:{}", row.last_hash),
    ]
}

/// The cells of a secret, in the order of [`POPULATION`].
pub(super) fn member(member: &Member) -> [String; POPULATION.len()] {
    let key = |part: fn(&Key) -> &String| {
        member
            .current
            .as_ref()
            .map(part)
            .cloned()
            .unwrap_or_default()
    };
    let in_days = |count: Option<i64>| count.map(days).unwrap_or_default();
    let fact = |name: &str| fact(&member.about, name);
    [
        member.name.clone(),
        member.standing.as_str().to_owned(),
        key(|key| &key.hint),
        time(member.rotated_at),
        in_days(member.age_days),
        in_days(member.allowed_days),
        time(member.due),
        fact("every"),
        time(member.since),
        counted(member.live_keys as u64, "key"),
        counted(member.completed, "rotation"),
        fact("title"),
        fact("issuer"),
        fact("targets"),
        fact("environment"),
        fact("owner"),
        fact("purpose"),
        fact("criticality"),
        fact("policy_ref"),
        fact("review"),
        key(|key| &key.fingerprint),
        key(|key| &key.id),
    ]
}

/// The cells of a deviation, in the order of [`EXCEPTIONS`].
pub(super) fn deviation(deviation: &Deviation) -> [String; EXCEPTIONS.len()] {
    let exception = &deviation.exception;
    [
        time(Some(exception.opened)),
        deviation.service.clone(),
        exception.kind.as_str().to_owned(),
        exception.reason.clone(),
        time(exception.closed),
        deviation.owner.clone(),
        deviation.who.clone(),
        deviation.rotation.clone(),
        event(exception.event),
    ]
}

/// The cells of a change, in the order of [`CHANGES`].
pub(super) fn change(change: &Change) -> [String; CHANGES.len()] {
    [
        time(Some(change.at)),
        change.what.clone(),
        change.service.clone(),
        change.detail.clone(),
        change.who.clone(),
        change.run.clone(),
        event(change.event),
        format!("sha256:{}", change.hash),
    ]
}

/// What came of a rotation, in words.
pub(super) fn status(status: Status) -> String {
    match status {
        Status::Completed => "completed".to_owned(),
        Status::RolledBack => "rolled back".to_owned(),
        Status::Abandoned => "abandoned".to_owned(),
        Status::Lost => "lost".to_owned(),
        Status::Open => "open".to_owned(),
        Status::InGrace => "open, in grace".to_owned(),
        Status::RollingBack => "open, rolling back".to_owned(),
        Status::Stuck => "open, a person is needed".to_owned(),
        Status::Adopted => "adopted".to_owned(),
        Status::Postponed(None) => "postponed".to_owned(),
        Status::Postponed(until) => format!("postponed until {}", time(until)),
    }
}

/// An instant as it stands in cells.
pub(super) fn time(at: Option<Instant>) -> String {
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// A number of days: `1 day`, `2 days`.
pub(super) fn days(days: i64) -> String {
    crate::model::when::counted(days, "day")
}

/// The number of an event, which no spreadsheet takes for a number.
pub(super) fn event(number: u64) -> String {
    format!("evt_{number}")
}

fn exceptions(row: &Row) -> String {
    let mut cell = String::new();
    for exception in &row.exceptions {
        if !cell.is_empty() {
            cell.push_str(cell::BETWEEN);
        }
        cell.push_str(exception.kind.as_str());
        if exception.closed.is_none() {
            cell.push_str(" (open)");
        }
    }
    cell
}

/// `26.5 hours`, rounded down to tenths.
fn hours(time: Option<TimeDelta>) -> String {
    let mut text = String::new();
    if let Some(time) = time {
        let tenths = time.num_minutes() / 6;
        write!(text, "{}.{} hours", tenths / 10, tenths % 10).expect("a string takes everything");
    }
    text
}

fn counted(number: u64, noun: &str) -> String {
    crate::model::when::counted(i64::try_from(number).unwrap_or(i64::MAX), noun)
}

fn fact(about: &Facts, name: &str) -> String {
    about.get(name).cloned().unwrap_or_default()
}
