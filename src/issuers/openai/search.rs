//! Looking for keys: by the tag they were made with, and by what OpenAI shows of their value.

use super::wire::{ProjectKey, ServiceAccount, instant};
use super::{OpenAi, notes};
use crate::issuers::{Found, shown};
use crate::model::{Fault, Fields, Instant, Key, KeyId, Tag};

impl OpenAi {
    /// Every key that bears the tag, or whose service account does; and such an account without a key.
    pub(super) fn tagged(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let accounts: Vec<ServiceAccount> = self.list("service_accounts")?;
        let tagged: Vec<ServiceAccount> = accounts
            .into_iter()
            .filter(|account| account.name == tag.as_str())
            .collect();
        let keys = self.keys()?;
        let owned = |key: &ProjectKey| {
            let owner = key.service_account();
            owner.is_some_and(|owner| tagged.iter().any(|account| account.id == owner))
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
