//! What GitHub answers, as far as it is used.

use serde::Deserialize;

/// A secret without its value.
#[derive(Deserialize)]
pub(super) struct Shown {
    /// When it was last written, RFC 3339, to the second.
    pub(super) updated_at: String,
    /// Of an organisation's secret: `all`, `private` or `selected`.
    pub(super) visibility: Option<String>,
}

/// The public key of a place.
#[derive(Deserialize)]
pub(super) struct SealingKey {
    pub(super) key_id: String,
    pub(super) key: String,
}

/// A page of the repositories that may see a secret.
#[derive(Deserialize)]
pub(super) struct Repositories {
    pub(super) total_count: usize,
    pub(super) repositories: Vec<Repository>,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) id: u64,
}
