//! `audit export --html`: one self-contained page that reads well and prints to a clean PDF.
//!
//! No script, nothing loaded, everything from outside escaped; a policy in the page itself forbids the rest. Rows are
//! kept in temporary files while the log is read, since the figures above them are only known at its end. Those files
//! have no name and hold what the page holds: no secret.

mod chart;
mod controls;
mod lines;
mod parts;
mod sections;
mod summary;
mod text;

use std::io::{self, Write};

use crate::ledger::{Digest, Events, LedgerId};
use crate::model::Instant;

use super::Period;
use super::book::Closing;
use super::export::{ExportError, read};
use super::tables::time;

use chart::Timeline;
use parts::{Part, section};
use sections::{mapping, population};
use summary::{Summary, number};
use text::Escaped;

const STYLE: &str = include_str!("style.css");

/// Which log the page is about.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The ledger.
    pub ledger: LedgerId,
    /// The time.
    pub period: Period,
}

/// Writes the page and says the hash of the newest event it covers.
pub fn export(
    identity: Identity,
    events: Events<'_>,
    now: Instant,
    mut out: impl Write,
) -> Result<Digest, ExportError> {
    let mut page = Page::of(identity)?;
    let closing = read(events, (identity.period, now), &mut page)?;
    page.finish(&closing, &mut out)?;
    out.flush()?;
    Ok(closing.extent.head)
}

/// A page that is being filled.
pub(super) struct Page {
    identity: Identity,
    summary: Summary,
    timeline: Timeline,
    rows: Part,
    exceptions: Part,
    changes: Part,
}

impl Page {
    pub(super) fn of(identity: Identity) -> io::Result<Self> {
        Ok(Self {
            identity,
            summary: Summary::default(),
            timeline: Timeline::default(),
            rows: Part::new()?,
            exceptions: Part::new()?,
            changes: Part::new()?,
        })
    }

    /// Puts the page together.
    pub(super) fn finish(mut self, closing: &Closing, out: &mut impl Write) -> io::Result<()> {
        self.head(closing, out)?;
        self.result(closing, out)?;
        self.pictures(closing, out)?;
        population(closing, out)?;
        section(
            out,
            5,
            "Rotations",
            "One row a rotation, adoption or postponement. Every date and every observation is in rotations.csv.",
        )?;
        self.rows.table(
            &[
                "Service",
                "Keys",
                "Status",
                "Due",
                "Current from",
                "Old key refused",
                "Who",
                "How it was verified",
            ],
            out,
        )?;
        section(
            out,
            6,
            "Exceptions",
            "What was not as it should be, from when to when.",
        )?;
        self.exceptions.table(
            &[
                "Since", "Service", "Kind", "Reason", "Closed", "Owner", "Event",
            ],
            out,
        )?;
        self.timeliness(out)?;
        section(
            out,
            8,
            "Changes",
            "Configuration, policies, and which secrets came and went.",
        )?;
        self.changes.table(
            &["Recorded", "What", "Service", "Detail", "Who", "Event"],
            out,
        )?;
        self.integrity(closing, out)?;
        mapping(&self.summary, closing, out)?;
        out.write_all(FOOT.as_bytes())
    }

    fn head(&self, closing: &Closing, out: &mut impl Write) -> io::Result<()> {
        let period = self.period(closing);
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Key rotation evidence, {period}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header>\n<h1>Key rotation evidence</h1>\n<p class=\"period\">{period}</p>"
        )?;
        let (from, to) = self.identity.period.bounds();
        let bound = |at: Option<Instant>, none: &str| {
            if at.is_some() {
                time(at)
            } else {
                none.to_owned()
            }
        };
        writeln!(
            out,
            "<dl class=\"facts\"><dt>Scope</dt><dd>{} managed by rotakey under one ledger</dd>\
             <dt>Period</dt><dd>{} up to, not including, {} (UTC); population as of {}</dd>\
             <dt>Ledger</dt><dd class=\"mono\">{}</dd><dt>Head</dt><dd class=\"mono\">{} (event {})</dd>\
             <dt>Written by</dt><dd>rotakey {}; configuration <span class=\"mono\">{}</span></dd></dl>\n</header>",
            number(closing.census.closing, "secret"),
            bound(from, "the first event"),
            bound(to, "the newest event"),
            time(Some(closing.as_of)),
            self.identity.ledger,
            closing.extent.head,
            closing.extent.last(),
            env!("CARGO_PKG_VERSION"),
            Escaped(
                closing
                    .running
                    .get("config")
                    .map_or("not recorded", String::as_str)
            ),
        )
    }

    /// The period as people say it.
    fn period(&self, closing: &Closing) -> String {
        let period = self.identity.period;
        if period.as_month().is_some() {
            return period.from.format("%B %Y").to_string();
        }
        let (from, to) = self.ends(closing);
        format!("{} to {}", from.format("%Y-%m-%d"), to.format("%Y-%m-%d"))
    }

    /// From where to where there is anything to draw.
    fn ends(&self, closing: &Closing) -> (Instant, Instant) {
        let (from, to) = self.identity.period.bounds();
        let from = from.or(closing.extent.first_at).unwrap_or(closing.as_of);
        (from, to.unwrap_or(closing.as_of).max(from))
    }
}

const FOOT: &str = "<h2><b>11</b>How to check this</h2>\n\
<p>This page is a view. What can be checked is the bundle it belongs to (<code>rotakey audit export --bundle DIR</code>): \
<code>sha256sum -c SHA256SUMS</code> and <code>python3 verify.py</code> need neither rotakey nor a key. With rotakey:</p>\n\
<pre>rotakey audit verify DIR             compares the bundle with today's log\n\
rotakey audit verify --alone DIR …   without the ledger: each bundle in itself, and that one continues the other</pre>\n\
<p class=\"note\">A chain alone does not stop somebody who can write the ledger from writing another one. Compare the head above with \
one that was kept elsewhere: in a notice, in a signed tag, in a time stamp, in an earlier export.</p>\n\
<h2><b>12</b>Reviewed</h2>\n<div class=\"sign\"><div>Name and role</div><div>Date</div><div>Signature</div><div>Remarks</div></div>\n</body>\n</html>\n";
