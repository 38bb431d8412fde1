//! What an auditor asks about a secret and a rotation never does: whose it is, what for, where, and why that often.

use chrono::NaiveDate;

use crate::model::sanitise;

use super::fields::Fields;

/// Who answers for a secret, and by what policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Where it is used: `production`.
    pub environment: Option<String>,
    /// How much hangs on it, in the words of the company.
    pub criticality: Option<String>,
    /// The document that says how often it has to change: the targeted risk analysis of PCI DSS 12.3.1.
    pub policy_ref: Option<String>,
    /// When all of this is to be looked at again.
    pub review: Option<NaiveDate>,
}

impl About {
    /// Reads what holds for every secret that says nothing else. A purpose and a review are a secret's own.
    pub(super) fn usual(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            owner: line(fields, "owner"),
            environment: line(fields, "environment"),
            criticality: line(fields, "criticality"),
            policy_ref: line(fields, "policy_ref"),
            purpose: None,
            review: None,
        }
    }

    /// Reads what a secret says.
    pub(super) fn read(fields: &mut Fields<'_, '_>, usual: &Self) -> Self {
        let own = Self::usual(fields);
        Self {
            owner: own.owner.or_else(|| usual.owner.clone()),
            environment: own.environment.or_else(|| usual.environment.clone()),
            criticality: own.criticality.or_else(|| usual.criticality.clone()),
            policy_ref: own.policy_ref.or_else(|| usual.policy_ref.clone()),
            purpose: line(fields, "purpose"),
            review: fields.parsed("review", day).map(|(day, _)| day),
        }
    }

    /// What is said, by the names that the audit log and the evidence use.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let review = self.review.map(|day| day.to_string());
        [
            ("owner", self.owner.clone()),
            ("purpose", self.purpose.clone()),
            ("environment", self.environment.clone()),
            ("criticality", self.criticality.clone()),
            ("policy_ref", self.policy_ref.clone()),
            ("review", review),
        ]
        .into_iter()
        .filter_map(|(name, fact)| Some((name, fact?)))
    }
}

/// A text that can stand in a log and in a cell as it is.
fn line(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<String> {
    let printable = |text: &str| match sanitise(text) {
        clean if clean.is_empty() => Err("write something, or remove the line".to_owned()),
        clean if clean == text => Ok(clean),
        _ => Err("expected one line of printable text, of at most 160 characters".to_owned()),
    };
    fields.parsed(key, printable).map(|(text, _)| text)
}

fn day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| "a day is written `2026-12-31`".to_owned())
}
