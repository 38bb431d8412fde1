//! What a rotation tells, put on the board; and the same as a list of steps for messages that are edited.

use crate::ledger::Step;
use crate::model::{Hint, Instant, SecretName, sanitise};
use crate::notify::Message;
use crate::rotation::{Happening, News};

use super::Spoken;
use super::board::{Board, soaking};

impl Board {
    /// Takes in what a rotation tells. What ends a rotation changes nothing here.
    pub(super) fn tell(&mut self, news: &News<'_>, spoken: &Spoken, now: Instant) {
        let block = self.block(news.secret, news.title);
        let spoken = |target: &str| spoken.get(target).cloned().unwrap_or(target.to_owned());
        match news.what {
            Happening::Started { old, resumed, leak } => {
                let message = started(news.title, old, leak);
                let heading = match resumed {
                    true => "🔄 Key Rotation Continued",
                    false => message.heading(),
                };
                block.head([vec![heading.to_owned()], message.lines()].concat());
            }
            Happening::Issued { new } => {
                block.head_line(format!("New key: {new}"));
                block.issued();
            }
            // `Issued` has said it.
            Happening::PlaceDone {
                step: Step::Issue, ..
            } => {}
            Happening::StepBegan {
                step,
                target,
                places,
            } => {
                block.began(step, target, &spoken(target), places, now);
            }
            Happening::PlaceDone {
                step,
                target,
                place,
            } => {
                block.count(step, target, &spoken(target), now, |tally| {
                    tally.done(place)
                });
            }
            Happening::PlaceWaits {
                step,
                target,
                place,
                doing,
            } => {
                block.count(step, target, &spoken(target), now, |tally| {
                    tally.waits(place, doing)
                });
            }
            Happening::PlaceFailed {
                step,
                target,
                place,
                why,
            } => {
                block.count(step, target, &spoken(target), now, |tally| {
                    tally.failed(place, why)
                });
            }
            Happening::Soaking { stage, until } => block.said(soaking(stage, until)),
            Happening::UndoBegan { why } => {
                block.turn_back();
                block.said(format!("⏪ Rolling back: {}", sanitise(why)));
            }
            Happening::Note { text } => block.said(format!("• {}", sanitise(text))),
            Happening::Promoted { .. }
            | Happening::RolledBack { .. }
            | Happening::Revoked { .. } => {}
        }
    }
}

/// The message a rotation begins with.
fn started(title: &str, old: Option<&Hint>, leak: Option<&str>) -> Message {
    let (title, old) = (title.to_owned(), old.cloned());
    match leak {
        Some(reason) => Message::Emergency {
            title,
            old,
            reason: reason.to_owned(),
        },
        None => Message::Started {
            title,
            old,
            new: None,
            progress: Vec::new(),
        },
    }
}

/// The steps of every rotation under way, for a message that is edited as they are done.
#[derive(Debug, Default)]
pub struct Checklist {
    board: Board,
    spoken: Spoken,
}

impl Checklist {
    /// A list of nothing yet. `spoken` says how people call the targets, by label.
    pub fn new(spoken: Spoken) -> Self {
        Self {
            board: Board::default(),
            spoken,
        }
    }

    /// Takes in what a rotation tells.
    pub fn tell(&mut self, news: &News<'_>, now: Instant) {
        self.board.tell(news, &self.spoken, now);
    }

    /// The steps of that secret, a line each.
    pub fn lines(&self, secret: &SecretName, now: Instant) -> Vec<String> {
        self.board.steps(secret, now)
    }
}
