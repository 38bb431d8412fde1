//! What people are told, and how each channel tells it.
//!
//! | file | |
//! | --- | --- |
//! | `message`, `event` | what is said, as data and as plain text; which kinds there are |
//! | `letter` | one message on its way to one channel, and how text from outside is made harmless there |
//! | `skip` | which replies count as a `SKIP` |
//! | `slack`, `slack_webhook`, `email`, `webhook`, `telegram` | the channels |
//!
//! A channel never fails a rotation. It says of every message whether it is there, is not, or may be.

#[cfg(feature = "email")]
mod email;
mod event;
mod letter;
mod message;
mod skip;
mod slack;
mod slack_webhook;
mod telegram;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::{Clock, Credential, Effect, Fault, Finding};

pub use crate::http::Pace;
pub use event::Event;
pub use letter::{Letter, Loudness};
pub use message::{Action, Message, Postpone};
pub use skip::{Reply, Rules, Verdict, judge};

/// A way to tell people something.
pub trait Channel: Send + Sync {
    /// Sends a message, under the first one of its matter where there is one. Gives the channel's own word for where
    /// the message is, if it has one. Never sent twice by one call unless the receiver can tell by the letter's id.
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>>;

    /// Puts other words into a message that was sent. `None`: this channel cannot.
    fn edit(&self, _reference: &str, _letter: &Letter<'_>) -> Option<Effect<()>> {
        None
    }

    /// What was said under these messages, by whomever. Nothing is taken away: asked again, it gives the same.
    fn replies(&self, _references: &[&str]) -> Result<Vec<Reply>, Fault> {
        Ok(Vec::new())
    }

    /// What the last [`replies`](Channel::replies) gave is dealt with and need not be kept for us.
    fn settle(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Asks whether the channel would take a message. Sends none.
    fn check(&self) -> Vec<Finding>;
}

/// A kind of channel, as the configuration may name it.
#[derive(Debug)]
pub struct ChannelKind {
    /// Its name.
    pub name: &'static str,
    /// Keys whose values are secrets, and which it cannot do without.
    pub needs: &'static [&'static str],
    /// Keys whose values are secrets.
    pub takes: &'static [&'static str],
    /// How `init` writes it.
    pub starter: ChannelStarter,
}

/// A channel of a kind as the first `rotations.yaml` has it, with made-up names.
#[derive(Debug)]
pub struct ChannelStarter {
    /// What it is, in a question.
    pub about: &'static str,
    /// The keys after `kind: …`, each with a comma before it.
    pub keys: &'static str,
}

/// Every kind this build has.
pub const KINDS: &[ChannelKind] = &[
    slack::KIND,
    slack_webhook::KIND,
    telegram::KIND,
    webhook::KIND,
    #[cfg(feature = "email")]
    email::KIND,
];

/// The keys of a channel that are not secret, by its kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelConfig {
    /// A Slack app with a bot.
    Slack(slack::Config),
    /// A Slack incoming webhook.
    SlackWebhook(slack_webhook::Config),
    /// A Telegram bot.
    Telegram(telegram::Config),
    /// JSON to an address of one's own.
    Webhook(webhook::Config),
    /// E-mail.
    #[cfg(feature = "email")]
    Email(email::Config),
}

impl ChannelConfig {
    /// Who may postpone by a reply, as the channel knows people. Empty where replies are not read.
    pub fn approvers(&self) -> &[String] {
        match self {
            ChannelConfig::Slack(config) => &config.approvers,
            ChannelConfig::Telegram(config) => &config.approvers,
            _ => &[],
        }
    }
}

/// The secret values of a channel, by their keys.
pub type Sources = BTreeMap<&'static str, Credential>;

/// Opens a channel. Relative paths start at `beside`. Sends nothing and loads no credential.
#[cfg_attr(
    not(feature = "email"),
    expect(unused_variables, reason = "only e-mail reads files of its own")
)]
pub fn build(
    config: &ChannelConfig,
    sources: &Sources,
    clock: &Arc<dyn Clock>,
    beside: &Path,
) -> Result<Arc<dyn Channel>, Fault> {
    Ok(match config {
        ChannelConfig::Slack(config) => Arc::new(slack::Slack::open(config, sources, clock)?),
        ChannelConfig::SlackWebhook(_) => {
            Arc::new(slack_webhook::SlackWebhook::open(sources, clock)?)
        }
        ChannelConfig::Telegram(config) => {
            Arc::new(telegram::Telegram::open(config, sources, clock)?)
        }
        ChannelConfig::Webhook(_) => Arc::new(webhook::Webhook::open(sources, clock)?),
        #[cfg(feature = "email")]
        ChannelConfig::Email(config) => {
            Arc::new(email::Email::open(config, sources, clock, beside)?)
        }
    })
}

/// A secret value that the configuration has promised.
fn needed(sources: &Sources, key: &'static str) -> Result<Credential, Fault> {
    sources
        .get(key)
        .cloned()
        .ok_or_else(|| Fault::refused(format!("has no `{key}`")))
}
