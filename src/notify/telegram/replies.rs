//! What was written to the bot, read as replies.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::notify::Reply;

/// What a reply answers.
pub(super) struct Asked<'a> {
    /// Where it was asked.
    pub(super) chat: i64,
    /// Who asked: the bot's own user id.
    pub(super) bot: Option<i64>,
    /// The messages that asked.
    pub(super) references: &'a [&'a str],
}

/// The replies to these messages of the bot's own.
pub(super) fn read(updates: &[Value], asked: &Asked<'_>) -> Vec<Reply> {
    let edited: BTreeSet<i64> = updates
        .iter()
        .filter_map(|update| update["edited_message"]["message_id"].as_i64())
        .collect();
    let messages = updates.iter().map(|update| &update["message"]);
    messages
        .filter_map(|message| reply(message, asked, &edited))
        .collect()
}

fn reply(message: &Value, asked: &Asked<'_>, edited: &BTreeSet<i64>) -> Option<Reply> {
    let to = &message["reply_to_message"];
    let root = to["message_id"].as_i64()?.to_string();
    let ours = message["chat"]["id"].as_i64() == Some(asked.chat)
        && asked.bot.is_some()
        && to["from"]["id"].as_i64() == asked.bot
        && asked.references.contains(&root.as_str());
    if !ours {
        return None;
    }
    let id = message["message_id"].as_i64()?;
    let from = &message["from"];
    let is_set = |key: &str| message.get(key).is_some_and(|value| !value.is_null());
    // Who writes in the name of a group, through another bot, or passes something on, is nobody we know.
    let unnamed = [
        "sender_chat",
        "via_bot",
        "forward_origin",
        "sender_business_bot",
    ];
    let first = |entity: &Value| entity["offset"].as_i64() == Some(0);
    Some(Reply {
        root,
        by: from["id"].as_i64()?.to_string(),
        at: DateTime::from_timestamp(message["date"].as_i64()?, 0)?,
        order: u64::try_from(id).ok()?,
        text: message["text"].as_str()?.to_owned(),
        machine: from["is_bot"] != json!(false) || unnamed.iter().any(|key| is_set(key)),
        edited: is_set("edit_date") || edited.contains(&id),
        // Marked-up words are quoted or pasted ones: what a person types in answer is plain.
        quoting: message["entities"]
            .as_array()
            .is_some_and(|all| all.iter().any(first)),
    })
}
