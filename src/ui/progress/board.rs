//! What a person sees while rotations run, as lines: a block per secret, a line per step and target.
//!
//! Nothing here draws. [`Board::lines`] is a function of what was told, the time and the size of the screen.

use crate::ledger::Step;
use crate::model::{Instant, SecretName, sanitise, when};
use crate::ui::Size;
use crate::ui::fit::fit;

use super::tally::Tally;
use super::words::{self, Way};

/// So many failures and waits of one step are shown while it runs; afterwards every failure is named.
const SHOWN: usize = 3;

/// All rotations that are under way.
#[derive(Debug, Default)]
pub(super) struct Board {
    blocks: Vec<Block>,
}

/// One rotation.
#[derive(Debug)]
pub(super) struct Block {
    secret: SecretName,
    title: String,
    /// What stands above the steps; empty for a run that only revokes.
    head: Vec<String>,
    entries: Vec<Entry>,
    way: Way,
}

#[derive(Debug)]
enum Entry {
    Said(String),
    Step(Line),
}

#[derive(Debug)]
struct Line {
    step: Step,
    /// As the rotation names it, and as people do.
    target: String,
    spoken: String,
    way: Way,
    began: Instant,
    tally: Tally,
    /// For services: how far the requests for a redeploy have come; `tally` counts what was observed.
    asked: Tally,
}

/// How much of a block is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// While it runs: what changes, and only some of what failed.
    Running,
    /// For good: every failure, nothing that moves.
    Final,
}

impl Board {
    /// The block of that secret, made when it is first heard of.
    pub(super) fn block(&mut self, secret: &SecretName, title: &str) -> &mut Block {
        let at = self
            .blocks
            .iter()
            .position(|block| block.secret == *secret)
            .unwrap_or_else(|| {
                self.blocks.push(Block::new(secret, title));
                self.blocks.len() - 1
            });
        &mut self.blocks[at]
    }

    /// Takes a block off the board.
    pub(super) fn take(&mut self, secret: &SecretName) -> Option<Block> {
        let at = self
            .blocks
            .iter()
            .position(|block| block.secret == *secret)?;
        Some(self.blocks.remove(at))
    }

    /// Takes everything off the board.
    pub(super) fn take_all(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.blocks)
    }

    /// What is on the screen now: whole blocks if they fit, else a line per secret, else as many as fit.
    pub(super) fn lines(&self, now: Instant, size: Size) -> Vec<String> {
        let rows = usize::from(size.rows).saturating_sub(1).max(1);
        let mut lines: Vec<String> = Vec::new();
        for block in &self.blocks {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(block.lines(now, Extent::Running));
        }
        if lines.len() > rows {
            lines = self.blocks.iter().map(|block| block.brief(now)).collect();
        }
        if lines.len() > rows {
            let hidden = lines.len() - (rows - 1);
            lines.truncate(rows - 1);
            lines.push(format!("… and {hidden} more"));
        }
        let columns = usize::from(size.columns);
        lines.iter().map(|line| fit(line, columns)).collect()
    }
}

impl Block {
    fn new(secret: &SecretName, title: &str) -> Self {
        Self {
            secret: secret.clone(),
            title: sanitise(title),
            head: Vec::new(),
            entries: Vec::new(),
            way: Way::Forward,
        }
    }

    /// Puts lines above the steps.
    pub(super) fn head(&mut self, lines: Vec<String>) {
        self.head = lines;
    }

    /// Adds a line to what stands above the steps.
    pub(super) fn head_line(&mut self, line: String) {
        if !self.head.is_empty() {
            self.head.push(line);
        }
    }

    /// Adds a line to the steps.
    pub(super) fn said(&mut self, line: String) {
        self.entries.push(Entry::Said(line));
    }

    /// From here on the rotation goes back.
    pub(super) fn turn_back(&mut self) {
        self.way = Way::Back;
    }

    /// A step began on so many places.
    pub(super) fn began(
        &mut self,
        step: Step,
        target: &str,
        spoken: &str,
        places: usize,
        now: Instant,
    ) {
        let line = self.line(step, target, spoken, now);
        line.tally_of(step).expect(places);
    }

    /// Something happened at a place of a step.
    pub(super) fn count(
        &mut self,
        step: Step,
        target: &str,
        spoken: &str,
        now: Instant,
        change: impl FnOnce(&mut Tally),
    ) {
        change(self.line(step, target, spoken, now).tally_of(step));
    }

    /// The newest line of that step, or a new one where that one is over.
    fn line(&mut self, step: Step, target: &str, spoken: &str, now: Instant) -> &mut Line {
        let way = self.way;
        let found = self.entries.iter().rposition(|entry| match entry {
            Entry::Said(_) => false,
            Entry::Step(line) => line.way == way && line.covers(step, target) && !line.is_over(),
        });
        let at = found.unwrap_or_else(|| {
            self.entries.push(Entry::Step(Line {
                step,
                target: target.to_owned(),
                spoken: sanitise(spoken),
                way,
                began: now,
                tally: Tally::default(),
                asked: Tally::default(),
            }));
            self.entries.len() - 1
        });
        match &mut self.entries[at] {
            Entry::Step(line) => line,
            Entry::Said(_) => unreachable!("only steps are looked for, and a step was just added"),
        }
    }

    /// The whole block.
    pub(super) fn lines(&self, now: Instant, extent: Extent) -> Vec<String> {
        let mut lines = self.head.clone();
        match self.head.is_empty() {
            true => lines.push(format!("Service: {}", self.title)),
            false if self.entries.is_empty() => {}
            false => lines.push("Progress:".to_owned()),
        }
        for entry in &self.entries {
            match entry {
                Entry::Said(line) => lines.push(line.clone()),
                Entry::Step(line) => line.write(now, extent, &mut lines),
            }
        }
        lines
    }

    /// Whether there is anything to keep once the closing message is printed.
    pub(super) fn is_worth_keeping(&self) -> bool {
        !self.head.is_empty()
            || self.entries.iter().any(|entry| match entry {
                Entry::Said(_) => true,
                Entry::Step(line) => line.failures().next().is_some(),
            })
    }

    /// The block as one line, for a screen that is too small.
    fn brief(&self, now: Instant) -> String {
        let latest = match self.entries.last() {
            None => "🔄 …".to_owned(),
            Some(Entry::Said(line)) => line.clone(),
            Some(Entry::Step(line)) => line.summary(now),
        };
        // The sign first: signs are two columns wide on every terminal, so the titles stand in one column.
        match latest.split_once(' ') {
            Some((sign, rest)) => format!("{sign} {}: {rest}", self.title),
            None => format!("{}: {latest}", self.title),
        }
    }
}

impl Line {
    /// Redeploys of all targets are one line: what people want to know is how many services are through.
    fn covers(&self, step: Step, target: &str) -> bool {
        match (is_redeploy(self.step), is_redeploy(step)) {
            (true, true) => true,
            _ => self.step == step && self.target == target,
        }
    }

    fn tally_of(&mut self, step: Step) -> &mut Tally {
        match step {
            Step::Activate => &mut self.asked,
            _ => &mut self.tally,
        }
    }

    fn places(&self) -> usize {
        self.tally.places().max(self.asked.places())
    }

    fn failures(&self) -> impl Iterator<Item = &(String, String)> {
        self.asked.failures().iter().chain(self.tally.failures())
    }

    fn is_over(&self) -> bool {
        let places = self.places();
        places > 0 && self.tally.count() + self.failures().count() >= places
    }

    fn summary(&self, now: Instant) -> String {
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

    fn write(&self, now: Instant, extent: Extent, lines: &mut Vec<String>) {
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
            Extent::Running => failures.len().min(SHOWN),
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

/// A line about when the next stage starts.
pub(super) fn soaking(stage: &str, until: Instant) -> String {
    format!(
        "⏳ Stage {} confirmed; the next starts after {}",
        sanitise(stage),
        when::moment(until)
    )
}
