//! The people who hear of a rotation, and what they hear it with: Slack, Telegram, webhooks and a heartbeat monitor, on
//! loopback, as their public documentation says (docs.slack.dev, core.telegram.org/bots/api, standardwebhooks.com,
//! healthchecks.io, looked at on 2026-11-23). Stateful: what was posted can be answered, edited and read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};
use tiny_http::{Header, Request, Response, Server};

use super::world::Calendar;

pub(crate) const SLACK_TOKEN: &str = "xoxb-canary-0000000000-slackslack";
pub(crate) const TELEGRAM_TOKEN: &str = "4242:canaryTelegramTokenCanary";
pub(crate) const HOOK_SECRET: &str = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";
pub(crate) const CHANNEL: &str = "C0OPS";
pub(crate) const CHAT: i64 = -1001;
const BOT: i64 = 4242;

/// A request to a webhook or the monitor.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Slack answers `ok: false` with this word.
    pub(crate) slack_says: Option<&'static str>,
    /// So many requests are answered with 429 and `Retry-After: 1`.
    pub(crate) limits: u32,
    /// So many requests to post something are carried out and not answered.
    pub(crate) lost: u32,
    /// Everything answers 500 without doing anything.
    pub(crate) down: bool,
}

#[derive(Default)]
struct Desk {
    slack: Vec<Value>,
    telegram: Vec<Value>,
    updates: Vec<Value>,
    hooks: Vec<Delivery>,
    pings: Vec<String>,
    requests: usize,
    edits: usize,
    counter: i64,
    faults: Faults,
}

/// All of them. Clones are the same people.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) base: String,
    desk: Arc<Mutex<Desk>>,
    calendar: Calendar,
}

impl People {
    pub(crate) fn new(calendar: &Calendar) -> Self {
        let server = Server::http("127.0.0.1:0").expect("a free port");
        let base = format!(
            "http://{}",
            server.server_addr().to_ip().expect("an address")
        );
        let people = Self {
            base,
            desk: Arc::default(),
            calendar: calendar.clone(),
        };
        let them = people.clone();
        thread::spawn(move || {
            for request in server.incoming_requests() {
                them.serve(request);
            }
        });
        people
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.desk().faults);
    }

    /// The `notify:` section with a channel of every kind but e-mail.
    pub(crate) fn all_channels(&self) -> String {
        [
            "notify:\n".to_owned(),
            self.slack(""),
            self.telegram(""),
            "  hook: { kind: webhook, url: { env: HOOK_URL }, secret: { env: HOOK_SECRET } }\n"
                .to_owned(),
            "  plain: { kind: slack-webhook, url: { env: SLACK_URL } }\n".to_owned(),
        ]
        .concat()
    }

    pub(crate) fn slack(&self, more: &str) -> String {
        format!(
            "  ops: {{ kind: slack, token: {{ env: SLACK_TOKEN }}, channel: {CHANNEL}, approvers: [T1/U1], \
             base_url: \"{}/slack\"{more} }}\n",
            self.base
        )
    }

    pub(crate) fn telegram(&self, more: &str) -> String {
        format!(
            "  phone: {{ kind: telegram, token: {{ env: TELEGRAM_TOKEN }}, chat: {CHAT}, approvers: [\"7\"], \
             base_url: \"{}/telegram\"{more} }}\n",
            self.base
        )
    }

    /// The variables that the sections above name.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let values = [
            ("SLACK_TOKEN", SLACK_TOKEN.to_owned()),
            ("TELEGRAM_TOKEN", TELEGRAM_TOKEN.to_owned()),
            ("HOOK_SECRET", HOOK_SECRET.to_owned()),
            (
                "HOOK_URL",
                format!("{}/hook/canary-hook-path?key=canary-hook-key", self.base),
            ),
            (
                "SLACK_URL",
                format!("{}/services/canary-slack-path", self.base),
            ),
            (
                "HEARTBEAT_URL",
                format!("{}/ping/canary-heartbeat-path", self.base),
            ),
        ];
        let owned = values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        owned.collect()
    }

    /// What must never show anywhere else.
    pub(crate) fn canaries(&self) -> Vec<String> {
        let words = [
            "canary-hook-path",
            "canary-hook-key",
            "canary-slack-path",
            "canary-heartbeat-path",
        ];
        let tokens = [SLACK_TOKEN, TELEGRAM_TOKEN, HOOK_SECRET];
        tokens
            .iter()
            .chain(&words)
            .map(ToString::to_string)
            .collect()
    }

    /// How many requests there were so far.
    pub(crate) fn requests(&self) -> usize {
        self.desk().requests
    }

    /// Everything that was posted to the Slack channel by the bot and by people.
    pub(crate) fn on_slack(&self) -> Vec<Value> {
        self.desk().slack.clone()
    }

    pub(crate) fn edits(&self) -> usize {
        self.desk().edits
    }

    pub(crate) fn on_telegram(&self) -> Vec<Value> {
        self.desk().telegram.clone()
    }

    /// What came to `/hook` or `/services`.
    pub(crate) fn hooks(&self, path: &str) -> Vec<Delivery> {
        let hooks = self.desk().hooks.clone().into_iter();
        hooks.filter(|hook| hook.path.starts_with(path)).collect()
    }

    pub(crate) fn pings(&self) -> Vec<String> {
        self.desk().pings.clone()
    }

    /// Somebody replies on Slack; the message as it is kept, for a test to change.
    pub(crate) fn slack_reply(
        &self,
        root: &str,
        who: &str,
        text: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let (team, user) = who.split_once('/').expect("team/user");
        let mut desk = self.desk();
        let ts = self.ts(&mut desk);
        let mut message = json!({
            "type": "message", "user": user, "team": team, "text": text, "ts": ts, "thread_ts": root,
            "client_msg_id": "11111111-2222-3333-4444-555555555555",
        });
        change(&mut message);
        desk.slack.push(message);
        ts
    }

    /// Somebody replies on Telegram.
    pub(crate) fn telegram_reply(
        &self,
        root: i64,
        who: i64,
        text: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let now = self.calendar.now().timestamp();
        let mut desk = self.desk();
        desk.counter += 1;
        let id = desk.counter;
        let mut message = json!({
            "message_id": id, "date": now, "text": text, "chat": { "id": CHAT },
            "from": { "id": who, "is_bot": false },
            "reply_to_message": { "message_id": root, "from": { "id": BOT, "is_bot": true } },
        });
        change(&mut message);
        desk.updates
            .push(json!({ "update_id": id, "message": message }));
    }

    /// Updates that the bot has not confirmed.
    pub(crate) fn unconfirmed(&self) -> usize {
        self.desk().updates.len()
    }

    fn ts(&self, desk: &mut Desk) -> String {
        desk.counter += 1;
        format!("{}.{:06}", self.calendar.now().timestamp(), desk.counter)
    }

    fn serve(&self, mut request: Request) {
        let mut body = String::new();
        drop(request.as_reader().read_to_string(&mut body));
        let path = request.url().to_owned();
        let headers = request.headers().iter();
        let headers: BTreeMap<String, String> = headers
            .map(|header| {
                (
                    header.field.to_string().to_lowercase(),
                    header.value.to_string(),
                )
            })
            .collect();
        let mut desk = self.desk();
        desk.requests += 1;
        if desk.faults.down {
            return answer(request, 500, &json!({}), &[]);
        }
        if desk.faults.limits > 0 {
            desk.faults.limits -= 1;
            let told =
                json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 1 } });
            return answer(request, 429, &told, &[("retry-after", "1")]);
        }
        let (status, reply) = self.act(&mut desk, &path, &headers, &body);
        let posts = ["postMessage", "sendMessage", "/hook/", "/services/"];
        if desk.faults.lost > 0 && posts.iter().any(|post| path.contains(post)) {
            desk.faults.lost -= 1;
            drop(request.into_writer());
            return;
        }
        drop(desk);
        answer(request, status, &reply, &[]);
    }

    fn act(
        &self,
        desk: &mut Desk,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &str,
    ) -> (u16, Value) {
        let (plain, query) = path.split_once('?').unwrap_or((path, ""));
        let json = || serde_json::from_str::<Value>(body).unwrap_or_default();
        if let Some(method) = plain.strip_prefix("/slack/") {
            if headers.get("authorization") != Some(&format!("Bearer {SLACK_TOKEN}")) {
                return (200, json!({ "ok": false, "error": "invalid_auth" }));
            }
            if let Some(word) = desk.faults.slack_says {
                return (200, json!({ "ok": false, "error": word }));
            }
            return (200, self.slack_method(desk, method, query, &json()));
        }
        if let Some(rest) = plain.strip_prefix("/telegram/bot") {
            let (token, method) = rest.split_once('/').unwrap_or_default();
            if token != TELEGRAM_TOKEN {
                return (
                    401,
                    json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }),
                );
            }
            return self.telegram_method(desk, method, &json());
        }
        if let Some(rest) = plain.strip_prefix("/ping/") {
            desk.pings.push(rest.to_owned());
            return (200, json!("OK"));
        }
        if plain.starts_with("/hook/") || plain.starts_with("/services/") {
            desk.hooks.push(Delivery {
                path: path.to_owned(),
                headers: headers.clone(),
                body: body.to_owned(),
            });
            return (200, json!("ok"));
        }
        (404, json!({}))
    }

    fn slack_method(&self, desk: &mut Desk, method: &str, query: &str, body: &Value) -> Value {
        match method {
            "auth.test" => {
                json!({ "ok": true, "user": "rotakey", "team_id": "T1", "bot_id": "B1" })
            }
            "chat.postMessage" if body["channel"] != json!(CHANNEL) => {
                json!({ "ok": false, "error": "channel_not_found" })
            }
            "chat.postMessage" => {
                let ts = self.ts(desk);
                let mut message = body.clone();
                message["type"] = json!("message");
                message["ts"] = json!(ts);
                message["bot_id"] = json!("B1");
                message["user"] = json!("UBOT");
                desk.slack.push(message);
                json!({ "ok": true, "channel": CHANNEL, "ts": ts })
            }
            "chat.update" => {
                let found = desk.slack.iter_mut().find(|one| one["ts"] == body["ts"]);
                let Some(message) = found else {
                    return json!({ "ok": false, "error": "message_not_found" });
                };
                message["text"] = body["text"].clone();
                message["blocks"] = body["blocks"].clone();
                message["edited"] = json!({ "user": "UBOT" });
                desk.edits += 1;
                json!({ "ok": true })
            }
            "conversations.replies" => {
                let pair = |key: &str| {
                    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                    pairs
                        .find(|(name, _)| *name == key)
                        .map(|(_, value)| value.to_owned())
                };
                let ts = pair("ts").unwrap_or_default();
                let cursor: usize = pair("cursor").map_or(0, |text| text.parse().unwrap_or(0));
                let thread: Vec<Value> = desk
                    .slack
                    .iter()
                    .filter(|one| one["ts"] == json!(ts) || one["thread_ts"] == json!(ts))
                    .cloned()
                    .collect();
                if thread.is_empty() {
                    return json!({ "ok": false, "error": "thread_not_found" });
                }
                // Small pages, so that a reader has to turn them.
                let next = cursor + 2;
                let more = match next < thread.len() {
                    true => next.to_string(),
                    false => String::new(),
                };
                let page: Vec<&Value> = thread.iter().skip(cursor).take(2).collect();
                json!({ "ok": true, "messages": page, "response_metadata": { "next_cursor": more } })
            }
            _ => json!({ "ok": false, "error": "unknown_method" }),
        }
    }

    fn telegram_method(&self, desk: &mut Desk, method: &str, body: &Value) -> (u16, Value) {
        let result = match method {
            "getMe" => json!({ "id": BOT, "username": "rotakey_bot" }),
            "getChat" => json!({ "id": CHAT }),
            "sendMessage" => {
                desk.counter += 1;
                let mut message = body.clone();
                message["message_id"] = json!(desk.counter);
                desk.telegram.push(message.clone());
                message
            }
            "editMessageText" => {
                let found = desk
                    .telegram
                    .iter_mut()
                    .find(|one| one["message_id"] == body["message_id"]);
                let Some(message) = found else {
                    return (
                        400,
                        json!({ "ok": false, "error_code": 400, "description": "Bad Request" }),
                    );
                };
                message["text"] = body["text"].clone();
                desk.edits += 1;
                json!(true)
            }
            "getUpdates" => {
                if let Some(offset) = body["offset"].as_i64() {
                    desk.updates
                        .retain(|update| update["update_id"].as_i64() >= Some(offset));
                }
                json!(desk.updates.iter().take(100).collect::<Vec<_>>())
            }
            _ => {
                return (
                    404,
                    json!({ "ok": false, "error_code": 404, "description": "Not Found" }),
                );
            }
        };
        (200, json!({ "ok": true, "result": result }))
    }
}

fn answer(request: Request, status: u16, body: &Value, headers: &[(&str, &str)]) {
    let text = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let kind = if body.is_string() {
        "text/plain"
    } else {
        "application/json"
    };
    let mut response = Response::from_string(text).with_status_code(status);
    for (name, value) in headers.iter().chain(&[("content-type", kind)]) {
        response
            .add_header(Header::from_bytes(name.as_bytes(), value.as_bytes()).expect("a header"));
    }
    drop(request.respond(response));
}
