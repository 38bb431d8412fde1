//! What is put back, and what is said of it meanwhile.

use super::*;

/// `projects: all` means every row of the variable, also the one of a preview that holds a key of its own.
#[test]
fn a_site_that_held_a_key_of_its_own_gets_it_back_when_the_rotation_is_taken_back() {
    const OWN: &str = "sk-a-key-of-its-own-0000000000000000";
    let mut life = Life::new(ValueBy::Issuer);
    {
        let mut world = life.outside.world();
        world.person_makes(OWN);
        world.hide_site("docs/copy");
        world.add_site("docs/copy", "docs", OWN);
        // The first site, this one, is written; the second refuses.
        world.mishaps.insert(2, Mishap::Refused);
    }
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
    let stored = life.outside.world().stored();
    assert!(stored.contains(&OWN.to_owned()), "{stored:?}");
}

#[test]
fn the_sentence_on_what_is_live_counts_only_what_was_touched() {
    let mut life = Life::new(ValueBy::Issuer);
    for service in ["alpha", "beta", "gamma", "omega"] {
        let site = format!("{service}/key");
        life.outside.world().add_site(&site, service, FIRST);
    }
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.policy.canary = Some(crate::model::Canary::Percent(10));
    secret.policy.soak = Span::hours(1);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    // Issue, the write to the one canary, its redeploy; then the way back is refused.
    life.outside.world().mishaps.insert(3, Mishap::Refused);
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let stored = life.outside.world().stored();
    let new = stored.iter().filter(|value| *value != FIRST).count();
    assert_eq!((new, stored.len()), (1, 7));
    // Six of seven hold the old key, and always did.
    assert!(
        !outcomes[0].live.contains("0 of 7 sites are back on"),
        "{}",
        outcomes[0].live
    );
}

#[test]
fn a_site_that_appeared_with_the_new_key_gets_the_old_one_when_the_rotation_is_taken_back() {
    const NEW: &str = "sk-made-number-000000000000000000000001";
    let mut life = Life::new(ValueBy::Issuer);
    // The first of three sites is written when the run dies; a project is cloned from it; then the last site refuses.
    let mishaps = [(1, Mishap::DiesAfter), (3, Mishap::Refused)];
    life.outside.world().mishaps.extend(mishaps);
    assert!(life.night(Manner::Unattended).is_err());
    life.outside.world().add_site("clone/key", "clone", NEW);
    life.outside.advance(TimeDelta::minutes(11));
    for _ in 0..12 {
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::minutes(11));
        if life
            .state()
            .rotation
            .is_none_or(|open| open.stuck.is_some())
        {
            break;
        }
    }
    let open = life.state().rotation;
    assert!(
        open.is_none(),
        "nothing is left to be done by a person: {:?}",
        open.and_then(|open| open.stuck)
    );
}

#[test]
fn a_dead_key_that_a_site_held_is_not_put_back_over_the_one_that_works() {
    const SECOND: &str = "sk-made-number-000000000000000000000001";
    let mut life = Life::new(ValueBy::Issuer);
    life.live_on();
    life.check("rotated once");
    // A site that was restored from a backup holds the key that rotakey ended.
    life.outside.world().hide_site("docs/copy");
    life.outside.world().add_site("docs/copy", "docs", FIRST);
    life.outside.advance(TimeDelta::days(30));
    // The issue, that site, and then one that refuses.
    let next = life.outside.world().acts();
    life.outside
        .world()
        .mishaps
        .insert(next + 2, Mishap::Refused);
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
    assert_eq!(life.outside.world().stored(), [SECOND; 3]);
}

#[test]
fn a_site_that_was_written_and_is_delivered_to_again_is_put_back_although_a_signal_came_first() {
    const NEW: &str = "sk-made-number-000000000000000000000001";
    let mut life = Life::new(ValueBy::Issuer);
    let opaque = ["docs/copy", "docs/key", "web/key"].map(str::to_owned);
    life.outside.world().opaque.extend(opaque);
    drop(life.night(Manner::Unattended).expect("no death"));
    // Somebody touches two rows, so that nobody can tell whether they still hold the new key. They do.
    for site in ["docs/copy", "docs/key"] {
        life.outside.world().hide_site(site);
        life.outside.world().add_site(site, "docs", NEW);
    }
    life.outside.advance(TimeDelta::hours(25));
    drop(life.types("revoke"));
    // They are to be written again: the first is, and a signal keeps the second from being sent.
    let next = life.outside.world().acts();
    life.outside.world().stops_at = Some(next);
    drop(life.types("rotate"));
    life.outside.world().stopping = false;
    life.outside.advance(TimeDelta::minutes(11));
    life.outside.world().outages.clear();
    drop(life.types("rollback"));
    let world = life.outside.world();
    assert_eq!(world.outages, Vec::<String>::new(), "{}", world.story());
}
