//! What a person says by naming a secret, and how they get out of where only they can.

use super::*;

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
