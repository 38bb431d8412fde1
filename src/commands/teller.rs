//! Watches a rotation for those who are not at the terminal: says at once that it began, and keeps that message true.
//!
//! It sends only what is in the ledger, on disk, already. Everything else is sent when the run is over.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use chrono::TimeDelta;

use crate::ledger::{News, Phase, Ready, State};
use crate::model::{Clock, Hint, Instant, SecretName};
use crate::notify::Message;
use crate::rotation::{self, Happening, Progress};
use crate::ui::{Checklist, Spoken};

use super::post::{Postman, head};

/// Messages are edited no more often: Slack takes some fifty edits a minute.
const PAUSE: TimeDelta = TimeDelta::seconds(3);

/// Someone who watches for the channels, beside someone who watches for the terminal.
pub(super) struct Teller<'p, 'a> {
    beside: Box<dyn Progress + 'p>,
    postman: &'p mut Postman<'a>,
    ready: Ready,
    clock: Arc<dyn Clock>,
    checklist: Checklist,
    shown: BTreeMap<SecretName, Shown>,
}

/// A message that shows how far a rotation has come.
struct Shown {
    old: Option<Hint>,
    new: Hint,
    head: String,
    edited: Option<Instant>,
    lines: Vec<String>,
}

impl<'p, 'a> Teller<'p, 'a> {
    pub(super) fn new(
        beside: Box<dyn Progress + 'p>,
        postman: &'p mut Postman<'a>,
        (ready, state, now_head): (Ready, &State, String),
        clock: Arc<dyn Clock>,
        spoken: Spoken,
    ) -> Self {
        Self {
            beside,
            shown: under_way(postman, state, &now_head),
            postman,
            ready,
            clock,
            checklist: Checklist::new(spoken),
        }
    }

    /// Sends what has become durable and is to be heard at once.
    fn hurry(&mut self) {
        let ready = std::mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner));
        for (notice, seq, digest) in ready {
            let head = head(seq, digest);
            let lines = self.checklist.lines(&notice.secret, self.clock.now());
            match &notice.news {
                News::Emergency { .. } => self.postman.hurry(&notice, &head, &[]),
                News::Started { old, new } => {
                    self.postman.hurry(&notice, &head, &lines);
                    let shown = Shown {
                        old: old.clone(),
                        new: new.clone(),
                        head,
                        edited: None,
                        lines,
                    };
                    self.shown.insert(notice.secret.clone(), shown);
                }
                _ => {}
            }
        }
    }

    fn edit(&mut self, secret: &SecretName, title: &str, pause: TimeDelta) {
        let now = self.clock.now();
        let Some(shown) = self.shown.get_mut(secret) else {
            return;
        };
        let lines = self.checklist.lines(secret, now);
        let early = shown.edited.is_some_and(|edited| now < edited + pause);
        if early || lines == shown.lines || !self.postman.shows(secret) {
            return;
        }
        let message = Message::Started {
            title: title.to_owned(),
            old: shown.old.clone(),
            new: Some(shown.new.clone()),
            progress: lines.clone(),
        };
        (shown.edited, shown.lines) = (Some(now), lines);
        self.postman.edit(secret, &message, &shown.head);
    }
}

/// The rotations whose beginning was told by an earlier run.
fn under_way(postman: &Postman<'_>, state: &State, head: &str) -> BTreeMap<SecretName, Shown> {
    let open = state.secrets.iter().filter_map(|(name, known)| {
        let open = known.rotation.as_ref()?;
        let hint = |number| known.version(number).map(|version| version.hint.clone());
        let shown = Shown {
            old: open.from.and_then(hint),
            new: open.to.and_then(hint)?,
            head: head.to_owned(),
            edited: None,
            lines: Vec::new(),
        };
        let early = !matches!(open.phase(), Ok(Phase::Grace | Phase::Revoking));
        (early && postman.shows(name)).then(|| (name.clone(), shown))
    });
    open.collect()
}

impl Progress for Teller<'_, '_> {
    fn tell(&mut self, news: rotation::News<'_>) {
        self.beside.tell(news);
        let resumed = matches!(news.what, Happening::Started { resumed: true, .. });
        self.checklist.tell(&news, self.clock.now());
        if let (true, Some(shown)) = (resumed, self.shown.get(news.secret)) {
            // The key was made by an earlier run, and its line would be missing.
            let new = shown.new.clone();
            let made = rotation::News {
                what: Happening::Issued { new: &new },
                ..news
            };
            self.checklist.tell(&made, self.clock.now());
        }
        self.hurry();
        let over = matches!(
            news.what,
            Happening::Promoted { .. } | Happening::RolledBack { .. } | Happening::UndoBegan { .. }
        );
        let pause = if over { TimeDelta::zero() } else { PAUSE };
        self.edit(news.secret, news.title, pause);
    }
}
