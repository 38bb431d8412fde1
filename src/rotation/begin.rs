//! Begin: looks before it leaps. A rotation begins only when every site could be found and the key could be delivered
//! there; then its intent becomes durable.

use crate::issuers::{Trust, ValueBy};
use crate::ledger::{Begun, Leaked, LedgerError, Trigger, What};
use crate::model::{Fault, FaultKind, Key, RotationId, SecretName};

use super::drive::{Drive, Leak};
use super::due;
use super::observe::Look;
use super::outcome::Ending;
use super::plan::Move;
use super::progress::Happening;
use super::secret::Secret;

impl Drive<'_> {
    /// Looks before it leaps: a rotation begins only when every site could be found, so that no key is made that
    /// cannot be delivered. Then the intents become durable, all in one commit (G1).
    pub(super) fn begin(&mut self) -> Result<(), LedgerError> {
        let beginning: Vec<(SecretName, Trigger)> = self
            .work
            .iter()
            .filter_map(|(name, step)| match step {
                Move::Begin(trigger) => Some((name.clone(), *trigger)),
                Move::Continue | Move::Revoke | Move::Watch | Move::PutOff | Move::CleanUp => None,
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
                Ok(_) if self.hidden(&name, trigger) => {}
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

    /// A site of the rotation before that is not found any more may be hidden, by a narrower token or an empty answer,
    /// and run on with the key that is about to be replaced. Who names the secret says that it is gone.
    fn hidden(&mut self, name: &SecretName, trigger: Trigger) -> bool {
        if trigger != Trigger::Scheduled {
            return false;
        }
        let (known, look) = (
            self.state(name).map(|state| &state.sites),
            self.looks.get(name),
        );
        let (Some(known), Some(look)) = (known, look) else {
            return false;
        };
        let gone = known.iter().find(|(id, _)| !look.sites.contains_key(*id));
        let Some((_, label)) = gone else { return false };
        let why = format!("`{label}` was there at the rotation before and is not found any more");
        let hint = format!(
            "if it was removed on purpose, run `rotakey rotate {name}`; else give back the access to it"
        );
        self.looks.remove(name);
        self.end(name, Ending::NeedsPerson { why, hint });
        true
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
            .and_then(|state| due::due(self.secret(name), state))
        {
            let due = due.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            facts.insert("due_at".to_owned(), due);
        }
        // Told to this run, or to one that could not see it through.
        let told = self.state(name).and_then(|state| state.leak.clone());
        let told = told.map(|Leaked { reason, alarm, .. }| Leak { reason, alarm });
        let leak = told.or(self.leak.clone());
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

    pub(super) fn not_begun(&mut self, name: &SecretName, fault: &Fault) {
        let why = fault.what.clone();
        if fault.kind == FaultKind::Passing {
            let until = fault.retry_after.map(|after| self.clock.now() + after);
            return self.later(name, why, until);
        }
        let hint = fault.hint.clone();
        self.end(name, Ending::Failed { why, hint });
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
