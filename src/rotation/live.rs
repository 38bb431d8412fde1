//! Which key is live where, in one sentence. Nobody should have to infer it from cron mail at night.

use crate::ledger::{Phase, Rotation, SecretState, Version, Way};

/// The sentence for a secret as the ledger knows it.
pub fn sentence(state: Option<&SecretState>) -> String {
    let Some(state) = state else {
        return "the live key is not known to rotakey".to_owned();
    };
    let named = |version: Option<&Version>| {
        version.map_or("the key from before".to_owned(), |version| {
            format!("key {}", version.hint)
        })
    };
    let known = |version: Option<&Version>| match version {
        Some(_) if state.lost => format!(
            "{} may still work, and sites may hold a newer one that is dead",
            named(version)
        ),
        None if state.lost => "no key is known to work; sites may hold one that is dead".to_owned(),
        _ => format!("{} is current everywhere", named(version)),
    };
    let Some(open) = &state.rotation else {
        return match state.current() {
            None if !state.lost => "the live key is not known to rotakey".to_owned(),
            current => known(current),
        };
    };
    let from = open.from.and_then(|number| state.version(number));
    let old = named(from);
    let new = named(open.to.and_then(|number| state.version(number)));
    if open.both_refused {
        return format!("neither {new} nor {old} is accepted any more");
    }
    match open.phase() {
        Ok(Phase::Issuing) => {
            format!("{}; a new key may exist and nobody uses it", known(from))
        }
        Ok(Phase::Issued) => {
            format!("{}; {new} exists and nobody uses it", known(from))
        }
        Ok(Phase::Delivering) if state.no_way_back() => {
            let (there, all) = written(open, Way::Forward);
            format!("{old} is revoked, or about to be; {there} of {all} sites hold {new}")
        }
        Ok(Phase::Delivering) if state.lost => {
            let (there, all) = written(open, Way::Forward);
            format!("{}; {there} of {all} sites hold {new}", known(from))
        }
        Ok(Phase::Delivering) => {
            let (there, all) = written(open, Way::Forward);
            format!(
                "{old} and {new} both work; {there} of {all} sites hold the new one; nothing was revoked"
            )
        }
        Ok(Phase::Grace) if state.no_way_back() => {
            format!("{new} is current everywhere; {old} was revoked first")
        }
        Ok(Phase::Grace) if open.from.is_none() => format!("{new} is current everywhere"),
        Ok(Phase::Grace) => format!("{new} is current everywhere; {old} is not revoked yet"),
        Ok(Phase::Revoking) => format!("{new} is current everywhere; {old} is being revoked"),
        Ok(Phase::Undoing) => {
            let (there, all) = written(open, Way::Back);
            format!(
                "{there} of {all} sites that were touched are back on {old}, the others may hold {new}; nothing was revoked"
            )
        }
        Ok(Phase::Discarding) => {
            format!("{old} is current everywhere; {new} still works and nobody uses it")
        }
        _ => format!("{old} was current"),
    }
}

fn written(open: &Rotation, way: Way) -> (usize, usize) {
    let there = open
        .sites
        .values()
        .filter(|site| site.write.as_ref().is_some_and(|write| write.way == way));
    let touched = open.sites.values().filter(|site| site.heading.is_some());
    let all = match way {
        Way::Forward => open.sites.len(),
        // What was never touched is on the old key as it always was.
        Way::Back => touched.count(),
    };
    (there.count(), all)
}
