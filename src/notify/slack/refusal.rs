//! What Slack says went wrong.

use serde_json::{Value, json};

use super::text;
use crate::model::Fault;

/// What an answer with `ok: false` says.
pub(super) enum Said {
    /// Nothing was done.
    No(Fault),
    /// Something may have been done.
    Perhaps(Fault),
}

/// Slack's words for what went wrong, in ours. What is not listed is not repeated.
pub(super) fn refusal(answer: &Value) -> Option<Said> {
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
