//! `freeze:`: times in which no rotation begins.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::model::{Freeze, Instant, Schedule, Span};

use super::complaint::Complaints;
use super::fields::Fields;
use super::file::Node;

/// Reads the list.
pub(super) fn read(nodes: &[Node<'_>], complaints: &Complaints<'_>) -> Vec<Freeze> {
    let one = |(number, node)| freeze(number + 1, node, complaints);
    nodes.iter().enumerate().filter_map(one).collect()
}

fn freeze(number: usize, node: &Node<'_>, complaints: &Complaints<'_>) -> Option<Freeze> {
    let mut fields = Fields::of(format!("freeze {number}"), node, complaints)?;
    let once = fields.has("from") || fields.has("to");
    let freeze = if once {
        between(&mut fields)
    } else {
        again(&mut fields)
    };
    // For whoever reads the file.
    fields.text("reason");
    fields.close();
    freeze
}

fn between(fields: &mut Fields<'_, '_>) -> Option<Freeze> {
    let hint = "write both ends, such as `{ from: 2024-12-20, to: 2025-01-02 }`";
    let from = fields.needed_with("from", instant, hint);
    let to = fields.needed_with("to", instant, hint);
    let ((from, _), (to, at)) = (from?, to?);
    if to <= from {
        let what = format!("{}: `to` is not after `from`", fields.of);
        fields.complaints.add(at, what);
    }
    Some(Freeze::Between { from, to })
}

fn again(fields: &mut Fields<'_, '_>) -> Option<Freeze> {
    let hint = "write when it begins and how long it lasts, such as `{ begins: \"0 16 * * 5\", lasts: 64h }`";
    let begins = fields.needed_with("begins", Schedule::parse, hint);
    let span = |text: &str| Span::parse(text).map_err(|why| why.to_string());
    let lasts = fields.needed_with("lasts", span, hint);
    let ((begins, at), (lasts, _)) = (begins?, lasts?);
    if !matches!(begins, Schedule::Cron { .. }) {
        let what = format!("{}: `begins` is no cron expression", fields.of);
        fields.complaints.advise(at, what, hint);
        return None;
    }
    let interval = begins.interval(Instant::UNIX_EPOCH + chrono::TimeDelta::days(20_000));
    if interval.is_some_and(|interval| lasts.delta() >= interval) {
        let what = format!("{}: it never ends: `lasts` reaches the next one", fields.of);
        fields.complaints.add(at, what);
        return None;
    }
    Some(Freeze::Again { begins, lasts })
}

/// A day, from its first instant, or an instant. UTC.
fn instant(text: &str) -> Result<Instant, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| {
            format!(
                "`{}` is not a time; write `2024-12-20` or `2024-12-20T16:00:00Z`",
                text.escape_debug()
            )
        })
}
