//! Begin: looks before it leaps. A rotation begins only when every site could be found and the key could be delivered
//! there; then its intent becomes durable.

use crate::issuers::{Trust, ValueBy};
use crate::ledger::{Begun, Leaked, LedgerError, Trigger, What};
use crate::model::{Fault, FaultKind, Key, RotationId, SecretName};

use super::deliver::{not_found, removed_on_purpose};
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
        let mut begun = Vec::new();
        for (name, trigger) in beginning {
            let ready = match looks.remove(&name) {
                Some(Ok(look)) => self.ready(&name, trigger, look),
                Some(Err(fault)) => Err(fault),
                None => continue,
            };
            match ready {
                Ok(_) if self.hidden(&name, trigger)? => {}
                Ok(proposal) => {
                    self.intend(&name, trigger, proposal)?;
                    begun.push(name);
                }
                Err(fault) => {
                    if trigger == Trigger::Emergency {
                        self.call(&name, &fault.what)?;
                    }
                    self.not_begun(&name, &fault);
                }
            }
        }
        self.ledger.commit()?;
        for name in begun {
            self.tell_begun(&name);
        }
        Ok(())
    }

    /// Told once it is durable.
    fn tell_begun(&mut self, name: &SecretName) {
        let old = self.old(name).map(|old| old.hint.clone());
        let leak = self.open(name).filter(|open| open.alarm.is_some());
        let leak = leak.and_then(|open| open.reason.clone());
        let happening = Happening::Started {
            old: old.as_ref(),
            resumed: false,
            leak: leak.as_deref(),
        };
        self.tell(name, happening);
    }

    /// Everything that can be known to fail before a key is made.
    fn ready(
        &mut self,
        name: &SecretName,
        trigger: Trigger,
        look: Look,
    ) -> Result<Option<Key>, Fault> {
        let secret = self.secret(name);
        let current = self
            .state(name)
            .and_then(|state| state.current())
            .and_then(|version| version.key());
        if look.sites.is_empty() && !secret.destinations.is_empty() {
            self.may_go_nowhere(name, trigger, current.as_ref())?;
        }
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

    /// A key that goes nowhere is made only to end a leaked one whose sites were all removed, and only once a person who
    /// was told that none is found says the same again: all of them may be hidden by a narrower token.
    fn may_go_nowhere(
        &self,
        name: &SecretName,
        trigger: Trigger,
        current: Option<&Key>,
    ) -> Result<(), Fault> {
        let nowhere = Fault::refused("no site that holds this secret is found");
        if trigger != Trigger::Emergency || current.is_none() {
            return Err(nowhere
                .hint("add the variable at one place by hand, or set `create: true` on a target"));
        }
        if self.leak.is_some() && self.was_called(name, &nowhere.what) {
            return Ok(());
        }
        Err(nowhere.hint(format!(
            "if every site was removed on purpose, run `rotakey rotate --emergency --reason TEXT {name}` again, which ends \
             the leaked key; else give back the access to them"
        )))
    }

    /// Sites of the rotation before that are not found any more may be hidden, by a narrower token or an empty answer, and
    /// run on with the key that is about to be replaced. Only who was told of them, and names the secret then, says that
    /// they are gone.
    fn hidden(&mut self, name: &SecretName, trigger: Trigger) -> Result<bool, LedgerError> {
        let (known, look) = (
            self.state(name).map(|state| &state.sites),
            self.looks.get(name),
        );
        let (Some(known), Some(look)) = (known, look) else {
            return Ok(false);
        };
        let gone = known.iter().filter(|(id, _)| !look.sites.contains_key(*id));
        let gone: Vec<&str> = gone.map(|(_, label)| label).collect();
        let Some(why) = not_found(&gone) else {
            return Ok(false);
        };
        match trigger {
            Trigger::Emergency => return Ok(false),
            Trigger::Manual if self.was_called(name, &why) => return Ok(false),
            Trigger::Manual | Trigger::Scheduled => {}
        }
        self.call(name, &why)?;
        let hint = removed_on_purpose("rotate", name);
        self.looks.remove(name);
        self.end(name, Ending::NeedsPerson { why, hint });
        Ok(true)
    }

    /// A person is called, and the ledger remembers what for.
    fn call(&mut self, name: &SecretName, why: &str) -> Result<(), LedgerError> {
        if self.was_called(name, why) {
            return Ok(());
        }
        let why = why.to_owned();
        self.record(name, What::Told { why })
    }

    fn was_called(&self, name: &SecretName, why: &str) -> bool {
        let told = self.state(name).and_then(|state| state.told.as_deref());
        told == Some(why)
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
        self.record(name, What::Begun(begun))
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
