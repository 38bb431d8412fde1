//! Progress without a terminal: a line per step and target once it is over, and one for each place that failed.
//!
//! Every line begins with the secret, because the steps of several secrets alternate and people grep.

use std::sync::Arc;

use crate::ledger::Step;
use crate::model::{Clock, Hint, SecretName, Span, sanitise, when};
use crate::rotation::{Happening, News, Progress};
use crate::ui::printer::Printer;

use super::Spoken;
use super::tally::Tally;
use super::words::{self, Way};

/// Plain lines on stderr.
pub(super) struct Plain<'a> {
    printer: &'a mut Printer,
    clock: Arc<dyn Clock>,
    spoken: Spoken,
    steps: Vec<Open>,
    undoing: Vec<SecretName>,
}

/// A step that is not over.
struct Open {
    secret: SecretName,
    step: Step,
    target: String,
    way: Way,
    tally: Tally,
}

impl<'a> Plain<'a> {
    pub(super) fn new(printer: &'a mut Printer, clock: Arc<dyn Clock>, spoken: Spoken) -> Self {
        Self {
            printer,
            clock,
            spoken,
            steps: Vec::new(),
            undoing: Vec::new(),
        }
    }

    fn line(&mut self, secret: &SecretName, text: &str) {
        self.printer
            .say(&format!("{}: {text}", sanitise(secret.as_str())));
    }

    fn began(&mut self, secret: &SecretName, step: Step, target: &str, places: usize) {
        let mut tally = Tally::default();
        tally.expect(places);
        let way = self.way(secret);
        self.steps.retain(|open| !open.is(secret, step, target));
        self.steps.push(Open {
            secret: secret.clone(),
            step,
            target: target.to_owned(),
            way,
            tally,
        });
    }

    fn count(
        &mut self,
        secret: &SecretName,
        step: Step,
        target: &str,
        change: impl FnOnce(&mut Tally),
    ) {
        let found = |open: &Open| open.is(secret, step, target);
        if !self.steps.iter().any(found) {
            self.began(secret, step, target, 1);
        }
        let Some(at) = self.steps.iter().position(found) else {
            return;
        };
        change(&mut self.steps[at].tally);
        if self.steps[at].tally.is_over() {
            let over = self.steps.remove(at);
            self.over(&over);
        }
    }

    /// A step that succeeded nowhere has said so already, place by place.
    fn over(&mut self, open: &Open) {
        let done = open.tally.count();
        let told_otherwise = matches!(open.step, Step::Issue | Step::Promote | Step::Revoke);
        if done == 0 || (told_otherwise && open.way == Way::Forward) {
            return;
        }
        let what = words::logged(
            open.step,
            open.way,
            &sanitise(&open.target),
            &self.spoken(&open.target),
        );
        let counts = match open.tally.places() {
            1 => String::new(),
            places => format!(": {done}/{places}"),
        };
        self.line(&open.secret, &format!("{what}{counts}"));
    }

    fn promoted(
        &mut self,
        secret: &SecretName,
        new: &Hint,
        old: Option<&Hint>,
        (observed, all): (usize, usize),
        grace: Span,
    ) {
        let services = match all {
            0 => String::new(),
            _ => format!(" on {observed}/{all} services"),
        };
        let end = match old {
            Some(old) if grace > Span::ZERO => {
                let now = self.clock.now();
                format!(
                    "; {old} will be revoked after {}",
                    when::moment(now + grace.delta())
                )
            }
            Some(old) => format!("; {old} has no grace"),
            None => String::new(),
        };
        self.line(secret, &format!("{new} is current{services}{end}"));
    }

    fn way(&self, secret: &SecretName) -> Way {
        match self.undoing.contains(secret) {
            true => Way::Back,
            false => Way::Forward,
        }
    }

    fn spoken(&self, target: &str) -> String {
        sanitise(self.spoken.get(target).map_or(target, String::as_str))
    }
}

impl Open {
    fn is(&self, secret: &SecretName, step: Step, target: &str) -> bool {
        self.secret == *secret && self.step == step && self.target == target
    }
}

impl Progress for Plain<'_> {
    fn tell(&mut self, news: News<'_>) {
        let secret = news.secret;
        match news.what {
            Happening::Started { old, resumed, leak } => {
                self.undoing.retain(|name| name != secret);
                let verb = if resumed { "continued" } else { "started" };
                let (what, key) = match leak {
                    Some(_) => ("emergency rotation", "leaked"),
                    None => ("rotation", "live"),
                };
                let old = old.map_or(String::new(), |old| format!("; the {key} key is {old}"));
                let why = leak.map_or(String::new(), |why| format!(" ({})", sanitise(why)));
                self.line(secret, &format!("{what} {verb}{old}{why}"));
            }
            Happening::Issued { new } => self.line(secret, &format!("new key generated: {new}")),
            Happening::StepBegan {
                step,
                target,
                places,
            } => self.began(secret, step, target, places),
            Happening::PlaceDone {
                step,
                target,
                place,
            } => self.count(secret, step, target, |tally| tally.done(place)),
            // A log has no use for what is under way.
            Happening::PlaceWaits { .. } => {}
            Happening::PlaceFailed {
                step,
                target,
                place,
                why,
            } => {
                let (place_said, why_said) = (sanitise(place), sanitise(why));
                self.line(
                    secret,
                    &format!("{step} failed at {place_said}: {why_said}"),
                );
                self.count(secret, step, target, |tally| tally.failed(place, why));
            }
            Happening::Soaking { stage, until } => {
                let (stage, until) = (sanitise(stage), when::moment(until));
                self.line(
                    secret,
                    &format!("stage {stage} confirmed; the next starts after {until}"),
                );
            }
            Happening::Promoted {
                new,
                old,
                services,
                grace,
            } => self.promoted(secret, new, old, services, grace),
            Happening::UndoBegan { why } => {
                self.undoing.push(secret.clone());
                self.line(secret, &format!("rolling back: {}", sanitise(why)));
            }
            Happening::RolledBack { live, .. } => {
                let live = live.map_or(String::new(), |live| format!("; {live} is current"));
                self.line(secret, &format!("rolled back{live}"));
            }
            Happening::Revoked {
                old,
                observed,
                next,
                ..
            } => {
                let old = old.map_or("old key".to_owned(), Hint::to_string);
                let next = next.map_or(String::new(), |next| {
                    format!("; next rotation {}", when::date(next))
                });
                let observed = sanitise(observed);
                self.line(secret, &format!("{old} revoked: {observed}{next}"));
            }
            Happening::Note { text } => self.line(secret, &sanitise(text)),
        }
    }
}
