//! What a KV store answers, as far as it is used.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::Instant;

#[derive(Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: Option<T>,
}

/// One version of a secret.
#[derive(Deserialize)]
pub(super) struct Held {
    /// Absent where the version is deleted.
    pub(super) data: Option<Map<String, Value>>,
    pub(super) metadata: Made,
}

/// What the store says of a version.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) version: u64,
    pub(super) created_time: Option<Instant>,
}

/// Whether a value comes back from a reader of JSON as it went in. Numbers with a fraction, and very large ones, may
/// not.
pub(super) fn is_exact(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(map) => map.values().all(is_exact),
    }
}
