//! A few services go first: what is wrong shows there and nowhere else.

use super::*;
use crate::model::Canary;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Four more services, of which `alpha` comes first by name; one canary, watched for an hour.
fn life() -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    for service in ["alpha", "beta", "gamma", "omega"] {
        let site = format!("{service}/key");
        life.outside.world().add_site(&site, service, FIRST);
    }
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.policy.canary = Some(Canary::Percent(10));
    secret.policy.soak = Span::hours(1);
    life
}

fn written(life: &Life) -> Vec<String> {
    let story = life.outside.world().story();
    let writes = story.lines().filter(|act| act.starts_with("Write"));
    writes
        .map(|act| act.split('"').nth(1).expect("a site").to_owned())
        .collect()
}

#[test]
fn the_others_wait_until_the_canary_has_been_watched() {
    let mut life = life();
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(written(&life), ["alpha/key"]);
    life.outside.advance(TimeDelta::minutes(50));
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(written(&life), ["alpha/key"]);
    life.outside.advance(TimeDelta::minutes(11));
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(written(&life).len(), 7);
    life.live_on();
    life.check("canary");
}

#[test]
fn what_is_wrong_at_the_canary_touches_nothing_else() {
    let mut life = life();
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    drop(life.night(Manner::Unattended).expect("no death"));
    // The double calls a service unwell until the deployment that heals it is ready; a person looks again.
    life.outside.advance(TimeDelta::minutes(11));
    let outcomes = life.night(Manner::ByHand).expect("no death");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
    // Once with the new key, once back.
    assert_eq!(written(&life), ["alpha/key", "alpha/key"]);
    assert_eq!(life.outside.world().live_values(), [FIRST]);
}

#[test]
fn a_soak_that_a_death_interrupts_goes_on_where_it_was() {
    let commits = {
        let mut life = life();
        let before = life.store.commits.load(Ordering::Relaxed);
        drop(life.night(Manner::Unattended));
        life.store.commits.load(Ordering::Relaxed) - before
    };
    for death in 0..commits {
        for moment in [Moment::Before, Moment::After] {
            let mut life = life();
            let base = life.store.commits.load(Ordering::Relaxed);
            life.store.dies_at = Some((base + death, moment));
            assert!(life.night(Manner::Unattended).is_err());
            life.store.dies_at = None;
            // Long enough for what was left behind to land, and short of the hour.
            for _ in 0..2 {
                life.outside.advance(TimeDelta::minutes(11));
                drop(life.night(Manner::Unattended).expect("no second death"));
            }
            let what = format!("died {moment:?} commit {death}");
            let story = life.outside.world().story();
            let only = written(&life).iter().all(|site| site == "alpha/key");
            assert!(only, "{what}\n{story}");
            let soaking = life.state().rotation.expect("it is open").soaking;
            let begun = *soaking.values().next().expect("it soaks");
            drop(life.night(Manner::Unattended));
            let again = life.state().rotation.expect("it is open").soaking;
            assert_eq!(again.values().next(), Some(&begun), "{what}");
            life.outside.advance(begun + HOUR - life.outside.now());
            drop(life.night(Manner::Unattended).expect("no death"));
            assert!(written(&life).contains(&"omega/key".to_owned()), "{what}");
            life.live_on();
            life.check(&what);
        }
    }
}

#[test]
fn a_leaked_key_waits_for_no_canary() {
    let mut life = life();
    life.leaks(Order::DeliverFirst);
    drop(life.night(Manner::Emergency).expect("no death"));
    life.check("a leak");
}
