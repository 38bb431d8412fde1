//! One line of the audit log, before it is numbered and chained.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Hint, Instant, RotationId, SecretName};

use super::state::Trigger;

/// What happened, in words an auditor reads. Carries no secret and nothing from outside that was not sanitised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The step and what came of it: `deliver.sent`, `deliver.done`.
    pub kind: String,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretName>,
    /// In which rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationId>,
    /// What set the rotation off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// The site, service or issuer that was touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The old key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<KeyMark>,
    /// The new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<KeyMark>,
    /// How it was verified, why it failed, what a person gave as the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// A date the event sets: the end of a postponement, of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// What else an auditor asks about, by ASCII names: an owner, a policy, a due date.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: Facts,
}

/// Facts by their names, which are ASCII so that their order is the canonical one.
pub type Facts = BTreeMap<String, String>;

/// How a key appears in evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMark {
    /// The last four characters, where they may be shown.
    pub hint: Hint,
    /// The keyed digest.
    pub fingerprint: String,
    /// The issuer's public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Event {
    /// An event of that kind, of nothing in particular.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            secret: None,
            rotation: None,
            trigger: None,
            place: None,
            old: None,
            new: None,
            note: None,
            until: None,
            facts: Facts::new(),
        }
    }
}
