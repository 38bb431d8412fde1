//! Watching a rotation: live on a terminal, line by line elsewhere, as JSON, or not at all.

mod board;
mod checklist;
mod json;
mod line;
mod live;
mod plain;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Clock, RunId};
use crate::rotation::{News, Progress};

use super::printer::{Manner, Printer};

pub use checklist::Checklist;

/// How people call the targets: by label, what is said of a delivery to it (`Vercel env vars`).
pub type Spoken = BTreeMap<String, String>;

/// Someone who watches, in the manner in which this run speaks.
pub(super) fn watch<'a>(
    printer: &'a mut Printer,
    run: &RunId,
    clock: Arc<dyn Clock>,
    spoken: Spoken,
) -> Box<dyn Progress + 'a> {
    match printer.manner() {
        Manner::Json => Box::new(json::Json::new(printer, run.clone(), clock)),
        Manner::Quiet => Box::new(Nobody),
        Manner::People => match printer.screen() {
            Some(screen) => Box::new(live::Live::new(printer.shared(), screen, clock, spoken)),
            None => Box::new(plain::Plain::new(printer, clock, spoken)),
        },
    }
}

/// Nobody watches (`--quiet`).
struct Nobody;

impl Progress for Nobody {
    fn tell(&mut self, _: News<'_>) {}
}
