//! A key has leaked: no grace; and where it has to die first, there is only the way forward.

use super::*;
use crate::ledger::{Alarm, NewVersion};
use crate::model::Schedule;

/// How long the old key lived after the command, as the outcome tells it.
fn exposed(outcomes: &[Outcome]) -> TimeDelta {
    match outcomes {
        [
            Outcome {
                result:
                    Ending::Revoked {
                        exposed: Some(exposed),
                        ..
                    },
                ..
            },
        ] => *exposed,
        others => panic!("{others:?}"),
    }
}

fn place(life: &Life, act: &str) -> usize {
    let story = life.outside.world().story();
    let found = story.lines().position(|line| line.starts_with(act));
    found.unwrap_or_else(|| panic!("no {act} in\n{story}"))
}

#[test]
fn the_old_key_is_dead_in_the_same_run_and_nobody_was_refused() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::DeliverFirst);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    life.check("a leak");
    // Some round trips and one build of 40 s.
    let seconds = exposed(&outcomes).num_seconds();
    assert!((40..90).contains(&seconds), "{seconds}");
}

#[test]
fn the_leaked_key_dies_before_anything_is_delivered() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    assert!(place(&life, "Revoke") < place(&life, "Write"));
    assert!(place(&life, "Issue") < place(&life, "Revoke"));
    // One key made, one dead: two round trips.
    assert_eq!(exposed(&outcomes), TimeDelta::seconds(2));
    settled(&mut life, "first");
}

/// Nothing is open, the new key is the only one, and it is everywhere. What was refused in between was meant to be.
fn settled(life: &mut Life, what: &str) {
    life.outside.world().outages.clear();
    life.check(what);
}

#[test]
fn once_the_leaked_key_may_be_dead_there_is_only_the_way_forward() {
    let acts = {
        let mut life = Life::new(ValueBy::Issuer);
        life.leaks(Order::RevokeFirst);
        drop(life.night(Manner::Emergency));
        life.outside.world().acts()
    };
    for act in 1..acts {
        for mishap in Mishap::ALL {
            let mut life = Life::new(ValueBy::Issuer);
            life.leaks(Order::RevokeFirst);
            life.outside.world().mishaps.insert(act, mishap);
            drop(life.night(Manner::Emergency));
            life.leak = None;
            life.live_on();
            let what = format!("{mishap:?} at act {act}");
            let story = life.outside.world().story();
            let back = format!("value: {FIRST:?}");
            assert!(!story.contains(&back), "{what}\n{story}");
            settled(&mut life, &what);
        }
    }
}

#[test]
fn a_service_that_is_unwell_without_the_dead_key_waits_for_a_person() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    let outcomes = life.night(Manner::Emergency).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::NeedsPerson { .. }),
        "{outcomes:?}"
    );
    assert!(
        outcomes[0].live.contains("is revoked, or about to be; "),
        "{}",
        outcomes[0].live
    );
    life.outside.world().only_well_with = None;
    life.leak = None;
    life.live_on();
    settled(&mut life, "healed");
}

#[test]
fn a_death_at_any_commit_of_it_is_survived() {
    let commits = {
        let mut life = Life::new(ValueBy::Issuer);
        let before = life.store.commits.load(Ordering::Relaxed);
        life.leaks(Order::RevokeFirst);
        drop(life.night(Manner::Emergency));
        life.store.commits.load(Ordering::Relaxed) - before
    };
    for death in 0..commits {
        for moment in [Moment::Before, Moment::After] {
            let mut life = Life::new(ValueBy::Issuer);
            life.leaks(Order::RevokeFirst);
            let base = life.store.commits.load(Ordering::Relaxed);
            life.store.dies_at = Some((base + death, moment));
            drop(life.night(Manner::Emergency));
            life.store.dies_at = None;
            life.outside.advance(TimeDelta::minutes(11));
            // Whoever typed it types it again.
            drop(life.night(Manner::Emergency));
            life.leak = None;
            life.live_on();
            settled(&mut life, &format!("died {moment:?} commit {death}"));
        }
    }
}

#[test]
fn the_last_key_to_an_account_of_our_own_is_never_taken_away() {
    let mut life = Life::new(ValueBy::Issuer);
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.proof = Some(Box::new(|_| Err(Fault::refused("may not list projects"))));
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let Ending::NeedsPerson { why, .. } = &outcomes[0].result else {
        panic!("{outcomes:?}");
    };
    assert_eq!(
        why,
        "the old key is kept: rotakey's own account must work with the new key: may not list projects"
    );
    assert_eq!(life.outside.world().live_values().len(), 2);
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.proof = Some(Box::new(|_| Ok(())));
    life.live_on();
    life.check("proven");
}

#[test]
fn a_leak_in_the_middle_of_a_rotation_is_answered_in_the_end_whoever_runs() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    let first = life.state().current().expect("a key").number;
    life.leaks(Order::DeliverFirst);
    // It dies while the old key is being killed; cron comes next and knows of no leak.
    let act = life.outside.world().acts();
    life.outside.world().mishaps.insert(act, Mishap::DiesAfter);
    assert!(life.night(Manner::Emergency).is_err());
    life.leak = None;
    life.outside.advance(TimeDelta::minutes(11));
    life.live_on();
    // The rotation that was open is over; the next night answers the leak.
    drop(life.night(Manner::Unattended).expect("no death"));
    let state = life.state();
    assert!(state.current().expect("a key").number > first, "{state:?}");
    assert_eq!(state.leak, None);
    life.check("answered");
}

#[test]
fn the_only_key_that_works_is_not_killed_first() {
    let mut life = Life::new(ValueBy::Issuer);
    // The new key is on its way when somebody ends it at the vendor.
    life.outside.world().mishaps.insert(1, Mishap::DiesBefore);
    assert!(life.night(Manner::Unattended).is_err());
    let state = life.state();
    let new = state.versions.last().and_then(|new| new.fields.clone());
    let new = new.and_then(|fields| fields.primary().map(|value| value.expose().to_owned()));
    life.outside.world().person_ends(&new.expect("a new key"));
    life.outside.advance(TimeDelta::minutes(11));
    life.leaks(Order::RevokeFirst);
    drop(life.night(Manner::Emergency).expect("no death"));
    assert_eq!(life.outside.world().live_values(), [FIRST]);
}

/// The key is not due: only the leak says that it has to go.
fn leaked_and_not_due() -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.policy.every = Schedule::parse("90d").expect("a schedule");
    life.leaks(Order::DeliverFirst);
    life
}

fn nights(life: &mut Life) {
    life.leak = None;
    for _ in 0..4 {
        life.outside.advance(TimeDelta::hours(24));
        drop(life.night(Manner::Unattended).expect("no death"));
    }
}

#[test]
fn a_leak_whose_rotation_was_taken_back_is_remembered() {
    let mut life = leaked_and_not_due();
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    drop(life.night(Manner::Emergency).expect("no death"));
    life.outside.advance(TimeDelta::minutes(11));
    if life.state().rotation.is_some() {
        drop(life.types("rollback"));
    }
    assert_eq!(life.state().rotation, None);
    life.outside.world().only_well_with = None;
    nights(&mut life);
    let live = life.outside.world().live_values();
    assert!(
        !live.contains(&FIRST.to_owned()),
        "the leaked key lives: {live:?}"
    );
}

#[test]
fn a_leak_whose_create_had_no_answer_is_not_forgotten_by_the_revoke_that_comes_first() {
    let mut life = leaked_and_not_due();
    life.outside.world().mishaps.insert(0, Mishap::RequestLost);
    drop(life.night(Manner::Emergency).expect("no death"));
    // `examples/crontab` runs `revoke` every hour and `rotate` at night.
    life.outside.advance(TimeDelta::hours(1));
    drop(life.types("revoke"));
    nights(&mut life);
    let live = life.outside.world().live_values();
    assert!(
        !live.contains(&FIRST.to_owned()),
        "the leaked key lives: {live:?}"
    );
}

#[test]
fn exposure_counts_from_the_first_who_said_so() {
    let mut life = leaked_and_not_due();
    life.outside.world().mishaps.insert(1, Mishap::Refused);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
    life.outside.advance(TimeDelta::hours(2));
    // Typed again, as the hint says.
    life.leaks(Order::DeliverFirst);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    let exposed = exposed(&outcomes);
    assert!(exposed > TimeDelta::hours(2), "{exposed}");
}

#[test]
fn the_leak_of_a_key_that_was_never_adopted_outlives_a_create_that_was_refused() {
    let mut life = leaked_and_not_due();
    let fresh = SecretName::new("fresh");
    let mut secret = life.secrets.remove(&name()).expect("the secret");
    secret.name = fresh.clone();
    life.secrets.insert(fresh.clone(), secret);
    life.outside.world().mishaps.insert(0, Mishap::Busy);
    drop(life.night(Manner::Emergency).expect("no death"));
    let ledger = Ledger::open(&life.opening()).expect("the ledger opens");
    let state = ledger.state().secret(&fresh).expect("it is known");
    assert!(state.rotation.is_none());
    assert!(state.leak.is_some(), "nobody goes on: {state:?}");
}

#[test]
fn a_leak_does_not_wait_for_its_turn() {
    let mut life = leaked_and_not_due();
    let Leak { reason, alarm } = life.leak.take().expect("a leak");
    life.records(What::Leaked { reason, alarm });
    // Another secret comes before it in the alphabet, and is due.
    let early = SecretName::new("an-early-one");
    let mut other = Life::new(ValueBy::Issuer);
    let mut secret = other.secrets.remove(&name()).expect("the secret");
    secret.name = early.clone();
    life.secrets.insert(early.clone(), secret);
    let ledger = Ledger::open(&life.opening()).expect("the ledger opens");
    let mut state = ledger.state().clone();
    let mut twin = state.secret(&name()).expect("it is known").clone();
    twin.leak = None;
    state.secrets.insert(early, twin);
    let ask = Ask {
        names: &[],
        now: life.outside.now() + TimeDelta::days(1),
        manner: Manner::Unattended,
        grace: Grace::Kept,
        frozen: None,
        most: 1,
    };
    let items = plan(&life.secrets, &state, &ask);
    let leaked = items.iter().find(|item| item.secret == name());
    assert_eq!(
        leaked.and_then(|item| item.rotate),
        Some(Move::Begin(crate::ledger::Trigger::Emergency)),
        "{items:?}"
    );
}

#[test]
fn a_second_leak_after_the_promotion_is_one_of_the_key_that_is_current_then() {
    const NEW: &str = "sk-made-number-000000000000000000000001";
    let mut life = leaked_and_not_due();
    let acts = {
        let mut clean = leaked_and_not_due();
        drop(clean.night(Manner::Emergency).expect("no death"));
        clean.outside.world().acts()
    };
    // The last act is the delete of the leaked key: it is refused twice, and the new key is current already.
    let last = [acts - 1, acts].map(|act| (act, Mishap::Refused));
    life.outside.world().mishaps.extend(last);
    drop(life.night(Manner::Emergency).expect("no death"));
    assert_eq!(life.state().current().map(|new| new.number.0), Some(2));
    assert!(life.state().rotation.is_some());
    life.outside.advance(TimeDelta::hours(1));
    life.leaks(Order::DeliverFirst);
    let leak = life.leak.as_mut().expect("a leak");
    leak.reason = "the new one was in a log as well".to_owned();
    drop(life.night(Manner::Emergency).expect("no death"));
    nights(&mut life);
    let live = life.outside.world().live_values();
    assert!(
        !live.contains(&NEW.to_owned()),
        "the leaked key lives: {live:?}"
    );
}

/// The key that the answer to the first leak made, before anything else was told.
const ANSWER: &str = "sk-made-number-000000000000000000000001";

#[test]
fn a_leak_told_while_another_one_is_answered_is_not_lost() {
    for order in [Order::DeliverFirst, Order::RevokeFirst] {
        let mut life = Life::new(ValueBy::Issuer);
        life.leaks(order);
        // One site takes nothing for a while: some hold the answer, and the rotation is open.
        life.outside
            .world()
            .mishaps
            .extend((2..4).map(|act| (act, Mishap::Busy)));
        drop(life.night(Manner::Emergency).expect("no death"));
        assert!(life.state().rotation.is_some());
        life.leaks_because("the platform was breached", order);
        drop(life.night(Manner::Emergency).expect("no death"));
        life.leak = None;
        life.live_on();
        assert!(
            !life
                .outside
                .world()
                .live_values()
                .contains(&ANSWER.to_owned()),
            "{order:?}"
        );
        assert_eq!(life.state().leak, None);
        settled(&mut life, &format!("{order:?}"));
    }
}

#[test]
fn a_leaked_value_that_is_adopted_again_under_its_id_is_still_leaked() {
    let mut life = Life::new(ValueBy::Issuer);
    let raised_at = life.outside.now();
    let order = Order::DeliverFirst;
    life.records(What::Leaked {
        reason: "it was in a log".to_owned(),
        alarm: Alarm { raised_at, order },
    });
    let state = life.state();
    let known = state.current().expect("the adopted key");
    life.records(What::Adopted(NewVersion {
        key: known.key().expect("its value"),
        hint: known.hint.clone(),
        fingerprint: known.fingerprint.clone(),
        created_at: known.created_at,
    }));
    let leak = life.state().leak.expect("it is remembered");
    assert_eq!(leak.newest, crate::model::VersionNumber(2));
}
