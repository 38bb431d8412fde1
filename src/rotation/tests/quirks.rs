//! Issuers that lack a call, or do not answer one.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::issuers::{Ability, Capabilities, Found, Issuer, Request, Seen};
use crate::model::{Effect, Finding, Instant, Tag};

use super::*;

/// What the issuer under suspicion does differently from the vendor it stands before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quirk {
    /// It has no call that gives a key an end, and says so: OpenAI's older published behaviour.
    NoEnd,
    /// It gives keys an end.
    Ends,
    /// It gives a key an end once and never moves it.
    EndsOnce,
    /// It gives a key an end, and does not answer the second time.
    EndsUnheard,
    /// It tells the last use of a key by its id, and the id of the first key was never known.
    NeedsId,
    /// It does not answer when it is asked about the last use of a key, until the vendor knows one.
    Silent,
}

struct Odd {
    vendor: Vendor,
    quirk: Quirk,
    ended: AtomicUsize,
}

impl Issuer for Odd {
    fn capabilities(&self) -> Capabilities {
        let known = self.vendor.capabilities();
        match self.quirk {
            Quirk::NoEnd | Quirk::Ends | Quirk::EndsOnce | Quirk::EndsUnheard => Capabilities {
                expires: Ability::Yes,
                ..known
            },
            Quirk::NeedsId | Quirk::Silent => Capabilities {
                reports_use: Ability::Yes,
                ..known
            },
        }
    }

    fn place(&self) -> String {
        self.vendor.place()
    }

    fn check(&self) -> Vec<Finding> {
        self.vendor.check()
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.vendor.issue(request)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        self.vendor.find(tag)
    }

    fn verify(&self, key: &Key) -> Seen {
        self.vendor.verify(key)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        match self.quirk == Quirk::NeedsId && is_first(key) {
            true => Effect::NotDone(unknown_id()),
            false => self.vendor.revoke(key),
        }
    }

    fn expire(&self, _key: &Key, _after: TimeDelta) -> Effect<()> {
        let before = self.ended.fetch_add(1, Ordering::Relaxed);
        match self.quirk {
            Quirk::Ends => Effect::Done(()),
            Quirk::EndsOnce if before == 0 => Effect::Done(()),
            Quirk::EndsUnheard if before == 1 => Effect::Uncertain(Fault::passing("no answer")),
            Quirk::EndsUnheard => Effect::Done(()),
            _ => Effect::NotDone(Fault::missing("not found (HTTP 404)")),
        }
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        let used = self.vendor.outside.world().used;
        match self.quirk {
            Quirk::Silent => used
                .map(Some)
                .ok_or_else(|| Fault::passing("no answer within 30 s")),
            _ if is_first(key) => Err(unknown_id()),
            _ => Ok(None),
        }
    }
}

/// In the words of `issuers/openai`.
fn unknown_id() -> Fault {
    Fault::refused("the public id of this key is not known")
}

fn is_first(key: &Key) -> bool {
    key.fields
        .primary()
        .is_some_and(|value| value.expose() == FIRST)
}

fn odd(quirk: Quirk) -> Life {
    let mut life = Life::new(ValueBy::Issuer);
    let vendor = Vendor {
        outside: life.outside.clone(),
        value: ValueBy::Issuer,
    };
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.issuer = Arc::new(Odd {
        vendor,
        quirk,
        ended: AtomicUsize::new(0),
    });
    life
}

#[test]
fn a_promoted_rotation_can_be_rolled_back_where_the_issuer_gives_keys_no_end() {
    let mut life = odd(Quirk::NoEnd);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(1));
    let outcomes = life.types("rollback");
    assert!(
        matches!(outcomes[0].result, Ending::RolledBack { .. }),
        "{outcomes:?}"
    );
}

/// An OpenAI key that was adopted without its public id: it belongs to another project, or two look alike.
#[test]
fn an_old_key_without_an_id_that_a_person_has_ended_closes_the_rotation() {
    let mut life = odd(Quirk::NeedsId);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    drop(life.night(Manner::Unattended).expect("no death"));
    // "the old key is kept: the public id of this key is not known": so a person deletes it by hand.
    life.outside.world().person_ends(FIRST);
    for _ in 0..3 {
        life.outside.advance(TimeDelta::hours(24));
        drop(life.types("revoke"));
    }
    life.check("ended by hand");
}

#[test]
fn the_end_of_an_old_key_is_put_off_as_long_as_a_person_is_waited_for() {
    let mut life = odd(Quirk::Ends);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.world().hide_site("docs/copy");
    for night in 1..=5 {
        life.outside
            .advance(TimeDelta::hours(24) + TimeDelta::minutes(10));
        drop(life.night(Manner::Unattended).expect("no death"));
        let open = life.state().rotation.expect("a guard keeps the old key");
        let end = open.expires_at.expect("the switch was set");
        let now = life.outside.now();
        assert!(
            end > now,
            "night {night}: at {now} the vendor has ended the kept key at {end}"
        );
    }
}

#[test]
fn an_end_that_cannot_be_put_off_is_told_with_what_keeps_the_old_key() {
    let mut life = odd(Quirk::EndsOnce);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.world().hide_site("docs/copy");
    life.outside
        .advance(TimeDelta::hours(24) + TimeDelta::minutes(10));
    let told = life.night(Manner::Unattended).expect("no death");
    let Ending::NeedsPerson { why, hint } = &told.last().expect("an outcome").result else {
        panic!("{told:?}");
    };
    assert!(why.contains("docs/copy"), "{why}");
    assert!(
        why.ends_with(
            "; the old key ends by itself at 2024-01-21 09:00 UTC, and that could not be put off: not found (HTTP 404)"
        ),
        "{why}"
    );
    assert!(hint.contains("rotakey"), "{hint}");
}

#[test]
fn an_end_that_may_not_have_been_put_off_is_put_off_again() {
    let mut life = odd(Quirk::EndsUnheard);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.world().hide_site("docs/copy");
    let end = |life: &mut Life| {
        let open = life.state().rotation.expect("a guard keeps the old key");
        open.expires_at.expect("the switch was set")
    };
    let set = end(&mut life);
    life.outside
        .advance(TimeDelta::hours(24) + TimeDelta::minutes(10));
    drop(life.night(Manner::Unattended).expect("no death"));
    assert_eq!(end(&mut life), set, "nobody knows whether it moved");
    life.outside.advance(TimeDelta::hours(1));
    drop(life.night(Manner::Unattended).expect("no death"));
    assert!(end(&mut life) > set + TimeDelta::hours(24));
}

#[test]
fn a_grace_that_was_made_longer_holds_the_end_of_the_old_key_as_well() {
    let mut life = odd(Quirk::Ends);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.secrets.get_mut(&name()).expect("it").policy.grace = Span::days(14);
    for night in 1..=13 {
        life.outside
            .advance(TimeDelta::hours(24) + TimeDelta::minutes(10));
        drop(life.night(Manner::Unattended).expect("no death"));
        let open = life.state().rotation.expect("it is in its grace");
        let end = open.expires_at.expect("the switch was set");
        assert!(end > life.outside.now(), "night {night}: {end}");
    }
}

/// `examples/crontab` runs `revoke` every hour: a vendor that cannot be asked for five hours is nothing to wake anybody
/// for, let alone once for every secret.
#[test]
fn a_look_that_failed_for_some_hours_is_made_again_without_a_person() {
    let mut life = odd(Quirk::Silent);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    for _ in 0..6 {
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::hours(1));
    }
    // The vendor is back.
    let long_ago = at("2024-01-19T08:00:00Z");
    life.outside.world().used = Some(long_ago);
    for _ in 0..3 {
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::hours(24));
    }
    life.check("the vendor is back");
}
