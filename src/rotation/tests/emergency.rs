//! A leaked value is never handed to an issuer that could carry it along in the next version.

use crate::issuers::{Capabilities, Found, Issuer, Request, Seen};
use crate::model::{Effect, Finding, Tag};

use super::*;

/// The vendor, and what it was told of the live key each time a new one was asked for.
struct Told {
    vendor: Vendor,
    current: Arc<Mutex<Vec<Option<Key>>>>,
}

impl Issuer for Told {
    fn capabilities(&self) -> Capabilities {
        self.vendor.capabilities()
    }

    fn place(&self) -> String {
        self.vendor.place()
    }

    fn check(&self) -> Vec<Finding> {
        self.vendor.check()
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let mut told = self.current.lock().expect("nobody panics with it");
        told.push(request.current.cloned());
        drop(told);
        self.vendor.issue(request)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        self.vendor.find(tag)
    }

    fn verify(&self, key: &Key) -> Seen {
        self.vendor.verify(key)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.vendor.revoke(key)
    }
}

/// What the issuer is told of the live key in one run of that manner.
fn told(manner: Manner) -> Key {
    let mut life = Life::new(ValueBy::Issuer);
    let current = Arc::default();
    let told = Told {
        vendor: Vendor {
            outside: life.outside.clone(),
            value: ValueBy::Issuer,
        },
        current: Arc::clone(&current),
    };
    let secret = life.secrets.get_mut(&name()).expect("the one secret");
    secret.issuer = Arc::new(told);
    let outcomes = life.night(manner).expect("nobody dies");
    assert!(
        outcomes
            .iter()
            .any(|one| matches!(one.result, Ending::Promoted { .. } | Ending::Revoked { .. })),
        "{outcomes:?}"
    );
    let mut told = current.lock().expect("nobody panics with it").clone();
    assert_eq!(told.len(), 1);
    told.remove(0).expect("there is a live key")
}

#[test]
fn an_issuer_learns_which_key_leaked_and_not_its_value() {
    let ordinary = told(Manner::ByHand);
    assert_eq!(ordinary.id, Some(KeyId::new("key_0")));
    assert_eq!(ordinary.fields, Fields::single(SecretValue::new(FIRST)));
    let emergency = told(Manner::Emergency);
    assert_eq!(emergency.id, Some(KeyId::new("key_0")));
    assert_eq!(emergency.fields, Fields::default());
}

#[test]
fn of_two_secrets_only_the_one_that_was_open_leaves_a_leak_to_answer() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    let other = SecretName::new("other");
    let secret = Secret {
        name: other.clone(),
        policy: life.secrets[&name()].policy.clone(),
        issuer: Arc::clone(&life.secrets[&name()].issuer),
        destinations: Vec::new(),
        proof: None,
    };
    life.secrets.insert(other.clone(), secret);
    // One stands in its grace, and the key it brought leaked with the old one; the other gets its only new key now.
    life.leaks(Order::DeliverFirst);
    let (opening, refuge) = (life.opening(), life.side.clone());
    let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
    let ask = Ask {
        names: &[],
        now: life.outside.now(),
        manner: Manner::Emergency,
        grace: Grace::Kept,
        frozen: None,
        most: 5,
    };
    // Without the `revoke` of a night, which would clean up after it.
    let work = plan(&life.secrets, ledger.state(), &ask);
    let mut silent = Silent;
    let tools = life.tools(&mut ledger, &opening, &refuge, &mut silent);
    drop(rotate(tools, &work).expect("rotate"));
    let state = ledger.state();
    let left = |name: &SecretName| {
        let known = &state.secrets[name];
        (known.rotation.is_none(), known.leak.is_some())
    };
    assert_eq!(left(&name()), (true, true));
    assert_eq!(left(&other), (true, false));
}

#[test]
fn a_milder_word_does_not_take_back_that_the_leaked_key_dies_first() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    life.outside.world().mishaps.insert(2, Mishap::Busy);
    drop(life.night(Manner::Emergency).expect("no death"));
    life.outside.advance(TimeDelta::minutes(11));
    life.leaks(Order::DeliverFirst);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    drop(life.night(Manner::Emergency).expect("no death"));
    let open = life.state().rotation.expect("it is open");
    assert_eq!(open.phase(), Ok(Phase::Delivering));
    let alarm = open.alarm.expect("an alarm");
    assert_eq!(alarm.order, Order::RevokeFirst);
}

#[test]
fn before_anything_is_delivered_it_can_still_be_taken_back() {
    let mut life = Life::new(ValueBy::Issuer);
    life.leaks(Order::RevokeFirst);
    life.outside.world().mishaps.insert(0, Mishap::RequestLost);
    drop(life.night(Manner::Emergency).expect("no death"));
    let state = life.state();
    let phase = state.rotation.as_ref().map(|open| open.phase());
    assert_eq!(phase, Some(Ok(Phase::Issuing)));
    assert!(!state.no_way_back());
}
