//! When: the due date of a secret, the end of its key, and how long what waits has to wait.

use chrono::TimeDelta;

use crate::ledger::{Rotation, SecretState, Setback, Version};
use crate::model::{Instant, Key};

use super::secret::Secret;

/// When the next rotation is due, postponements included. No postponement outlives the key.
pub fn due(secret: &Secret, state: &SecretState) -> Option<Instant> {
    let since = state.rotated_at?;
    let due = secret.policy.every.due_after(since)?;
    let due = match &state.skip {
        Some(skip) => {
            let latest = secret.policy.max_age.map(|age| since + age.delta());
            let postponed = latest.map_or(skip.until, |latest| skip.until.min(latest));
            due.max(postponed)
        }
        None => due,
    };
    let end = state
        .current()
        .and_then(|version| in_time(secret, version, since));
    Some(end.map_or(due, |end| due.min(end)))
}

/// When to rotate a key that its issuer ends by itself: as long before its end as people are warned, for a person may
/// be needed, but not before it has lived half its life.
fn in_time(secret: &Secret, version: &Version, since: Instant) -> Option<Instant> {
    let end: Instant = version.notes.get(Key::EXPIRES_AT)?.parse().ok()?;
    let half = (end - since).max(TimeDelta::zero()) / 2;
    Some(end - half.min(secret.policy.warn.delta()))
}

/// When the live key ends: by its issuer, or by the policy.
pub(super) fn end(secret: &Secret, state: &SecretState) -> Option<Instant> {
    let version = state.current()?;
    let ends = version.notes.get(Key::EXPIRES_AT);
    let ends: Option<Instant> = ends.and_then(|end| end.parse().ok());
    let oldest = secret.policy.max_age.zip(state.rotated_at);
    let oldest = oldest.map(|(age, since)| since + age.delta());
    ends.into_iter().chain(oldest).min()
}

/// Until when a rotation that was taken back again is left alone: each attempt redeploys every service twice. The first
/// is tried again by the next night's run, then in two days, in four, in eight.
pub(super) fn pause(setback: &Setback) -> Option<Instant> {
    let days = 1_i64 << setback.times.saturating_sub(1).min(3);
    // The run of that night begins earlier in the day than this one ended.
    (setback.times > 1).then(|| setback.at + TimeDelta::days(days) - TimeDelta::hours(2))
}

/// Whether the dead-man's switch on the old key goes off within a day.
pub(super) fn ends_soon(open: &Rotation, now: Instant) -> bool {
    open.expires_at
        .is_some_and(|end| end <= now + TimeDelta::hours(24))
}

/// Until when the latest confirmed stage soaks, if it still does.
pub(super) fn soaking(secret: &Secret, open: &Rotation, now: Instant) -> Option<Instant> {
    let latest = open.soaking.values().max()?;
    let until = *latest + secret.policy.soak.delta();
    (until > now).then_some(until)
}

/// How long ago, never negative.
pub fn age(since: Instant, now: Instant) -> TimeDelta {
    (now - since).max(TimeDelta::zero())
}
