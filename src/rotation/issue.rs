//! Issue and verify: a new version comes to be, is recorded before anything else happens, and is proven.

use crate::issuers::{Ability, Request, Trust, ValueBy, Verdict};
use crate::ledger::{
    Begun, Leaked, LedgerError, NewVersion, Phase, Progress as Inside, Step, Trigger, What,
};
use crate::model::{Effect, Fault, Hint, Key, KeyId, Making, RotationId, SecretName};

use super::drive::{Drive, Leak, Lost};
use super::guard;
use super::observe::{Freshness, Look};
use super::outcome::{Course, Ending};
use super::plan::{self, Move};
use super::progress::Happening;
use super::secret::Secret;

/// Whether keys that nobody will use are gone.
#[derive(PartialEq, Eq)]
enum Reaped {
    All,
    /// One is left, and the ending says why.
    Left,
}

impl Drive<'_> {
    /// Looks before it leaps: a rotation begins only when every site could be found, so that no key is made that
    /// cannot be delivered. Then the intents become durable, all in one commit (G1).
    pub(super) fn begin(&mut self) -> Result<(), LedgerError> {
        let beginning: Vec<(SecretName, Trigger)> = self
            .work
            .iter()
            .filter_map(|(name, step)| match step {
                Move::Begin(trigger) => Some((name.clone(), *trigger)),
                Move::Continue | Move::Revoke | Move::Watch | Move::CleanUp => None,
            })
            .filter(|(name, _)| self.open(name).is_none() && !self.has_ended(name))
            .collect();
        let names: Vec<SecretName> = beginning.iter().map(|(name, _)| name.clone()).collect();
        let mut looks = self.look(&names)?;
        for (name, trigger) in beginning {
            let ready = match looks.remove(&name) {
                Some(Ok(look)) => self.ready(&name, trigger, look),
                Some(Err(fault)) => Err(fault),
                None => continue,
            };
            match ready {
                Ok(proposal) => self.intend(&name, trigger, proposal)?,
                Err(fault) => self.not_begun(&name, &fault),
            }
        }
        self.ledger.commit()
    }

    /// Everything that can be known to fail before a key is made.
    fn ready(
        &mut self,
        name: &SecretName,
        trigger: Trigger,
        look: Look,
    ) -> Result<Option<Key>, Fault> {
        let secret = self.secret(name);
        if look.sites.is_empty() && !secret.destinations.is_empty() {
            return Err(Fault::refused("no site holds this secret yet")
                .hint("add the variable at one place by hand, or set `create: true` on a target"));
        }
        let current = self
            .state(name)
            .and_then(|state| state.current())
            .and_then(|version| version.key());
        let trust = if trigger == Trigger::Emergency {
            Trust::Lost
        } else {
            Trust::Kept
        };
        let proposal = match self.supplied.remove(name) {
            Some(supplied) => Some(taken(secret, supplied, current.as_ref())?),
            None if secret.issuer.capabilities().value == ValueBy::Person => {
                return Err(
                    Fault::refused("only a person can make its key").hint(format!(
                        "{}; then rotakey rotate {name}",
                        secret.issuer.instructions().join("; ")
                    )),
                );
            }
            None => secret.issuer.propose(current.as_ref(), trust)?,
        };
        if let Some(proposal) = &proposal {
            // A value that a site cannot hold is found out before anybody depends on it.
            for seen in look.sites.values() {
                drop(
                    (seen.destination(secret).render)(&proposal.fields)
                        .map_err(|fault| fault.at(&seen.site.label))?,
                );
            }
        }
        self.looks.insert(name.clone(), look);
        Ok(proposal)
    }

    fn intend(
        &mut self,
        name: &SecretName,
        trigger: Trigger,
        proposal: Option<Key>,
    ) -> Result<(), LedgerError> {
        let mut facts = self.facts.clone();
        // By the policy of today; nobody can ask it later.
        if let Some(due) = self
            .state(name)
            .and_then(|state| plan::due(self.secret(name), state))
        {
            let due = due.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            facts.insert("due_at".to_owned(), due);
        }
        // Told to this run, or to one that could not see it through.
        let told = self.state(name).and_then(|state| state.leak.clone());
        let told = told.map(|Leaked { reason, alarm }| Leak { reason, alarm });
        let leak = self.leak.clone().or(told);
        let begun = Begun {
            rotation: RotationId::new(format!("rot_{}", self.unique(name, "rotation"))),
            trigger,
            reason: leak
                .as_ref()
                .map(|leak| leak.reason.clone())
                .or(self.reason.clone()),
            alarm: leak.as_ref().map(|leak| leak.alarm),
            tag: self.tag(name),
            proposal,
            run: self.run.clone(),
            facts,
        };
        let old = self
            .state(name)
            .and_then(|state| state.current())
            .map(|version| version.hint.clone());
        self.record(name, What::Begun(begun))?;
        self.tell(
            name,
            Happening::Started {
                old: old.as_ref(),
                resumed: false,
                leak: leak.as_ref().map(|leak| leak.reason.as_str()),
            },
        );
        Ok(())
    }

    fn not_begun(&mut self, name: &SecretName, fault: &Fault) {
        let why = fault.what.clone();
        let ending = match fault.kind {
            crate::model::FaultKind::Passing => Ending::Waiting {
                why,
                until: None,
                course: Course::Trouble,
            },
            _ => Ending::Failed {
                why,
                hint: fault.hint.clone(),
            },
        };
        self.end(name, ending);
    }

    /// Settles creates whose reply was lost (G1). Where rotakey chose the value, asking again with the same one is
    /// harmless; elsewhere the key is found by its tag and removed, for nobody holds its value.
    pub(super) fn settle_lost_replies(&mut self, lost: Lost) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Issuing]) {
            let Some(open) = self.open(&name) else {
                continue;
            };
            let chosen_here = open.proposal.is_some();
            // Sending the same value again is harmless at any time; everything else waits for quiet (G2).
            let harmless = chosen_here && lost == Lost::AskAgain;
            if let Err(wait) = guard::settled(open, self.clock.now(), &self.run)
                && !harmless
            {
                self.wait(&name, wait);
                continue;
            }
            let finds = self.secret(&name).issuer.capabilities().finds;
            match (finds, chosen_here) {
                (Ability::Yes, chosen_here) => self.search(&name, lost, chosen_here)?,
                (Ability::No, true) if lost == Lost::AskAgain => self.again(&name, lost)?,
                (Ability::No, true) => self.suppose_issued(&name)?,
                (Ability::No, false) if lost == Lost::PersonLooked => self.again(&name, lost)?,
                (Ability::No, false) => {
                    let hint = format!(
                        "remove the newest key by hand if there is one nobody knows, then run `rotakey rollback {name}`"
                    );
                    self.stick(
                        &name,
                        "the issuer did not answer, and it cannot list its keys",
                        hint,
                    )?;
                }
            }
        }
        self.ledger.commit()
    }

    fn search(
        &mut self,
        name: &SecretName,
        lost: Lost,
        chosen_here: bool,
    ) -> Result<(), LedgerError> {
        let secret = self.secret(name);
        let Some(tag) = self.open(name).map(|open| open.tag.clone()) else {
            return Ok(());
        };
        let found = match secret.issuer.find(&tag) {
            Ok(found) => found,
            Err(fault) => return self.dead_end_fault(name, &fault),
        };
        if chosen_here && lost == Lost::AskAgain {
            return match (
                found.into_iter().next(),
                self.open(name).and_then(|open| open.proposal.clone()),
            ) {
                (Some(found), Some(proposal)) => {
                    let key = Key {
                        id: found.key.id,
                        notes: found.key.notes,
                        ..proposal
                    };
                    self.issued(name, key)
                }
                _ => self.again(name, lost),
            };
        }
        let orphans = found.into_iter().map(|found| found.key).collect();
        match self.reap(name, orphans)? {
            Reaped::All => self.again(name, lost),
            Reaped::Left => Ok(()),
        }
    }

    /// Removes keys that bear the tag of this rotation and are not its key: a request to make one may be carried out
    /// twice on its way, and nobody holds the value of the second. Only for a time when all requests have landed (G2).
    /// `false`: one may be left, and the ending says why.
    pub(super) fn reap_twins(&mut self, name: &SecretName) -> Result<bool, LedgerError> {
        let secret = self.secret(name);
        let Some(tag) = self.open(name).map(|open| open.tag.clone()) else {
            return Ok(true);
        };
        if secret.issuer.capabilities().finds == Ability::No {
            return Ok(true);
        }
        // Of two keys with one tag, the one in use is told by its id alone: where it has none, neither is touched.
        if self
            .new_version(name)
            .is_none_or(|new| new.key_id.is_none())
        {
            return Ok(true);
        }
        let Some(state) = self.state(name) else {
            return Ok(true);
        };
        let known: Vec<Option<KeyId>> = state
            .versions
            .iter()
            .map(|version| version.key_id.clone())
            .collect();
        let found = match secret.issuer.find(&tag) {
            Ok(found) => found,
            Err(fault) => {
                // A look that failed, like those of the other guards: every night looks again by itself.
                self.cannot_look(name, &fault)?;
                return Ok(false);
            }
        };
        let twins = found
            .into_iter()
            .map(|found| found.key)
            .filter(|key| key.id.is_some() && !known.contains(&key.id));
        Ok(self.reap(name, twins.collect())? == Reaped::All)
    }

    /// Kills keys that nobody will use.
    fn reap(&mut self, name: &SecretName, orphans: Vec<Key>) -> Result<Reaped, LedgerError> {
        let secret = self.secret(name);
        for orphan in orphans {
            let place = secret.issuer.place();
            self.inside(
                name,
                Inside::Sent {
                    step: Step::Revoke,
                    places: vec![place.clone()],
                    run: self.run.clone(),
                },
            )?;
            self.ledger.commit()?;
            self.ledger.claim().check()?;
            match secret.issuer.revoke(&orphan) {
                Effect::Done(()) => {
                    self.inside(name, Inside::Settled)?;
                    self.inside(name, Inside::OrphanReaped { key_id: orphan.id })?;
                }
                Effect::NotDone(fault) => {
                    self.inside(name, Inside::Settled)?;
                    self.dead_end_fault(name, &fault)?;
                    return Ok(Reaped::Left);
                }
                Effect::Uncertain(fault) => {
                    self.doubt(name, Step::Revoke, &place, &fault)?;
                    return Ok(Reaped::Left);
                }
            }
        }
        Ok(Reaped::All)
    }

    fn again(&mut self, name: &SecretName, lost: Lost) -> Result<(), LedgerError> {
        match lost {
            Lost::GiveUp | Lost::PersonLooked => {
                self.record(
                    name,
                    What::Abandoned {
                        why: "the issuer did not answer; nothing is left there".to_owned(),
                    },
                )?;
                let why = "the issuer did not answer; nothing is left there".to_owned();
                self.end(name, Ending::Failed { why, hint: None });
            }
            Lost::AskAgain => {
                let proposal = self.open(name).and_then(|open| open.proposal.clone());
                // A value chosen here keeps its tag: it is the same request, sent again.
                let tag = match (&proposal, self.open(name)) {
                    (Some(_), Some(open)) => open.tag.clone(),
                    _ => self.tag(name),
                };
                self.record(
                    name,
                    What::Retagged {
                        tag,
                        proposal,
                        run: self.run.clone(),
                    },
                )?;
                let old = self.old(name).map(|version| version.hint.clone());
                self.tell(
                    name,
                    Happening::Started {
                        old: old.as_ref(),
                        resumed: true,
                        leak: None,
                    },
                );
            }
        }
        Ok(())
    }

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
            self.not_issued(name, &Fault::passing(super::deliver::UNSENT))?;
        }
        self.ledger.commit()
    }

    fn issued(&mut self, name: &SecretName, key: Key) -> Result<(), LedgerError> {
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

    /// A value that was chosen here may be live although nobody confirmed it, and nothing can list it: it is recorded
    /// as issued and taken back as such, so that it is revoked and never forgotten.
    fn suppose_issued(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        let Some(key) = self.open(name).and_then(|open| open.proposal.clone()) else {
            return Ok(());
        };
        self.issued(name, key)?;
        self.begin_undo(
            name,
            "the issuer did not answer whether it took the new value",
        )
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
        self.end(
            name,
            Ending::Waiting {
                why,
                until,
                course: Course::Trouble,
            },
        );
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

/// A key that a person handed over, looked at before anything is recorded.
fn taken(secret: &Secret, supplied: Key, current: Option<&Key>) -> Result<Key, Fault> {
    if current.is_some_and(|current| current.fields == supplied.fields) {
        return Err(Fault::refused("this is the key that is live already")
            .hint("make a new key and give that one"));
    }
    let place = secret.issuer.place();
    let taken = secret.issuer.take(supplied, current);
    taken.map_err(|fault| fault.at(place))
}
