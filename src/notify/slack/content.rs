//! What is posted at Slack.

use serde_json::{Value, json};

use crate::notify::letter::{cut, escaped};
use crate::notify::{Letter, Loudness};

/// A section takes no more.
const LONGEST: usize = 3_000;

/// Only `plain_text` holds words from elsewhere: nothing in it is a link, a mention or a command. The
/// `text` beside it is what a notification on a phone shows.
pub(in crate::notify) fn content(letter: &Letter<'_>) -> Value {
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
