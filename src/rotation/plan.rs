//! What each secret needs now, as a pure function of the configuration, the ledger and the time.
//!
//! `plan` prints it, `rotate` and `revoke` do it: the plan is true by construction. It sends nothing.

use std::collections::BTreeMap;

use crate::issuers::{Ability, ValueBy};
use crate::ledger::{Phase, Rotation, SecretState, SiteProgress, State, Trigger, Version, Way};
use crate::model::{Hint, Instant, SecretName};

use super::drive::Grace;
use super::due::{due, end, ends_soon, pause, soaking};
use super::guard::{self, Wait};
use super::secret::Secret;

/// Runs in a row that may get no further before a rotation is taken back, or handed to a person.
pub const PATIENCE: u32 = 5;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The secrets that were named; empty for all.
    pub names: &'a [SecretName],
    /// As if it were now.
    pub now: Instant,
    /// How it is asked.
    pub manner: Manner,
    /// Whether `revoke` waits for the end of the grace.
    pub grace: Grace,
    /// Until when no rotation begins, where that is so. A leak does not ask.
    pub frozen: Option<Instant>,
    /// How many rotations may begin in one run, so that a long sleep does not rotate everything at once.
    pub most: usize,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By cron: only what is due.
    Unattended,
    /// By a person who named the secrets: due or not.
    ByHand,
    /// A key leaked: due or not, and without grace.
    Emergency,
}

/// What one secret needs.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which.
    pub secret: SecretName,
    /// Its title, for people.
    pub title: String,
    /// Where it stands.
    pub standing: Standing,
    /// The key that is live.
    pub current: Option<Hint>,
    /// When that key came to life.
    pub since: Option<Instant>,
    /// When the next rotation is due.
    pub due: Option<Instant>,
    /// What `rotate` would do.
    pub rotate: Option<Move>,
    /// What `revoke` would do.
    pub revoke: Option<Move>,
    /// What it waits for, where neither can go on yet.
    pub wait: Option<Wait>,
    /// What only a person can do.
    pub person: Option<Errand>,
}

/// Where a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The ledger has never seen it.
    NotAdopted,
    /// Not due, and nobody needs to know yet.
    Fresh,
    /// Within the warning time.
    Soon,
    /// Due.
    Due,
    /// Would be due, but was postponed.
    Skipped,
    /// A rotation is open.
    Open(Phase),
}

/// What the next run would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Begin a rotation.
    Begin(Trigger),
    /// Go on with the open one.
    Continue,
    /// Kill the old version.
    Revoke,
    /// Look whether a person has ended the version that rotakey cannot end itself.
    Watch,
    /// Let the old version end later than it would by itself, while a person is waited for.
    PutOff,
    /// Kill the version that was taken back, or look for a key whose reply was lost.
    CleanUp,
}

impl Item {
    /// Whether the warning of the due date has told people already what they have to do. It knew nothing of rotations
    /// that were taken back since.
    pub fn is_announced(&self, state: Option<&SecretState>) -> bool {
        let warned = state.and_then(|state| state.warned);
        let given_up = state
            .and_then(|state| state.setback.as_ref())
            .is_some_and(|setback| setback.times >= PATIENCE);
        let leaked = state.is_some_and(|state| state.leak.is_some());
        let warned = warned.is_some() && warned == self.due;
        self.standing == Standing::Due && warned && !given_up && !leaked
    }
}

/// What only a person can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Why.
    pub why: String,
    /// What to do: a command to paste, or where to go.
    pub hint: String,
}

/// Plans every secret that is asked for, in the order of their names.
pub fn plan(secrets: &BTreeMap<SecretName, Secret>, state: &State, ask: &Ask<'_>) -> Vec<Item> {
    let mut begun = 0;
    let mut items = Vec::new();
    for secret in secrets.values() {
        if !ask.names.is_empty() && !ask.names.contains(&secret.name) {
            continue;
        }
        let mut item = item(secret, state.secret(&secret.name), ask);
        // A leaked key does not wait for its turn.
        let ordinary = |trigger| trigger != Trigger::Emergency;
        if matches!(item.rotate, Some(Move::Begin(trigger)) if ordinary(trigger)) {
            begun += 1;
            if begun > ask.most {
                item.rotate = None;
                item.wait = Some(Wait::turn(ask.most));
            }
        }
        items.push(item);
    }
    items
}

fn item(secret: &Secret, state: Option<&SecretState>, ask: &Ask<'_>) -> Item {
    let current = state.and_then(SecretState::current);
    let mut item = Item {
        secret: secret.name.clone(),
        title: secret.policy.title.clone(),
        standing: Standing::NotAdopted,
        current: current.map(|version| version.hint.clone()),
        since: state.and_then(|state| state.rotated_at),
        due: state.and_then(|state| due(secret, state)),
        rotate: None,
        revoke: None,
        wait: None,
        person: None,
    };
    match state.and_then(|state| state.rotation.as_ref()) {
        Some(open) => going_on(&mut item, secret, state, open, ask),
        None => beginning(&mut item, secret, state, ask),
    }
    item
}

fn beginning(item: &mut Item, secret: &Secret, state: Option<&SecretState>, ask: &Ask<'_>) {
    let skipped = state
        .and_then(|state| state.skip.as_ref())
        .is_some_and(|skip| skip.until > ask.now);
    item.standing = match item.due {
        None if item.current.is_none() => Standing::NotAdopted,
        Some(due) if due <= ask.now => Standing::Due,
        Some(_) if skipped => Standing::Skipped,
        Some(due) if due - secret.policy.warn.delta() <= ask.now => Standing::Soon,
        Some(_) | None => Standing::Fresh,
    };
    let leaked = state.is_some_and(|state| state.leak.is_some());
    let trigger = match (ask.manner, item.standing) {
        // A leak that was told to an earlier run is still to be answered.
        _ if leaked => Trigger::Emergency,
        (Manner::Emergency, _) => Trigger::Emergency,
        (Manner::ByHand, _) => Trigger::Manual,
        (Manner::Unattended, Standing::Due) => Trigger::Scheduled,
        (Manner::Unattended, Standing::NotAdopted) => {
            // Without the old value nothing can be rolled back and nothing may be revoked.
            item.person = Some(Errand {
                why: "the key that is live today is not known".to_owned(),
                hint: format!(
                    "rotakey adopt {name}   (or: rotakey rotate {name})",
                    name = secret.name
                ),
            });
            return;
        }
        (Manner::Unattended, _) => return,
    };
    if secret.issuer.capabilities().value == ValueBy::Person && ask.manner == Manner::Unattended {
        let mut hint = secret.issuer.instructions().join("; ");
        if !hint.is_empty() {
            hint.push_str("; then ");
        }
        item.person = Some(Errand {
            why: "the vendor has no call that makes this key".to_owned(),
            hint: format!("{hint}rotakey rotate {}", secret.name),
        });
        return;
    }
    let setback = state.and_then(|state| state.setback.as_ref());
    if let Some(setback) = setback.filter(|_| ask.manner == Manner::Unattended) {
        if setback.times >= PATIENCE {
            item.person = Some(Errand {
                why: format!(
                    "taken back {} times in a row, last: {}",
                    setback.times, setback.why
                ),
                hint: match leaked {
                    true => format!(
                        "the leaked key lives: mend it, then run `rotakey rotate --emergency --reason TEXT {}`",
                        secret.name
                    ),
                    false => format!("mend it, then run `rotakey rotate {}`", secret.name),
                },
            });
            return;
        }
        // A leaked key does not wait.
        let pause = pause(setback).filter(|_| !leaked);
        if let Some(until) = pause.filter(|until| *until > ask.now) {
            item.wait = Some(Wait::setback(setback.times, until));
            return;
        }
    }
    let end = state.and_then(|state| end(secret, state));
    match ask.frozen {
        // No freeze holds a rotation up beyond the end of the key.
        Some(until) if trigger != Trigger::Emergency && end.is_none_or(|end| end > until) => {
            item.wait = Some(Wait::frozen(until));
        }
        _ => item.rotate = Some(Move::Begin(trigger)),
    }
}

fn going_on(
    item: &mut Item,
    secret: &Secret,
    state: Option<&SecretState>,
    open: &Rotation,
    ask: &Ask<'_>,
) {
    // A ledger with an impossible story does not load, so the phase is there.
    let Ok(phase) = open.phase() else { return };
    item.standing = Standing::Open(phase);
    if let Some(why) = &open.stuck
        && ask.manner == Manner::Unattended
    {
        let mut hint = format!("rotakey {} {}", next_verb(open), secret.name);
        if let Some(dying) = watched(secret, state, open) {
            item.revoke = Some(Move::Watch);
            let steps = dying.key().map(|key| secret.issuer.removal(&key));
            hint = steps.unwrap_or_default().join("; ");
        } else if phase == Phase::Grace && ends_soon(open, ask.now) {
            item.revoke = Some(Move::PutOff);
        }
        item.person = Some(Errand {
            why: why.clone(),
            hint,
        });
        return;
    }
    match phase {
        Phase::Grace => {
            if is_reopened(open) || open.stuck.is_some() {
                item.rotate = Some(Move::Continue);
            }
            let skipped = state
                .and_then(|state| state.skip.as_ref())
                .is_some_and(|skip| skip.until > ask.now);
            match guard::grace_over(open, secret.policy.grace, ask.now) {
                _ if ask.manner == Manner::Emergency => item.rotate = Some(Move::Continue),
                _ if open.trigger == Trigger::Emergency => {
                    item.rotate = Some(Move::Continue);
                    item.revoke = Some(Move::Revoke);
                }
                _ if ask.grace == Grace::Waived => item.revoke = Some(Move::Revoke),
                // While a postponement holds the old key, its end is put off in time.
                Ok(()) if !skipped || ends_soon(open, ask.now) => {
                    item.revoke = Some(Move::Revoke);
                }
                Ok(()) => {
                    item.wait = state
                        .and_then(|state| state.skip.as_ref())
                        .map(|skip| Wait::skipped(skip.until))
                }
                // A postponement holds the old key longer than its grace.
                Err(wait) => {
                    // The configuration may have been given a longer grace since the end was set.
                    if ends_soon(open, ask.now) {
                        item.revoke = Some(Move::PutOff);
                    }
                    let skip = state.and_then(|state| state.skip.as_ref());
                    let longer = skip.filter(|skip| skipped && Some(skip.until) > wait.until);
                    item.wait = Some(longer.map_or(wait, |skip| Wait::skipped(skip.until)));
                }
            }
        }
        Phase::Revoking => {
            item.revoke = Some(Move::Revoke);
            let stuck = open.stuck.is_some() && watched(secret, state, open).is_none();
            if ask.manner == Manner::Emergency || is_reopened(open) || stuck {
                item.rotate = Some(Move::Continue);
            }
        }
        Phase::Discarding => {
            item.rotate = Some(Move::Continue);
            item.revoke = Some(Move::CleanUp);
        }
        Phase::Issuing => {
            item.rotate = Some(Move::Continue);
            item.revoke = Some(Move::CleanUp);
            item.wait = guard::quiet(open, ask.now).err();
        }
        Phase::Delivering => match soaking(secret, open, ask.now) {
            Some(until) if ask.manner != Manner::Emergency => item.wait = Some(Wait::soak(until)),
            _ => item.rotate = Some(Move::Continue),
        },
        Phase::Issued | Phase::Undoing => item.rotate = Some(Move::Continue),
        Phase::Unbegun | Phase::Finished | Phase::RolledBack | Phase::Abandoned | Phase::Lost => {}
    }
}

/// The version that a person was asked to end, where rotakey itself cannot.
fn watched<'a>(
    secret: &Secret,
    state: Option<&'a SecretState>,
    open: &Rotation,
) -> Option<&'a Version> {
    if secret.issuer.capabilities().revokes == Ability::Yes {
        return None;
    }
    let dying = match open.phase().ok()? {
        Phase::Revoking => open.from?,
        Phase::Discarding => open.to?,
        _ => return None,
    };
    state?.version(dying)
}

/// The verb that goes on with a rotation a person has mended.
pub(super) fn next_verb(open: &Rotation) -> &'static str {
    match open.phase().unwrap_or(Phase::Unbegun) {
        Phase::Grace | Phase::Revoking if is_reopened(open) => "rotate",
        Phase::Grace | Phase::Revoking | Phase::Discarding => "revoke",
        Phase::Undoing => "rollback",
        Phase::Unbegun
        | Phase::Issuing
        | Phase::Issued
        | Phase::Delivering
        | Phase::Finished
        | Phase::RolledBack
        | Phase::Abandoned
        | Phase::Lost => "rotate",
    }
}

/// Whether sites or services were found that do not serve the new version.
fn is_reopened(open: &Rotation) -> bool {
    let forward = |site: &SiteProgress| {
        site.write
            .as_ref()
            .is_some_and(|write| write.way == Way::Forward)
    };
    !open.sites.values().all(forward) || open.services.values().any(|service| !service.confirmed)
}
