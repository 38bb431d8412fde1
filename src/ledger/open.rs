//! The ledger, opened to be read.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{Credential, Fields, Instant, RunId};

use super::LedgerError;
use super::chain::{Actor, Digest, LedgerId};
use super::document::{Document, FORMAT, Unreadable};
use super::events::Events;
use super::highwater::HighWater;
use super::seal::{Form, Identities, Recipients};
use super::state::State;
use super::store::{Revision, Store};

/// What is needed to open a ledger, and who is asking.
pub struct Opening {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// What opens it: the text of an identity file.
    pub identity: Credential,
    /// The folder for what this machine has seen: `$XDG_STATE_HOME/rotakey`.
    pub side: PathBuf,
    /// This run.
    pub run: RunId,
    /// Who started it.
    pub actor: Actor,
    /// Its one `now`.
    pub now: Instant,
    /// This run in words, for a second run that finds the lock taken: process, host, start.
    pub holder: String,
}

impl Opening {
    pub(super) fn high_water(&self) -> HighWater {
        HighWater::of(self.store.place(), &self.side)
    }
}

/// A ledger that can be read, and in no way written.
pub struct Ledger {
    pub(super) document: Document,
    pub(super) identities: Arc<Identities>,
    pub(super) recipients: Recipients,
    pub(super) store: Arc<dyn Store>,
    pub(super) revision: Revision,
}

impl Ledger {
    /// Opens and verifies it. Nothing is written.
    pub fn open(opening: &Opening) -> Result<Self, LedgerError> {
        let store = Arc::clone(&opening.store);
        let Some((sealed, revision)) = store.load()? else {
            return Err(opening.high_water().absent());
        };
        let identities = Arc::new(Identities::load(&opening.identity)?);
        let opened = identities.open(store.place(), &sealed, Form::Armored)?;
        // A large ledger is held once, not twice.
        drop(sealed);
        let document = Document::read(&opened.plain).map_err(|why| refused(store.place(), why))?;
        let recipients = Recipients::parse(&document.recipients)?;
        let tampered = |why: &str| LedgerError::Tampered {
            place: store.place().to_owned(),
            why: why.to_owned(),
        };
        if !opened.is_sealed_to(&recipients) {
            return Err(tampered("it is sealed to other recipients than it lists"));
        }
        drop(opened);
        document
            .state
            .check()
            .map_err(|illegal| tampered(&illegal.to_string()))?;
        check_tail(&document).map_err(|why| tampered(&why))?;
        opening.high_water().compare(&document)?;
        Ok(Self {
            document,
            identities,
            recipients,
            store,
            revision,
        })
    }

    /// What is known of every secret.
    pub fn state(&self) -> &State {
        &self.document.state
    }

    /// Which ledger this is.
    pub fn id(&self) -> LedgerId {
        self.document.keys.id
    }

    /// Commits so far.
    pub fn seq(&self) -> u64 {
        self.document.front.seq
    }

    /// The hash of the newest event.
    pub fn head(&self) -> Digest {
        self.document.audit.head
    }

    /// How many events the audit log holds.
    pub fn event_count(&self) -> u64 {
        self.document.audit.next - 1
    }

    /// The latest instant ever recorded. A `now` before it means that a clock went back.
    pub fn high_time(&self) -> Instant {
        self.document.front.high_time
    }

    /// Who can open it.
    pub fn recipients(&self) -> &[String] {
        &self.document.recipients
    }

    /// Where it is kept.
    pub fn place(&self) -> &str {
        self.store.place()
    }

    /// A keyed digest that outlives the value: `fp1_…`. Equal values have equal ones, within one ledger.
    pub fn fingerprint(&self, fields: &Fields) -> String {
        self.document.keys.fingerprint(fields)
    }

    /// The audit log from its first event, verified on the way.
    pub fn events(&self) -> Events<'_> {
        Events::of(self)
    }
}

fn refused(place: &str, why: Unreadable) -> LedgerError {
    let place = place.to_owned();
    match why {
        Unreadable::Newer(have) => LedgerError::NewerFormat {
            place,
            have,
            know: FORMAT,
        },
        Unreadable::Malformed(why) => LedgerError::Corrupt { place, why },
        Unreadable::Forged(why) => LedgerError::Tampered {
            place,
            why: why.to_owned(),
        },
    }
}

fn check_tail(document: &Document) -> Result<(), String> {
    let audit = &document.audit;
    let (mut seq, mut head) = (audit.sealed.events, audit.sealed.head);
    for entry in &audit.tail {
        seq += 1;
        if entry.seq != seq || entry.as_ref().expected_hash(document.keys.id, head) != entry.hash {
            return Err(entry.as_ref().misplaced(seq));
        }
        head = entry.hash;
    }
    if (audit.next, audit.head) != (seq + 1, head) {
        return Err(format!("event {} is missing", seq + 1));
    }
    Ok(())
}
