//! The exact steps of a move, for people to read before they happen.

use crate::ledger::{Phase, Rotation, SecretState, Step, Way};

use super::plan::Move;
use super::secret::Secret;

/// One line of what would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Which step.
    pub step: Step,
    /// On what.
    pub place: String,
}

/// The exact steps of a move, site by site where they are known.
pub fn steps(secret: &Secret, state: Option<&SecretState>, step: Move) -> Vec<Planned> {
    let planned = |step, place: &str| Planned {
        step,
        place: place.to_owned(),
    };
    let issuer = secret.issuer.place();
    let open = state.and_then(|state| state.rotation.as_deref());
    let phase = open
        .and_then(|open| open.phase().ok())
        .unwrap_or(Phase::Unbegun);
    match (step, phase) {
        (Move::Revoke, _) => vec![planned(Step::Revoke, &format!("old key at {issuer}"))],
        (Move::Watch, _) => {
            let place = format!("once {issuer} refuses the key a person ends there");
            vec![planned(Step::Revoke, &place)]
        }
        (Move::PutOff, _) => vec![planned(
            Step::Expire,
            &format!("old key at {issuer}, later"),
        )],
        (Move::CleanUp, _) | (_, Phase::Discarding) => {
            vec![planned(Step::Revoke, &format!("unused key at {issuer}"))]
        }
        (_, Phase::Undoing) => places(open, Way::Back),
        (Move::Begin(_) | Move::Continue, _) => {
            let mut steps = Vec::new();
            if matches!(phase, Phase::Unbegun | Phase::Issuing) {
                steps.push(planned(Step::Issue, &issuer));
            }
            if matches!(phase, Phase::Unbegun | Phase::Issuing | Phase::Issued) {
                steps.push(planned(Step::Verify, &issuer));
                for destination in &secret.destinations {
                    steps.push(planned(Step::Deliver, &destination.target.label()));
                }
                steps.push(planned(Step::Activate, "every service that uses it"));
                steps.push(planned(Step::Confirm, "every service that uses it"));
            } else {
                steps.extend(places(open, Way::Forward));
            }
            steps.push(planned(Step::Promote, "the new key"));
            steps
        }
    }
}

fn places(open: Option<&Rotation>, way: Way) -> Vec<Planned> {
    let Some(open) = open else { return Vec::new() };
    let (write, turned) = match way {
        Way::Forward => (Step::Deliver, Step::Activate),
        Way::Back => (Step::Restore, Step::Activate),
    };
    let unwritten = open
        .sites
        .values()
        .filter(|site| site.write.as_ref().is_none_or(|done| done.way != way));
    let unasked = open
        .services
        .values()
        .filter(|service| service.way != way || service.asked.is_none());
    let unseen = open
        .services
        .values()
        .filter(|service| service.way != way || !service.confirmed);
    let line = |step| {
        move |place: &String| Planned {
            step,
            place: place.clone(),
        }
    };
    unwritten
        .map(|site| &site.label)
        .map(line(write))
        .chain(unasked.map(|service| &service.label).map(line(turned)))
        .chain(
            unseen
                .map(|service| &service.label)
                .map(line(Step::Confirm)),
        )
        .collect()
}
