//! `rotakey recipients`: who can open the ledger.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Circle, LedgerError};
use crate::run::Run;

use super::joined::{join, refused};

/// Seal the ledger to the recipients of `rotations.yaml`
///
/// Who stands under `ledger: recipients:` can open it from then on, its sealed months included; who does not, cannot open what is written from then on. Nothing else does this, and no other verb changes the circle: a line in a file that many can edit hands nobody the keys. Prints who can open the ledger. The identity of this run must be among them.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// Seals the ledger anew where the configuration names others, and prints who can open it.
pub fn recipients(run: &mut Run, _: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let wanted = joined.recipients();
    // Looked at without the lock first: where nothing changes, nothing is written.
    let known = joined.read(run)?;
    let mut now = known.recipients().to_vec();
    if !wanted.is_empty() && !known.is_sealed_to(wanted).map_err(told)? {
        let mut ledger = joined.lock(run)?;
        let circle = ledger.reseal(run.now, wanted.to_vec());
        let circle = circle.map_err(told)?;
        tell(run, &circle);
        now = ledger.recipients().to_vec();
    }
    run.ui.data(&(now.join("\n") + "\n"));
    if wanted.is_empty() {
        let path = run.config_path();
        run.ui.say(&format!(
            "To let others open it too, list all of them under `ledger: recipients:` in {}, and run this again.",
            path.display()
        ));
    }
    Ok(Exit::Done)
}

fn tell(run: &mut Run, circle: &Circle) {
    for text in &circle.added {
        run.ui.say(&format!("added {text}"));
    }
    for text in &circle.removed {
        run.ui.say(&format!("removed {text}"));
    }
    if !circle.removed.is_empty() {
        run.ui.insist(
            "Who was removed can still open every copy made before, with the keys that were live then: if that is a \
             worry, rotate those keys: `rotakey rotate --emergency --reason TEXT NAME`",
        );
    }
}

/// What is wrong with the recipients is wrong with the configuration.
fn told(error: LedgerError) -> Error {
    match error {
        LedgerError::Recipient { .. } | LedgerError::LockedOut | LedgerError::Unsealed { .. } => {
            let hint = error.hint();
            let error = Error::new(Exit::Usage, error);
            match hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
        other => refused(other),
    }
}
