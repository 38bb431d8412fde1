//! Which period of the audit log is meant.

use crate::audit::Period;
use crate::commands::typed::{self, Month};
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
    /// The period, and how a file name says it.
    pub(super) fn period(&self, now: Instant) -> (Period, String) {
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
