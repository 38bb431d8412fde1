//! The first key that rotakey makes of a secret: nothing is known that it could replace.

use super::*;

/// Nights by a person, and then by cron.
fn live_on(life: &mut Life) {
    for manner in [
        Manner::ByHand,
        Manner::Unattended,
        Manner::Unattended,
        Manner::Unattended,
    ] {
        drop(life.night(manner).expect("no death"));
        life.outside.advance(TimeDelta::hours(25));
    }
}

fn is_over(life: &mut Life, what: &str) {
    let state = life.state();
    assert!(state.rotation.is_none(), "{what}: {:?}", state.rotation);
    let current = state.current().and_then(|current| current.key());
    let current = current.expect("a current key");
    let value = current.fields.primary().expect("a value").expose();
    let world = life.outside.world();
    assert_eq!(world.outages, Vec::<String>::new(), "{what}");
    let every = |all: Vec<String>| all.iter().all(|one| one == value);
    assert!(every(world.stored()) && every(world.running()), "{what}");
}

#[test]
fn a_death_at_any_commit_of_it_leaves_nothing_open() {
    let commits = {
        let mut life = Life::unknown(ValueBy::Issuer);
        let before = life.store.commits.load(Ordering::Relaxed);
        drop(life.night(Manner::ByHand).expect("no death"));
        life.store.commits.load(Ordering::Relaxed) - before
    };
    assert!(commits > 4);
    for death in 0..commits {
        for moment in [Moment::Before, Moment::After] {
            let mut life = Life::unknown(ValueBy::Issuer);
            let base = life.store.commits.load(Ordering::Relaxed);
            life.store.dies_at = Some((base + death, moment));
            assert!(life.night(Manner::ByHand).is_err(), "it dies");
            life.store.dies_at = None;
            life.outside.advance(TimeDelta::minutes(11));
            live_on(&mut life);
            is_over(&mut life, &format!("died {moment:?} commit {death}"));
        }
    }
}

/// A ledger of before the two were one commit.
#[test]
fn a_promotion_that_replaced_nothing_and_was_left_open_is_closed_by_revoke() {
    let mut life = Life::unknown(ValueBy::Issuer);
    let before = life.store.commits.load(Ordering::Relaxed);
    // As far as the last look, and then the promotion alone.
    let last = {
        let mut life = Life::unknown(ValueBy::Issuer);
        drop(life.night(Manner::ByHand).expect("no death"));
        life.store.commits.load(Ordering::Relaxed)
    };
    life.store.dies_at = Some((last - 1, Moment::Before));
    assert!(life.night(Manner::ByHand).is_err());
    assert!(last > before);
    life.store.dies_at = None;
    life.records(What::Promoted { issuer_date: None });
    let open = life.state().rotation.expect("it is open");
    assert_eq!(open.phase(), Ok(Phase::Grace));
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    is_over(&mut life, "left open");
}

#[test]
fn what_it_left_unanswered_holds_the_revoke_of_the_next_one() {
    let mut life = Life::unknown(ValueBy::Issuer);
    life.secrets.get_mut(&name()).expect("it").policy.grace = Span::ZERO;
    life.outside
        .world()
        .mishaps
        .insert(1, Mishap::DiesAndLandsLate);
    assert!(life.night(Manner::ByHand).is_err(), "it dies at a write");
    drop(life.night(Manner::ByHand).expect("no death"));
    assert!(life.state().rotation.is_none(), "the first one is over");
    let outcomes = life.night(Manner::ByHand).expect("no death");
    let Some(Outcome {
        result: Ending::Waiting { why, .. },
        ..
    }) = outcomes.last()
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(why, "a request was not answered and may still land");
    life.outside.advance(TimeDelta::minutes(11));
    life.live_on();
    is_over(&mut life, "the late write has landed");
}
