//! The words for each step: what is being done, and what was done.

use crate::ledger::Step;

/// Which way a rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the new key.
    Forward,
    /// Back to the old one.
    Back,
}

/// What is being done: `Adding to Vercel env vars`.
pub(super) fn doing(step: Step, way: Way, target: &str) -> String {
    match (step, way) {
        (Step::Issue, _) => "Generating new key".to_owned(),
        (Step::Verify, Way::Forward) => "Verifying new key".to_owned(),
        (Step::Verify, Way::Back) => "Verifying old key".to_owned(),
        (Step::Deliver, _) => format!("Adding to {target}"),
        (Step::Activate | Step::Confirm, Way::Forward) => "Redeploying services".to_owned(),
        (Step::Activate | Step::Confirm, Way::Back) => {
            "Redeploying services with the old key".to_owned()
        }
        (Step::Promote, _) => "Making the new key current".to_owned(),
        (Step::Revoke, Way::Forward) => "Revoking old key".to_owned(),
        (Step::Revoke, Way::Back) => "Revoking new key".to_owned(),
        (Step::Restore, _) => format!("Putting the old key back into {target}"),
        (Step::Expire, _) => "Setting an end on the old key".to_owned(),
    }
}

/// What was done: `Added to Vercel env vars`.
pub(super) fn done(step: Step, way: Way, target: &str) -> String {
    match (step, way) {
        (Step::Issue, _) => "New key generated".to_owned(),
        (Step::Verify, Way::Forward) => "New key verified".to_owned(),
        (Step::Verify, Way::Back) => "Old key verified".to_owned(),
        (Step::Deliver, _) => format!("Added to {target}"),
        (Step::Activate | Step::Confirm, Way::Forward) => "Services redeployed".to_owned(),
        (Step::Activate | Step::Confirm, Way::Back) => {
            "Services redeployed with the old key".to_owned()
        }
        (Step::Promote, _) => "New key is current".to_owned(),
        (Step::Revoke, Way::Forward) => "Old key revoked".to_owned(),
        (Step::Revoke, Way::Back) => "New key revoked".to_owned(),
        (Step::Restore, _) => format!("Old key put back into {target}"),
        (Step::Expire, _) => "End set on the old key".to_owned(),
    }
}

/// The step as the log of a run without a terminal names it, where that says more than [`done`].
pub(super) fn logged(step: Step, way: Way, target: &str) -> String {
    match step {
        Step::Activate => format!("redeploy of {target} asked for"),
        Step::Confirm => match way {
            Way::Forward => format!("{target} observed on the new key"),
            Way::Back => format!("{target} observed on the old key"),
        },
        _ => lowered(&done(step, way, target)),
    }
}

/// A sentence as part of another one.
pub(super) fn lowered(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
