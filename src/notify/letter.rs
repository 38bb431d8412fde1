//! One message on its way to one channel: its words, what marks it, and how text is made harmless.

use crate::http::Pace;
use crate::model::{Instant, SecretName};

use super::{Event, Message};

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// The notice's id, the same at every try.
    pub id: &'a str,
    /// Of which secret; `None` where its name is not to be shown.
    pub secret: Option<&'a SecretName>,
    /// Which kind of news; `None` for an answer.
    pub event: Option<Event>,
    /// The words.
    pub message: &'a Message,
    /// How loudly.
    pub loud: Loudness,
    /// The newest audit event: `#1234 1a2b3c4d`. Whoever keeps the message can prove later what the log was then.
    pub head: &'a str,
    /// The channel's own word for the message it belongs under.
    pub under: Option<&'a str>,
    /// Whether an earlier try had no answer, so that this may be the second copy.
    pub again: bool,
    /// When the news came up.
    pub at: Instant,
    /// Whether something more important waits meanwhile.
    pub pace: Pace,
}

/// Whether people are to be called to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// They are.
    Loud,
    /// They find it when they look.
    Quiet,
}

impl Letter<'_> {
    /// The lines under the heading, without the last line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.message.lines();
        if self.again {
            lines.push("Sent again: an earlier try had no answer.".to_owned());
        }
        lines
    }

    /// The last line: what ties the message to the audit log, and by what a second copy is known.
    pub(super) fn last_line(&self) -> String {
        let short: String = self.id.trim_start_matches("ntc_").chars().take(8).collect();
        format!("Audit head: {}, notice {short}", self.head)
    }

    /// The whole as plain text.
    #[cfg(any(test, feature = "email"))]
    pub(super) fn text(&self) -> String {
        let mut lines = vec![self.message.heading().to_owned()];
        lines.extend(self.lines());
        lines.push(self.last_line());
        lines.join("\n")
    }

    /// The subject: heading and service in one line.
    pub(super) fn subject(&self) -> String {
        let title = crate::model::sanitise(self.message.title());
        format!("{}: {title}", self.message.heading())
    }

    /// The id as a UUID, for channels that want one.
    pub(super) fn uuid(&self) -> String {
        let hex: String = self
            .id
            .chars()
            .filter(char::is_ascii_hexdigit)
            .rev()
            .take(32)
            .collect();
        let hex: String = hex.chars().rev().collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        let parts = [
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32),
        ];
        parts.join("-")
    }
}

/// Text for HTML, and for Telegram, whose HTML knows the same three.
pub(super) fn html(text: &str) -> String {
    escaped(text).replace('"', "&quot;")
}

/// Text for Slack: links, mentions and commands all begin with `<`.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text, cut so that a channel takes it.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Instant;

    fn letter(message: &Message, again: bool) -> Letter<'_> {
        Letter {
            id: "ntc_0123456789abcdef0123456789abcdef",
            secret: None,
            event: None,
            message,
            loud: Loudness::Quiet,
            head: "#12 1a2b3c4d",
            under: None,
            again,
            at: Instant::UNIX_EPOCH,
            pace: Pace::Patient,
        }
    }

    #[test]
    fn a_second_copy_says_that_it_is_one_and_keeps_its_mark() {
        let message = Message::NotPostponed {
            title: "OpenAI API".to_owned(),
            why: "no".to_owned(),
        };
        let first = letter(&message, false);
        assert_eq!(
            first.text(),
            "▶️ Key Rotation Not Postponed\nService: OpenAI API\nWhy: no\n\
             Audit head: #12 1a2b3c4d, notice 01234567"
        );
        let second = letter(&message, true);
        assert!(
            second
                .text()
                .contains("\nSent again: an earlier try had no answer.\n")
        );
        assert_eq!(first.uuid(), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(first.uuid(), second.uuid());
    }

    #[test]
    fn markup_from_outside_is_only_text() {
        assert_eq!(
            escaped("<!channel> & <https://evil.example|Approve>"),
            "&lt;!channel&gt; &amp; &lt;https://evil.example|Approve&gt;"
        );
        assert_eq!(html("<b title=\"x\">"), "&lt;b title=&quot;x&quot;&gt;");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("⚠️🔑x", 3), "⚠\u{fe0f}…");
        assert_eq!(cut("⚠️🔑x", 4), "⚠️🔑x");
    }
}
