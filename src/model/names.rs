//! Names and ids as distinct types, so that a site can never be passed where a service is meant.
//!
//! A copy of a name is a pointer: one name stands in the configuration, the plan, the ledger and every message.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    };
}

name! {
    /// An entry under `secrets:` in `rotations.yaml`.
    SecretName
}
name! {
    /// An entry under `accounts:` in `rotations.yaml`.
    AccountName
}
name! {
    /// One field of a version: `value`, or `user` and `password`.
    FieldName
}
name! {
    /// A label in `stages:`, such as `staging`.
    StageName
}
name! {
    /// The issuer's own public id of a key; never the key.
    KeyId
}
name! {
    /// What rotakey writes on a key it asks for, so that it can recognise the key if the reply is lost (G1).
    Tag
}
name! {
    /// One place inside a target that holds the value. Unique over all targets, stable between runs.
    SiteId
}
name! {
    /// What has to be redeployed for a site's new value to be used. Unique over all targets, stable between runs.
    ServiceId
}
name! {
    /// The platform's id of one deployment.
    DeploymentId
}
name! {
    /// One passage of a secret from one version to the next.
    RotationId
}
name! {
    /// One process invocation.
    RunId
}

/// Versions of a secret, counted from 1 in the order in which the ledger learned of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(pub u32);

impl fmt::Display for VersionNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "v{}", self.0)
    }
}
