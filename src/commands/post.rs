//! The post: takes notices out of the ledger's outbox and brings them to the channels.
//!
//! What is sent is recorded right after, so a run that dies in between sends that one message again, with the same id.
//! A channel that does not work is left alone for the rest of the run; its notices wait. Nothing here fails a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::error::Result;
use crate::exit::Exit;
use crate::ledger::{Delivery, LedgerError, LockedLedger, News, Notice, State, Thread, Topic};
use crate::model::{Clock, Effect, Fault, Instant, SecretName};
use crate::notify::{Letter, Loudness, Message, Pace};
use crate::run::Run;

use super::channels;
use super::joined::Joined;
use super::words;

/// How often a message is sent again that had no answer. The receiver has it by then, or never will.
const TRIES: u32 = 3;

/// What is older is no news.
const STALE: TimeDelta = TimeDelta::days(30);

/// Brings notices to the channels, in one run.
pub(super) struct Postman<'a> {
    joined: &'a Joined,
    clock: Arc<dyn Clock>,
    now: Instant,
    /// Where the notices about a matter stand, those of this run included.
    threads: Vec<Thread>,
    /// What became of notices while the ledger was busy.
    done: Vec<Delivery>,
    /// The channels that did not work, and why.
    failed: BTreeMap<String, Fault>,
}

/// The newest audit event: `#1234 1a2b3c4d`.
pub(super) fn head(seq: u64, digest: impl std::fmt::Display) -> String {
    let digest: String = digest.to_string().chars().take(8).collect();
    format!("#{seq} {digest}")
}

impl<'a> Postman<'a> {
    pub(super) fn new(run: &Run, joined: &'a Joined, state: &State) -> Self {
        Self {
            joined,
            clock: Arc::clone(&run.clock),
            now: run.now,
            threads: state.outbox.threads.clone(),
            done: Vec::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Sends a notice that is in the ledger already, while the ledger is busy.
    pub(super) fn hurry(&mut self, notice: &Notice, head: &str, progress: &[String]) {
        for channel in notice.owed.keys() {
            let nothing = State::default();
            let message = words::message(self.joined, notice, channel, &nothing, progress.to_vec());
            if let Some(message) = message
                && let Some(done) = self.send((notice, channel), &message, head, Pace::Hasty)
            {
                self.done.push(done);
            }
        }
    }

    /// Puts how far a rotation has come into the messages that say so.
    pub(super) fn edit(&mut self, secret: &SecretName, message: &Message, head: &str) {
        let shown: Vec<(String, String, String)> = self
            .threads
            .iter()
            .filter(|thread| thread.secret == *secret)
            .filter_map(|thread| {
                let (at, notice) = (thread.progress.clone()?, thread.started.clone()?);
                Some((thread.channel.clone(), at, notice))
            })
            .collect();
        for (name, at, notice) in shown {
            if self.failed.contains_key(&name) {
                continue;
            }
            let (Some(channel), Some(setup)) = (
                self.joined.channels.get(&name),
                self.joined.hearing.channels.get(&name),
            ) else {
                continue;
            };
            let (message, secret) = match setup.names {
                crate::config::Names::Shown => (message.clone(), Some(secret)),
                crate::config::Names::Hidden => (message.clone().redacted(), None),
            };
            let letter = Letter {
                id: &notice,
                secret,
                event: Some(crate::notify::Event::Started),
                message: &message,
                loud: Loudness::Quiet,
                head,
                under: None,
                again: false,
                at: self.clock.now(),
                pace: Pace::Hasty,
            };
            match channel.edit(&at, &letter) {
                None | Some(Effect::Done(())) => {}
                Some(Effect::NotDone(fault) | Effect::Uncertain(fault)) => {
                    self.failed.insert(name, fault);
                }
            }
        }
    }

    /// Whether a message of that secret's rotation can be edited on any channel.
    pub(super) fn shows(&self, secret: &SecretName) -> bool {
        let shows = |thread: &Thread| thread.secret == *secret && thread.progress.is_some();
        self.threads.iter().any(shows)
    }

    fn send(
        &mut self,
        (notice, name): (&Notice, &str),
        message: &Message,
        head: &str,
        pace: Pace,
    ) -> Option<Delivery> {
        if self.failed.contains_key(name) {
            return None;
        }
        let setup = self.joined.hearing.channels.get(name)?;
        let channel = self.joined.channels.get(name)?;
        let event = channels::event(&notice.news);
        let loud = event.is_some_and(|event| setup.loud.contains(&event));
        let topic = notice.topic();
        let known = topic.as_ref().and_then(|topic| {
            let here = |thread: &&Thread| {
                thread.channel == name && thread.secret == notice.secret && thread.topic == *topic
            };
            self.threads.iter().find(here)
        });
        let root = known.map(|thread| thread.root.clone());
        let letter = Letter {
            id: &notice.id,
            secret: (setup.names == crate::config::Names::Shown).then_some(&notice.secret),
            event,
            message,
            loud: if loud {
                Loudness::Loud
            } else {
                Loudness::Quiet
            },
            head,
            under: root.as_deref().or(notice.under.as_deref()),
            again: notice.owed.get(name).is_some_and(|tries| *tries > 0),
            at: notice.at,
            pace,
        };
        let (notice_id, channel_name) = (notice.id.clone(), name.to_owned());
        match channel.send(&letter) {
            Effect::Done(reference) => {
                if let (Some(topic), Some(reference)) = (topic, &reference) {
                    self.stands(notice, name, topic, reference);
                }
                Some(Delivery::Sent {
                    notice: notice_id,
                    channel: channel_name,
                    reference,
                })
            }
            Effect::NotDone(fault) => {
                self.failed.insert(channel_name, fault);
                None
            }
            Effect::Uncertain(fault) => {
                self.failed.insert(channel_name.clone(), fault);
                Some(Delivery::Unanswered {
                    notice: notice_id,
                    channel: channel_name,
                })
            }
        }
    }

    /// The same as the ledger will record, for the messages of this run that come after it.
    fn stands(&mut self, notice: &Notice, channel: &str, topic: Topic, reference: &str) {
        let here = |thread: &Thread| {
            thread.channel == channel && thread.secret == notice.secret && thread.topic == topic
        };
        let at = self.threads.iter().position(here).unwrap_or_else(|| {
            self.threads.push(Thread {
                channel: channel.to_owned(),
                secret: notice.secret.clone(),
                topic,
                root: reference.to_owned(),
                progress: None,
                started: None,
                since: self.now,
                seen: None,
            });
            self.threads.len() - 1
        });
        if matches!(notice.news, News::Started { .. }) {
            let thread = &mut self.threads[at];
            thread.progress = Some(reference.to_owned());
            thread.started = Some(notice.id.clone());
        }
    }

    /// Records what was sent meanwhile, then sends what is left in the outbox. Warns of what does not work.
    pub(super) fn finish(mut self, run: &mut Run, ledger: &mut LockedLedger) {
        let result = self.empty(ledger);
        for (name, fault) in &self.failed {
            warn(run, name, fault);
        }
        if let Err(error) = result {
            // The ledger has the notices still; what this run was for is done.
            run.ui.insist(&format!(
                "warning: what was sent cannot be recorded, and may be sent again: {error}"
            ));
        }
    }

    fn empty(&mut self, ledger: &mut LockedLedger) -> Result<(), LedgerError> {
        let mut unsure = Vec::new();
        for delivery in std::mem::take(&mut self.done) {
            if let Delivery::Unanswered { channel, .. } = &delivery {
                unsure.push(channel.clone());
            }
            ledger.delivered(self.clock.now(), delivery);
        }
        ledger.commit()?;
        // In the middle of a rotation nobody waits for a rate limit; now there is time.
        self.failed.retain(|name, _| unsure.contains(name));
        for notice in ledger.state().outbox.notices.clone() {
            for name in notice.owed.keys() {
                if self.clock.stopping() {
                    return Ok(());
                }
                if let Some(delivery) = self.deliver(&notice, name, ledger) {
                    ledger.delivered(self.clock.now(), delivery);
                    ledger.commit()?;
                }
            }
        }
        Ok(())
    }

    fn deliver(&mut self, notice: &Notice, name: &str, ledger: &LockedLedger) -> Option<Delivery> {
        let state = ledger.state();
        let message = words::message(self.joined, notice, name, state, Vec::new());
        let (Some(message), None) = (message, self.pointless(notice, name, state)) else {
            return Some(Delivery::Dropped {
                notice: notice.id.clone(),
                channel: name.to_owned(),
                why: self
                    .pointless(notice, name, state)
                    .unwrap_or("it is not configured any more"),
            });
        };
        let head = head(ledger.event_count(), ledger.head());
        self.send((notice, name), &message, &head, Pace::Patient)
    }

    /// Why a notice is not worth sending any more.
    fn pointless(&self, notice: &Notice, name: &str, state: &State) -> Option<&'static str> {
        let warned = state.secret(&notice.secret).and_then(|state| state.warned);
        match notice.news {
            News::Upcoming { due, .. } if warned != Some(due) => Some("it is over"),
            _ if self.now - notice.at > STALE => Some("it is older than 30 days"),
            _ if notice.owed.get(name).is_some_and(|tries| *tries >= TRIES) => {
                Some("three tries had no answer")
            }
            _ => None,
        }
    }
}

/// Sends what earlier runs left behind. A run with nothing to send takes no lock.
pub(super) fn leftovers(run: &mut Run, joined: &Joined, state: &State) {
    if state.outbox.notices.is_empty() {
        return;
    }
    // A ledger that is busy is in the hands of a run that sends them itself.
    let mut ledger = match joined.lock(run) {
        Ok(ledger) => ledger,
        Err(error) if error.exit() == Exit::TryLater => return,
        Err(error) => return run.ui.error(&error),
    };
    let postman = Postman::new(run, joined, ledger.state());
    postman.finish(run, &mut ledger);
}

/// Says that a channel does not work.
pub(super) fn warn(run: &mut Run, name: &str, fault: &Fault) {
    let line =
        format!("warning: channel `{name}`: {fault}; what it has to tell waits for the next run");
    run.ui.insist(&line);
    if let Some(hint) = &fault.hint {
        run.ui.insist(&format!("  hint: {hint}"));
    }
}
