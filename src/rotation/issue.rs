//! Issue and verify: a new version comes to be, is recorded before anything else happens, and is proven.

use crate::issuers::{Ability, Request, ValueBy, Verdict};
use crate::ledger::{LedgerError, NewVersion, Phase, Progress as Inside, Step, Trigger, What};
use crate::model::{Effect, Fault, Hint, Key, Making, SecretName};

use super::drive::Drive;
use super::guard;
use super::observe::Freshness;
use super::progress::Happening;

impl Drive<'_> {
    /// Asks the issuers. Each new version is recorded the moment it arrives, before anything else happens to it.
    pub(super) fn issue(&mut self) -> Result<(), LedgerError> {
        let secrets = self.secrets;
        let jobs: Vec<_> = self
            .at(&[Phase::Issuing])
            .into_iter()
            .filter_map(|name| {
                let open = self.open(&name)?;
                let current = self
                    .state(&name)?
                    .current()
                    .and_then(|version| version.key());
                // Where the issuer makes the value, a leaked one may name the place of the next, and must not be
                // carried along in it.
                let carried = open.proposal.is_some() || open.trigger != Trigger::Emergency;
                let current = current.map(|key| match carried {
                    true => key,
                    false => Key {
                        fields: Default::default(),
                        ..key
                    },
                });
                Some((
                    name.clone(),
                    open.tag.clone(),
                    open.proposal.clone(),
                    current,
                ))
            })
            .collect();
        let unsent = self.crew().effects(
            &jobs,
            |(name, tag, proposal, current)| {
                let request = Request {
                    tag,
                    proposal: proposal.as_ref(),
                    current: current.as_ref(),
                };
                secrets[name].issuer.issue(&request)
            },
            |(name, ..), effect| match effect {
                Effect::Done(key) => self.issued(name, key),
                Effect::NotDone(fault) => self.not_issued(name, &fault),
                Effect::Uncertain(fault) => {
                    let place = self.secret(name).issuer.place();
                    self.doubt(name, Step::Issue, &place, &fault)
                }
            },
        )?;
        for (name, ..) in unsent {
            self.not_issued(name, &Fault::passing(super::write::UNSENT))?;
        }
        self.ledger.commit()
    }

    pub(super) fn issued(&mut self, name: &SecretName, key: Key) -> Result<(), LedgerError> {
        let hint = key
            .fields
            .primary()
            .map(|value| Hint::of(value, Making::Machine));
        let Some(hint) = hint else {
            return self.stick(
                name,
                "the issuer sent a key without a value",
                format!("rotakey rollback {name}"),
            );
        };
        let version = NewVersion {
            fingerprint: self.ledger.fingerprint(&key.fields),
            hint: hint.clone(),
            created_at: self.clock.now(),
            key: key.clone(),
        };
        self.record(name, What::Issued(version))?;
        if let Err(error) = self.ledger.commit() {
            return Err(self.keep_from_loss(name, &key, error));
        }
        self.tell(name, Happening::Issued { new: &hint });
        Ok(())
    }

    /// The key is only in memory and the ledger cannot be written: kill the key, or else put the sealed ledger aside.
    fn keep_from_loss(&self, name: &SecretName, key: &Key, error: LedgerError) -> LedgerError {
        // A value that was chosen here or by a person is on disk already, with the intent.
        if self.secret(name).issuer.capabilities().value != ValueBy::Issuer {
            return error;
        }
        if let Effect::Done(()) = self.secret(name).issuer.revoke(key) {
            return error;
        }
        match self.ledger.rescue(&self.refuge) {
            Ok(copy) => LedgerError::Rescued {
                copy,
                place: self.ledger.place().to_owned(),
                cause: Box::new(error),
            },
            Err(worse) => worse,
        }
    }

    fn not_issued(&mut self, name: &SecretName, fault: &Fault) -> Result<(), LedgerError> {
        if self
            .open(name)
            .is_some_and(|open| open.unsettled.is_some() && open.proposal.is_some())
        {
            // This try was refused; an earlier one with the same value may have landed.
            return self.dead_end_fault(name, fault);
        }
        // A clear no: nothing exists, so the rotation is over before it began and the next run starts afresh.
        self.record(
            name,
            What::Abandoned {
                why: fault.what.clone(),
            },
        )?;
        let fault = fault
            .clone()
            .at(format!("issue at {}", self.secret(name).issuer.place()));
        self.not_begun(name, &fault);
        Ok(())
    }

    /// A request had no outcome: nothing is built on it before it must have landed or died (G2).
    pub(super) fn doubt(
        &mut self,
        name: &SecretName,
        step: Step,
        place: &str,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        let why = fault.what.clone();
        self.inside(
            name,
            Inside::Doubted {
                step,
                place: place.to_owned(),
                why: why.clone(),
                run: self.run.clone(),
            },
        )?;
        self.tell(
            name,
            Happening::PlaceFailed {
                step,
                target: place,
                place,
                why: &why,
            },
        );
        let until = Some(self.clock.now() + guard::QUIET);
        let why =
            format!("{step} at {place}: {why}; it may have happened, so a later run looks first");
        self.later(name, why, until);
        Ok(())
    }

    /// One real call with each new version. Refused just after creation is "not yet", not "bad".
    pub(super) fn verify(&mut self) -> Result<(), LedgerError> {
        let fresh: Vec<_> = self
            .at(&[Phase::Issued])
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.open(&name)?.to?)))
            .collect();
        let seen = self.ask(&fresh, Freshness::JustMade)?;
        for (name, seen) in seen {
            let issuer = &self.secret(&name).issuer;
            let place = issuer.place();
            match seen.verdict {
                Verdict::Works => {
                    // Who cannot see a key die was never asked about it either: evidence must not claim a call.
                    let how = match issuer.capabilities().shows_death {
                        Ability::Yes => format!("a call to {place} succeeded"),
                        Ability::No => "made here; there is nobody to ask".to_owned(),
                    };
                    self.record(&name, What::Verified { how })?;
                }
                Verdict::Denied => {
                    let how = format!(
                        "{place} knows the key and refuses this call to it: a narrow scope"
                    );
                    self.record(&name, What::Verified { how })?;
                }
                Verdict::Refused if self.clock.stopping() => {}
                Verdict::Refused => {
                    let fault =
                        Fault::refused(format!("verify at {place}: the new key is refused"));
                    self.begin_undo_for(&name, &fault)?;
                }
                Verdict::Unknown(fault) => {
                    let fault = fault.at(format!("verify at {place}"));
                    self.forward_fault(&name, &fault)?;
                }
            }
        }
        self.ledger.commit()
    }
}
