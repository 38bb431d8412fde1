//! Somebody else ends keys in the middle of a rotation: a vendor that finds a leak, a person at the vendor's page.
//! Whatever is left, one verb leads out, and the message names it.

use super::*;

const NEW: &str = "sk-made-number-000000000000000000000001";

/// One night up to the grace.
fn in_grace() -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(phase(&mut life), Some(Phase::Grace));
    life
}

fn phase(life: &mut Life) -> Option<Phase> {
    let open = life.state().rotation;
    open.and_then(|open| open.phase().ok())
}

/// What only a person can do, and the advice.
fn errand(outcomes: &[Outcome]) -> (&str, &str, &str) {
    match outcomes {
        [
            Outcome {
                result: Ending::NeedsPerson { why, hint },
                live,
                ..
            },
        ] => (why, hint, live),
        others => panic!("{others:?}"),
    }
}

fn end(life: &Life, values: &[&str]) {
    let mut world = life.outside.world();
    values.iter().for_each(|value| world.person_ends(value));
}

/// Another key was made, it is everywhere, and it is the only one.
fn another(life: &mut Life, what: &str) {
    life.live_on();
    life.outside.world().outages.clear();
    life.check(what);
    let live = life.outside.world().live_values();
    assert!(!live.contains(&FIRST.to_owned()) && !live.contains(&NEW.to_owned()));
}

#[test]
fn where_both_keys_died_in_the_grace_naming_the_secret_makes_another() {
    let mut life = in_grace();
    end(&life, &[FIRST, NEW]);
    life.outside.advance(TimeDelta::hours(25));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let (why, hint, live) = errand(&outcomes);
    assert_eq!(
        why,
        "neither the new key nor the old one is accepted any more"
    );
    assert_eq!(
        hint,
        "rotakey rotate api   closes the rotation and makes another key"
    );
    assert!(live.starts_with("neither key "), "{live}");
    let acts = life.outside.world().acts();
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(
        life.outside.world().acts(),
        acts,
        "nobody has said anything"
    );
    drop(life.night(Manner::ByHand).expect("no death"));
    let state = life.state();
    let numbers: Vec<u32> = state.versions.iter().map(|kept| kept.number.0).collect();
    assert_eq!(
        numbers,
        [3],
        "the dead are forgotten, and no number is given twice"
    );
    another(&mut life, "both died in the grace");
}

#[test]
fn where_both_keys_died_while_the_old_one_was_put_back_naming_the_secret_makes_another() {
    let mut life = Life::new(ValueBy::Issuer);
    // A site refuses the new key, and then takes nothing for a while.
    let mishaps = [(2, Mishap::Refused), (3, Mishap::Busy), (4, Mishap::Busy)];
    life.outside.world().mishaps.extend(mishaps);
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(phase(&mut life), Some(Phase::Undoing));
    end(&life, &[FIRST, NEW]);
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let (_, hint, _) = errand(&outcomes);
    assert!(hint.starts_with("rotakey rotate api "), "{hint}");
    life.goes = Way::Forward;
    drop(life.night(Manner::ByHand).expect("no death"));
    another(&mut life, "both died in the undo");
}

#[test]
fn where_only_the_current_key_died_in_the_grace_the_old_one_is_put_back() {
    let mut life = in_grace();
    end(&life, &[NEW]);
    life.outside.advance(TimeDelta::hours(25));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let (_, hint, _) = errand(&outcomes);
    assert_eq!(
        hint,
        "rotakey rollback api   puts the old key back, which works"
    );
    assert_eq!(life.outside.world().live_values(), [FIRST]);
}

#[test]
fn a_leak_whose_newest_key_the_vendor_ended_by_itself_is_answered_in_one_run() {
    let mut life = in_grace();
    end(&life, &[NEW]);
    life.outside.world().outages.clear();
    life.leaks(Order::DeliverFirst);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::Revoked { .. }),
        "{outcomes:?}"
    );
    assert_eq!(life.state().leak, None);
    another(&mut life, "ended by the vendor");
}

/// The leaked key is to die first; what came of the delete; then the new key dies as well.
fn ended_first(delete: Mishap) -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    let mishaps = [(1, delete), (2, Mishap::Busy)];
    life.outside.world().mishaps.extend(mishaps);
    drop(life.night(Manner::Emergency).expect("no death"));
    assert_eq!(phase(&mut life), Some(Phase::Delivering));
    end(&life, &[NEW]);
    life.leak = None;
    life.outside.advance(TimeDelta::minutes(11));
    life
}

#[test]
fn a_delete_that_was_refused_leaves_the_way_back() {
    let mut life = ended_first(Mishap::Refused);
    assert!(!life.state().no_way_back());
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
    assert_eq!(life.outside.world().stored(), [FIRST; 3]);
}

#[test]
fn a_delete_that_may_have_been_done_leaves_only_another_key() {
    let mut life = ended_first(Mishap::RequestLost);
    assert!(life.state().no_way_back());
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let (why, hint, _) = errand(&outcomes);
    assert!(why.ends_with("the key is refused"), "{why}");
    assert_eq!(hint, "mend it, then run `rotakey rotate api`");
    drop(life.night(Manner::ByHand).expect("no death"));
    another(&mut life, "told to end");
}

#[test]
fn while_a_request_may_still_land_nothing_is_closed() {
    let mut life = in_grace();
    end(&life, &[FIRST, NEW]);
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    let number = life.state().rotation.map(|open| open.id);
    // A site that was found later: the write of the dead key is on its way when the run dies.
    let late = crate::ledger::Progress::Sent {
        step: crate::ledger::Step::Deliver,
        places: vec!["web".to_owned()],
        run: RunId::new("run_dead"),
    };
    life.records(What::Progress(late));
    drop(life.night(Manner::ByHand).expect("no death"));
    assert_eq!(life.state().rotation.map(|open| open.id), number);
    life.outside.advance(TimeDelta::minutes(11));
    another(&mut life, "later");
}

#[test]
fn where_sites_hold_the_dead_key_nothing_says_that_the_old_one_is_everywhere() {
    let mut life = in_grace();
    end(&life, &[NEW]);
    life.leaks(Order::DeliverFirst);
    // The dead key is ended, and no other one can be made.
    let next = life.outside.world().acts() + 1;
    life.outside.world().mishaps.insert(next, Mishap::Refused);
    let outcomes = life.night(Manner::Emergency).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::Failed { .. }),
        "{outcomes:?}"
    );
    assert_eq!(life.outside.world().stored(), [NEW; 3]);
    assert!(
        !outcomes[0].live.ends_with("is current everywhere"),
        "{}",
        outcomes[0].live
    );
}

#[test]
fn what_was_only_suspended_does_not_live_on_behind_the_ledger() {
    let mut life = in_grace();
    life.outside.world().suspended = true;
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    drop(life.types("rotate"));
    life.outside.world().suspended = false;
    life.outside.advance(TimeDelta::minutes(11));
    drop(life.types("rotate"));
    another(&mut life, "suspended for a day");
}

#[test]
fn a_leak_is_not_answered_by_an_account_that_is_suspended_for_an_hour() {
    let mut life = in_grace();
    life.outside.world().suspended = true;
    life.leaks(Order::DeliverFirst);
    drop(life.night(Manner::Emergency).expect("no death"));
    life.outside.world().suspended = false;
    life.leak = None;
    for _ in 0..4 {
        life.outside.advance(TimeDelta::hours(24));
        drop(life.night(Manner::Unattended).expect("no death"));
    }
    let live = life.outside.world().live_values();
    assert!(
        !live.contains(&FIRST.to_owned()),
        "the leaked key lives: {live:?}"
    );
}

#[test]
fn where_every_key_before_died_a_new_one_that_works_is_not_taken_back_to_them() {
    let mut life = in_grace();
    end(&life, &[FIRST, NEW]);
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    // Of the sites of the third key one refuses it. Before: the delete of both dead keys, and the issue.
    let acts = life.outside.world().acts();
    life.outside
        .world()
        .mishaps
        .insert(acts + 5, Mishap::Refused);
    let outcomes = life.night(Manner::ByHand).expect("no death");
    let story = life.outside.world().story();
    assert!(
        story
            .lines()
            .nth(acts + 5)
            .is_some_and(|act| act.starts_with("Write")),
        "{story}"
    );
    let (_, _, live) = errand(&outcomes);
    assert!(
        live.starts_with(
            "no key is known to work; sites may hold one that is dead; 2 of 3 sites hold key "
        ),
        "{live}"
    );
    assert_eq!(life.outside.world().live_values().len(), 1);
    another(&mut life, "the site takes it again");
}
