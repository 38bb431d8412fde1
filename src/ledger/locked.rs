//! The ledger, locked to be written.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::SubsecRound;

use crate::model::{Instant, RotationId, RunId, SecretName};

use super::chain::{Actor, Digest, Entry, Unchained};
use super::change::{Change, Declaration};
use super::claim::{Claim, Standing};
use super::document::{Audit, Document, Front, Keys, Sealed};
use super::durable::{self, Before};
use super::event::Event;
use super::highwater::HighWater;
use super::outbox::{Audience, Delivery, News, Notice, Ready, Thread};
use super::seal::{Form, Identities, Recipients};
use super::segment::seal_due;
use super::state::State;
use super::store::Guard;
use super::{Ledger, LedgerError, Opening};

/// A ledger under the lock. It reads as a [`Ledger`]; changes are recorded in memory and become durable together with
/// their audit events at the next [`commit`](LockedLedger::commit).
#[must_use = "the lock ends when this is dropped"]
pub struct LockedLedger {
    ledger: Ledger,
    guard: Arc<dyn Guard>,
    high_water: HighWater,
    standing: Arc<Standing>,
    run: RunId,
    actor: Actor,
    now: Instant,
    pending: Pending,
    /// What the configuration says, until it was compared with what the log says.
    declaration: Option<Declaration>,
    unmarked: Unmarked,
    audience: Option<Audience>,
    fresh: Vec<Notice>,
    ready: Ready,
}

/// Why this machine's mark stayed behind the ledger, if it did.
pub type Unmarked = Arc<Mutex<Option<LedgerError>>>;

/// Whether anything was recorded since the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    Something,
}

impl Ledger {
    /// Makes a new ledger that these recipients can open, and its first commit. Never overwrites anything, and never
    /// takes a lost ledger for a new one. The identity must open it: a ledger nobody can read is not made.
    pub fn create(opening: &Opening, recipients: Vec<String>) -> Result<LockedLedger, LedgerError> {
        let place = opening.store.place();
        if opening.store.revision()?.is_some() {
            return Err(LedgerError::Exists {
                place: place.to_owned(),
            });
        }
        match opening.high_water().absent() {
            LedgerError::Missing { .. } => {}
            lost => return Err(lost),
        }
        let keys = Recipients::parse(&recipients)?;
        let identities = Identities::load(&opening.identity)?;
        let document = Document::empty(recipients, opening);
        let text = document.text(&document.front, &document.audit);
        let sealed = keys.seal(&text, Form::Armored)?;
        drop(identities.open(place, &sealed, Form::Armored)?);
        let guard: Arc<dyn Guard> = Arc::from(opening.store.lock(&opening.holder)?);
        let revision = opening.store.replace(None, &sealed)?;
        let ledger = Ledger {
            document,
            identities: Arc::new(identities),
            recipients: keys,
            store: Arc::clone(&opening.store),
            revision: revision.clone(),
        };
        let locked = LockedLedger::of(ledger, guard, opening);
        locked.standing.set(revision);
        locked.high_water.raise(&locked.ledger.document)?;
        Ok(locked)
    }
}

impl LockedLedger {
    /// Takes the lock and opens the ledger, which is not written. The mark of this machine is raised to what was seen, so
    /// that a state folder that cannot be written is found out before anything has happened outside.
    pub fn lock(opening: &Opening) -> Result<Self, LedgerError> {
        if opening.store.revision()?.is_none() {
            // No lock file where there is no ledger: the path may be mistyped.
            return Err(opening.high_water().absent());
        }
        let guard: Arc<dyn Guard> = Arc::from(opening.store.lock(&opening.holder)?);
        let ledger = Ledger::open(opening)?;
        let locked = Self::of(ledger, guard, opening);
        locked.high_water.raise(&locked.ledger.document)?;
        Ok(locked)
    }

    fn of(ledger: Ledger, guard: Arc<dyn Guard>, opening: &Opening) -> Self {
        Self {
            standing: Arc::new(Standing::new(&ledger.store, &guard)),
            ledger,
            guard,
            high_water: opening.high_water(),
            run: opening.run.clone(),
            actor: opening.actor.clone(),
            now: opening.now,
            pending: Pending::Nothing,
            declaration: None,
            unmarked: Unmarked::default(),
            audience: None,
            fresh: Vec::new(),
            ready: Ready::default(),
        }
    }

    /// Records a change and its audit events, in memory. A change that does not fit leaves everything as it was.
    pub fn record(&mut self, at: Instant, change: Change) -> Result<(), LedgerError> {
        let name = change.secret.clone();
        let state = &mut self.ledger.document.state;
        let before = state.secrets.get(&name).cloned();
        match state.apply(at, change) {
            Ok(applied) => {
                self.pending = Pending::Something;
                self.declared(at);
                for news in applied.news {
                    self.announce(at, &name, applied.rotation.clone(), news);
                }
                for event in applied.events {
                    self.append(at, event);
                }
                self.saw(at);
                Ok(())
            }
            Err(illegal) => {
                match before {
                    Some(before) => state.secrets.insert(name, before),
                    None => state.secrets.remove(&name),
                };
                Err(illegal.into())
            }
        }
    }

    /// Records an audit event that changes no secret's state, in memory.
    pub fn note(&mut self, at: Instant, event: Event) {
        self.declared(at);
        self.append(at, event);
    }

    /// Says with what configuration this run works. It is written down before the first thing that this run records, if
    /// it differs from what the log says already; a run that records nothing writes nothing.
    pub fn declare(&mut self, declaration: Declaration) {
        self.declaration = Some(declaration);
    }

    fn declared(&mut self, at: Instant) {
        let declaration = self.declaration.take();
        let state = &mut self.ledger.document.state;
        let events = declaration.map(|declaration| state.declare(declaration));
        for event in events.unwrap_or_default() {
            self.append(at, event);
        }
    }

    fn append(&mut self, at: Instant, event: Event) {
        self.pending = Pending::Something;
        self.saw(at);
        let document = &mut self.ledger.document;
        let unchained = Unchained {
            seq: document.audit.next,
            at: at.trunc_subsecs(3),
            run: self.run.clone(),
            actor: self.actor.clone(),
            event: Event {
                until: event.until.map(|until| until.trunc_subsecs(3)),
                ..event
            },
        };
        document.append(unchained);
    }

    /// From now on, what people are to be told is put into the outbox for these channels. A ledger that nobody is told
    /// of keeps no notices.
    pub fn tell(&mut self, audience: Audience) {
        self.audience = Some(audience);
    }

    /// Where notices appear once they are durable, for whoever sends them while this ledger is busy.
    pub fn ready(&self) -> Ready {
        Arc::clone(&self.ready)
    }

    fn announce(
        &mut self,
        at: Instant,
        secret: &SecretName,
        rotation: Option<RotationId>,
        news: News,
    ) {
        let audience = self.audience.as_ref();
        let channels = audience.map(|audience| audience(secret, &news));
        if let Some(channels) = channels.filter(|channels| !channels.is_empty()) {
            self.put(at, (secret.clone(), rotation), None, news, channels);
        }
    }

    fn put(
        &mut self,
        at: Instant,
        whose: (SecretName, Option<RotationId>),
        under: Option<String>,
        news: News,
        channels: BTreeSet<String>,
    ) {
        let (id, audit) = (self.id(), &self.ledger.document.audit);
        let outbox = &mut self.ledger.document.state.outbox;
        let place = (id, audit.next, audit.head, outbox.notices.len());
        let notice = Notice {
            under,
            ..Notice::new(place, whose, at, news, channels)
        };
        outbox.notices.push(notice.clone());
        self.fresh.push(notice);
    }

    /// Records what became of a notice on a channel, in memory.
    pub fn delivered(&mut self, at: Instant, delivery: Delivery) {
        if let Some(event) = self.ledger.document.state.delivered(at, delivery) {
            self.note(at, event);
        }
    }

    /// Answers a reply in a thread, in memory: the reply is not acted on again, and the answer is put into the outbox.
    /// Without words, the reply is only marked.
    pub fn answer(&mut self, at: Instant, thread: &Thread, reply: String, words: Option<News>) {
        let outbox = &mut self.ledger.document.state.outbox;
        outbox.saw(&thread.root, &thread.channel, reply);
        self.pending = Pending::Something;
        if let Some(news) = words {
            let channels = BTreeSet::from([thread.channel.clone()]);
            let under = Some(thread.root.clone());
            self.put(at, (thread.secret.clone(), None), under, news, channels);
        }
    }

    /// Makes everything recorded durable. When nothing was, it does nothing. The first commit of a run claims the ledger
    /// by the next epoch (G5).
    ///
    /// When it fails, what is stored is the former ledger, whole; or, if only making its name durable failed, this one.
    /// What was recorded is still in memory, and can be saved with [`rescue`](LockedLedger::rescue). Until a commit has
    /// succeeded, nothing that was recorded may be acted on.
    pub fn commit(&mut self) -> Result<(), LedgerError> {
        if self.pending == Pending::Nothing {
            return Ok(());
        }
        // Before the segments, which a loser could otherwise write over those of the winner.
        self.still_claimed()?;
        let (store, recipients) = (&self.ledger.store, &self.ledger.recipients);
        let document = &self.ledger.document;
        let audit = seal_due(&document.audit, self.now, recipients, store.as_ref())?;
        let front = self.next_front();
        let text = document.text(&front, audit.as_ref().unwrap_or(&document.audit));
        let sealed = recipients.seal(&text, Form::Armored)?;
        drop(text);
        let revision = self
            .standing
            .moved(|| store.replace(Some(&self.ledger.revision), &sealed))?;
        self.ledger.revision = revision;
        self.ledger.document.front = front;
        if let Some(audit) = audit {
            self.ledger.document.audit = audit;
        }
        self.pending = Pending::Nothing;
        let (seq, head) = (self.event_count(), self.head());
        let fresh = self.fresh.drain(..).map(|notice| (notice, seq, head));
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(fresh);
        // The commit is durable whatever becomes of the mark, so it may not fail for it.
        let unmarked = self.high_water.raise(&self.ledger.document).err();
        *self.unmarked.lock().unwrap_or_else(PoisonError::into_inner) = unmarked;
        Ok(())
    }

    /// Refuses to go on where another run may have written the ledger meanwhile.
    pub(super) fn still_claimed(&self) -> Result<(), LedgerError> {
        if !self.guard.is_held()? {
            return Err(LedgerError::LostClaim {
                why: "the lock file was removed",
            });
        }
        if !self.ledger.store.is_still(&self.ledger.revision)? {
            return Err(LedgerError::LostClaim {
                why: "the ledger was changed by someone else",
            });
        }
        Ok(())
    }

    /// From the next commit on, these can open it.
    pub(super) fn now_read_by(&mut self, recipients: Vec<String>, keys: Recipients) {
        self.ledger.document.recipients = recipients;
        self.ledger.recipients = keys;
    }

    /// Where it appears what stood in the way of raising this machine's mark after the latest commit. It outlives the
    /// lock, so that a run can warn of it at its end; the next run on this machine raises the mark.
    pub fn unmarked(&self) -> Unmarked {
        Arc::clone(&self.unmarked)
    }

    /// What every outside effect is to be checked against (G6). Holds from the first commit of this run until the lock
    /// ends.
    pub fn claim(&self) -> Claim {
        Claim::of(&self.standing)
    }

    /// Whether something was recorded that no commit has made durable.
    pub fn is_pending(&self) -> bool {
        self.pending == Pending::Something
    }

    /// Writes everything in memory to a new file in that directory, sealed and 0600, for the moment when a commit fails
    /// and a key is in memory only. The file is a whole ledger, the one the commit would have written: when the trouble
    /// is over, a person copies it over the ledger.
    pub fn rescue(&self, directory: &Path) -> Result<PathBuf, LedgerError> {
        let document = &self.ledger.document;
        let front = self.next_front();
        let text = document.text(&front, &document.audit);
        let sealed = self.ledger.recipients.seal(&text, Form::Armored)?;
        let random = rand::random::<u32>();
        let path = directory.join(format!(
            "rotakey-rescue-{}-{random:08x}.json.age",
            front.seq
        ));
        durable::write(&path, &sealed, Before::Nothing)?;
        Ok(path)
    }

    fn next_front(&self) -> Front {
        let front = &self.ledger.document.front;
        let claimed = self.standing.is_claimed();
        Front {
            seq: front.seq + 1,
            epoch: front.epoch + u64::from(!claimed),
            owner: self.run.clone(),
            high_time: front.high_time,
        }
    }

    fn saw(&mut self, at: Instant) {
        let high = &mut self.ledger.document.front.high_time;
        *high = at.max(*high);
    }
}

impl Deref for LockedLedger {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

impl Document {
    /// A ledger with nothing in it but the event of its making.
    fn empty(recipients: Vec<String>, opening: &Opening) -> Self {
        let front = Front {
            seq: 1,
            epoch: 1,
            owner: opening.run.clone(),
            high_time: opening.now,
        };
        let made = Event {
            note: Some(format!(
                "rotakey {}; recipients: {}",
                env!("CARGO_PKG_VERSION"),
                recipients.join(", ")
            )),
            ..Event::new("ledger.created")
        };
        let sealed = Sealed {
            segments: 0,
            last: None,
            events: 0,
            head: Digest::GENESIS,
        };
        let mut document = Self {
            keys: Keys::random(),
            front,
            recipients,
            state: State::default(),
            audit: Audit {
                next: 1,
                head: Digest::GENESIS,
                sealed,
                tail: Vec::new(),
            },
        };
        document.append(Unchained {
            seq: 1,
            at: opening.now.trunc_subsecs(3),
            run: opening.run.clone(),
            actor: opening.actor.clone(),
            event: made,
        });
        document
    }

    fn append(&mut self, unchained: Unchained) {
        let entry = Entry::chained(unchained, self.keys.id, self.audit.head);
        self.audit.head = entry.hash;
        self.audit.next += 1;
        self.audit.tail.push(entry);
    }
}
