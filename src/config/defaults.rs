//! `defaults:` and the keys of a policy, which mean the same in a secret and in the defaults.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::TimeDelta;

use crate::model::{Instant, Policy, Schedule, Span};

use super::about::About;
use super::complaint::{Complaints, Mark};
use super::fields::Fields;
use super::file::Node;
use super::secrets::{Crowded, END_BEFORE, GraceFrom};

/// What holds for every secret that says nothing else.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) warn: Span,
    pub(super) grace: Span,
    pub(super) skip: Span,
    pub(super) max_age: Option<Span>,
    pub(super) confirm_timeout: Span,
    pub(super) max_per_run: usize,
    pub(super) about: About,
    understood: RefCell<HashMap<String, Understood>>,
}

/// A schedule and the time between two rotations. The same few are written again and again, and a cron expression
/// takes some 20 µs to understand.
type Understood = (Schedule, Option<TimeDelta>);

impl Default for Defaults {
    fn default() -> Self {
        Self {
            warn: Span::days(7),
            grace: Span::hours(24),
            skip: Span::days(30),
            max_age: None,
            confirm_timeout: Span::minutes(15),
            max_per_run: 20,
            about: About::default(),
            understood: RefCell::default(),
        }
    }
}

impl Defaults {
    /// Reads the section.
    pub(super) fn read(node: &Node<'_>, complaints: &Complaints<'_>) -> Self {
        let usual = Self::default();
        let Some(mut fields) = Fields::of("`defaults`", node, complaints) else {
            return usual;
        };
        let mut span = |key, usual| fields.span(key).map_or(usual, |(span, _)| span);
        let mut defaults = Self {
            warn: span("warn", usual.warn),
            grace: span("grace", usual.grace),
            skip: span("skip", usual.skip),
            confirm_timeout: span("confirm_timeout", usual.confirm_timeout),
            ..usual
        };
        defaults.max_age = fields.span("max_age").map(|(span, _)| span);
        if let Some(most) = fields.count("max_per_run") {
            defaults.max_per_run = most;
        }
        defaults.about = About::usual(&mut fields);
        fields.close();
        defaults
    }

    /// Reads the policy of a secret, and where its grace is from. `None` where there is no schedule.
    pub(super) fn policy(
        &self,
        name: &str,
        fields: &mut Fields<'_, '_>,
    ) -> Option<(Policy, GraceFrom)> {
        let title = fields.text("title").unwrap_or(name).to_owned();
        let every = fields.parsed("every", |text| self.understand(text));
        let warn = fields.span("warn");
        let grace = fields.span("grace");
        let skip = fields.span("skip");
        let max_age = fields.span("max_age");
        let confirm_timeout = fields.span("confirm_timeout");
        let ((every, interval), at) = every?;
        if interval.is_none() {
            let what = format!("{}: `every`: `{every}` never comes round", fields.of);
            fields.complaints.add(at, what);
        }
        let interval = Interval(interval);
        let grace_from = interval.grace(grace, (self.grace, at), fields);
        interval.max_age(max_age.or(self.max_age.map(|span| (span, at))), fields);
        let policy = Policy {
            title,
            warn: interval.warn(warn, self.warn, fields),
            grace: grace.map_or(self.grace, |(span, _)| span),
            skip: skip.map_or(self.skip, |(span, _)| span),
            max_age: max_age.map(|(span, _)| span).or(self.max_age),
            confirm_timeout: confirm_timeout.map_or(self.confirm_timeout, |(span, _)| span),
            every,
            stages: Vec::new(),
            canary: None,
            soak: Span::ZERO,
        };
        Some((policy, grace_from))
    }

    /// Measured from a fixed day, so that the same file is always read the same way.
    fn understand(&self, text: &str) -> Result<Understood, String> {
        if let Some(known) = self.understood.borrow().get(text) {
            return Ok(known.clone());
        }
        let schedule = Schedule::parse(text)?;
        let interval = schedule.interval(Instant::UNIX_EPOCH + TimeDelta::days(20_000));
        let understood = (schedule, interval);
        let mut all = self.understood.borrow_mut();
        all.insert(text.to_owned(), understood.clone());
        Ok(understood)
    }
}

/// The time between two rotations, if there ever are two, and what has to fit into it.
struct Interval(Option<TimeDelta>);

impl Interval {
    /// The old version must be gone before the next rotation begins. What the defaults say does not count yet: an issuer
    /// that lets one version live leaves no grace, whatever they say.
    fn grace(
        &self,
        said: Option<(Span, Mark)>,
        (usual, every): (Span, Mark),
        fields: &Fields<'_, '_>,
    ) -> GraceFrom {
        let crowded = |grace: Span| self.0.filter(|interval| grace.delta() >= *interval);
        let Some((grace, at)) = said else {
            let crowded = crowded(usual).map(written);
            return GraceFrom::Defaults(crowded.map(|between| Crowded { every, between }));
        };
        if let Some(interval) = crowded(grace) {
            let (of, every) = (&fields.of, written(interval));
            let what = format!(
                "{of}: `grace` of {grace} is not shorter than the {every} between rotations"
            );
            fields.complaints.advise(at, what, END_BEFORE);
        }
        GraceFrom::Secret(at)
    }

    /// A notice that is longer than the interval would be about the rotation after next. Said so it is an error; from
    /// the defaults it becomes half of the interval.
    fn warn(&self, said: Option<(Span, Mark)>, usual: Span, fields: &Fields<'_, '_>) -> Span {
        let (warn, at) = said.unwrap_or((usual, fields.at));
        let Some(interval) = self.0.filter(|interval| warn.delta() >= *interval) else {
            return warn;
        };
        if said.is_some() {
            let (of, every) = (&fields.of, written(interval));
            let what =
                format!("{of}: `warn` of {warn} is not shorter than the {every} between rotations");
            fields.complaints.add(at, what);
        }
        Span::seconds(interval.num_seconds() / 2)
    }

    fn max_age(&self, said: Option<(Span, Mark)>, fields: &Fields<'_, '_>) {
        let (Some(interval), Some((max_age, at))) = (self.0, said) else {
            return;
        };
        if max_age.delta() < interval {
            let (of, every) = (&fields.of, written(interval));
            let what = format!(
                "{of}: `max_age` of {max_age} is shorter than the {every} between rotations"
            );
            fields.complaints.add(at, what);
        }
    }
}

fn written(interval: TimeDelta) -> Span {
    Span::seconds(interval.num_seconds())
}
