//! The two pictures: what happened when, and how old each key is against what its policy allows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use chrono::{Datelike, Months, TimeDelta};

use crate::model::Instant;

use super::super::population::{Member, Standing};
use super::super::row::{Row, Status};
use super::text::Escaped;

/// So many secrets fit into a picture; the tables hold them all.
const LANES: usize = 24;
const LANE: usize = 22;
const LEFT: usize = 160;
const WIDTH: usize = 960;
const PLOT: usize = WIDTH - LEFT - 20;

/// What happened to each secret, to four hours: finer than a picture of a month can show.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    lanes: BTreeMap<String, BTreeSet<(i64, Mark)>>,
}

/// What is drawn at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// A line from a beginning, so many slots long.
    Span(i64, Course),
    Adopted,
    Postponed,
    Promoted,
    Refused,
    Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Course {
    Done,
    Back,
    Open,
}

fn slot(at: Instant) -> i64 {
    at.timestamp().div_euclid(4 * 3600)
}

impl Timeline {
    pub(super) fn row(&mut self, row: &Row) {
        let lane = self.lanes.entry(row.service.clone()).or_default();
        let begun = slot(row.started);
        match row.status {
            Status::Adopted => drop(lane.insert((begun, Mark::Adopted))),
            Status::Postponed(_) => drop(lane.insert((begun, Mark::Postponed))),
            _ => {
                let course = match row.status {
                    Status::Completed => Course::Done,
                    Status::RolledBack | Status::Abandoned => Course::Back,
                    _ => Course::Open,
                };
                // One that is open is drawn to the edge.
                let length = row.completed.map_or(i64::MAX, |end| slot(end) - begun);
                lane.insert((begun, Mark::Span(length, course)));
            }
        }
        let points = [
            (row.dates.promoted, Mark::Promoted),
            (row.dates.old_refused, Mark::Refused),
        ];
        lane.extend(
            points
                .into_iter()
                .filter_map(|(at, mark)| Some((slot(at?), mark))),
        );
        if row.is_rotation() {
            lane.extend(
                row.exceptions
                    .iter()
                    .map(|one| (slot(one.opened), Mark::Trouble)),
            );
        }
    }

    /// Draws it between these instants.
    pub(super) fn draw(
        &self,
        (from, to): (Instant, Instant),
        out: &mut impl Write,
    ) -> io::Result<()> {
        let shown = self.lanes.len().min(LANES);
        let height = shown.max(1) * LANE + 38;
        writeln!(
            out,
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Rotations in time, a line a secret\">"
        )?;
        let x = |at: i64| scale(at, slot(from), slot(to));
        for (at, label) in ticks(from, to) {
            let x = x(slot(at));
            writeln!(
                out,
                "<line class=\"grid\" x1=\"{x}\" y1=\"6\" x2=\"{x}\" y2=\"{}\"/><text class=\"axis\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                height - 24,
                height - 8
            )?;
        }
        for (number, (name, marks)) in self.lanes.iter().take(shown).enumerate() {
            let y = number * LANE + 22;
            writeln!(
                out,
                "<text class=\"lane\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><line class=\"rail\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>",
                LEFT - 10,
                y + 4,
                Escaped(&short(name)),
                LEFT + PLOT
            )?;
            // Lines below, points above.
            let mut drawn: Vec<(u8, String)> = marks
                .iter()
                .map(|(at, mark)| mark.draw(*at, y, &x))
                .collect();
            drawn.sort();
            drawn.dedup();
            for (_, shape) in drawn {
                out.write_all(shape.as_bytes())?;
            }
            out.write_all(b"\n")?;
        }
        if shown == 0 {
            writeln!(
                out,
                "<text class=\"axis\" x=\"{}\" y=\"24\">nothing happened</text>",
                LEFT + 10
            )?;
        }
        out.write_all(b"</svg>\n")?;
        more(self.lanes.len(), "rotations", out)
    }
}

impl Mark {
    fn draw(self, at: i64, y: usize, x: &impl Fn(i64) -> usize) -> (u8, String) {
        let here = x(at);
        match self {
            Mark::Span(length, course) => {
                let class = match course {
                    Course::Done => "done",
                    Course::Back => "back",
                    Course::Open => "open",
                };
                let width = (x(at.saturating_add(length)) - here).max(4);
                let shape = format!(
                    "<rect class=\"span {class}\" x=\"{here}\" y=\"{}\" width=\"{width}\" height=\"6\" rx=\"3\"/>",
                    y - 3
                );
                (0, shape)
            }
            Mark::Adopted => (
                1,
                format!("<circle class=\"hollow\" cx=\"{here}\" cy=\"{y}\" r=\"4\"/>"),
            ),
            Mark::Postponed => (
                1,
                format!(
                    "<rect class=\"hollow\" x=\"{}\" y=\"{}\" width=\"7\" height=\"7\"/>",
                    here - 3,
                    y - 3
                ),
            ),
            Mark::Promoted => (
                2,
                format!("<circle class=\"dot\" cx=\"{here}\" cy=\"{y}\" r=\"4.5\"/>"),
            ),
            Mark::Refused => {
                let shape = format!(
                    "<path class=\"cross\" d=\"M{} {}l7 7m0-7l-7 7\"/>",
                    here.saturating_sub(3),
                    y - 4
                );
                (3, shape)
            }
            Mark::Trouble => {
                let shape = format!(
                    "<path class=\"trouble\" d=\"M{here} {}l5 9h-10z\"/>",
                    y - 14
                );
                (4, shape)
            }
        }
    }
}

/// How old each key is against what its policy allows: full is due.
pub(super) fn ages(members: &[Member], out: &mut impl Write) -> io::Result<()> {
    let mut aged: Vec<(&Member, i64, i64)> = members
        .iter()
        .filter_map(|member| Some((member, member.age_days?, member.allowed_days?)))
        .collect();
    // The nearest to its end first.
    aged.sort_by(|a, b| (b.1 * a.2).cmp(&(a.1 * b.2)).then(a.0.name.cmp(&b.0.name)));
    let shown = aged.len().min(LANES);
    let height = shown.max(1) * LANE + 30;
    let full = PLOT * 3 / 4 - 40;
    writeln!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Age of each key against its policy\">"
    )?;
    let limit = LEFT + full;
    for (share, label) in [(0, "new"), (2, "half"), (4, "due")] {
        let x = LEFT + full * share / 4;
        let class = if share == 4 { "limit" } else { "grid" };
        writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x}\" y1=\"4\" x2=\"{x}\" y2=\"{}\"/><text class=\"axis\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            height - 22,
            height - 7
        )?;
    }
    for (number, (member, age, allowed)) in aged.iter().take(shown).enumerate() {
        let y = number * LANE + 17;
        let length = usize::try_from(*age * full as i64 / allowed).unwrap_or_default();
        // What is far beyond its policy ends at the edge; its figure says how far.
        let length = length.clamp(3, PLOT - 110);
        let class = match member.standing {
            Standing::Overdue | Standing::Stuck => "back",
            Standing::Postponed | Standing::InProgress => "open",
            _ => "done",
        };
        writeln!(
            out,
            "<text class=\"lane\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"span {class}\" x=\"{LEFT}\" y=\"{}\" width=\"{length}\" height=\"10\" rx=\"3\"/><text class=\"figure\" x=\"{}\" y=\"{}\">{age} of {allowed} days</text>",
            LEFT - 10,
            y + 4,
            Escaped(&short(&member.name)),
            y - 5,
            (LEFT + length).max(limit) + 10,
            y + 4
        )?;
    }
    if shown == 0 {
        writeln!(
            out,
            "<text class=\"axis\" x=\"{}\" y=\"24\">no key with a policy</text>",
            LEFT + 10
        )?;
    }
    out.write_all(b"</svg>\n")?;
    more(aged.len(), "population", out)
}

fn more(all: usize, file: &str, out: &mut impl Write) -> io::Result<()> {
    match all.saturating_sub(LANES) {
        0 => Ok(()),
        left => writeln!(
            out,
            "<p class=\"note\">{left} more secrets are in the table of {file}.</p>"
        ),
    }
}

fn scale(at: i64, from: i64, to: i64) -> usize {
    let (at, width) = (at.clamp(from, to) - from, (to - from).max(1));
    LEFT + usize::try_from(at * PLOT as i64 / width).unwrap_or_default()
}

/// Some six to ten days, months or years along the axis.
fn ticks(from: Instant, to: Instant) -> Vec<(Instant, String)> {
    let days = (to - from).num_days().max(1);
    let mut ticks = Vec::new();
    let midnight = |at: Instant| at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    if days <= 100 {
        let step = TimeDelta::days((days / 7).max(1));
        let mut at = midnight(from);
        while at < to {
            if at >= from {
                ticks.push((at, at.format("%b %-d").to_string()));
            }
            at += step;
        }
        return ticks;
    }
    let months = u32::try_from(days / 30 / 7 + 1).unwrap_or(1);
    let mut at = midnight(from).with_day(1);
    while let Some(first) = at.filter(|first| *first < to) {
        if first >= from {
            ticks.push((first, first.format("%b %Y").to_string()));
        }
        at = first.checked_add_months(Months::new(months));
    }
    ticks
}

fn short(name: &str) -> String {
    const MOST: usize = 20;
    match name.chars().count() > MOST {
        true => name.chars().take(MOST - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
