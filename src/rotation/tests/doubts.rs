//! Suspicions of a reader with hostile eyes, each worked through. What stands here fails until it is mended.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::issuers::{Ability, Capabilities, Found, Issuer, Request, Seen};
use crate::model::{Effect, Finding, Instant, Schedule, Tag};

use super::double::{Death, Outside};
use super::life::Died;
use super::*;

/// What the issuer under suspicion does differently from the vendor it stands before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quirk {
    /// It has no call that gives a key an end, and says so: OpenAI's older published behaviour.
    NoEnd,
    /// It gives keys an end.
    Ends,
    /// It tells the last use of a key by its id, and the id of the first key was never known.
    NeedsId,
    /// It does not answer when it is asked about the last use of a key, until the vendor knows one.
    Silent,
}

struct Odd {
    vendor: Vendor,
    quirk: Quirk,
}

impl Issuer for Odd {
    fn capabilities(&self) -> Capabilities {
        let known = self.vendor.capabilities();
        match self.quirk {
            Quirk::NoEnd | Quirk::Ends => Capabilities {
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
        match self.quirk {
            Quirk::Ends => Effect::Done(()),
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
    secret.issuer = Arc::new(Odd { vendor, quirk });
    life
}

impl Life {
    /// One command of a person who names the secret.
    fn types(&mut self, verb: &str) -> Vec<Outcome> {
        let opening = self.opening();
        let refuge = self.side.clone();
        let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
        let named = [name()];
        let ask = Ask {
            names: &named,
            now: self.outside.now(),
            manner: Manner::ByHand,
            grace: Grace::Kept,
            frozen: None,
            most: 5,
        };
        let work = plan(&self.secrets, ledger.state(), &ask);
        let mut silent = Silent;
        let tools = self.tools(&mut ledger, &opening, &refuge, &mut silent);
        match verb {
            "rotate" => rotate(tools, &work),
            "revoke" => revoke(tools, &work, Grace::Kept),
            "rollback" => rollback(tools, &name(), "a person asked for it"),
            other => panic!("no such verb: {other}"),
        }
        .expect("the ledger is written")
    }
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

/// A clock that is off by a constant: the machine takes its hardware clock, which keeps local time, for UTC.
struct Off {
    outside: Outside,
    by: TimeDelta,
}

impl Clock for Off {
    fn now(&self) -> Instant {
        self.outside.now() + self.by
    }

    fn wait(&self, span: TimeDelta) {
        self.outside.wait(span);
    }

    fn stopping(&self) -> bool {
        self.outside.stopping()
    }
}

impl Life {
    /// `rotate && revoke` on a machine whose clock is off.
    fn night_off(&mut self, by: TimeDelta) -> Result<Vec<Outcome>, Died> {
        let opening = self.opening();
        let refuge = self.side.clone();
        let clock = Off {
            outside: self.outside.clone(),
            by,
        };
        let run = || {
            let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
            let ask = Ask {
                names: &[],
                now: clock.now(),
                manner: Manner::Unattended,
                grace: Grace::Kept,
                frozen: None,
                most: 5,
            };
            let work = plan(&self.secrets, ledger.state(), &ask);
            let (mut one, mut two) = (Silent, Silent);
            let tools = Tools {
                clock: &clock,
                ..self.tools(&mut ledger, &opening, &refuge, &mut one)
            };
            let mut outcomes = rotate(tools, &work).expect("rotate");
            let ask = Ask {
                now: clock.now(),
                ..ask
            };
            let work = plan(&self.secrets, ledger.state(), &ask);
            let tools = Tools {
                clock: &clock,
                ..self.tools(&mut ledger, &opening, &refuge, &mut two)
            };
            outcomes.extend(revoke(tools, &work, Grace::Kept).expect("revoke"));
            outcomes
        };
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| match panic.downcast::<Death>() {
            Ok(_) => Died,
            Err(other) => resume_unwind(other),
        })
    }
}

/// A write that a run could not record is dated by our clock, and what runs is judged by that date.
#[test]
fn what_was_deployed_before_the_write_is_not_taken_for_newer_where_our_clock_lies_behind() {
    let behind = -TimeDelta::hours(2);
    let mut life = Life::new(ValueBy::Issuer);
    // Due by that clock too.
    life.outside.advance(TimeDelta::hours(3));
    {
        let mut world = life.outside.world();
        // Every service was deployed an hour ago, with the old key.
        for (site, service) in [
            ("web/key", "web"),
            ("docs/key", "docs"),
            ("docs/copy", "docs"),
        ] {
            world.hide_site(site);
            world.add_site(site, service, FIRST);
        }
        // It dies in the middle of the writes; then the platform takes no redeploys for a while (429).
        world.mishaps.insert(3, Mishap::DiesAfter);
        world.mishaps.insert(4, Mishap::Busy);
        world.mishaps.insert(5, Mishap::Busy);
    }
    assert!(life.night_off(behind).is_err());
    for _ in 0..3 {
        life.outside.advance(TimeDelta::minutes(11));
        drop(life.night_off(behind).expect("no death"));
    }
    for _ in 0..3 {
        life.outside.advance(TimeDelta::hours(25));
        drop(life.night_off(behind).expect("no death"));
    }
    assert_eq!(life.outside.world().outages, Vec::<String>::new());
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
fn a_clock_that_is_a_minute_ahead_does_not_take_a_good_rotation_back() {
    let ahead = TimeDelta::minutes(1);
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.insert(3, Mishap::DiesAfter);
    assert!(life.night_off(ahead).is_err());
    life.outside.advance(TimeDelta::minutes(11));
    drop(life.night_off(ahead).expect("no death"));
    let open = life.state().rotation.expect("it is in grace");
    assert_eq!(open.phase(), Ok(Phase::Grace), "{:?}", open.trouble);
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
