//! The sections of the page, each from what was counted.

use std::io::{self, Write};

use super::super::book::Closing;
use super::super::population::{Member, Standing};
use super::super::tables::{self, time};
use super::parts::{day, open_table, section};
use super::summary::{Summary, number};
use super::text::Escaped;
use super::{Page, chart, controls};

impl Page {
    pub(super) fn result(&self, closing: &Closing, out: &mut impl Write) -> io::Result<()> {
        let summary = &self.summary;
        let members = closing.members.len() as u64;
        let standing = |standing| {
            closing
                .members
                .iter()
                .filter(|member| member.standing == standing)
                .count() as u64
        };
        let (within, overdue) = (standing(Standing::Compliant), standing(Standing::Overdue));
        let on_time = summary.due - summary.late();
        writeln!(
            out,
            "<p class=\"lead\">{}</p>\n<div class=\"tiles\">",
            Escaped(&summary.sentence())
        )?;
        let tile = |out: &mut _, good: bool, figure: String, what: &str| {
            let class = if good { "good" } else { "bad" };
            writeln!(
                out as &mut dyn Write,
                "<div class=\"tile {class}\"><strong>{figure}</strong><span>{what}</span></div>"
            )
        };
        let open = summary.open_exceptions();
        let mut tiles = Vec::new();
        tile(
            &mut tiles,
            summary.rolled_back + summary.abandoned + summary.lost == 0,
            format!("{}/{}", summary.completed, summary.rotations()),
            "rotations completed",
        )?;
        tile(
            &mut tiles,
            on_time == summary.due,
            format!("{on_time}/{}", summary.due),
            "of those with a due date were on time",
        )?;
        tile(
            &mut tiles,
            overdue == 0,
            format!("{within}/{members}"),
            "secrets within their policy",
        )?;
        tile(
            &mut tiles,
            open == 0,
            format!("{open}/{}", summary.all_exceptions()),
            "exceptions still open",
        )?;
        out.write_all(&tiles)?;
        writeln!(out, "</div>")
    }

    pub(super) fn pictures(&self, closing: &Closing, out: &mut impl Write) -> io::Result<()> {
        section(out, 1, "Timeline", "")?;
        out.write_all(LEGEND.as_bytes())?;
        self.timeline.draw(self.ends(closing), out)?;
        section(
            out,
            2,
            "Age against policy",
            "How old the current key of each secret is; the dashed line is its due date.",
        )?;
        chart::ages(&closing.members, out)
    }

    pub(super) fn timeliness(&self, out: &mut impl Write) -> io::Result<()> {
        let summary = &self.summary;
        section(out, 7, "Timeliness and approval", "")?;
        let late = match summary.lateness() {
            Some((median, most)) => format!(
                "{} late; median {}, at most {}",
                summary.late(),
                tables::days(median),
                tables::days(most)
            ),
            None => "none late".to_owned(),
        };
        let leak = match summary.longest_leak {
            Some(took) => format!(
                "{}; the longest took {} minutes from the word of it to the refusal of the key",
                number(summary.emergencies, "rotation"),
                took.num_minutes()
            ),
            None => number(summary.emergencies, "rotation"),
        };
        writeln!(
            out,
            "<dl class=\"facts\"><dt>With a due date</dt><dd>{}, {late}</dd><dt>For a leak</dt><dd>{leak}</dd>\
             <dt>Asked for by hand</dt><dd>{}; {} with an approver, {} with a ticket, both as the requester stated them</dd>\
             <dt>Postponed</dt><dd>{}</dd><dt>Old key observed refused</dt><dd>{} of {} completed</dd></dl>",
            number(summary.due, "rotation"),
            number(summary.by_hand, "rotation"),
            summary.approved,
            summary.ticketed,
            number(summary.postponed, "time"),
            summary.refused,
            number(summary.completed, "rotation"),
        )
    }

    pub(super) fn integrity(&self, closing: &Closing, out: &mut impl Write) -> io::Result<()> {
        let extent = &closing.extent;
        section(
            out,
            9,
            "Integrity",
            "Every event carries the hash of the one before it. The whole log was read and recomputed from its first event when this page was written; it has no gap.",
        )?;
        let events = match extent.events {
            0 => "none in this period".to_owned(),
            count => format!(
                "{}, {} to {}",
                number(count, "event"),
                extent.before + 1,
                extent.last()
            ),
        };
        writeln!(
            out,
            "<dl class=\"facts\"><dt>Events</dt><dd>{events}</dd><dt>Hash before</dt><dd class=\"mono\">{}</dd><dt>Head</dt><dd class=\"mono\">{}</dd>",
            extent.before_hash, extent.head
        )?;
        let covered = closing
            .anchors
            .iter()
            .filter_map(|anchor| anchor.size.parse::<u64>().ok())
            .max();
        match covered {
            None => writeln!(
                out,
                "<dt>Anchors</dt><dd>none within the period: compare the head with a notice or with the next export</dd></dl>"
            ),
            Some(covered) => {
                for anchor in &closing.anchors {
                    writeln!(
                        out,
                        "<dt>Anchor</dt><dd>{}: {}, covers events 1 to {}</dd>",
                        time(Some(anchor.at)),
                        Escaped(&anchor.place),
                        Escaped(&anchor.size)
                    )?;
                }
                let left = extent.last().saturating_sub(covered);
                writeln!(
                    out,
                    "<dt>Not covered</dt><dd>{}</dd></dl>",
                    number(left, "event")
                )
            }
        }
    }
}

pub(super) fn population(closing: &Closing, out: &mut impl Write) -> io::Result<()> {
    let census = &closing.census;
    section(
        out,
        3,
        "Is this all of them?",
        "The population at the beginning, what came and went by the log, and what is there at the end, counted anew.",
    )?;
    let verdict = if census.adds_up() {
        "it adds up"
    } else {
        "IT DOES NOT ADD UP"
    };
    writeln!(
        out,
        "<div class=\"sum\"><div><strong>{}</strong><span>at the beginning</span></div><i>+</i><div><strong>{}</strong><span>added</span></div><i>−</i>\
         <div><strong>{}</strong><span>removed</span></div><i>=</i><div><strong>{}</strong><span>at the end</span></div><i>{verdict}</i></div>",
        census.opening, census.added, census.removed, census.closing
    )?;
    section(out, 4, "Secrets", "")?;
    open_table(
        &[
            "Service",
            "Status",
            "Current key",
            "Age",
            "Next due",
            "Policy",
            "Owner",
            "Issuer and targets",
        ],
        out,
    )?;
    for member in &closing.members {
        secret(member, out)?;
    }
    writeln!(out, "</tbody></table></div>")
}

fn secret(member: &Member, out: &mut impl Write) -> io::Result<()> {
    let fact = |name: &str| member.about.get(name).map_or("", String::as_str);
    let joined = |names: [&str; 2]| {
        let said = names.map(fact).into_iter().filter(|text| !text.is_empty());
        said.collect::<Vec<_>>().join(", ")
    };
    let tone = match member.standing {
        Standing::Compliant => "good",
        Standing::Overdue | Standing::Stuck | Standing::NeverAdopted => "bad",
        _ => "warn",
    };
    let every = match fact("every") {
        "" => String::new(),
        every => format!("every {every}"),
    };
    let age = member.age_days.map(tables::days).unwrap_or_default();
    let key = member.current.as_ref().map_or("", |key| key.hint.as_str());
    writeln!(
        out,
        "<tr><td>{}<small>{}</small></td><td><span class=\"tag {tone}\">{}</span></td><td class=\"mono\">{}</td><td>{age}<small>{} valid</small></td><td>{}</td><td>{}<small>{}</small></td><td>{}<small>{}</small></td><td>{}<small>{}</small></td></tr>",
        Escaped(&member.name),
        Escaped(fact("purpose")),
        member.standing.as_str(),
        Escaped(key),
        number(member.live_keys as u64, "key"),
        day(member.due),
        Escaped(&every),
        Escaped(fact("policy_ref")),
        Escaped(fact("owner")),
        Escaped(&joined(["environment", "criticality"])),
        Escaped(fact("issuer")),
        Escaped(fact("targets")),
    )
}

pub(super) fn mapping(
    summary: &Summary,
    closing: &Closing,
    out: &mut impl Write,
) -> io::Result<()> {
    section(
        out,
        10,
        "Which controls this speaks to",
        "It is evidence for these controls, not a statement that they are met.",
    )?;
    open_table(
        &["Control", "What this page shows", "What it does not show"],
        out,
    )?;
    for control in controls::controls(summary, closing) {
        writeln!(
            out,
            "<tr><td><strong>{}</strong><small>{}</small></td><td>{}</td><td>{}</td></tr>",
            control.id,
            Escaped(control.about),
            Escaped(&control.shown),
            Escaped(control.not_shown)
        )?;
    }
    writeln!(out, "</tbody></table></div>")
}

const LEGEND: &str = "<ul class=\"key\">\
<li><svg viewBox=\"0 0 16 12\"><rect class=\"span done\" y=\"3\" width=\"16\" height=\"6\" rx=\"3\"/></svg>rotation, until the old key was refused</li>\
<li><svg viewBox=\"0 0 16 12\"><circle class=\"dot\" cx=\"8\" cy=\"6\" r=\"4.5\"/></svg>new key current everywhere</li>\
<li><svg viewBox=\"0 0 16 12\"><path class=\"cross\" d=\"M4 2l7 7m0-7l-7 7\"/></svg>old key refused</li>\
<li><svg viewBox=\"0 0 16 12\"><circle class=\"hollow\" cx=\"8\" cy=\"6\" r=\"4\"/></svg>adopted</li>\
<li><svg viewBox=\"0 0 16 12\"><rect class=\"hollow\" x=\"4\" y=\"2\" width=\"7\" height=\"7\"/></svg>postponed</li>\
<li><svg viewBox=\"0 0 16 12\"><rect class=\"span back\" y=\"3\" width=\"16\" height=\"6\" rx=\"3\"/></svg>taken back</li>\
<li><svg viewBox=\"0 0 16 12\"><rect class=\"span open\" y=\"3\" width=\"16\" height=\"6\" rx=\"3\"/></svg>open at the end</li>\
<li><svg viewBox=\"0 0 16 12\"><path class=\"trouble\" d=\"M8 1l5 9h-10z\"/></svg>exception</li></ul>\n";
