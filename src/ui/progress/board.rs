//! What a person sees while rotations run, as lines: a block per secret, a line per step and target.
//!
//! Nothing here draws. [`Board::lines`] is a function of what was told, the time and the size of the screen.

use crate::ledger::Step;
use crate::model::{Instant, SecretName, sanitise, when};
use crate::ui::Size;
use crate::ui::fit::fit;

use super::line::{Extent, Line};
use super::tally::Tally;
use super::words::Way;

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

    /// The steps of one secret, as they are posted.
    pub(super) fn steps(&self, secret: &SecretName, now: Instant) -> Vec<String> {
        let block = self.blocks.iter().find(|block| block.secret == *secret);
        let mut lines = Vec::new();
        if let Some(block) = block {
            block.entries(now, Extent::Posted, &mut lines);
        }
        lines
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

    /// The new key exists, whether or not its making was announced as a step.
    pub(super) fn issued(&mut self) {
        let open = self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Step(line) if line.is_issue() && !line.is_over() => Some(line),
            _ => None,
        });
        match open {
            Some(line) => line.tally_of(Step::Issue).done(""),
            None => self.said("✅ New key generated".to_owned()),
        }
    }

    /// Adds a line to the steps.
    pub(super) fn said(&mut self, line: String) {
        self.entries.push(Entry::Said(line));
    }

    /// From here on the rotation goes back.
    pub(super) fn turn_back(&mut self) {
        self.way = Way::Back;
        for entry in &mut self.entries {
            if let Entry::Step(line) = entry {
                line.cut();
            }
        }
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
            Entry::Step(line) => line.covers(step, target, way) && !line.is_over(),
        });
        let at = found.unwrap_or_else(|| {
            self.entries
                .push(Entry::Step(Line::new(step, target, spoken, way, now)));
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
        self.entries(now, extent, &mut lines);
        lines
    }

    fn entries(&self, now: Instant, extent: Extent, lines: &mut Vec<String>) {
        for entry in &self.entries {
            match entry {
                Entry::Said(line) => lines.push(line.clone()),
                Entry::Step(line) => line.write(now, extent, lines),
            }
        }
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
        let open = self.entries.iter().find(|entry| match entry {
            Entry::Said(_) => false,
            Entry::Step(line) => !line.is_over(),
        });
        let latest = match open.or(self.entries.last()) {
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

/// A line about when the next stage starts.
pub(super) fn soaking(stage: &str, until: Instant) -> String {
    format!(
        "⏳ Stage {} confirmed; the next starts after {}",
        sanitise(stage),
        when::moment(until)
    )
}
