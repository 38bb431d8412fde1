//! Sites that are not found any more, and what nobody can be asked about.

use super::*;

/// The end of a life's only outcome that calls a person.
fn called(outcomes: &[Outcome]) -> String {
    match outcomes {
        [
            Outcome {
                result: Ending::NeedsPerson { why, .. },
                ..
            },
        ] => why.clone(),
        others => panic!("{others:?}"),
    }
}

/// One whole rotation.
fn rotated() -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    life.check("one rotation");
    life
}

#[test]
fn every_site_that_is_missing_is_named_before_a_person_gives_them_up() {
    let mut life = rotated();
    life.outside.advance(TimeDelta::days(31));
    life.outside.world().hide_site("docs/copy");
    let why = called(&life.types("rotate"));
    assert_eq!(why, "`docs/copy` was there and is not found any more");
    // Another one vanishes before the person answers.
    life.outside.world().hide_site("web/key");
    let why = called(&life.types("rotate"));
    assert_eq!(
        why,
        "`docs/copy`, `web/key` were there and are not found any more"
    );
    let outcomes = life.types("rotate");
    assert!(
        matches!(outcomes[0].result, Ending::Promoted { .. }),
        "{outcomes:?}"
    );
}

#[test]
fn a_missing_site_is_asked_about_once_and_not_written_down_every_night() {
    let mut life = rotated();
    life.outside.advance(TimeDelta::days(31));
    life.outside.world().hide_site("docs/copy");
    drop(life.night(Manner::Unattended).expect("no death"));
    let commits = life.store.commits.load(Ordering::Relaxed);
    let again = life.night(Manner::Unattended).expect("no death");
    assert_eq!(
        called(&again),
        "`docs/copy` was there and is not found any more"
    );
    assert_eq!(life.store.commits.load(Ordering::Relaxed), commits);
}

fn hide_all(life: &Life) {
    for site in ["docs/copy", "docs/key", "web/key"] {
        life.outside.world().hide_site(site);
    }
}

#[test]
fn where_every_site_was_removed_in_grace_a_person_says_so_and_the_old_key_is_revoked() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    hide_all(&life);
    let why = called(&life.types("revoke"));
    assert!(
        why.starts_with("`docs/copy`, `docs/key`, `web/key` were there"),
        "{why}"
    );
    let outcomes = life.types("revoke");
    assert!(
        matches!(outcomes[0].result, Ending::Revoked { .. }),
        "{outcomes:?}"
    );
    assert!(
        !life
            .outside
            .world()
            .live_values()
            .contains(&FIRST.to_owned())
    );
}

#[test]
fn a_leaked_key_whose_sites_were_all_removed_is_ended_once_a_person_repeats_it() {
    let mut life = rotated();
    let leaked = life.outside.world().live_values();
    hide_all(&life);
    life.leaks(Order::DeliverFirst);
    let first = life.night(Manner::Emergency).expect("no death");
    assert!(
        matches!(&first[0].result, Ending::Failed { why, .. } if why == "no site that holds this secret is found"),
        "{first:?}"
    );
    // Cron alone never takes it for granted.
    let leak = life.leak.take();
    life.outside.advance(TimeDelta::days(1));
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(life.outside.world().live_values(), leaked);
    life.leak = leak;
    drop(life.night(Manner::Emergency).expect("no death"));
    assert!(!life.outside.world().live_values().contains(&leaked[0]));
    assert_eq!(life.state().leak, None);
}

#[test]
fn a_site_that_went_back_to_the_old_key_is_written_down_once() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    life.outside.world().person_writes("web/key", FIRST);
    let why = called(&life.types("revoke"));
    assert_eq!(
        why,
        "the old key is kept: `web/key` does not hold the current key"
    );
    let commits = life.store.commits.load(Ordering::Relaxed);
    let again = called(&life.types("revoke"));
    assert_eq!(again, why);
    assert_eq!(life.store.commits.load(Ordering::Relaxed), commits);
    life.live_on();
    life.check("delivered again");
}

/// `rotate NAME` on a rollback that was given up: a site whose write-back was not answered is written again.
#[test]
fn forward_again_writes_what_may_have_been_put_back() {
    let mut life = Life::new(ValueBy::Issuer);
    // Issue, three writes, two redeploys; the service is unwell with the new key, and the first write-back gets no answer.
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    life.outside.world().mishaps.insert(6, Mishap::ReplyLost);
    drop(life.night(Manner::Unattended).expect("no death"));
    let story = life.outside.world().story();
    let back = story.lines().nth(6).expect("a write-back");
    assert!(back.contains(FIRST), "{story}");
    // The vendor ends the old key.
    life.outside.world().person_ends(FIRST);
    life.outside.world().only_well_with = None;
    life.goes = Way::Forward;
    for _ in 0..4 {
        life.outside.advance(TimeDelta::minutes(11));
        drop(life.night(Manner::ByHand).expect("no death"));
    }
    let stored = life.outside.world().stored();
    let new = life.state().current().and_then(|new| new.key());
    let new = new.expect("a current key");
    let new = new.fields.primary().expect("a value").expose();
    assert!(stored.iter().all(|value| value == new), "{stored:?}");
}
