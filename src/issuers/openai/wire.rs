//! What OpenAI answers, as far as it is used. Fields that one of its two descriptions lacks are optional.

use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::{Fields, Instant, Key, KeyId};

use super::notes;

/// An entry of a list, which the next page is asked for after.
pub(super) trait Listed: DeserializeOwned {
    /// What is asked for besides.
    const QUERY: &'static [(&'static str, &'static str)];

    fn id(&self) -> &str;
}

#[derive(Deserialize)]
#[serde(bound = "T: Listed")]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) status: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct ProjectKey {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) redacted_value: Option<String>,
    pub(super) created_at: Option<i64>,
    pub(super) last_used_at: Option<i64>,
    pub(super) scopes: Option<Vec<String>>,
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    service_account: Option<OwnerId>,
}

#[derive(Deserialize)]
struct OwnerId {
    id: String,
}

#[derive(Deserialize)]
pub(super) struct MadeAccount {
    pub(super) id: String,
    pub(super) api_key: Option<MadeKey>,
}

#[derive(Deserialize)]
pub(super) struct MadeKey {
    pub(super) id: String,
    pub(super) value: String,
}

impl Listed for ServiceAccount {
    const QUERY: &'static [(&'static str, &'static str)] = &[];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for ProjectKey {
    /// Without this, keys are left out whose owner has lost access to the project, and they may work all the same.
    const QUERY: &'static [(&'static str, &'static str)] = &[("owner_project_access", "any")];

    fn id(&self) -> &str {
        &self.id
    }
}

impl ProjectKey {
    /// The service account that owns it; a key may belong to a person instead.
    pub(super) fn service_account(&self) -> Option<&str> {
        let owner = self.owner.as_ref()?.service_account.as_ref()?;
        Some(&owner.id)
    }

    /// The key without its value.
    pub(super) fn bare(&self) -> Key {
        Key {
            id: Some(KeyId::new(&self.id)),
            fields: Fields::default(),
            notes: self.service_account().map(notes).unwrap_or_default(),
        }
    }
}

/// Seconds since 1970.
pub(super) fn instant(seconds: i64) -> Option<Instant> {
    DateTime::from_timestamp(seconds, 0)
}
