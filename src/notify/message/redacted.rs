//! A message for readers who need not know what there is.

use super::{Action, Message, Postpone};
use crate::model::SecretName;

impl Message {
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
}
