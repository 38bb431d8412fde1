//! Looking for keys: by the tag they were made with, and by what OpenAI shows of their value.

use super::wire::{ProjectKey, ServiceAccount, instant};
use super::{OpenAi, notes};
use crate::issuers::{Found, shown};
use crate::model::{Fault, Fields, Instant, Key, KeyId, Tag};

/// How many seconds may lie between the making of a service account and that of the key it comes with.
const TOGETHER: i64 = 10;

impl OpenAi {
    /// Every key that bears the tag, or came with a service account that does; and such an account without a key.
    pub(super) fn tagged(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let accounts: Vec<ServiceAccount> = self.list("service_accounts")?;
        let tagged: Vec<ServiceAccount> = accounts
            .into_iter()
            .filter(|account| account.name == tag.as_str())
            .collect();
        let keys = self.keys()?;
        // The key that came with the account. What a person added to it later is theirs.
        let owned = |key: &ProjectKey| {
            let mut owners = tagged
                .iter()
                .filter(|account| key.service_account() == Some(account.id.as_str()));
            owners.any(|account| made_together(account.created_at, key.created_at))
        };
        let with_key = keys
            .iter()
            .filter(|key| key.name.as_deref() == Some(tag.as_str()) || owned(key))
            .map(|key| Found {
                key: key.bare(),
                created_at: key.created_at.and_then(instant),
            });
        // An account whose key is gone, or not listed yet, is still to be removed.
        let without = tagged
            .iter()
            .filter(|account| {
                !keys
                    .iter()
                    .any(|key| key.service_account() == Some(account.id.as_str()))
            })
            .map(|account| Found {
                key: Key {
                    id: None,
                    fields: Fields::default(),
                    notes: notes(&account.id),
                },
                created_at: account.created_at.and_then(instant),
            });
        Ok(with_key.chain(without).collect())
    }

    /// The one listed key that can be this one.
    pub(super) fn fitting(
        &self,
        key: &Key,
    ) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        let Some(value) = key.fields.primary() else {
            return Ok(None);
        };
        let keys = self.keys()?;
        let mut fit = keys
            .iter()
            .filter(|listed| shown::may_be(listed.redacted_value.as_deref(), value.expose()));
        let (Some(listed), None) = (fit.next(), fit.next()) else {
            return Ok(None);
        };
        let found = Key {
            fields: key.fields.clone(),
            ..listed.bare()
        };
        let created_at = listed.created_at.and_then(instant);
        Ok(Some((KeyId::new(&listed.id), found, created_at)))
    }
}

/// Whether a key came with its service account: one call makes both, and the times are told in whole seconds.
fn made_together(account: Option<i64>, key: Option<i64>) -> bool {
    account
        .zip(key)
        .is_some_and(|(account, key)| (key - account).abs() <= TOGETHER)
}
