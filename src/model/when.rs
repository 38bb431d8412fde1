//! Instants and lengths of time as people say them. Always UTC, always by the calendar day.

use chrono::TimeDelta;

use super::{Instant, Span};

/// The day: `Feb 18, 2024`.
pub fn date(at: Instant) -> String {
    at.format("%b %-d, %Y").to_string()
}

/// The day and the minute: `Feb 18, 2024 09:00 UTC`.
pub fn moment(at: Instant) -> String {
    at.format("%b %-d, %Y %H:%M UTC").to_string()
}

/// How far off the day is: `in 7 days`, `tomorrow`, `today`, `yesterday`, `3 days ago`.
pub fn distance(at: Instant, now: Instant) -> String {
    let days = (at.date_naive() - now.date_naive()).num_days();
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        2.. => format!("in {days} days"),
        _ => format!("{} days ago", days.unsigned_abs()),
    }
}

/// When something will happen, as the end of a sentence: `today at 21:00 UTC`, `tomorrow`, `on Feb 20, 2024`.
pub fn future(at: Instant, now: Instant) -> String {
    let days = (at.date_naive() - now.date_naive()).num_days();
    match days {
        ..=0 => format!("today at {}", at.format("%H:%M UTC")),
        1 => "tomorrow".to_owned(),
        _ => format!("on {}", date(at)),
    }
}

/// A length of time: `24 hours`, `30 days`, `90 minutes`.
///
/// Hours up to two days, because a grace of "1 day" leaves open which hour of the day is meant.
pub fn length(span: Span) -> String {
    let seconds = span.delta().num_seconds();
    let (number, unit) = match seconds {
        _ if seconds > 172_800 && seconds % 86_400 == 0 => (seconds / 86_400, "day"),
        _ if seconds >= 3_600 && seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
        _ if seconds >= 60 && seconds % 60 == 0 => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    counted(number, unit)
}

/// How old something is, in its largest whole unit: `41 days`, `5 hours`, `3 minutes`, `new`.
pub fn age(since: Instant, now: Instant) -> String {
    let age = now - since;
    match age {
        _ if age >= TimeDelta::days(2) => counted(age.num_days(), "day"),
        _ if age >= TimeDelta::hours(1) => counted(age.num_hours(), "hour"),
        _ if age >= TimeDelta::minutes(1) => counted(age.num_minutes(), "minute"),
        _ => "new".to_owned(),
    }
}

/// A number with its noun: `1 place`, `12 places`.
pub fn counted(number: i64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant in a test")
    }

    #[test]
    fn a_day_is_named_without_a_leading_zero() {
        assert_eq!(date(at("2024-02-08T23:59:59Z")), "Feb 8, 2024");
        assert_eq!(moment(at("2024-02-08T03:05:59Z")), "Feb 8, 2024 03:05 UTC");
    }

    #[test]
    fn distance_goes_by_the_calendar_and_not_by_24_hours() {
        let now = at("2024-02-11T23:00:00Z");
        let said = |text| distance(at(text), now);
        assert_eq!(said("2024-02-18T00:30:00Z"), "in 7 days");
        assert_eq!(said("2024-02-12T00:30:00Z"), "tomorrow");
        assert_eq!(said("2024-02-11T00:30:00Z"), "today");
        assert_eq!(said("2024-02-10T23:59:00Z"), "yesterday");
        assert_eq!(said("2024-02-01T00:00:00Z"), "10 days ago");
    }

    #[test]
    fn the_future_ends_a_sentence() {
        let now = at("2024-02-18T09:00:00Z");
        let said = |text| future(at(text), now);
        assert_eq!(said("2024-02-18T21:00:00Z"), "today at 21:00 UTC");
        assert_eq!(said("2024-02-19T09:00:00Z"), "tomorrow");
        assert_eq!(said("2024-02-25T09:00:00Z"), "on Feb 25, 2024");
    }

    #[test]
    fn a_length_is_said_in_the_unit_people_would_use() {
        let said = |text| length(Span::parse(text).expect("a span in a test"));
        assert_eq!(said("24h"), "24 hours");
        assert_eq!(said("2d"), "48 hours");
        assert_eq!(said("3d"), "3 days");
        assert_eq!(said("73h"), "73 hours");
        assert_eq!(said("1h"), "1 hour");
        assert_eq!(said("90m"), "90 minutes");
        assert_eq!(said("0s"), "0 seconds");
    }

    #[test]
    fn an_age_is_rounded_down() {
        let now = at("2024-02-18T09:00:00Z");
        let said = |text| age(at(text), now);
        assert_eq!(said("2024-01-19T09:00:01Z"), "29 days");
        assert_eq!(said("2024-02-16T09:00:01Z"), "47 hours");
        assert_eq!(said("2024-02-18T08:58:01Z"), "1 minute");
        assert_eq!(said("2024-02-18T09:00:00Z"), "new");
        assert_eq!(said("2024-02-19T09:00:00Z"), "new");
    }
}
