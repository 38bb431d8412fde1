//! The messages of a thread, read as replies.

use chrono::DateTime;
use serde_json::Value;

use super::text;
use crate::model::Instant;
use crate::notify::Reply;

/// A message of a thread as a reply. `None` for the first message and for what is no message.
pub(super) fn reply(root: &str, message: &Value, own_team: &str) -> Option<Reply> {
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
pub(super) fn team_of(message: &Value) -> Option<&str> {
    let named = |key: &str| message.get(key).and_then(Value::as_str);
    named("user_team")
        .or_else(|| named("source_team"))
        .or_else(|| named("team"))
        .filter(|team| !team.is_empty())
}

/// `C0123:1700000000.000100`.
pub(super) fn place(reference: &str) -> Option<(&str, &str)> {
    reference.split_once(':')
}

/// A `ts` is epoch seconds and a counter, and names the message.
fn time(ts: &str) -> Option<(Instant, u64)> {
    let (seconds, counter) = ts.split_once('.')?;
    let (seconds, counter): (u32, u32) = (seconds.parse().ok()?, counter.parse().ok()?);
    let at = DateTime::from_timestamp(seconds.into(), 0)?;
    Some((at, u64::from(seconds) * 1_000_000 + u64::from(counter)))
}
