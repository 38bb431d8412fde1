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

/// What the log says of each request that was announced: how many of them left, and how many outcomes there are.
fn announced(life: &mut Life, step: &str) -> [usize; 3] {
    let ledger = Ledger::open(&life.opening()).expect("the ledger opens");
    let mut events = ledger.events();
    let mut counts = [0; 3];
    while let Some(event) = events.next_entry().expect("a whole log") {
        let kinds = ["sent", "done", "not_done"];
        for (count, kind) in counts.iter_mut().zip(kinds) {
            *count += usize::from(*event.kind == format!("{step}.{kind}"));
        }
    }
    counts
}

#[test]
fn the_log_says_of_every_announced_request_what_became_of_it() {
    // The first of three writes is under way, then the first of two redeploys.
    for (act, step, counts) in [(1, "deliver", [3, 1, 2]), (4, "activate", [2, 1, 1])] {
        let mut life = Life::new(ValueBy::Issuer);
        life.outside.world().stops_at = Some(act);
        drop(life.night(Manner::Unattended).expect("no death"));
        assert_eq!(announced(&mut life, step), counts, "{step}");
        life.live_on_stopped();
        life.check(step);
    }
}
