//! The messages people get, as data; printing one gives the same plain text on every channel.

mod lines;
mod redacted;

use std::fmt;

use crate::model::{Hint, Instant, SecretName, Span};

/// What people are told, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A rotation is coming.
    Upcoming {
        /// What people call the secret: `OpenAI API`.
        title: String,
        /// The key that is live, where one is known.
        current: Option<Hint>,
        /// When it is to be replaced.
        due: Instant,
        /// When this is said.
        now: Instant,
        /// What somebody has to do.
        action: Action,
        /// How it can be put off; `None` where it cannot.
        postpone: Option<Postpone>,
    },
    /// A rotation began.
    Started {
        /// What people call the secret.
        title: String,
        /// The key that is live.
        old: Option<Hint>,
        /// The key that will be.
        new: Option<Hint>,
        /// How far it has come, a line each.
        progress: Vec<String>,
    },
    /// A key leaked and is being replaced without a grace.
    Emergency {
        /// What people call the secret.
        title: String,
        /// The key that leaked.
        old: Option<Hint>,
        /// Why, in a person's words.
        reason: String,
    },
    /// Every service is on the new key.
    Complete {
        /// What people call the secret.
        title: String,
        /// The key that is live.
        new: Hint,
        /// The key that still works.
        old: Option<Hint>,
        /// Services that were observed, of all.
        services: (usize, usize),
        /// How long the old key keeps working, from `now`.
        grace: Span,
        /// When this is said.
        now: Instant,
        /// Where the audit log can be seen, if anywhere.
        audit_log: Option<String>,
    },
    /// The old key is dead.
    Revoked {
        /// What people call the secret.
        title: String,
        /// The dead key.
        old: Option<Hint>,
        /// How many services were observed on the new key.
        services: usize,
        /// When the next rotation is due.
        next: Option<Instant>,
    },
    /// The rotation was taken back.
    RolledBack {
        /// What people call the secret.
        title: String,
        /// What had failed.
        why: String,
        /// The key that is live.
        live: Option<Hint>,
        /// What a person can do about it.
        hint: Option<String>,
    },
    /// Somebody's `SKIP` was taken.
    Postponed {
        /// What people call the secret.
        title: String,
        /// To when.
        until: Instant,
        /// Whether the policy allowed less than was asked for.
        capped: bool,
    },
    /// Somebody's `SKIP` could not be taken.
    NotPostponed {
        /// What people call the secret.
        title: String,
        /// Why.
        why: String,
    },
    /// Only a person can go on.
    PersonNeeded {
        /// What people call the secret.
        title: String,
        /// Why.
        why: String,
        /// Which key is live where.
        live: String,
        /// What to do, a line each.
        steps: Vec<String>,
    },
}

/// What somebody has to do before a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it rotates by itself.
    None,
    /// These steps, with the link where a person makes the key.
    Person(Vec<String>),
}

/// How a rotation can be put off, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Postpone {
    /// By an answer, on a channel whose answers are read.
    Reply(Span),
    /// By a command, where nobody reads answers.
    Command(SecretName, Span),
}

impl Message {
    /// The first line.
    pub const fn heading(&self) -> &'static str {
        match self {
            Message::Upcoming { .. } => "⚠️ Upcoming Key Rotation",
            Message::Started { .. } => "🔄 Key Rotation Started",
            Message::Emergency { .. } => "🚨 Emergency Key Rotation",
            Message::Complete { .. } => "✅ Key Rotation Complete",
            Message::Revoked { .. } => "🗑️ Old Key Revoked",
            Message::RolledBack { .. } => "⏪ Key Rotation Rolled Back",
            Message::Postponed { .. } => "⏸️ Key Rotation Postponed",
            Message::NotPostponed { .. } => "▶️ Key Rotation Not Postponed",
            Message::PersonNeeded { .. } => "🙋 A Person Is Needed",
        }
    }

    /// What people call the secret, as it came from the configuration.
    pub fn title(&self) -> &str {
        match self {
            Message::Upcoming { title, .. }
            | Message::Started { title, .. }
            | Message::Emergency { title, .. }
            | Message::Complete { title, .. }
            | Message::Revoked { title, .. }
            | Message::RolledBack { title, .. }
            | Message::Postponed { title, .. }
            | Message::NotPostponed { title, .. }
            | Message::PersonNeeded { title, .. } => title,
        }
    }
}

/// The whole message: the heading, then a line each, without a line break at the end.
impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.heading())?;
        self.lines()
            .iter()
            .try_for_each(|line| write!(out, "\n{line}"))
    }
}

#[cfg(test)]
mod tests;
