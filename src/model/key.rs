//! Keys, as their issuers know them.

use std::collections::BTreeMap;

use super::{Fault, Fields, KeyId, SecretValue};

/// One key as an issuer knows it: its public id, its fields, and the issuer's own public notes on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The issuer's public id, where there is one.
    pub id: Option<KeyId>,
    /// The secret part.
    pub fields: Fields,
    /// What the issuer needs to find the key again, such as the service account that owns it. Never secret.
    pub notes: BTreeMap<String, String>,
}

impl Key {
    /// The note that says when the issuer ends the key by itself, RFC 3339. The rotation is due in time before it.
    pub const EXPIRES_AT: &'static str = "expires_at";

    /// A key of which only the fields are known.
    pub fn of(fields: Fields) -> Self {
        Self {
            id: None,
            fields,
            notes: BTreeMap::new(),
        }
    }

    /// A key of which only the public id is known, as a list shows it.
    pub fn bare(id: KeyId) -> Self {
        Self {
            id: Some(id),
            ..Self::of(Fields::default())
        }
    }

    /// The same key, with the public id that its issuer lists it under.
    pub fn listed_as(&self, id: KeyId) -> Self {
        Self {
            id: Some(id),
            ..self.clone()
        }
    }

    /// Its public id, for a call that names the key by it.
    pub fn known_id(&self) -> Result<&KeyId, Fault> {
        let id = self.id.as_ref();
        id.ok_or_else(|| Fault::refused("the public id of this key is not known"))
    }

    /// Its [value](Fields::primary), for a call that is made with it.
    pub fn value(&self) -> Result<&SecretValue, Fault> {
        let value = self.fields.primary();
        value.ok_or_else(|| Fault::refused("the key has no value"))
    }
}
