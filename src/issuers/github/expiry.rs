//! When a token ends, as GitHub writes it: `2026-10-01 12:00:00 UTC`, or with an offset, `2026-10-01 12:00:00 -0700`.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::Instant;

/// Reads either form. What is in neither is passed over: a rotation that comes by its schedule is better than none.
pub(super) fn parse(text: &str) -> Option<Instant> {
    const LOCAL: &str = "%Y-%m-%d %H:%M:%S";
    if let Some(text) = text.trim().strip_suffix(" UTC") {
        let local = NaiveDateTime::parse_from_str(text, LOCAL).ok()?;
        return Some(local.and_utc());
    }
    let at = DateTime::parse_from_str(text.trim(), &format!("{LOCAL} %z")).ok()?;
    Some(at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_forms_are_read() {
        for text in ["2026-10-01 12:00:00 UTC", "2026-10-01 05:00:00 -0700"] {
            let at = parse(text).map(|at| at.to_rfc3339());
            assert_eq!(at.as_deref(), Some("2026-10-01T12:00:00+00:00"), "{text}");
        }
        for text in ["", "never", "2026-10-01", "2026-13-01 12:00:00 UTC"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
