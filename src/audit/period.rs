//! The time an export is about.

use chrono::{Datelike, Months, NaiveDate, NaiveTime};

use crate::model::Instant;

/// From an instant up to, but not including, another. Two periods in a row share no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first instant in it.
    pub from: Instant,
    /// The first instant after it.
    pub to: Instant,
}

impl Period {
    /// A calendar month in UTC; `None` if there is no such month.
    pub fn month(year: i32, month: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let next = first.checked_add_months(Months::new(1))?;
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Some(Self {
            from: midnight(first),
            to: midnight(next),
        })
    }

    /// The calendar month in UTC before the one `now` is in.
    pub fn last_month(now: Instant) -> Option<Self> {
        let before = now
            .date_naive()
            .with_day(1)?
            .checked_sub_months(Months::new(1))?;
        Self::month(before.year(), before.month())
    }

    /// Its ends, where it has any.
    pub fn bounds(&self) -> (Option<Instant>, Option<Instant>) {
        let from = (self.from > Instant::MIN_UTC).then_some(self.from);
        (from, (self.to < Instant::MAX_UTC).then_some(self.to))
    }

    /// The month it is, if it is one: `2024-02`.
    pub fn as_month(&self) -> Option<String> {
        let month = Self::month(self.from.year(), self.from.month())?;
        (month == *self).then(|| self.from.format("%Y-%m").to_string())
    }

    /// Whether the instant is in it.
    pub fn contains(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_half_open_and_the_leap_day_is_in_it() {
        let february = Period::month(2024, 2).unwrap();
        assert!(february.contains(instant("2024-02-29T23:59:59.999Z")));
        assert!(!february.contains(instant("2024-03-01T00:00:00Z")));
        assert!(!february.contains(instant("2024-01-31T23:59:59.999Z")));
        assert_eq!(Period::month(2024, 13), None);
    }

    #[test]
    fn the_month_before_january_is_december() {
        let december = Period::last_month(instant("2024-01-31T12:00:00Z"));
        assert_eq!(december, Period::month(2023, 12));
    }
}
