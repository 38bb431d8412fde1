//! Secrets whose keys a person makes and ends: told once, watched every night, closed by whichever run sees the end.

use super::*;

const SECOND: &str = "sk-the-second-key-00000000000000000";

/// A life in which a person has made the second key, which is on every site, and the grace is over.
fn after_the_grace() -> Life {
    let mut life = Life::new(ValueBy::Person);
    life.outside.world().person_makes(SECOND);
    life.handed = Some(SECOND.to_owned());
    let promoted = life.night(Manner::ByHand).expect("nobody dies");
    assert!(matches!(promoted[0].result, Ending::Promoted { .. }));
    life.handed = None;
    life.outside.advance(TimeDelta::hours(25));
    life
}

fn planned(life: &mut Life) -> Item {
    let opening = life.opening();
    let ledger = Ledger::open(&opening).expect("the ledger opens");
    let ask = Ask {
        names: &[],
        now: life.outside.now(),
        manner: Manner::Unattended,
        grace: Grace::Kept,
        frozen: None,
        most: 5,
    };
    plan(&life.secrets, ledger.state(), &ask).remove(0)
}

fn events(life: &mut Life, action: &str) -> usize {
    let opening = life.opening();
    let ledger = Ledger::open(&opening).expect("the ledger opens");
    let mut events = ledger.events();
    let mut found = 0;
    while let Some(entry) = events.next_entry().expect("the audit log opens") {
        found += usize::from(*entry.kind == *action);
    }
    found
}

/// The run that said it has lived to say it.
fn hears(life: &mut Life) {
    let opening = life.opening();
    let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
    let what = What::Progress(crate::ledger::Progress::Heard);
    let secret = name();
    let change = Change { secret, what };
    ledger.record(opening.now, change).expect("recorded");
    ledger.commit().expect("committed");
}

fn only(outcomes: Vec<Outcome>) -> Ending {
    let mut endings: Vec<Ending> = outcomes.into_iter().map(|one| one.result).collect();
    assert_eq!(endings.len(), 1, "{endings:?}");
    endings.remove(0)
}

#[test]
fn an_unattended_run_begins_nothing_that_only_a_person_can_make() {
    let mut life = Life::new(ValueBy::Person);
    let item = planned(&mut life);
    assert_eq!((item.standing, item.rotate), (Standing::Due, None));
    let errand = item.person.expect("an errand");
    assert_eq!(errand.hint, "rotakey rotate api");
    assert_eq!(life.night(Manner::Unattended).expect("no death"), []);
    assert!(life.state().rotation.is_none());
}

#[test]
fn a_person_is_told_once_to_end_the_old_key_and_the_run_that_sees_it_dead_finishes() {
    let mut life = after_the_grace();
    let told = only(life.night(Manner::Unattended).expect("no death"));
    let Ending::NeedsPerson { why, hint } = told else {
        panic!("a person was not told: {told:?}");
    };
    assert_eq!(
        why,
        "the old key is to be ended by a person; rotakey looks until it is refused"
    );
    assert_eq!(hint, format!("open the dashboard; end {FIRST}"));
    hears(&mut life);
    for _ in 0..7 {
        life.outside.advance(TimeDelta::hours(24));
        let item = planned(&mut life);
        assert_eq!((item.rotate, item.revoke), (None, Some(Move::Watch)));
        assert_eq!(item.person.expect("an errand").hint, hint);
        let ending = only(life.night(Manner::Unattended).expect("no death"));
        assert!(matches!(ending, Ending::Watching { .. }), "{ending:?}");
    }
    assert_eq!(events(&mut life, "rotation.stuck"), 1);
    assert_eq!(events(&mut life, "rotation.resumed"), 0);
    life.outside.world().person_ends(FIRST);
    let ending = only(life.night(Manner::Unattended).expect("no death"));
    assert!(matches!(ending, Ending::Revoked { .. }), "{ending:?}");
    life.check("ended by a person");
}

#[test]
fn an_errand_that_no_run_has_lived_to_say_is_said_again() {
    let mut life = after_the_grace();
    for _ in 0..2 {
        let told = only(life.night(Manner::Unattended).expect("no death"));
        assert!(matches!(told, Ending::NeedsPerson { .. }), "{told:?}");
        life.outside.advance(TimeDelta::hours(24));
    }
    // It came up once, however often it is said: the channels hear it once, and so does the log.
    assert_eq!(events(&mut life, "rotation.stuck"), 1);
    hears(&mut life);
    let ending = only(life.night(Manner::Unattended).expect("no death"));
    assert!(matches!(ending, Ending::Watching { .. }), "{ending:?}");
}

#[test]
fn a_key_that_was_ended_before_anybody_asked_closes_the_rotation_at_once() {
    let mut life = after_the_grace();
    life.outside.world().person_ends(FIRST);
    let ending = only(life.night(Manner::Unattended).expect("no death"));
    assert!(matches!(ending, Ending::Revoked { .. }), "{ending:?}");
    life.check("ended in time");
}

#[test]
fn a_person_who_asks_by_name_is_told_again() {
    let mut life = after_the_grace();
    drop(life.night(Manner::Unattended));
    let ending = only(life.night(Manner::ByHand).expect("no death"));
    assert!(matches!(ending, Ending::NeedsPerson { .. }), "{ending:?}");
    life.outside.world().person_ends(FIRST);
    drop(life.night(Manner::Unattended));
    life.check("ended by a person");
}

#[test]
fn a_key_that_was_taken_back_is_watched_as_well() {
    let mut life = Life::new(ValueBy::Person);
    life.outside.world().person_makes(SECOND);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    life.handed = Some(SECOND.to_owned());
    drop(life.night(Manner::ByHand));
    life.handed = None;
    // The service is still on its way back; then a person goes on.
    life.outside.advance(TimeDelta::minutes(11));
    let mut outcomes = life.night(Manner::ByHand).expect("no death");
    let ending = outcomes.pop().expect("an outcome").result;
    let Ending::NeedsPerson { why, hint } = ending else {
        panic!("a person was not told: {ending:?}");
    };
    assert_eq!(
        why,
        "the key that was taken back is to be ended by a person; rotakey looks until it is refused"
    );
    assert_eq!(hint, format!("open the dashboard; end {SECOND}"));
    hears(&mut life);
    life.outside.advance(TimeDelta::minutes(11));
    let ending = only(life.night(Manner::Unattended).expect("no death"));
    assert!(matches!(ending, Ending::Watching { .. }), "{ending:?}");
    life.outside.world().person_ends(SECOND);
    let ending = only(life.night(Manner::Unattended).expect("no death"));
    assert!(matches!(ending, Ending::RolledBack { .. }), "{ending:?}");
    life.check("taken back");
}

#[test]
fn the_live_key_handed_over_again_is_refused_and_nothing_is_recorded() {
    let mut life = Life::new(ValueBy::Person);
    life.handed = Some(FIRST.to_owned());
    let ending = only(life.night(Manner::ByHand).expect("no death"));
    let Ending::Failed { why, .. } = ending else {
        panic!("it was taken: {ending:?}");
    };
    assert_eq!(why, "this is the key that is live already");
    assert!(life.state().rotation.is_none());
}

#[test]
fn a_key_with_an_end_of_its_own_is_due_in_time_before_it() {
    let mut life = Life::new(ValueBy::Person);
    let opening = life.opening();
    let ledger = Ledger::open(&opening).expect("the ledger opens");
    let state = ledger.state().secret(&name()).expect("known");
    let due_with = |end: &str| {
        let mut state = state.clone();
        let notes = &mut state.versions[0].notes;
        notes.insert(Key::EXPIRES_AT.to_owned(), end.to_owned());
        due(&life.secrets[&name()], &state).map(|due| due.to_rfc3339())
    };
    // Made on 2023-12-20; every 30 days; people are warned 7 days before.
    let cases = [
        ("2024-03-01T09:00:00+00:00", "2024-01-19T00:00:00+00:00"),
        ("2024-01-20T09:00:00+00:00", "2024-01-13T09:00:00+00:00"),
        ("2023-12-24T09:00:00+00:00", "2023-12-22T09:00:00+00:00"),
        ("2023-12-01T09:00:00+00:00", "2023-12-01T09:00:00+00:00"),
        ("soon", "2024-01-19T00:00:00+00:00"),
    ];
    for (end, expected) in cases {
        assert_eq!(due_with(end).as_deref(), Some(expected), "ends {end}");
    }
}
