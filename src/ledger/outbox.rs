//! The outbox: what people are to be told, until every channel has told them.
//!
//! A notice is put in by the change that causes it, in the same commit: a run that dies after the commit leaves it to the
//! next one, and a run that dies before leaves nothing to tell. It is data; its words are found when it is sent. It is
//! taken out channel by channel, each time with an audit event. The ledger knows no channel but by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Hint, Instant, RotationId, SecretName};

use super::chain::{Digest, LedgerId, hex};
use super::event::Event;
use super::state::{SecretState, State};

/// What is to be sent, and where earlier notices stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// What is to be sent, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Where the first notice of a matter stands on a channel, so that later ones are put under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<Thread>,
}

/// One piece of news that some channels have not told yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The same on every channel and at every try: whoever gets it twice can tell.
    pub id: String,
    /// Of which secret.
    pub secret: SecretName,
    /// In which rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationId>,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub news: News,
    /// The channel's own word for the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// The channels that have not sent it, and how many of their tries had no answer.
    pub owed: BTreeMap<String, u32>,
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum News {
    /// A rotation is coming.
    Upcoming {
        /// When.
        due: Instant,
        /// The key that is live.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current: Option<Hint>,
    },
    /// There is a new key, and it is on its way.
    Started {
        /// The key that is live.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Hint>,
        /// The key that will be.
        new: Hint,
    },
    /// A key leaked.
    Emergency {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Hint>,
        /// How, in a person's words.
        reason: String,
    },
    /// Every service is on the new key.
    Complete {
        /// The key that is live.
        new: Hint,
        /// The key that still works.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Hint>,
        /// How many services were observed.
        services: usize,
        /// Whether a leak leaves the old key no grace.
        leaked: bool,
    },
    /// The old key is dead.
    Revoked {
        /// Which.
        old: Hint,
        /// How many services were observed on the new key.
        #[serde(default)]
        services: usize,
    },
    /// Everything is back on the old key.
    RolledBack {
        /// What had failed.
        why: String,
        /// The key that is live.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        live: Option<Hint>,
    },
    /// Only a person can go on.
    PersonNeeded {
        /// Why.
        why: String,
    },
    /// Somebody's `SKIP` was taken.
    Postponed {
        /// To when.
        until: Instant,
        /// Whether the policy allowed less than was asked for.
        capped: bool,
    },
    /// Somebody's `SKIP` could not be taken.
    NotPostponed {
        /// Why.
        why: String,
    },
}

/// Where the notices about one matter stand on one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// On which channel.
    pub channel: String,
    /// Of which secret.
    pub secret: SecretName,
    /// What it is about.
    pub topic: Topic,
    /// The channel's own word for the first message.
    pub root: String,
    /// The channel's own word for the message that shows the progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// The notice that the message which shows the progress came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When the first message was sent.
    pub since: Instant,
    /// The last reply that was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// What a thread is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A rotation that is to begin then.
    Due(Instant),
    /// An open rotation.
    Rotation(RotationId),
}

/// What became of a notice on a channel.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// It is there.
    Sent {
        /// Which notice.
        notice: String,
        /// On which channel.
        channel: String,
        /// The channel's own word for the message.
        reference: Option<String>,
    },
    /// It may be there: the reply was lost.
    Unanswered {
        /// Which notice.
        notice: String,
        /// On which channel.
        channel: String,
    },
    /// It is not worth sending any more.
    Dropped {
        /// Which notice.
        notice: String,
        /// On which channel.
        channel: String,
        /// Why.
        why: &'static str,
    },
}

/// Says which channels are to be told a piece of news of a secret.
pub type Audience = Arc<dyn Fn(&SecretName, &News) -> BTreeSet<String> + Send + Sync>;

/// Notices that have just become durable, each with the number and the hash of the newest audit event then.
pub type Ready = Arc<Mutex<Vec<(Notice, u64, Digest)>>>;

impl News {
    /// One word for the audit log.
    pub const fn word(&self) -> &'static str {
        match self {
            News::Upcoming { .. } => "upcoming",
            News::Started { .. } => "started",
            News::Emergency { .. } => "emergency",
            News::Complete { .. } => "complete",
            News::Revoked { .. } => "revoked",
            News::RolledBack { .. } => "rolled_back",
            News::PersonNeeded { .. } => "person_needed",
            News::Postponed { .. } | News::NotPostponed { .. } => "answer",
        }
    }
}

impl Notice {
    /// What it is about.
    pub fn topic(&self) -> Option<Topic> {
        match (&self.rotation, &self.news) {
            (Some(rotation), _) => Some(Topic::Rotation(rotation.clone())),
            (None, News::Upcoming { due, .. }) => Some(Topic::Due(*due)),
            (None, _) => None,
        }
    }

    /// A notice of that news. `place` is what no other notice shares: which ledger, after which event, the how-manieth.
    pub(super) fn new(
        (ledger, seq, head, nth): (LedgerId, u64, Digest, usize),
        (secret, rotation): (SecretName, Option<RotationId>),
        at: Instant,
        news: News,
        channels: BTreeSet<String>,
    ) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"rotakey-notice-v1\0");
        hasher.update(ledger.to_string());
        hasher.update(seq.to_be_bytes());
        hasher.update(head.to_string());
        hasher.update((nth as u64).to_be_bytes());
        Self {
            id: format!("ntc_{}", hex(&hasher.finalize()[..16])),
            secret,
            rotation,
            at,
            news,
            under: None,
            owed: channels.into_iter().map(|channel| (channel, 0)).collect(),
        }
    }
}

impl Outbox {
    /// Whether there is nothing to send and nothing to put anything under.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.threads.is_empty()
    }

    /// The thread on a channel in which a notice belongs.
    pub fn thread(&self, channel: &str, secret: &SecretName, topic: &Topic) -> Option<&Thread> {
        let here = |thread: &&Thread| {
            thread.channel == channel && thread.secret == *secret && thread.topic == *topic
        };
        self.threads.iter().find(here)
    }

    /// A reply was acted on, and is not to be acted on again.
    pub(super) fn saw(&mut self, root: &str, channel: &str, reply: String) {
        let here = |thread: &&mut Thread| thread.channel == channel && thread.root == root;
        if let Some(thread) = self.threads.iter_mut().find(here) {
            thread.seen = Some(reply);
        }
    }

    fn notice_mut(&mut self, id: &str) -> Option<&mut Notice> {
        self.notices.iter_mut().find(|notice| notice.id == id)
    }
}

impl State {
    /// Takes in what became of a notice, and says what the audit log is to hold of it. `None` where there is no such
    /// notice for that channel.
    pub(super) fn delivered(&mut self, at: Instant, delivery: Delivery) -> Option<Event> {
        let (id, channel, kind, why) = match &delivery {
            Delivery::Sent {
                notice, channel, ..
            } => (notice, channel, "notice.sent", None),
            Delivery::Unanswered { notice, channel } => (notice, channel, "notice.uncertain", None),
            Delivery::Dropped {
                notice,
                channel,
                why,
            } => (notice, channel, "notice.dropped", Some(*why)),
        };
        let notice = self.outbox.notice_mut(id)?;
        let tries = notice.owed.get_mut(channel)?;
        match &delivery {
            Delivery::Unanswered { .. } => *tries += 1,
            Delivery::Sent { .. } | Delivery::Dropped { .. } => drop(notice.owed.remove(channel)),
        }
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        // Without the rotation, which may be over: an auditor's row ends with the rotation, not with a message.
        let event = Event {
            secret: Some(notice.secret.clone()),
            place: Some(channel.clone()),
            note: Some(format!("{} {id}{why}", notice.news.word())),
            ..Event::new(kind)
        };
        if let Delivery::Sent {
            channel,
            reference: Some(reference),
            ..
        } = &delivery
        {
            let notice = notice.clone();
            self.stands(at, &notice, channel, reference);
        }
        self.outbox.notices.retain(|notice| !notice.owed.is_empty());
        self.forget_threads();
        Some(event)
    }

    fn stands(&mut self, at: Instant, notice: &Notice, channel: &str, reference: &str) {
        let Some(topic) = notice.topic() else { return };
        let threads = &mut self.outbox.threads;
        let known = threads.iter().position(|thread| {
            thread.channel == channel && thread.secret == notice.secret && thread.topic == topic
        });
        let at = known.unwrap_or_else(|| {
            threads.push(Thread {
                channel: channel.to_owned(),
                secret: notice.secret.clone(),
                topic,
                root: reference.to_owned(),
                progress: None,
                started: None,
                since: at,
                seen: None,
            });
            threads.len() - 1
        });
        if matches!(notice.news, News::Started { .. }) {
            threads[at].progress = Some(reference.to_owned());
            threads[at].started = Some(notice.id.clone());
        }
    }

    /// Threads of what is over, and of what nothing more is to be said.
    fn forget_threads(&mut self) {
        let Self {
            secrets, outbox, ..
        } = self;
        let Outbox { notices, threads } = outbox;
        threads.retain(|thread| {
            let state = secrets.get(&thread.secret);
            let open = match &thread.topic {
                Topic::Due(due) => state.and_then(|state| state.warned) == Some(*due),
                Topic::Rotation(id) => state
                    .and_then(|state| state.rotation.as_ref())
                    .is_some_and(|open| open.id == *id),
            };
            let spoken_of = |notice: &Notice| notice.topic().as_ref() == Some(&thread.topic);
            open || notices.iter().any(spoken_of)
        });
    }
}

impl SecretState {
    /// People are to be told this once, until the secret is well again. Says whether it is news.
    pub(super) fn tell(&mut self, why: &str) -> bool {
        let news = self.told.as_deref() != Some(why);
        self.told = Some(why.to_owned());
        news
    }
}
