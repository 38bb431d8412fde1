//! Which period of the audit log is meant.

use chrono::SecondsFormat;

use crate::audit::Period;
use crate::commands::typed::{self, Month};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::model::Instant;

/// A period, half open, in UTC. Without any of these: everything so far.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("period").args(["month", "last_month", "from"]))]
pub struct PeriodArgs {
    /// A calendar month: `2024-02`
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    pub month: Option<Month>,

    /// The calendar month before this one
    #[arg(long)]
    pub last_month: bool,

    /// From this time on: `2024-02-18` or `2024-02-18T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = typed::instant)]
    pub from: Option<Instant>,

    /// Up to this time, which is not part of it
    #[arg(long, value_name = "TIME", value_parser = typed::instant, conflicts_with_all = ["month", "last_month"])]
    pub to: Option<Instant>,
}

impl PeriodArgs {
    /// The period, and how a file name says it. One without any time in it would be evidence that nothing happened.
    pub(super) fn period(&self, now: Instant) -> Result<(Period, String)> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            let said = |at: Instant| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let (from, to) = (said(from), said(to));
            let what = format!("no time lies between `--from {from}` and `--to {to}`");
            return Err(Error::says(Exit::Usage, what).hint("let `--to` be later than `--from`"));
        }
        Ok(self.said(now))
    }

    fn said(&self, now: Instant) -> (Period, String) {
        let month = self
            .month
            .or_else(|| self.last_month.then(|| Month::before(now)));
        if let Some(month) = month {
            return (
                Period {
                    from: month.from(),
                    to: month.to(),
                },
                format!("-{month}"),
            );
        }
        let day = |at: Instant| at.format("%Y-%m-%d").to_string();
        let name = match (self.from, self.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!("-from-{}", day(from)),
            (None, Some(to)) => format!("-to-{}", day(to)),
            (Some(from), Some(to)) => format!("-{}-{}", day(from), day(to)),
        };
        let from = self.from.unwrap_or(Instant::MIN_UTC);
        (
            Period {
                from,
                to: self.to.unwrap_or(Instant::MAX_UTC),
            },
            name,
        )
    }
}
