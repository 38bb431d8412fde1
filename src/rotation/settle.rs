//! Settle: creates whose reply was lost (G1), and keys that one request made twice.

use crate::issuers::Ability;
use crate::ledger::{LedgerError, Phase, Progress as Inside, Step, What};
use crate::model::{Effect, Key, KeyId, SecretName};

use super::clearance::Clearance;
use super::drive::{Drive, Lost};
use super::guard;
use super::outcome::Ending;
use super::progress::Happening;

impl Drive<'_> {
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
            Clearance::Given => self.again(name, lost),
            Clearance::Withheld => Ok(()),
        }
    }

    /// Removes keys that bear the tag of this rotation and are not its key: a request to make one may be carried out
    /// twice on its way, and nobody holds the value of the second. Only for a time when all requests have landed (G2).
    pub(super) fn reap_twins(&mut self, name: &SecretName) -> Result<Clearance, LedgerError> {
        let secret = self.secret(name);
        let Some(tag) = self.open(name).map(|open| open.tag.clone()) else {
            return Ok(Clearance::Given);
        };
        if secret.issuer.capabilities().finds == Ability::No {
            return Ok(Clearance::Given);
        }
        // Of two keys with one tag, the one in use is told by its id alone: where it has none, neither is touched.
        if self
            .new_version(name)
            .is_none_or(|new| new.key_id.is_none())
        {
            return Ok(Clearance::Given);
        }
        let Some(state) = self.state(name) else {
            return Ok(Clearance::Given);
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
                return Ok(Clearance::Withheld);
            }
        };
        let twins = found
            .into_iter()
            .map(|found| found.key)
            .filter(|key| key.id.is_some() && !known.contains(&key.id));
        self.reap(name, twins.collect())
    }

    /// Kills keys that nobody will use. Withheld: one may be left, and the ending says why.
    fn reap(&mut self, name: &SecretName, orphans: Vec<Key>) -> Result<Clearance, LedgerError> {
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
                    let (step, why) = (Step::Revoke, fault.what.clone());
                    self.inside(name, Inside::NotDone { step, place, why })?;
                    self.dead_end_fault(name, &fault)?;
                    return Ok(Clearance::Withheld);
                }
                Effect::Uncertain(fault) => {
                    self.doubt(name, Step::Revoke, &place, &fault)?;
                    return Ok(Clearance::Withheld);
                }
            }
        }
        Ok(Clearance::Given)
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
}
