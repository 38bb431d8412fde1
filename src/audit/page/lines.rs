//! The rows of the page's tables, written as they come.

use std::io::{self, Write};

use super::super::change::Change;
use super::super::exception::Deviation;
use super::super::export::Sink;
use super::super::row::{Key, Row, Status};
use super::super::tables::{self, event};
use super::Page;
use super::parts::{day, stamp};
use super::summary::number;
use super::text::{Escaped, few};

impl Sink for Page {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.summary.row(row);
        self.timeline.row(row);
        let hint = |key: &Option<Key>| key.as_ref().map(|key| key.hint.clone()).unwrap_or_default();
        let (old, new) = (hint(&row.old), hint(&row.new));
        let keys = match (old.is_empty(), new.is_empty()) {
            (false, false) => format!("{old} → {new}"),
            _ => format!("{old}{new}"),
        };
        let tone = match row.status {
            Status::Completed | Status::Adopted => "good",
            Status::RolledBack | Status::Abandoned | Status::Stuck => "bad",
            _ => "warn",
        };
        let status = match row.status {
            Status::Postponed(_) => "postponed".to_owned(),
            status => tables::status(status),
        };
        let late = row
            .days_late()
            .map(|days| format!("<small>{} late</small>", tables::days(days)));
        let mut why = row.trigger.to_owned();
        for (label, text) in [
            ("", &row.reason),
            ("approved by ", &row.approved_by),
            ("ticket ", &row.ticket),
        ] {
            if !text.is_empty() {
                let joint = if why.is_empty() { "" } else { "; " };
                why.push_str(&format!("{joint}{label}{text}"));
            }
        }
        let sites = match row.sites.len() {
            0 => String::new(),
            count => format!(
                "{}: {}",
                number(count as u64, "site"),
                few(row.sites.iter(), 3)
            ),
        };
        let out = self.rows.line();
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"mono\">{}</td><td><span class=\"tag {tone}\">{}</span></td><td>{}</td><td>{}{}</td><td>{}</td><td>{}<small>{}</small></td><td>{}<small>{}</small></td></tr>",
            Escaped(&row.service),
            Escaped(&keys),
            Escaped(&status),
            day(row.dates.due),
            stamp(
                row.dates
                    .promoted
                    .or(row.completed.filter(|_| !row.is_rotation()))
            ),
            late.unwrap_or_default(),
            stamp(row.dates.old_refused),
            Escaped(&few(row.who.iter(), 2)),
            Escaped(&why),
            Escaped(&few(row.verified.iter(), 3)),
            Escaped(&sites),
        )
    }

    fn deviation(&mut self, deviation: &Deviation) -> io::Result<()> {
        self.summary.deviation(deviation);
        let one = &deviation.exception;
        let closed = match one.closed {
            Some(at) => stamp(Some(at)),
            None => "<span class=\"tag bad\">open</span>".to_owned(),
        };
        let out = self.exceptions.line();
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{closed}</td><td>{}</td><td>{}</td></tr>",
            stamp(Some(one.opened)),
            Escaped(&deviation.service),
            one.kind.as_str(),
            Escaped(&one.reason),
            Escaped(&deviation.owner),
            event(one.event),
        )
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        let out = self.changes.line();
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            stamp(Some(change.at)),
            Escaped(&change.what),
            Escaped(&change.service),
            Escaped(&change.detail),
            Escaped(&change.who),
            event(change.event),
        )
    }
}
