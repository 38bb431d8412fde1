//! When a secret is due: computed from when it was last rotated, never from "today".

use std::fmt;
use std::str::FromStr;

use chrono::{Months, TimeDelta};
use croner::Cron;

use super::{Instant, Span};

/// How often a secret is rotated.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// A fixed time after the last rotation: `30d`, `weekly`.
    Every(Span),
    /// The same day of the month so many months later; the last day where the month is shorter.
    Monthly(u32),
    /// The next time a cron expression matches, in UTC.
    Cron {
        /// As it was written.
        text: String,
        /// As it is understood.
        pattern: Box<Cron>,
    },
}

impl Schedule {
    /// Reads `30d`, `12h`, `weekly`, `monthly`, `quarterly`, or a cron expression of five fields.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "daily" => return Ok(Self::Every(Span::days(1))),
            "weekly" => return Ok(Self::Every(Span::days(7))),
            "monthly" => return Ok(Self::Monthly(1)),
            "quarterly" => return Ok(Self::Monthly(3)),
            _ => {}
        }
        // `30 days` is a slip, not a cron expression with two fields.
        if text.split_whitespace().count() != 5 {
            let span = Span::parse(text).map_err(|_| {
                format!(
                    "`{}` is not a schedule; write `30d`, `weekly`, `monthly`, `quarterly` or a cron expression of five \
                     fields, such as `0 3 1 * *`",
                    text.escape_debug()
                )
            })?;
            return match span {
                Span::ZERO => Err("a schedule of no time at all would rotate for ever".to_owned()),
                span => Ok(Self::Every(span)),
            };
        }
        let pattern = Cron::from_str(text).map_err(|_| {
            format!(
                "`{}` is not a cron expression; it takes minute, hour, day, month and weekday, such as `0 3 1 * *`",
                text.escape_debug()
            )
        })?;
        Ok(Self::Cron {
            text: text.to_owned(),
            pattern: Box::new(pattern),
        })
    }

    /// The first instant after `last` at which the secret is due. `None` if a cron expression never matches again.
    pub fn due_after(&self, last: Instant) -> Option<Instant> {
        match self {
            Self::Every(span) => last.checked_add_signed(span.delta()),
            Self::Monthly(months) => last.checked_add_months(Months::new(*months)),
            Self::Cron { pattern, .. } => pattern.find_next_occurrence(&last, false).ok(),
        }
    }

    /// The usual time between two rotations, for checks such as "the grace is longer than the interval".
    pub fn interval(&self, from: Instant) -> Option<TimeDelta> {
        let first = self.due_after(from)?;
        Some(self.due_after(first)? - first)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(span) => write!(out, "{span}"),
            Self::Monthly(1) => out.write_str("monthly"),
            Self::Monthly(3) => out.write_str("quarterly"),
            Self::Monthly(months) => write!(out, "{months} months"),
            Self::Cron { text, .. } => write!(out, "cron {text}"),
        }
    }
}
