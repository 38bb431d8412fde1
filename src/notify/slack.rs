//! Notices by a Slack bot: a thread per rotation, edited as it progresses, and replies that are read.
//!
//! ```yaml
//! ops:
//!   kind: slack
//!   token: { env: SLACK_BOT_TOKEN }
//!   channel: C0123456789
//!   approvers: [T0123456789/U0123456789]    # team and user id of who may reply SKIP
//! ```
//!
//! Needs an app with the bot scopes `chat:write` and, for replies, `channels:history` (or `groups:history`), invited to
//! the channel. What there is to know of the Web API:
//!
//! - It answers HTTP 200 with `ok: false` and a word; 429 with `Retry-After` for a rate limit.
//! - A message is known by channel and `ts`; `chat.update` edits it, `thread_ts` puts one under another.
//! - `conversations.replies` gives a whole thread with its first message. A person's message has `user`, no `bot_id`, no
//!   `subtype`; an edited one has `edited`. `team` says whose user it is; for guests of a shared channel `user_team`.
//!   Where none is given the user is of the bot's own team, which `auth.test` names.
//! - `metadata` and `client_msg_id` carry the notice's id, by which a second copy is known; Slack drops none by it.
//!
//! Source: docs.slack.dev, reference of the methods named, looked at on 2026-11-23.

mod content;
mod refusal;
mod thread;

use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{self, Api, Call, Endpoint, Pace};
use crate::model::{Clock, Credential, Effect, Fault, Finding, sanitise};

use super::{Channel, ChannelKind, ChannelStarter, Event, Letter, Reply, Sources, needed};
pub(super) use content::content;
use refusal::{Said, refusal};
use thread::{place, reply, team_of};

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "slack",
    needs: &["token"],
    takes: &[],
    starter: ChannelStarter {
        about: "Slack, with replies (SKIP)",
        keys: ", token: { env: SLACK_BOT_TOKEN }, channel: C0123456789, approvers: [T0123456789/U0123456789]",
    },
};

/// Pages of a thread that are read. A thread of two thousand replies is no place for a decision.
const PAGES: usize = 10;

/// The keys that are not secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(super) channel: String,
    #[serde(default)]
    pub(super) approvers: Vec<String>,
    #[serde(default)]
    pub(super) base_url: Option<String>,
}

pub(super) struct Slack {
    api: Api,
    token: Credential,
    channel: String,
    approvers: Vec<String>,
    team: OnceLock<String>,
}

impl Slack {
    pub(super) fn open(
        config: &Config,
        sources: &Sources,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let is_id = |text: &str, first: &[char]| {
            text.starts_with(first) && text.chars().all(|c| c.is_ascii_alphanumeric())
        };
        if !is_id(&config.channel, &['C', 'G', 'D']) {
            return Err(Fault::refused("`channel` is not the id of a Slack channel")
                .hint("copy the id from the channel's details; it begins with C"));
        }
        let person = |approver: &String| {
            approver
                .split_once('/')
                .is_some_and(|(team, user)| is_id(team, &['T', 'E']) && is_id(user, &['U', 'W']))
        };
        if !config.approvers.iter().all(person) {
            return Err(Fault::refused("an approver is not a team id and a user id")
                .hint("write `T0123456789/U0123456789`; names can be changed by anybody"));
        }
        let base = config
            .base_url
            .as_deref()
            .unwrap_or("https://slack.com/api");
        http::check_address(base).map_err(|why| Fault::refused(format!("`base_url`: {why}")))?;
        let endpoint = Endpoint {
            base: base.to_owned(),
            name: "slack".to_owned(),
            in_flight: 1,
        };
        Ok(Self {
            api: Api::new(endpoint, Arc::clone(clock))?,
            token: needed(sources, "token")?,
            channel: config.channel.clone(),
            approvers: config.approvers.clone(),
            team: OnceLock::new(),
        })
    }

    fn post(&self, method: &str, body: &Value, pace: Pace) -> Effect<Value> {
        let token = match self.token.value() {
            Ok(token) => token,
            Err(fault) => return Effect::NotDone(fault),
        };
        let call = self.api.post(format!("/{method}")).bearer(token);
        let call = call.json_as("application/json; charset=utf-8", body);
        let sent = call.timeout(TimeDelta::seconds(15)).pace(pace).once();
        match sent.read(|reply| reply.json()) {
            Effect::Done(answer) => match refusal(&answer) {
                None => Effect::Done(answer),
                Some(Said::No(fault)) => Effect::NotDone(fault),
                Some(Said::Perhaps(fault)) => Effect::Uncertain(fault),
            },
            other => other,
        }
    }

    fn get(&self, method: &str, ask: impl FnOnce(Call) -> Call) -> Result<Value, Fault> {
        let call = self
            .api
            .get(format!("/{method}"))
            .bearer(self.token.value()?);
        let answer = ask(call).timeout(TimeDelta::seconds(15)).read()?.json()?;
        match refusal(&answer) {
            None => Ok(answer),
            Some(Said::No(fault) | Said::Perhaps(fault)) => Err(fault),
        }
    }

    fn thread(&self, reference: &str) -> Result<Vec<Value>, Fault> {
        let Some((channel, ts)) = place(reference) else {
            return Ok(Vec::new());
        };
        let mut messages = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let page = self.get("conversations.replies", |call| {
                let call = call.query("channel", channel).query("ts", ts);
                let call = call.query("limit", "200");
                match cursor.is_empty() {
                    true => call,
                    false => call.query("cursor", cursor.clone()),
                }
            })?;
            messages.extend(page["messages"].as_array().cloned().unwrap_or_default());
            text(&page["response_metadata"]["next_cursor"]).clone_into(&mut cursor);
            if cursor.is_empty() {
                break;
            }
        }
        Ok(messages)
    }

    fn own_team(&self) -> Result<&str, Fault> {
        if let Some(team) = self.team.get() {
            return Ok(team);
        }
        let answer = self.get("auth.test", |call| call)?;
        Ok(self
            .team
            .get_or_init(|| text(&answer["team_id"]).to_owned()))
    }
}

impl Channel for Slack {
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>> {
        let mut body = content(letter);
        body["channel"] = json!(self.channel);
        body["client_msg_id"] = json!(letter.uuid());
        body["metadata"] = json!({
            "event_type": "rotakey_notice",
            "event_payload": { "notice": letter.id },
        });
        if let Some((_, ts)) = letter.under.and_then(place) {
            body["thread_ts"] = json!(ts);
            // What must be heard shows in the channel too, and not only to those who follow the thread.
            let urgent = letter
                .event
                .is_some_and(|event| Event::LOUD.contains(&event));
            body["reply_broadcast"] = json!(urgent);
        }
        self.post("chat.postMessage", &body, letter.pace)
            .map(|answer| {
                let (channel, ts) = (text(&answer["channel"]), text(&answer["ts"]));
                (!ts.is_empty()).then(|| format!("{channel}:{ts}"))
            })
    }

    fn edit(&self, reference: &str, letter: &Letter<'_>) -> Option<Effect<()>> {
        let (channel, ts) = place(reference)?;
        let mut body = content(letter);
        (body["channel"], body["ts"]) = (json!(channel), json!(ts));
        Some(self.post("chat.update", &body, letter.pace).map(drop))
    }

    fn replies(&self, references: &[&str]) -> Result<Vec<Reply>, Fault> {
        let mut replies = Vec::new();
        for root in references.iter().filter(|_| !self.approvers.is_empty()) {
            let messages = self.thread(root)?;
            let unnamed = |message: &Value| team_of(message).is_none();
            let team = match messages.iter().skip(1).any(unnamed) {
                true => self.own_team()?,
                false => "",
            };
            replies.extend(messages.iter().filter_map(|one| reply(root, one, team)));
        }
        Ok(replies)
    }

    fn check(&self) -> Vec<Finding> {
        let answer = self.get("auth.test", |call| call);
        vec![Finding {
            what: "slack bot".to_owned(),
            result: answer.map(|answer| {
                let (user, team) = (text(&answer["user"]), text(&answer["team_id"]));
                format!("{} of team {}", sanitise(user), sanitise(team))
            }),
        }]
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
