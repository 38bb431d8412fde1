//! A signal: the run ends at a safe point, soon, and the next one goes on.

use super::*;

#[test]
fn a_run_that_is_stopped_at_any_request_ends_and_is_gone_on_with() {
    for value in [ValueBy::Issuer, ValueBy::Rotakey] {
        let (acts, _) = clean_run(value);
        for act in 0..acts {
            let mut life = Life::new(value);
            life.outside.world().stops_at = Some(act);
            life.live_on_stopped();
            life.check(&format!("{value:?}: stopped at act {act}"));
        }
    }
}
