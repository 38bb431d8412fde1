//! What is wanted for one secret, apart from who makes it and where it goes.

use super::{Schedule, Span, StageName};

/// When a secret is rotated and how patiently.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What people call it: `OpenAI API`.
    pub title: String,
    /// How often.
    pub every: Schedule,
    /// How long before the due date people are warned.
    pub warn: Span,
    /// How long the old version keeps working after the promotion.
    pub grace: Span,
    /// How far one `skip` postpones.
    pub skip: Span,
    /// How old a version may become however often it is postponed. `None`: no limit.
    pub max_age: Option<Span>,
    /// The order of delivery. Destinations without a stage come last.
    pub stages: Vec<StageName>,
    /// How many services of the last stage go first.
    pub canary: Option<Canary>,
    /// How long a confirmed stage is watched before the next one starts.
    pub soak: Span,
    /// How long a redeploy may take before it counts as failed.
    pub confirm_timeout: Span,
}

/// How many services get a new version before the others of their stage: `10%`, or `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// A share in percent, rounded up.
    Percent(u8),
    /// So many.
    Services(usize),
}

impl Canary {
    /// The stage that canaries make of their own; no configured stage has this name beside them.
    pub const STAGE: &'static str = "canary";

    /// Reads `10%` or `2`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = match text.strip_suffix('%') {
            Some(share) => share.parse().ok().filter(|share| (1..100).contains(share)),
            None => {
                let count = text.parse().ok().filter(|count| *count > 0);
                return count.map(Self::Services).ok_or_else(Self::expected);
            }
        };
        read.map(Self::Percent).ok_or_else(Self::expected)
    }

    fn expected() -> String {
        "expected a share such as `10%`, or a number of services such as `1`".to_owned()
    }

    /// How many of so many services. Never none.
    pub fn of(self, services: usize) -> usize {
        match self {
            Self::Percent(share) => (services * usize::from(share)).div_ceil(100),
            Self::Services(count) => count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_a_number_is_itself() {
        let of = |text, services| Canary::parse(text).map(|canary| canary.of(services));
        assert_eq!(of("10%", 12), Ok(2));
        assert_eq!(of("1%", 3), Ok(1));
        assert_eq!(of("99%", 100), Ok(99));
        assert_eq!(of("2", 12), Ok(2));
        for text in ["", "%", "0", "0%", "100%", "-1", "1.5", "10 %", "ten"] {
            assert_eq!(of(text, 1), Err(Canary::expected()), "{text}");
        }
    }
}
