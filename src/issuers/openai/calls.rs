//! The calls: as the administrator, and with a key to try it out. What an error of theirs means.

use serde_json::Value;

use super::OpenAi;
use super::wire::{Listed, Page, ProjectKey};
use crate::http::{Call, Known, Reply, segment};
use crate::issuers::pages;
use crate::model::{Fault, Key, SecretValue};

impl OpenAi {
    fn admin(&self) -> Result<&SecretValue, Fault> {
        self.account.needed("admin_key")?.value()
    }

    fn path(&self, parts: &[&str]) -> String {
        let mut path = format!("/organization/projects/{}", segment(&self.config.project));
        for part in parts {
            path.push('/');
            path.push_str(&segment(part));
        }
        path
    }

    pub(super) fn look(&self, parts: &[&str]) -> Result<Reply, Fault> {
        let call = self.api.get(self.path(parts)).bearer(self.admin()?);
        call.codes(known).read()
    }

    /// All entries of a list.
    pub(super) fn list<T: Listed>(&self, what: &str) -> Result<Vec<T>, Fault> {
        pages::all(what, |after: Option<String>| {
            let mut call = self.api.get(self.path(&[what])).query("limit", "100");
            for (key, value) in T::QUERY {
                call = call.query(key, *value);
            }
            if let Some(after) = after {
                call = call.query("after", after);
            }
            let page: Page<T> = call.bearer(self.admin()?).codes(known).read()?.parse()?;
            let last = pages::after(&page.data, page.has_more, |last| last.id().to_owned())?;
            Ok((page.data, last))
        })
    }

    pub(super) fn keys(&self) -> Result<Vec<ProjectKey>, Fault> {
        self.list("api_keys")
    }

    pub(super) fn keys_of(&self, account: &str) -> Result<Vec<ProjectKey>, Fault> {
        let mut keys = self.keys()?;
        keys.retain(|key| key.service_account() == Some(account));
        Ok(keys)
    }

    pub(super) fn change(&self, parts: &[&str], body: &Value) -> Result<Call, Fault> {
        let call = self.api.post(self.path(parts)).bearer(self.admin()?);
        Ok(call.codes(known).json(body))
    }

    pub(super) fn remove(&self, parts: &[&str]) -> Result<Call, Fault> {
        let call = self.api.delete(self.path(parts)).bearer(self.admin()?);
        Ok(call.codes(known))
    }

    /// One real call with the key.
    pub(super) fn try_out(&self, key: &Key) -> Result<Reply, Fault> {
        let call = self.api.get(&self.config.verify_path).bearer(key.value()?);
        call.accept(&[401, 403]).read()
    }
}

pub(super) fn misses_scope(body: &Value) -> bool {
    let error = &body["error"];
    let text = error.as_str().or_else(|| error["message"].as_str());
    text.is_some_and(|text| text.to_ascii_lowercase().contains("missing scopes"))
}

/// What an error of an administration call means. Nothing of the body is shown: it may repeat a part of the key.
fn known(body: &Value) -> Option<Known> {
    if misses_scope(body) {
        return Some(Known {
            what: "the admin key lacks a scope",
            hint: Some("give it api.management.read and api.management.write"),
            kind: None,
        });
    }
    match body["error"]["code"].as_str()? {
        "invalid_api_key" => Some(Known {
            what: "the admin key is not accepted",
            hint: Some("make an admin key at platform.openai.com/settings/organization/admin-keys"),
            kind: None,
        }),
        _ => None,
    }
}
