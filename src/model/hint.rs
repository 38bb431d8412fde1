//! How people recognise a key without learning it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SecretValue;

/// Who made a value up. The last four characters of a human password are worth a lot to a guesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// Random, from a vendor or from rotakey.
    Machine,
    /// Possibly chosen by a person.
    Unknown,
}

/// What may be shown of a value: `sk-...x7K2`, or `[hidden]`.
///
/// Shown only of machine-made values of 24 characters or more: four characters take some 24 bits from a base62 key,
/// nothing of 40 characters and half of a password of 8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hint(String);

impl Hint {
    const SHORTEST: usize = 24;
    const HIDDEN: &'static str = "[hidden]";

    /// The hint for a value.
    pub fn of(value: &SecretValue, making: Making) -> Self {
        let text = value.expose();
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        if making == Making::Unknown || text.len() < Self::SHORTEST || !plain {
            return Self(Self::HIDDEN.to_owned());
        }
        // A vendor's prefix (`sk-`, `ghp_`) is public and tells a person which key is meant.
        let prefix_end = text
            .char_indices()
            .take(8)
            .filter(|(_, c)| matches!(c, '-' | '_'))
            .map(|(at, _)| at + 1)
            .next();
        let prefix = prefix_end
            .filter(|end| *end <= 5)
            .map_or("", |end| &text[..end]);
        Self(format!("{prefix}...{}", &text[text.len() - 4..]))
    }

    /// The text to show.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}
