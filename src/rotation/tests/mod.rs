//! Loops over the real list of steps: whatever goes wrong at whichever call or commit, and again in the recovery, no
//! customer ever meets a dead key, no key is lost, and later runs finish.

mod assisted;
mod canary;
mod clocks;
mod double;
mod emergency;
mod first;
mod gone;
mod held;
mod leak;
mod life;
mod lost;
mod person;
mod quirks;
mod stopped;
mod undo;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use crate::issuers::ValueBy;
use crate::ledger::{Change, Ledger, LockedLedger, Order, Phase, SecretState, Way, What};
use crate::model::{Clock, Fault, Fields, Key, KeyId, RunId, SecretName, SecretValue, Span};

use super::*;
use double::{Mishap, Platform, Vendor};
use life::{FIRST, Life, Moment, Silent, at, name};

fn clean_run(value: ValueBy) -> (usize, usize) {
    let mut life = Life::new(value);
    let before = life.store.commits.load(Ordering::Relaxed);
    life.live_on();
    life.check("clean");
    let acts = life.outside.world().acts();
    (acts, life.store.commits.load(Ordering::Relaxed) - before)
}

#[test]
fn a_rotation_that_meets_no_trouble_sends_each_request_once() {
    let mut life = Life::new(ValueBy::Issuer);
    life.live_on();
    life.check("clean");
    // One key made, three sites written, two services redeployed, one key removed.
    assert_eq!(
        life.outside.world().acts(),
        7,
        "{}",
        life.outside.world().story()
    );
}

#[test]
fn whatever_happens_to_any_request_nobody_is_harmed_and_later_runs_finish() {
    for value in [ValueBy::Issuer, ValueBy::Rotakey] {
        let (acts, _) = clean_run(value);
        for act in 0..acts {
            for mishap in Mishap::ALL {
                let mut life = Life::new(value);
                life.outside.world().mishaps.insert(act, mishap);
                life.live_on();
                life.check(&format!("{value:?}: {mishap:?} at act {act}"));
            }
        }
    }
}

/// What a life sent to end keys, in order.
fn revoked(life: &Life) -> Vec<String> {
    let story = life.outside.world().story();
    let ends = story.lines().filter(|act| act.starts_with("Revoke"));
    ends.map(str::to_owned).collect()
}

#[test]
fn a_key_that_one_request_made_twice_loses_its_twin_before_the_old_key_ends() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.insert(0, Mishap::ActsTwice);
    drop(life.night(Manner::Unattended).expect("no death"));
    // Nothing is removed while a request may still land.
    assert_eq!(life.outside.world().live_values().len(), 3);
    assert_eq!(revoked(&life), [""; 0]);
    life.live_on();
    life.check("made twice");
    let [twin, old] = [r#"Revoke { id: "key_2" }"#, r#"Revoke { id: "key_0" }"#];
    assert_eq!(revoked(&life), [twin, old]);
}

#[test]
fn the_old_key_is_kept_while_a_twin_of_the_new_one_cannot_be_removed() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.insert(0, Mishap::ActsTwice);
    drop(life.night(Manner::Unattended).expect("no death"));
    let next = life.outside.world().acts();
    life.outside.world().mishaps.insert(next, Mishap::Refused);
    life.outside.advance(TimeDelta::hours(25));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(
        matches!(&outcomes[..], [Outcome { result: Ending::NeedsPerson { why, .. }, .. }]
            if why.contains("HTTP 403")),
        "{outcomes:?}"
    );
    assert_eq!(revoked(&life), [r#"Revoke { id: "key_2" }"#]);
    let alive = life.outside.world().live_values();
    assert!(alive.contains(&FIRST.to_owned()), "{alive:?}");
    life.live_on();
    life.check("a twin that could not be removed at first");
}

#[test]
fn a_second_mishap_in_the_recovery_changes_nothing_of_that() {
    let (acts, _) = clean_run(ValueBy::Issuer);
    let firsts = (0..acts).flat_map(|act| Mishap::ALL.map(|mishap| (act, mishap)));
    side_by_side(firsts.collect(), |(first, one)| {
        // The recovery has as many calls as it needs, so that is how many a second mishap can meet.
        let calls = life_with(&[(first, one)]);
        for second in first + 1..calls {
            for other in Mishap::ALL {
                life_with(&[(first, one), (second, other)]);
            }
        }
    });
}

/// Lives one life with these mishaps, and tells how many calls it made.
fn life_with(mishaps: &[(usize, Mishap)]) -> usize {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.extend(mishaps.iter().copied());
    life.live_on();
    life.check(&format!("{mishaps:?}"));
    life.outside.world().acts()
}

/// Does it for each, on two threads.
fn side_by_side<Job: Send>(jobs: Vec<Job>, work: impl Fn(Job) + Sync) {
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().expect("taking the next one cannot fail").next();
    let worker = || {
        while let Some(job) = next() {
            work(job);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        worker();
    });
}

#[test]
fn a_death_at_any_commit_and_again_in_the_recovery_is_survived() {
    let (_, commits) = clean_run(ValueBy::Issuer);
    for first in 0..commits {
        for again in [None, Some(1), Some(2), Some(3), Some(4)] {
            for moment in [Moment::Before, Moment::After] {
                let mut life = Life::new(ValueBy::Issuer);
                let base = life.store.commits.load(Ordering::Relaxed);
                life.store.dies_at = Some((base + first, moment));
                drop(life.night(Manner::Unattended));
                life.store.dies_at =
                    again.map(|later| (life.store.commits.load(Ordering::Relaxed) + later, moment));
                life.outside.advance(TimeDelta::minutes(11));
                drop(life.night(Manner::Unattended));
                life.outside.advance(TimeDelta::minutes(11));
                life.live_on();
                life.check(&format!(
                    "died {moment:?} commit {first}, then {again:?} commits later"
                ));
            }
        }
    }
}

#[test]
fn a_key_in_use_whose_id_is_not_known_is_never_taken_for_its_own_twin() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().nameless = true;
    life.live_on();
    life.check("nameless");
}

#[test]
fn an_old_key_that_a_stranger_still_uses_is_kept_until_it_was_left_alone_for_a_day() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    let used = life.outside.now() - TimeDelta::hours(1);
    life.outside.world().used = Some(used);
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let Ending::NeedsPerson { why, .. } = &outcomes[0].result else {
        panic!("{outcomes:?}");
    };
    assert_eq!(
        why,
        "the old key is kept: something that is not configured used it at 2024-01-20 09:00 UTC"
    );
    life.outside.advance(TimeDelta::hours(22));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(matches!(outcomes[0].result, Ending::NeedsPerson { .. }));
    life.outside.advance(TimeDelta::hours(2));
    drop(life.night(Manner::Unattended).expect("no death"));
    life.check("left alone");
}

#[test]
fn what_is_taken_back_again_and_again_is_tried_less_and_less_often_and_then_a_person_is_asked() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    let mut tried = Vec::new();
    for night in 0..30 {
        let before = life.state().setback.map_or(0, |setback| setback.times);
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::minutes(11));
        if life.state().rotation.is_some() {
            drop(life.night(Manner::ByHand).expect("no death"));
        }
        if life.state().setback.map_or(0, |setback| setback.times) > before {
            tried.push(night);
        }
        let morning = at("2024-01-20T09:00:00Z") + TimeDelta::days(night);
        life.outside.advance(morning - life.outside.now());
    }
    assert_eq!(tried, [0, 1, 3, 7, 15]);
}

#[test]
fn a_service_that_is_unwell_with_the_new_key_takes_everything_back() {
    let ends = (0..14).flat_map(|act| [(act, None), (act, Some(act + 3))]);
    let jobs = ends.flat_map(|(first, second)| Mishap::ALL.map(|mishap| (first, second, mishap)));
    side_by_side(jobs.collect(), |(first, second, mishap)| {
        let mut life = Life::new(ValueBy::Issuer);
        life.goes = if first % 2 == 0 {
            Way::Forward
        } else {
            Way::Back
        };
        {
            let mut world = life.outside.world();
            world.only_well_with = Some(FIRST.to_owned());
            world.mishaps.insert(first, mishap);
            world.mishaps.extend(second.map(|second| (second, mishap)));
        }
        // Every night it is due, tried and taken back. Then somebody heals the service.
        for _ in 0..4 {
            drop(life.night(Manner::Unattended));
            life.outside.advance(TimeDelta::minutes(11));
        }
        life.outside.world().only_well_with = None;
        for _ in 0..3 {
            life.live_on();
        }
        life.check(&format!("unwell, {mishap:?} at act {first} and {second:?}"));
    });
}
