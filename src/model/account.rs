//! An account: what rotakey itself needs to talk to one vendor.

use std::collections::BTreeMap;

use super::{AccountName, Credential, Fault};

/// An entry under `accounts:`, checked against the [`AccountShape`](super::AccountShape) of its kind.
#[derive(Debug)]
pub struct Account {
    name: AccountName,
    kind: String,
    base_url: Option<String>,
    credentials: BTreeMap<String, Credential>,
    settings: BTreeMap<String, String>,
}

impl Account {
    /// An account that holds nothing yet.
    pub fn new(name: AccountName, kind: impl Into<String>) -> Self {
        Self {
            name,
            kind: kind.into(),
            base_url: None,
            credentials: BTreeMap::new(),
            settings: BTreeMap::new(),
        }
    }

    /// The same account at another address. The address is taken as checked.
    #[must_use]
    pub fn at(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The same account with a credential.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, credential: Credential) -> Self {
        self.credentials.insert(name.into(), credential);
        self
    }

    /// The same account with a setting.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, setting: impl Into<String>) -> Self {
        self.settings.insert(name.into(), setting.into());
        self
    }

    /// What the account is called.
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// The kind of account.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Where the vendor is, if not at its usual address. Always `https`, or `http` to this machine; no user, query
    /// or fragment; no slash at the end.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// A credential that may be absent.
    pub fn credential(&self, name: &str) -> Option<&Credential> {
        self.credentials.get(name)
    }

    /// A credential the kind needs. Fails only for an account that was not made by the configuration.
    pub fn needed(&self, name: &str) -> Result<&Credential, Fault> {
        self.credential(name)
            .ok_or_else(|| Fault::refused(format!("account `{}` has no `{name}`", self.name)))
    }

    /// A setting that may be absent.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Every credential by its name, for `check`.
    pub fn credentials(&self) -> impl Iterator<Item = (&str, &Credential)> {
        self.credentials
            .iter()
            .map(|(name, it)| (name.as_str(), it))
    }
}
