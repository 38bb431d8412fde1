//! Notices by a Telegram bot, edited as a rotation progresses, and replies that are read.
//!
//! ```yaml
//! phone:
//!   kind: telegram
//!   token: { env: TELEGRAM_BOT_TOKEN }
//!   chat: -1001234567890
//!   approvers: ["123456789"]      # user ids of who may reply SKIP
//! ```
//!
//! - The token stands in the path of every address, so no address is ever shown. What stands before its `:` is the bot's
//!   own user id.
//! - `getUpdates` gives what was written to the bot, at most 100 at a time, until it is asked for what comes after. The
//!   server keeps it **for 24 hours**: a reply counts only if `plan --warn` or `rotate` runs within a day of it. In a
//!   group the bot sees replies to its own messages also with privacy mode on. A webhook on the same bot makes
//!   `getUpdates` fail.
//! - An edited message comes as `edited_message`; a reply names its message in `reply_to_message`.
//! - `sendMessage` has no key by which a second copy is dropped; the last line of the text carries the notice's id.
//!
//! Source: core.telegram.org/bots/api (Bot API 9), looked at on 2026-11-23.

mod replies;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{self, Api, Call, Endpoint, Known, Pace};
use crate::model::{Clock, Credential, Effect, Fault, Finding, sanitise};

use super::letter::{cut, html};
use super::{Channel, ChannelKind, ChannelStarter, Letter, Loudness, Reply, Sources, needed};
use replies::{Asked, read};

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "telegram",
    needs: &["token"],
    takes: &[],
    starter: ChannelStarter {
        about: "Telegram, with replies (SKIP)",
        keys: ", token: { env: TELEGRAM_BOT_TOKEN }, chat: -1001234567890, approvers: [\"123456789\"]",
    },
};

/// A message takes 4096 characters after its entities were parsed.
const LONGEST: usize = 3_500;

/// Pages of updates that are read in one run.
const PAGES: usize = 20;

/// The keys that are not secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(super) chat: i64,
    #[serde(default)]
    pub(super) approvers: Vec<String>,
    #[serde(default)]
    pub(super) base_url: Option<String>,
}

pub(super) struct Telegram {
    api: Api,
    token: Credential,
    chat: i64,
    approvers: Vec<String>,
    /// The update after the last one that was read.
    next: Mutex<Option<i64>>,
}

impl Telegram {
    pub(super) fn open(
        config: &Config,
        sources: &Sources,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        if !config.approvers.iter().all(|id| id.parse::<u64>().is_ok()) {
            return Err(Fault::refused("an approver is not a Telegram user id")
                .hint("give the number; names can be changed by anybody"));
        }
        let base = config
            .base_url
            .as_deref()
            .unwrap_or("https://api.telegram.org");
        http::check_address(base).map_err(|why| Fault::refused(format!("`base_url`: {why}")))?;
        let endpoint = Endpoint {
            base: base.to_owned(),
            name: "telegram".to_owned(),
            in_flight: 1,
        };
        Ok(Self {
            api: Api::new(endpoint, Arc::clone(clock))?,
            token: needed(sources, "token")?,
            chat: config.chat,
            approvers: config.approvers.clone(),
            next: Mutex::new(None),
        })
    }

    fn call(&self, method: &str, body: &Value) -> Result<Call, Fault> {
        let token = self.token.value()?.expose();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
        if !token.chars().all(plain) {
            return Err(Fault::refused("this is not a bot token"));
        }
        let call = self.api.post(format!("/bot{token}/{method}")).json(body);
        Ok(call.timeout(TimeDelta::seconds(15)).codes(known))
    }

    fn post(&self, method: &str, body: &Value, pace: Pace) -> Effect<Value> {
        match self.call(method, body) {
            Ok(call) => call.pace(pace).once().read(|reply| result(reply.json()?)),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn ask(&self, method: &str, body: &Value) -> Result<Value, Fault> {
        result(self.call(method, body)?.read()?.json()?)
    }

    fn content(&self, letter: &Letter<'_>) -> Value {
        let mut lines = letter.lines();
        lines.push(letter.last_line());
        // In `pre` nothing becomes a mention, a command or a link.
        let body = html(&cut(&lines.join("\n"), LONGEST));
        let heading = letter.message.heading();
        json!({
            "chat_id": self.chat,
            "text": format!("<b>{heading}</b>\n<pre>{body}</pre>"),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        })
    }

    /// The bot's own user id.
    fn own_id(&self) -> Result<Option<i64>, Fault> {
        let token = self.token.value()?.expose();
        Ok(token.split(':').next().and_then(|id| id.parse().ok()))
    }

    fn updates(&self, offset: Option<i64>) -> Result<Vec<Value>, Fault> {
        let mut body = json!({
            "limit": 100,
            "timeout": 0,
            "allowed_updates": ["message", "edited_message"],
        });
        if let Some(offset) = offset {
            body["offset"] = json!(offset);
        }
        let result = self.ask("getUpdates", &body)?;
        Ok(result.as_array().cloned().unwrap_or_default())
    }
}

impl Channel for Telegram {
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>> {
        let mut body = self.content(letter);
        body["disable_notification"] = json!(letter.loud == Loudness::Quiet);
        if let Some(root) = letter.under.and_then(|root| root.parse::<i64>().ok()) {
            body["reply_parameters"] =
                json!({ "message_id": root, "allow_sending_without_reply": true });
        }
        let sent = self.post("sendMessage", &body, letter.pace);
        sent.map(|message| message["message_id"].as_i64().map(|id| id.to_string()))
    }

    fn edit(&self, reference: &str, letter: &Letter<'_>) -> Option<Effect<()>> {
        let mut body = self.content(letter);
        body["message_id"] = json!(reference.parse::<i64>().ok()?);
        Some(self.post("editMessageText", &body, letter.pace).map(drop))
    }

    /// A page with a reply to us is not confirmed before it was dealt with: if this run dies, it comes again. The page
    /// after it is read by the next run.
    fn replies(&self, references: &[&str]) -> Result<Vec<Reply>, Fault> {
        if self.approvers.is_empty() || references.is_empty() {
            return Ok(Vec::new());
        }
        let asked = Asked {
            chat: self.chat,
            bot: self.own_id()?,
            references,
        };
        let mut offset = None;
        for _ in 0..PAGES {
            let page = self.updates(offset)?;
            let Some(last) = page
                .iter()
                .filter_map(|one| one["update_id"].as_i64())
                .max()
            else {
                break;
            };
            offset = Some(last + 1);
            *self.next.lock().unwrap_or_else(PoisonError::into_inner) = offset;
            let found = read(&page, &asked);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn settle(&self) -> Result<(), Fault> {
        let next = self
            .next
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match next {
            Some(next) => self.updates(Some(next)).map(drop),
            None => Ok(()),
        }
    }

    fn check(&self) -> Vec<Finding> {
        let looked = || -> Result<String, Fault> {
            let me = self.ask("getMe", &json!({}))?;
            self.ask("getChat", &json!({ "chat_id": self.chat }))?;
            let name = me["username"].as_str().unwrap_or_default();
            Ok(format!("bot {} sees the chat", sanitise(name)))
        };
        vec![Finding {
            what: "telegram bot".to_owned(),
            result: looked(),
        }]
    }
}

fn result(answer: Value) -> Result<Value, Fault> {
    match answer["ok"] == json!(true) {
        true => Ok(answer["result"].clone()),
        false => Err(Fault::passing("the answer cannot be understood")),
    }
}

/// Telegram's errors by their number, and the one text that is no failure.
fn known(answer: &Value) -> Option<Known> {
    let text = answer["description"].as_str().unwrap_or_default();
    let (what, hint) = match answer["error_code"].as_i64()? {
        400 if text.contains("message is not modified") => ("nothing to change", None),
        400 if text.contains("chat not found") => (
            "there is no such chat, or the bot is not in it",
            Some("give the chat's number, and add the bot to it"),
        ),
        401 | 404 => (
            "the bot token is refused",
            Some("ask @BotFather for a new token"),
        ),
        403 => (
            "the bot may not write there",
            Some("add the bot to the chat, or unblock it"),
        ),
        409 => (
            "somebody else reads this bot's messages",
            Some("use a bot of its own for rotakey, without a webhook"),
        ),
        _ => return None,
    };
    Some(Known {
        what,
        hint,
        kind: Some(crate::model::FaultKind::Refused),
    })
}

#[cfg(test)]
mod tests;
