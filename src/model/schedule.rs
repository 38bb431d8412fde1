//! When a secret is due: computed from when it was last rotated, never from "today".

use std::fmt;
use std::str::FromStr;

use chrono::{Months, NaiveTime, TimeDelta};
use croner::Cron;

use super::{Instant, Span};

/// How often a secret is rotated.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// A fixed time after the last rotation: `30d`, `weekly`. Whole days end at midnight, UTC.
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
    ///
    /// What is counted in days is due on a day, from its first second on. A rotation ends some minutes after the cron
    /// job that ran it began: counted to the second, the job at that hour thirty days later would find it not quite due.
    pub fn due_after(&self, last: Instant) -> Option<Instant> {
        match self {
            Self::Every(span) => {
                let due = last.checked_add_signed(span.delta())?;
                let in_days = span.delta() == TimeDelta::days(span.delta().num_days());
                Some(if in_days { midnight(due) } else { due })
            }
            Self::Monthly(months) => last.checked_add_months(Months::new(*months)).map(midnight),
            Self::Cron { pattern, .. } => pattern.find_next_occurrence(&last, false).ok(),
        }
    }

    /// The usual time between two rotations, for checks such as "the grace is longer than the interval".
    pub fn interval(&self, from: Instant) -> Option<TimeDelta> {
        let first = self.due_after(from)?;
        Some(self.due_after(first)? - first)
    }
}

fn midnight(at: Instant) -> Instant {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn due(schedule: &str, last: &str) -> String {
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let due = schedule.due_after(last.parse().expect("an instant"));
        due.expect("it comes round").format("%F %T").to_string()
    }

    #[test]
    fn the_same_cron_job_finds_it_due_however_long_the_last_rotation_took() {
        let promoted = "2024-02-18T09:02:31Z";
        assert_eq!(due("30d", promoted), "2024-03-19 00:00:00");
        assert_eq!(due("weekly", promoted), "2024-02-25 00:00:00");
        assert_eq!(due("monthly", promoted), "2024-03-18 00:00:00");
        assert_eq!(due("36h", promoted), "2024-02-19 21:02:31");
        assert_eq!(due("0 3 1 * *", promoted), "2024-03-01 03:00:00");
    }

    #[test]
    fn a_month_that_is_too_short_gives_its_last_day() {
        assert_eq!(
            due("monthly", "2024-01-31T09:00:00Z"),
            "2024-02-29 00:00:00"
        );
    }
}
