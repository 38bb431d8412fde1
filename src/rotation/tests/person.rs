//! What a person says by naming a secret, and how they get out of where only they can.

use super::*;
use crate::ledger::{Setback, State};

const NEW: &str = "sk-made-number-000000000000000000000001";

/// A rotation that was taken back because one site refused the new key, and whose new key cannot be removed.
fn discarding() -> Life {
    let refused = |acts: &[usize]| {
        let mut life = Life::new(ValueBy::Issuer);
        let mishaps = acts.iter().map(|act| (*act, Mishap::Refused));
        life.outside.world().mishaps.extend(mishaps);
        drop(life.night(Manner::Unattended).expect("no death"));
        life
    };
    let story = refused(&[1]).outside.world().story();
    let kill = story.lines().position(|act| act.starts_with("Revoke"));
    let mut life = refused(&[1, kill.expect("a delete")]);
    let open = life.state().rotation.expect("it is open");
    assert_eq!(open.phase(), Ok(Phase::Discarding));
    assert!(open.stuck.is_some());
    life
}

#[test]
fn where_both_keys_are_dead_the_rotation_is_closed_and_another_one_begun() {
    let mut life = discarding();
    life.outside.world().person_ends(FIRST);
    life.outside.world().person_ends(NEW);
    drop(life.night(Manner::ByHand).expect("no death"));
    let kept = life.state().versions;
    let numbers: Vec<u32> = kept.iter().map(|version| version.number.0).collect();
    assert_eq!(
        numbers,
        [3],
        "the dead are forgotten, and no number is given twice"
    );
    life.live_on();
    life.outside.world().outages.clear();
    life.check("both dead");
}

#[test]
fn where_only_the_new_key_works_it_is_kept_and_a_person_can_go_forward() {
    let mut life = discarding();
    life.outside.world().person_ends(FIRST);
    drop(life.night(Manner::ByHand).expect("no death"));
    assert_eq!(life.outside.world().live_values(), [NEW]);
    life.live_on();
    life.outside.world().outages.clear();
    life.check("only the new one");
    assert_eq!(life.outside.world().live_values(), [NEW]);
}

#[test]
fn who_was_called_for_something_else_has_not_said_that_a_site_is_gone() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    life.outside.world().mishaps.insert(2, Mishap::Refused);
    drop(life.night(Manner::Emergency).expect("no death"));
    life.leak = None;
    life.outside.world().hide_site("docs/copy");
    let outcomes = life.night(Manner::ByHand).expect("no death");
    let Ending::NeedsPerson { why, .. } = &outcomes[0].result else {
        panic!("{outcomes:?}");
    };
    assert_eq!(why, "`docs/copy` was there and is not found any more");
    drop(life.night(Manner::ByHand).expect("no death"));
    life.live_on();
    life.outside.world().outages.clear();
    life.check("gone");
}

#[test]
fn a_target_that_is_renamed_in_the_middle_is_asked_for() {
    let mut life = Life::new(ValueBy::Issuer);
    // Every site is written, and the first redeploy is not taken yet.
    life.outside.world().mishaps.insert(4, Mishap::Busy);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.world().renamed = true;
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let Ending::NeedsPerson { why, .. } = &outcomes[0].result else {
        panic!("{outcomes:?}");
    };
    assert!(
        why.ends_with("waits for target `platform`, which is not configured any more"),
        "{why}"
    );
    life.outside.world().renamed = false;
    life.live_on();
    life.check("named as before");
}

#[test]
fn what_was_given_up_is_told_although_its_due_date_was_announced() {
    let mut life = Life::new(ValueBy::Issuer);
    let mut known = life.state();
    known.warned = due(&life.secrets[&name()], &known);
    let announced = |known: &SecretState| {
        let state = State {
            secrets: BTreeMap::from([(name(), known.clone())]),
            ..State::default()
        };
        let ask = Ask {
            names: &[],
            now: life.outside.now(),
            manner: Manner::Unattended,
            grace: Grace::Kept,
            frozen: None,
            most: 5,
        };
        let items = plan(&life.secrets, &state, &ask);
        assert_eq!(items[0].standing, Standing::Due);
        (
            items[0].person.is_some(),
            items[0].is_announced(Some(known)),
        )
    };
    assert_eq!(announced(&known), (false, true));
    known.setback = Some(Box::new(Setback {
        times: PATIENCE,
        at: at("2024-01-18T09:00:00Z"),
        why: "answers 503".to_owned(),
    }));
    assert_eq!(announced(&known), (true, false));
}

/// The verb that a message tells the person to type.
fn named_verb(outcomes: &[Outcome]) -> Option<String> {
    let hint = outcomes.iter().find_map(|outcome| match &outcome.result {
        Ending::NeedsPerson { hint, .. } => Some(hint.clone()),
        _ => None,
    })?;
    let at = hint.find("rotakey ")? + "rotakey ".len();
    let verb = hint[at..].split_whitespace().next()?;
    Some(verb.to_owned())
}

/// At Vercel a row is a site by its environments: a person who adds `preview` to a sensitive row in the grace makes one
/// site vanish and another appear that cannot be read.
#[test]
fn a_row_whose_environments_were_changed_in_grace_does_not_send_a_person_round_in_a_circle() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().opaque = vec!["web/key".to_owned(), "web/key+preview".to_owned()];
    drop(life.night(Manner::Unattended).expect("no death"));
    let new = life.outside.world().live_values().pop().expect("a new key");
    life.outside.advance(TimeDelta::hours(25));
    life.outside.world().hide_site("web/key");
    life.outside
        .world()
        .add_site("web/key+preview", "web", &new);
    let mut outcomes = life.night(Manner::Unattended).expect("no death");
    let mut typed = Vec::new();
    while let Some(verb) = named_verb(&outcomes) {
        typed.push(verb.clone());
        assert!(
            typed.len() < 8,
            "round and round: {typed:?}, now {outcomes:?}"
        );
        life.outside.advance(TimeDelta::minutes(11));
        outcomes = life.types(&verb);
    }
    life.live_on();
    life.check("the row was changed");
}

/// The token was narrowed between two rotations: one project is not listed any more, and runs on.
#[test]
fn a_site_of_the_rotation_before_that_is_not_listed_any_more_keeps_the_old_key_alive() {
    let mut life = Life::new(ValueBy::Issuer);
    life.live_on();
    life.check("the first rotation");
    life.outside.world().hide_site("web/key");
    let state = life.state();
    let due = due(&life.secrets[&name()], &state).expect("a due date");
    life.outside
        .advance(due - life.outside.now() + TimeDelta::minutes(1));
    for _ in 0..3 {
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::hours(25));
    }
    assert_eq!(life.outside.world().outages, Vec::<String>::new());
}
