//! What stands below the heading of a message, line by line.
//!
//! The words are fixed. What comes from outside (titles, reasons, links) goes through the sanitiser, each piece on its
//! own, so that a hostile name can neither add a line nor hide one.

use super::{Action, Message, Postpone};
use crate::model::{Hint, Span, sanitise, when};

impl Message {
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
            Message::Revoked {
                old,
                services,
                next,
                ..
            } => {
                push_key(&mut lines, "Revoked key", old.as_ref());
                lines.push(match services {
                    0 => "All places hold the new key.".into(),
                    _ => "All services confirmed working with new key.".into(),
                });
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
