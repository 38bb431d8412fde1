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

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{self, Api, Call, Endpoint, Pace};
use crate::model::{Clock, Credential, Effect, Fault, Finding, Instant, sanitise};

use super::letter::{cut, escaped};
use super::{
    Channel, ChannelKind, ChannelStarter, Event, Letter, Loudness, Reply, Sources, needed,
};

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "slack",
    needs: &["token"],
    takes: &[],
    starter: ChannelStarter {
        about: "Slack, with replies (SKIP)",
        keys: ", token: { env: SLACK_BOT_TOKEN }, channel: C0123456789, approvers: [T0123456789/U0123456789]",
    },
};

/// A section takes no more.
const LONGEST: usize = 3_000;

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

/// What is posted. Only `plain_text` holds words from elsewhere: nothing in it is a link, a mention or a command. The
/// `text` beside it is what a notification on a phone shows.
pub(super) fn content(letter: &Letter<'_>) -> Value {
    let plain =
        |text: &str| json!({ "type": "plain_text", "emoji": true, "text": cut(text, LONGEST) });
    let mut lines = vec![letter.message.heading().to_owned()];
    lines.extend(letter.lines());
    let mut blocks = vec![
        json!({ "type": "section", "text": plain(&lines.join("\n")) }),
        json!({ "type": "context", "elements": [plain(&letter.last_line())] }),
    ];
    let mut text = escaped(&letter.subject());
    if letter.loud == Loudness::Loud {
        let call = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "<!channel>" } });
        blocks.insert(0, call);
        text.insert_str(0, "<!channel> ");
    }
    json!({
        "text": text,
        "blocks": blocks,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// A message of a thread as a reply. `None` for the first message and for what is no message.
fn reply(root: &str, message: &Value, own_team: &str) -> Option<Reply> {
    let (_, first) = place(root)?;
    let ts = text(&message["ts"]);
    if ts == first || text(&message["thread_ts"]) != first {
        return None;
    }
    let (at, order) = time(ts)?;
    let user = text(&message["user"]);
    let typed = text(&message["text"]);
    let is_set = |key: &str| message.get(key).is_some_and(|value| !value.is_null());
    Some(Reply {
        root: root.to_owned(),
        by: format!("{}/{user}", team_of(message).unwrap_or(own_team)),
        at,
        order,
        text: typed.to_owned(),
        machine: user.is_empty()
            || text(&message["type"]) != "message"
            || ["bot_id", "bot_profile", "app_id", "subtype", "attachments"]
                .iter()
                .any(|key| is_set(key)),
        edited: is_set("edited"),
        quoting: typed.trim_start().starts_with("&gt;"),
    })
}

/// Whose user wrote it, where the message says so.
fn team_of(message: &Value) -> Option<&str> {
    let named = |key: &str| message.get(key).and_then(Value::as_str);
    named("user_team")
        .or_else(|| named("source_team"))
        .or_else(|| named("team"))
        .filter(|team| !team.is_empty())
}

/// `C0123:1700000000.000100`.
fn place(reference: &str) -> Option<(&str, &str)> {
    reference.split_once(':')
}

/// A `ts` is epoch seconds and a counter, and names the message.
fn time(ts: &str) -> Option<(Instant, u64)> {
    let (seconds, counter) = ts.split_once('.')?;
    let (seconds, counter): (u32, u32) = (seconds.parse().ok()?, counter.parse().ok()?);
    let at = DateTime::from_timestamp(seconds.into(), 0)?;
    Some((at, u64::from(seconds) * 1_000_000 + u64::from(counter)))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What an answer with `ok: false` says.
enum Said {
    /// Nothing was done.
    No(Fault),
    /// Something may have been done.
    Perhaps(Fault),
}

/// Slack's words for what went wrong, in ours. What is not listed is not repeated.
fn refusal(answer: &Value) -> Option<Said> {
    if answer["ok"] == json!(true) {
        return None;
    }
    let refused = |what: &str, hint: &str| Said::No(Fault::refused(what).hint(hint));
    Some(match text(&answer["error"]) {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            refused(
                "the bot token is refused",
                "make a new bot token in the app's settings",
            )
        }
        "missing_scope" | "no_permission" => refused(
            "the bot may not do this",
            "give the app the scopes chat:write and channels:history, and install it again",
        ),
        "channel_not_found" => refused(
            "there is no such channel, or the bot cannot see it",
            "give the channel's id, and invite the bot to it",
        ),
        "not_in_channel" => refused("the bot is not in the channel", "invite the bot to it"),
        "is_archived" => refused("the channel is archived", "name another channel"),
        "thread_not_found" | "message_not_found" => Said::No(Fault::missing("the message is gone")),
        "ratelimited" | "rate_limited" => Said::No(Fault::passing("rate limited")),
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Said::Perhaps(Fault::passing("slack failed"))
        }
        _ => Said::No(Fault::refused("slack says no")),
    })
}

#[cfg(test)]
mod tests;
