//! What is said of a secret beside how it is rotated.

use std::sync::Arc;

use crate::config::{self, SecretConfig};
use crate::model::{Account, AccountName, FieldName};

/// What is said of a secret beside how it is rotated.
pub(in crate::commands) struct About {
    /// Who answers for it, and by what policy.
    pub(in crate::commands) said: config::About,
    /// The fields a version has.
    pub(in crate::commands) fields: Vec<FieldName>,
    /// The kind of its issuer.
    pub(in crate::commands) kind: &'static str,
    /// The account of its issuer.
    pub(in crate::commands) issuer: Option<Arc<Account>>,
    /// The accounts of its targets, in their order.
    pub(in crate::commands) targets: Vec<Option<Arc<Account>>>,
    /// The accounts of rotakey itself that use it as their credential.
    pub(in crate::commands) used_by: Vec<AccountName>,
}

impl About {
    pub(super) fn of(secret: &SecretConfig) -> Self {
        let targets = secret.targets.iter();
        Self {
            said: secret.about.clone(),
            fields: secret.issuer.config.fields(),
            kind: secret.issuer.kind,
            issuer: secret.issuer.account.clone(),
            targets: targets.map(|target| target.account.clone()).collect(),
            used_by: secret.used_by.clone(),
        }
    }

    /// Every account that sees it.
    pub(in crate::commands) fn accounts(&self) -> impl Iterator<Item = &Account> {
        let targets = self.targets.iter().flatten();
        self.issuer.iter().chain(targets).map(Arc::as_ref)
    }
}
