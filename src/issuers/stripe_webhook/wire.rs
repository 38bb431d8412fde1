//! What Stripe answers, as far as it is used, and how a second endpoint like the first is asked for.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::Deserialize;

use crate::model::Instant;

/// The key in the metadata that holds the tag.
pub(super) const TAG: &str = "rotakey";

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) data: Vec<Endpoint>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// A webhook endpoint, without its secret.
#[derive(Clone, Deserialize)]
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) url: String,
    enabled_events: Vec<String>,
    api_version: Option<String>,
    /// The application of a Connect platform; present where events of connected accounts are sent.
    application: Option<String>,
    description: Option<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    created: Option<i64>,
    status: String,
}

/// An endpoint that was just made.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Endpoint {
    pub(super) fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    pub(super) fn created_at(&self) -> Option<Instant> {
        DateTime::from_timestamp(self.created?, 0)
    }

    /// The form that makes another endpoint like this one, with that tag.
    pub(super) fn like_it(&self, tag: &str) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut form = vec![pair("url", &self.url)];
        for (number, event) in self.enabled_events.iter().enumerate() {
            form.push((format!("enabled_events[{number}]"), event.clone()));
        }
        form.extend(
            self.api_version
                .iter()
                .map(|version| pair("api_version", version)),
        );
        form.extend(
            self.description
                .iter()
                .map(|text| pair("description", text)),
        );
        if self.application.is_some() {
            form.push(pair("connect", "true"));
        }
        let others = self.metadata.iter().filter(|(name, _)| *name != TAG);
        form.extend(others.map(|(name, value)| (format!("metadata[{name}]"), value.clone())));
        form.push((format!("metadata[{TAG}]"), tag.to_owned()));
        form
    }
}
