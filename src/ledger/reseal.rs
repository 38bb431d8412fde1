//! Another circle of readers: the ledger and its sealed months are sealed anew.
//!
//! The months first, then the document, in the commit that records the change. If the run dies in between, the document
//! still names the former recipients, so that the next run does it again; both circles hold the identity of the run, so
//! that nothing is unreadable for a moment. What was copied before stays readable for whoever could read it.

use std::collections::BTreeSet;

use crate::model::Instant;

use super::event::Event;
use super::locked::LockedLedger;
use super::seal::{Form, Recipients};
use super::segment::SegmentName;
use super::{Ledger, LedgerError};

/// Who was let in and who was shut out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    /// Who can open the ledger only now.
    pub added: Vec<String>,
    /// Who could open it before.
    pub removed: Vec<String>,
}

impl Circle {
    /// Whether the two are the same.
    pub fn is_unchanged(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Says whether a text is a recipient: `age1…`, `ssh-ed25519 …` or a plugin's `age1name1…`.
pub fn recipient(text: &str) -> Result<(), LedgerError> {
    Recipients::parse(&[text.to_owned()]).map(drop)
}

impl Ledger {
    /// What a list of recipients would change. Their order means nothing.
    pub fn circle(&self, recipients: &[String]) -> Circle {
        let now: BTreeSet<&String> = self.recipients().iter().collect();
        let then: BTreeSet<&String> = recipients.iter().collect();
        let owned = |texts: Vec<&&String>| texts.into_iter().map(|text| (*text).clone()).collect();
        Circle {
            added: owned(then.difference(&now).collect()),
            removed: owned(now.difference(&then).collect()),
        }
    }
}

impl Ledger {
    /// Whether the ledger and its sealed months are sealed to exactly these, as far as their headers tell.
    pub fn is_sealed_to(&self, recipients: &[String]) -> Result<bool, LedgerError> {
        let keys = Recipients::parse(recipients)?;
        let mut fits = self.circle(recipients).is_unchanged();
        for name in self.months()? {
            let sealed = self.store.segment(&name)?;
            let opened = self.identities.open(&name, &sealed, Form::Binary)?;
            fits &= opened.is_sealed_to(&keys);
        }
        Ok(fits)
    }

    fn months(&self) -> Result<Vec<String>, LedgerError> {
        let names = self.events().known_segments()?;
        Ok(names.iter().map(SegmentName::text).collect())
    }
}

impl LockedLedger {
    /// Seals the ledger and its sealed months to these recipients, and records who came and who went. The identity of
    /// this run must be among them.
    pub fn reseal(&mut self, at: Instant, recipients: Vec<String>) -> Result<Circle, LedgerError> {
        let circle = self.circle(&recipients);
        let keys = Recipients::parse(&recipients)?;
        self.opens(&keys)?;
        self.still_claimed()?;
        for name in self.months()? {
            let sealed = self.store.segment(&name)?;
            let opened = self.identities.open(&name, &sealed, Form::Binary)?;
            // A change that stopped halfway and was taken back leaves months to the wrong circle.
            if !circle.is_unchanged() || !opened.is_sealed_to(&keys) {
                self.store
                    .put_segment(&name, &keys.seal(&opened.plain, Form::Binary)?)?;
            }
        }
        if circle.is_unchanged() {
            return Ok(circle);
        }
        let said = |word: &str, texts: &[String]| {
            (!texts.is_empty()).then(|| format!("{word}: {}", texts.join(", ")))
        };
        let said = [
            said("added", &circle.added),
            said("removed", &circle.removed),
        ];
        let note = said.into_iter().flatten().collect::<Vec<_>>().join("; ");
        self.note(
            at,
            Event {
                note: Some(note),
                ..Event::new("ledger.recipients")
            },
        );
        self.now_read_by(recipients, keys);
        self.commit()?;
        Ok(circle)
    }

    /// A ledger that this run could not open again is not made.
    fn opens(&self, keys: &Recipients) -> Result<(), LedgerError> {
        let probe = keys.seal(b"probe", Form::Binary)?;
        let opened = self.identities.open(self.place(), &probe, Form::Binary);
        opened.map(drop).map_err(|_| LedgerError::LockedOut)
    }
}
