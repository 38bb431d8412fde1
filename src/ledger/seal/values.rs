//! How secret values stand in the sealed document: the one place that writes them out.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use std::collections::BTreeMap;

use crate::model::{FieldName, Fields, Key, KeyId, SecretValue};

/// Writes the fields of a version into the sealed document.
pub(in crate::ledger) mod sealed_fields {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        fields: &Option<Fields>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        fields.as_ref().map(exposed).serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Fields>, D::Error> {
        Ok(Option::<BTreeMap<FieldName, String>>::deserialize(from)?.map(sealed))
    }
}

/// Writes one value into the sealed document.
pub(in crate::ledger) mod sealed_value {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<SecretValue>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(SecretValue::expose).serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SecretValue>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(SecretValue::new))
    }
}

/// Writes a proposed key into the sealed document.
pub(in crate::ledger) mod sealed_key {
    use super::*;

    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: &'a Option<KeyId>,
        fields: BTreeMap<&'a FieldName, &'a str>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        notes: &'a BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct In {
        #[serde(default)]
        id: Option<KeyId>,
        fields: BTreeMap<FieldName, String>,
        #[serde(default)]
        notes: BTreeMap<String, String>,
    }

    pub(crate) fn serialize<S: Serializer>(key: &Option<Key>, out: S) -> Result<S::Ok, S::Error> {
        key.as_ref()
            .map(|key| Out {
                id: &key.id,
                fields: exposed(&key.fields),
                notes: &key.notes,
            })
            .serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Key>, D::Error> {
        let read = Option::<In>::deserialize(from)?;
        Ok(read.map(|key| Key {
            id: key.id,
            fields: sealed(key.fields),
            notes: key.notes,
        }))
    }
}

fn exposed(fields: &Fields) -> BTreeMap<&FieldName, &str> {
    fields
        .iter()
        .map(|(name, value)| (name, value.expose()))
        .collect()
}

fn sealed(fields: BTreeMap<FieldName, String>) -> Fields {
    fields
        .into_iter()
        .map(|(name, value)| (name, SecretValue::new(value)))
        .collect()
}
