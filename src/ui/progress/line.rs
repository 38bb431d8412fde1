//! One line of the board: a step at a target, its counts, and what is said of them.

use crate::ledger::Step;
use crate::model::{Instant, sanitise};

use super::tally::Tally;
use super::words::{self, Way};

/// So many failures and waits of one step are shown while it runs; afterwards every failure is named.
const SHOWN: usize = 3;

/// How much of a block is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// While it runs: what changes, and only some of what failed.
    Running,
    /// For good: every failure, nothing that moves.
    Final,
    /// In a message that is edited now and then: nothing that is old the moment it is read.
    Posted,
}

/// One step at one target, or the redeploys of all of them.
#[derive(Debug)]
pub(super) struct Line {
    step: Step,
    /// As the rotation names it, and as people do.
    target: String,
    spoken: String,
    way: Way,
    began: Instant,
    tally: Tally,
    /// For services: how far the requests for a redeploy have come; `tally` counts what was observed.
    asked: Tally,
    /// Whether the rotation turned back before the step was over.
    cut: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Yes,
    No,
}

impl Line {
    /// A step that begins now.
    pub(super) fn new(step: Step, target: &str, spoken: &str, way: Way, now: Instant) -> Self {
        Self {
            step,
            target: target.to_owned(),
            spoken: sanitise(spoken),
            way,
            began: now,
            tally: Tally::default(),
            asked: Tally::default(),
            cut: Cut::No,
        }
    }

    /// Whether it is the making of a new key.
    pub(super) fn is_issue(&self) -> bool {
        self.step == Step::Issue
    }

    /// The rotation turned back: what was not done will not be.
    pub(super) fn cut(&mut self) {
        self.cut = Cut::Yes;
    }

    /// Redeploys of all targets are one line: what people want to know is how many services are through.
    pub(super) fn covers(&self, step: Step, target: &str, way: Way) -> bool {
        if self.way != way {
            return false;
        }
        match (is_redeploy(self.step), is_redeploy(step)) {
            (true, true) => true,
            _ => self.step == step && self.target == target,
        }
    }

    pub(super) fn tally_of(&mut self, step: Step) -> &mut Tally {
        match step {
            Step::Activate => &mut self.asked,
            _ => &mut self.tally,
        }
    }

    fn places(&self) -> usize {
        self.tally.places().max(self.asked.places())
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &(String, String)> {
        self.asked.failures().iter().chain(self.tally.failures())
    }

    pub(super) fn is_over(&self) -> bool {
        let places = self.places();
        let all = places > 0 && self.tally.count() + self.failures().count() >= places;
        all || self.cut == Cut::Yes
    }

    pub(super) fn summary(&self, now: Instant) -> String {
        let (done, places) = (self.tally.count(), self.places());
        if !self.is_over() {
            let doing = words::doing(self.step, self.way, &self.spoken);
            let counts = if places > 1 || is_redeploy(self.step) {
                format!(" ({done}/{places})")
            } else {
                String::new()
            };
            return format!("⏳ {doing}{counts}...{}", elapsed(self.began, now));
        }
        let what = words::done(self.step, self.way, &self.spoken);
        match (done == places, places) {
            (false, 1) => format!(
                "❌ {}: failed",
                words::doing(self.step, self.way, &self.spoken)
            ),
            (false, _) => format!("❌ {what}: {done}/{places}"),
            (true, 1) if !is_redeploy(self.step) => format!("✅ {what}"),
            (true, _) if is_redeploy(self.step) => format!("✅ {what} ({done}/{places})"),
            (true, _) => format!("✅ {what} ({places} places)"),
        }
    }

    pub(super) fn write(&self, now: Instant, extent: Extent, lines: &mut Vec<String>) {
        let now = match extent {
            Extent::Posted => self.began,
            Extent::Running | Extent::Final => now,
        };
        let mut summary = self.summary(now);
        if extent == Extent::Final && !self.is_over() {
            summary = format!(
                "⏳ {}: {}/{}, not over",
                words::doing(self.step, self.way, &self.spoken),
                self.tally.count(),
                self.places()
            );
        }
        lines.push(summary);
        let failures: Vec<_> = self.failures().collect();
        let shown = match extent {
            Extent::Running | Extent::Posted => failures.len().min(SHOWN),
            Extent::Final => failures.len(),
        };
        for (place, why) in &failures[..shown] {
            lines.push(format!("   ❌ {place}: {why}"));
        }
        if shown < failures.len() {
            lines.push(format!("   … and {} more failed", failures.len() - shown));
        }
        if extent == Extent::Running {
            lines.extend(
                self.tally
                    .waiting()
                    .take(SHOWN)
                    .map(|wait| format!("   {wait}")),
            );
        }
    }
}

fn is_redeploy(step: Step) -> bool {
    matches!(step, Step::Activate | Step::Confirm)
}

/// How long something has taken, once that is worth a look: ` 1m 20s`.
fn elapsed(since: Instant, now: Instant) -> String {
    let seconds = (now - since).num_seconds();
    match (seconds / 60, seconds % 60) {
        (0, ..5) => String::new(),
        (minutes, _) if minutes < 0 => String::new(),
        (0, seconds) => format!(" {seconds}s"),
        (minutes, seconds) => format!(" {minutes}m {seconds:02}s"),
    }
}
