//! The messages people get, as data; printing one gives the same plain text on every channel.
//!
//! The words are fixed. What comes from outside (titles, reasons, links) goes through the sanitiser, each piece on its
//! own, so that a hostile name can neither add a line nor hide one.

use std::fmt;

use crate::model::{Hint, Instant, SecretName, Span, sanitise, when};

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

    /// The lines after the heading.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Service: {}", sanitise(self.title()))];
        match self {
            Message::Upcoming { .. } => self.upcoming(&mut lines),
            Message::Started {
                old, new, progress, ..
            } => {
                push_key(&mut lines, "Old key", old.as_ref());
                push_key(&mut lines, "New key", new.as_ref());
                if !progress.is_empty() {
                    lines.push("Progress:".to_owned());
                    lines.extend(progress.iter().map(|line| sanitise(line)));
                }
            }
            Message::Emergency { old, reason, .. } => {
                push_key(&mut lines, "Leaked key", old.as_ref());
                lines.push(format!("Reason: {}", sanitise(reason)));
                lines.push(
                    "No grace period: the old key is revoked in this run, and then proven dead."
                        .into(),
                );
            }
            Message::Complete { .. } => self.complete(&mut lines),
            Message::Revoked { old, next, .. } => {
                push_key(&mut lines, "Revoked key", old.as_ref());
                lines.push("All services confirmed working with new key.".into());
                lines.push(match next {
                    Some(next) => {
                        format!("Rotation complete. Next rotation: {}.", when::date(*next))
                    }
                    None => "Rotation complete.".into(),
                });
            }
            Message::RolledBack {
                why, live, hint, ..
            } => {
                lines.push(format!("What failed: {}", sanitise(why)));
                push_key(&mut lines, "Live key", live.as_ref());
                lines.push("The old key is back everywhere, and the new one is revoked.".into());
                let hint = hint
                    .as_ref()
                    .map_or("None (the next run tries again)".into(), |hint| {
                        sanitise(hint)
                    });
                lines.push(format!("Action required: {hint}"));
            }
            Message::Postponed { until, capped, .. } => {
                lines.push(format!("Next rotation: {}", when::date(*until)));
                if *capped {
                    lines.push("That is as far as the policy allows.".into());
                }
            }
            Message::NotPostponed { why, .. } => lines.push(format!("Why: {}", sanitise(why))),
            Message::PersonNeeded {
                why, live, steps, ..
            } => {
                lines.push(format!("Why: {}", sanitise(why)));
                lines.push(format!("Live: {}", sanitise(live)));
                push_steps(&mut lines, steps);
            }
        }
        lines
    }

    /// The same without a name in it, for a channel whose readers need not know what there is. Keys keep their last four
    /// characters: without them nobody knows which one is meant.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        let hidden = || "[hidden]".to_owned();
        let look = || vec!["run `rotakey plan`".to_owned()];
        match &mut self {
            Message::Upcoming {
                title,
                action,
                postpone,
                ..
            } => {
                *title = hidden();
                if matches!(action, Action::Person(_)) {
                    *action = Action::Person(look());
                }
                if let Some(Postpone::Command(name, _)) = postpone {
                    *name = SecretName::from("NAME");
                }
            }
            Message::Started {
                title, progress, ..
            } => {
                *title = hidden();
                progress.clear();
            }
            Message::Emergency { title, reason, .. } => (*title, *reason) = (hidden(), hidden()),
            Message::RolledBack {
                title, why, hint, ..
            } => (*title, *why, *hint) = (hidden(), hidden(), look().pop()),
            Message::PersonNeeded {
                title,
                why,
                live,
                steps,
            } => (*title, *why, *live, *steps) = (hidden(), hidden(), hidden(), look()),
            Message::NotPostponed { title, why } => (*title, *why) = (hidden(), hidden()),
            Message::Complete { title, .. }
            | Message::Revoked { title, .. }
            | Message::Postponed { title, .. } => *title = hidden(),
        }
        self
    }

    fn upcoming(&self, lines: &mut Vec<String>) {
        let Message::Upcoming {
            current,
            due,
            now,
            action,
            postpone,
            ..
        } = self
        else {
            return;
        };
        let distance = when::distance(*due, *now);
        let state = match due < now {
            true if distance == "today" => "due today".to_owned(),
            true => format!("was due {distance}"),
            false => format!("expires {distance}"),
        };
        match current {
            Some(current) => lines.push(format!("Current key: {current} ({state})")),
            None => lines.push(format!("Current key: not known to rotakey ({state})")),
        }
        lines.push(format!("Next rotation: {}", when::date(*due)));
        match action {
            Action::None => lines.push("Action required: None (auto-rotation enabled)".into()),
            Action::Person(steps) => push_steps(lines, steps),
        }
        match postpone {
            Some(Postpone::Reply(span)) => {
                lines.push(format!(
                    "Reply SKIP to postpone by {}.",
                    when::length(*span)
                ));
            }
            Some(Postpone::Command(name, span)) => lines.push(format!(
                "Run `rotakey skip {} --reason …` to postpone by {}.",
                sanitise(name.as_str()),
                when::length(*span)
            )),
            None => {}
        }
    }

    fn complete(&self, lines: &mut Vec<String>) {
        let Message::Complete {
            new,
            old,
            services,
            grace,
            now,
            audit_log,
            ..
        } = self
        else {
            return;
        };
        lines.push(format!("New key: {new}"));
        match *services {
            (_, 0) => lines.push("Services to redeploy: none".into()),
            (observed, all) if observed == all => {
                lines.push(format!("All services updated: {observed}/{all}"));
            }
            (observed, all) => lines.push(format!("Services updated: {observed}/{all}")),
        }
        match old {
            Some(old) if *grace == Span::ZERO => {
                lines.push("🕐 Grace period: none".into());
                lines.push(format!("Old key ({old}) will be revoked by the next step."));
            }
            Some(old) => {
                lines.push(format!("🕐 Grace period: {}", when::length(*grace)));
                let end = when::future(*now + grace.delta(), *now);
                lines.push(format!("Old key ({old}) will be revoked {end}."));
            }
            None => lines.push("There was no old key.".into()),
        }
        if let Some(link) = audit_log {
            lines.push(format!("View audit log: {}", sanitise(link)));
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

fn push_key(lines: &mut Vec<String>, what: &str, key: Option<&Hint>) {
    if let Some(key) = key {
        lines.push(format!("{what}: {key}"));
    }
}

fn push_steps(lines: &mut Vec<String>, steps: &[String]) {
    match steps {
        [step] => lines.push(format!("Action required: {}", sanitise(step))),
        steps => {
            lines.push("Action required:".into());
            let numbered = steps.iter().zip(1..);
            lines.extend(numbered.map(|(step, n)| format!("{n}. {}", sanitise(step))));
        }
    }
}

#[cfg(test)]
mod tests;
