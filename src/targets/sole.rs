//! The one thing of a name. What is not there, or there several times, is refused: nothing is guessed at.

use crate::model::Fault;

/// What to do about a name that leads to nothing, or to several things.
pub(super) struct Advice {
    pub(super) absent: &'static str,
    pub(super) several: &'static str,
}

/// The only one of the things that fit. `said` is what was looked for: ``item `OpenAI` ``.
pub(super) fn sole<T>(
    fit: impl IntoIterator<Item = T>,
    said: &str,
    advice: &Advice,
) -> Result<T, Fault> {
    let mut fit = fit.into_iter();
    match (fit.next(), fit.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Fault::missing(format!("no {said}")).hint(advice.absent)),
        (Some(_), Some(_)) => {
            Err(Fault::refused(format!("there are several: {said}")).hint(advice.several))
        }
    }
}
