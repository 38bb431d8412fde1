//! Durations as people write them: `30d`, `12h`, `90m`, `45s`, `2w`.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A length of time, printed as it was written: one number and one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(TimeDelta);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanError(String);

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(TimeDelta::zero());

    /// A span of whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(TimeDelta::seconds(seconds))
    }

    /// A span of whole minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self(TimeDelta::minutes(minutes))
    }

    /// A span of whole hours.
    pub const fn hours(hours: i64) -> Self {
        Self(TimeDelta::hours(hours))
    }

    /// A span of whole days of 24 hours.
    pub const fn days(days: i64) -> Self {
        Self(TimeDelta::days(days))
    }

    /// The same length for arithmetic with instants.
    pub const fn delta(self) -> TimeDelta {
        self.0
    }

    /// Reads `30d`. One number, one unit of `s m h d w`; a month has no fixed length and is refused.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(SpanError::of(text)),
        };
        let number: i64 = number.parse().map_err(|_| SpanError::of(text))?;
        let total = number
            .checked_mul(seconds)
            .filter(|total| *total <= 100 * 366 * 86_400);
        total.map(Self::seconds).ok_or_else(|| SpanError::of(text))
    }
}

impl SpanError {
    fn of(text: &str) -> Self {
        Self(format!(
            "`{}` is not a duration; write a number and a unit of s, m, h, d or w, such as `30d`",
            text.escape_debug()
        ))
    }
}

impl fmt::Display for SpanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for SpanError {}

impl TryFrom<String> for Span {
    type Error = SpanError;
    fn try_from(text: String) -> Result<Self, SpanError> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.num_seconds();
        let (number, unit) = match seconds {
            0 => (0, "s"),
            _ if seconds % 86_400 == 0 => (seconds / 86_400, "d"),
            _ if seconds % 3_600 == 0 => (seconds / 3_600, "h"),
            _ if seconds % 60 == 0 => (seconds / 60, "m"),
            _ => (seconds, "s"),
        };
        write!(out, "{number}{unit}")
    }
}
