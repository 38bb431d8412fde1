//! Servers where one user has several passwords, so that the user never changes.

use serde::Deserialize;

use super::database::{PASSWORD, USER, field};
use crate::model::{Fault, Key, SecretValue};

/// What happens to the open sessions of a password that is revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sessions {
    #[default]
    Kept,
    Ended,
}

/// The password of a version, if it is one of that user.
pub(super) fn password_of<'k>(key: &'k Key, user: &str) -> Result<&'k SecretValue, Fault> {
    if field(key, USER)?.expose() != user {
        return Err(Fault::refused(
            "the user of this version is not the `user` of the configuration",
        ));
    }
    field(key, PASSWORD)
}
