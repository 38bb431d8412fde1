//! Things that can only be replaced whole: an entry of `pass`, an item of `op` or `bw`.
//!
//! Such a thing is read, changed in one place and written back by a program that says little by its exit code. So one
//! change is made at a time, and what the thing holds afterwards decides what became of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exec::Ending;
use crate::model::{Effect, Fault};

/// Two places in one thing must not overwrite each other's change between reading and writing.
static WRITING: Mutex<()> = Mutex::new(());

/// Lets nobody else change anything until the guard is dropped.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    // It guards no data, so a panic elsewhere has broken nothing.
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a thing holds after a program was told to change it.
pub(super) enum Now {
    /// What was written.
    New,
    /// What it held before, in the place that was to be changed.
    Old,
    /// Something else.
    Other,
}

/// What became of a change. `look` reads the thing as it is now, and is not asked where the program never ran.
///
/// A program that was killed may have sent its request: then only the new content settles the matter, because the old
/// one may be about to change.
pub(super) fn settled<T>(
    ending: Ending,
    unchanged: &str,
    look: impl FnOnce() -> Result<(Now, T), Fault>,
) -> Effect<T> {
    let code = match ending {
        Ending::NotStarted(fault) => return Effect::NotDone(fault),
        Ending::Exited(code, _) => Ok(code),
        Ending::Lost(fault) => Err(fault),
    };
    match (look(), code) {
        (Ok((Now::New, seen)), _) => Effect::Done(seen),
        (Ok((Now::Old, _)), Ok(0)) => {
            Effect::Uncertain(Fault::passing("does not hold what was just written"))
        }
        (Ok((Now::Old, _)), Ok(code)) => {
            Effect::NotDone(Fault::refused(format!("{unchanged} (exit {code})")))
        }
        (Ok(_), Err(lost)) => Effect::Uncertain(lost),
        (Ok((Now::Other, _)), _) => {
            Effect::Uncertain(Fault::passing("holds something else than was written"))
        }
        (Err(fault), _) => Effect::Uncertain(fault),
    }
}
