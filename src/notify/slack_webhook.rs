//! Notices to a Slack channel by an incoming webhook: no thread, no edits, no replies.
//!
//! ```yaml
//! ops: { kind: slack-webhook, url: { env: SLACK_WEBHOOK_URL } }
//! ```
//!
//! The whole address is a secret: who knows it can post. Slack answers `ok` as plain text. It has no key by which it
//! drops a second copy, so a lost reply is sent once more by the next run and says so. Source: docs.slack.dev,
//! "Sending messages using incoming webhooks", looked at on 2026-11-23.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::model::{Clock, Credential, Effect, Fault, Finding};

use super::{Channel, ChannelKind, ChannelStarter, Letter, Sources, needed, slack, webhook};

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "slack-webhook",
    needs: &["url"],
    takes: &[],
    starter: ChannelStarter {
        about: "Slack, posts only",
        keys: ", url: { env: SLACK_WEBHOOK_URL }",
    },
};

/// No key that is not secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

pub(super) struct SlackWebhook {
    url: Credential,
    clock: Arc<dyn Clock>,
}

impl SlackWebhook {
    pub(super) fn open(sources: &Sources, clock: &Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self {
            url: needed(sources, "url")?,
            clock: Arc::clone(clock),
        })
    }
}

impl Channel for SlackWebhook {
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>> {
        let (api, url) = match webhook::address(&self.url, &self.clock) {
            Ok(found) => found,
            Err(fault) => return Effect::NotDone(fault),
        };
        let call = api.post_to(&url).json(&slack::content(letter));
        let call = call.timeout(TimeDelta::seconds(15)).pace(letter.pace);
        let sent = call.any_body().once();
        sent.map(|_| None)
    }

    fn check(&self) -> Vec<Finding> {
        let found = webhook::address(&self.url, &self.clock);
        vec![Finding {
            what: "slack webhook".to_owned(),
            result: found.map(|(_, url)| format!("{} (nothing was sent)", url.base())),
        }]
    }
}
