//! Times in which no rotation begins: holidays, and the weekend.

use super::{Instant, Schedule, Span};

/// A time in which nothing in production is to change.
#[derive(Clone, Debug)]
pub enum Freeze {
    /// Once.
    Between {
        /// Its first instant.
        from: Instant,
        /// The first instant after it.
        to: Instant,
    },
    /// Again and again.
    Again {
        /// When it begins.
        begins: Schedule,
        /// How long it lasts.
        lasts: Span,
    },
}

impl Freeze {
    /// Until when it holds, if it holds now.
    pub fn until(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Between { from, to } => (*from <= now && now < *to).then_some(*to),
            Self::Again { begins, lasts } => {
                // One that holds now began within the last `lasts`; of several that do, the latest ends last.
                let mut until = None;
                let mut since = now - lasts.delta();
                while let Some(begin) = begins.due_after(since).filter(|begin| *begin <= now) {
                    (until, since) = (Some(begin + lasts.delta()), begin);
                }
                until.filter(|until| now < *until)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_holiday_holds_from_its_first_instant_and_not_at_its_end() {
        let freeze = Freeze::Between {
            from: at("2024-12-20T00:00:00Z"),
            to: at("2025-01-02T00:00:00Z"),
        };
        assert_eq!(freeze.until(at("2024-12-19T23:59:59Z")), None);
        let end = at("2025-01-02T00:00:00Z");
        assert_eq!(freeze.until(at("2024-12-20T00:00:00Z")), Some(end));
        assert_eq!(freeze.until(at("2025-01-01T23:59:59Z")), Some(end));
        assert_eq!(freeze.until(end), None);
    }

    #[test]
    fn a_weekend_comes_again() {
        let freeze = Freeze::Again {
            begins: Schedule::parse("0 16 * * 5").expect("Fridays at four"),
            lasts: Span::hours(64),
        };
        // 2024-02-16 was a Friday.
        assert_eq!(freeze.until(at("2024-02-16T15:59:59Z")), None);
        let monday = at("2024-02-19T08:00:00Z");
        assert_eq!(freeze.until(at("2024-02-16T16:00:00Z")), Some(monday));
        assert_eq!(freeze.until(at("2024-02-19T07:59:59Z")), Some(monday));
        assert_eq!(freeze.until(monday), None);
        let next = at("2024-02-26T08:00:00Z");
        assert_eq!(freeze.until(at("2024-02-24T12:00:00Z")), Some(next));
    }

    #[test]
    fn of_two_that_overlap_the_later_end_counts() {
        let freeze = Freeze::Again {
            begins: Schedule::parse("0 0 * * *").expect("every midnight"),
            lasts: Span::hours(30),
        };
        let until = freeze.until(at("2024-02-16T03:00:00Z"));
        assert_eq!(until, Some(at("2024-02-17T06:00:00Z")));
    }
}
