//! Machines whose clock is off: nothing that runs is judged by it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::double::{Death, Outside};
use super::life::Died;
use super::*;
use crate::model::Instant;

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
