//! How dates and months are read from the command line. Always UTC.

use chrono::{DateTime, Months, NaiveDate, Utc};

use crate::model::Instant;

/// A calendar month, half open: from its first instant up to the first instant of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// Reads `2024-02`.
    pub fn parse(text: &str) -> Result<Self, String> {
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
            .ok()
            .filter(|_| text.len() == 7)
            .map(|first| Self { first })
            .ok_or_else(|| "a month is written `2024-02`".to_owned())
    }

    /// The month before the one in which `now` lies.
    pub fn before(now: Instant) -> Self {
        let first = chrono::Datelike::with_day(&now.date_naive(), 1).unwrap_or_default();
        Self {
            first: first - Months::new(1),
        }
    }

    /// The first instant of the month.
    pub fn from(self) -> Instant {
        midnight(self.first)
    }

    /// The first instant after the month.
    pub fn to(self) -> Instant {
        midnight(self.first + Months::new(1))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.first.format("%Y-%m"))
    }
}

/// Reads `2024-02-18` (its first instant) or `2024-02-18T09:00:00Z`.
pub fn instant(text: &str) -> Result<Instant, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(midnight(day));
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| {
            "a time is written `2024-02-18` or `2024-02-18T09:00:00Z`; both are UTC".to_owned()
        })
}

fn midnight(day: NaiveDate) -> Instant {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month = Month::parse("2024-02").expect("a month");
        assert_eq!(month.from().to_rfc3339(), "2024-02-01T00:00:00+00:00");
        assert_eq!(month.to().to_rfc3339(), "2024-03-01T00:00:00+00:00");
    }

    #[test]
    fn the_month_before_january_is_december() {
        let now = instant("2024-01-31T23:00:00Z").expect("an instant");
        assert_eq!(Month::before(now).to_string(), "2023-12");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["2024", "2024-13", "2024-2", "2024-02-01", "02-2024", ""] {
            assert!(Month::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_may_be_a_day_or_an_instant_of_any_offset() {
        let read = |text| instant(text).map(|at| at.to_rfc3339());
        assert_eq!(read("2024-02-18"), Ok("2024-02-18T00:00:00+00:00".into()));
        assert_eq!(
            read("2024-02-18T09:00:00+02:00"),
            Ok("2024-02-18T07:00:00+00:00".into())
        );
        assert!(instant("2024-02-18 09:00").is_err());
        assert!(instant("tomorrow").is_err());
    }
}
