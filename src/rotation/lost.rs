//! Lost: the new key died, and the old one cannot be put back. Nothing can come of such a rotation any more, whichever
//! way it goes; a person who names the secret closes it, and another one makes a key.
//!
//! Only ever by a person's word, or in an emergency: an account that is suspended for a day refuses every key, and what
//! is taken for dead loses its value.

use crate::issuers::{Ability, Verdict};
use crate::ledger::{LedgerError, OldKey, Phase, Progress as Inside, Rotation, Trigger, What};
use crate::model::{Fault, FaultKind, SecretName};

use super::clearance::Clearance;
use super::drive::Drive;
use super::guard;
use super::observe::Freshness;
use super::outcome::Ending;
use super::plan::Move;

impl Drive<'_> {
    /// Closes the rotations among those that a person named, or whose keys leaked, of which nothing can come. One that
    /// answers no leak is followed by another one in this run; a leak stays in the ledger for whoever goes on.
    pub(super) fn close_lost(&mut self, escalated: &[SecretName]) -> Result<(), LedgerError> {
        let named = self.by_hand.keys().chain(escalated).cloned();
        let open = [
            Phase::Delivering,
            Phase::Grace,
            Phase::Revoking,
            Phase::Undoing,
            Phase::Discarding,
        ];
        let there = self.at(&open);
        let mut names: Vec<SecretName> = named.filter(|name| there.contains(name)).collect();
        names.sort();
        names.dedup();
        for name in names {
            let Some(old) = self.remains(&name)? else {
                continue;
            };
            // Nobody would ever look for it again.
            if self.reap_twins(&name)? == Clearance::Withheld {
                continue;
            }
            if self.end_what_is_lost(&name, old)? == Clearance::Withheld {
                continue;
            }
            let place = self.secret(&name).issuer.place();
            let observed = match old {
                OldKey::Refused if self.old(&name).is_none() => {
                    format!("{place} refuses the new key, and there was no other one")
                }
                OldKey::Refused => format!("{place} refuses both keys"),
                OldKey::Accepted => {
                    format!("{place} refuses the new key; the old one is not to be used")
                }
            };
            let emergency = self.is_emergency(&name);
            self.record(&name, What::Lost { observed, old })?;
            self.ledger.commit()?;
            self.looks.remove(&name);
            if emergency {
                self.later(&name, "its new key died; another one is made", None);
            } else {
                self.work.insert(name, Move::Begin(Trigger::Manual));
            }
        }
        Ok(())
    }

    /// What is about to be taken for dead loses its value, and nobody could ever end it after that: it is ended now. An
    /// account that is suspended refuses every key for a while, and this as well.
    fn end_what_is_lost(
        &mut self,
        name: &SecretName,
        old: OldKey,
    ) -> Result<Clearance, LedgerError> {
        if self.secret(name).issuer.capabilities().revokes == Ability::No {
            return Ok(Clearance::Given);
        }
        let new = self.new_version(name).and_then(|new| new.key());
        let old = self
            .old(name)
            .and_then(|version| version.key())
            .filter(|_| old == OldKey::Refused);
        for key in new.into_iter().chain(old) {
            if let Err(fault) = self.send_revoke(name, &key)?
                && fault.kind != FaultKind::Missing
            {
                let place = self.secret(name).issuer.place();
                let why = format!(
                    "{place} refuses the keys and does not let them be ended: {}",
                    fault.what
                );
                let hint = format!("look at the account; then run this again for `{name}`");
                self.end(name, Ending::NeedsPerson { why, hint });
                return Ok(Clearance::Withheld);
            }
            // Nobody knows whether it was done: a later run looks.
            let doubted = self.open(name).and_then(|open| open.unsettled.as_ref());
            if doubted.is_some_and(|doubt| doubt.run == self.run) {
                let until = self.clock.now() + guard::QUIET;
                self.later(
                    name,
                    "a request was not answered and may still land",
                    Some(until),
                );
                return Ok(Clearance::Withheld);
            }
        }
        Ok(Clearance::Given)
    }

    /// What is left of the old key of a rotation that is lost; `None` where something can still come of it.
    fn remains(&mut self, name: &SecretName) -> Result<Option<OldKey>, LedgerError> {
        // A late write of the new key could land on top of the next one (G2).
        let (now, run) = (self.clock.now(), &self.run);
        let settled = |open: &Rotation| guard::settled(open, now, run).is_ok();
        if !self.open(name).is_some_and(settled) {
            return Ok(None);
        }
        let Some((number, made)) = self
            .new_version(name)
            .map(|new| (new.number, new.created_at))
        else {
            return Ok(None);
        };
        // One that was just made may not be known everywhere yet.
        let patience = match now - made < guard::QUIET {
            true => Freshness::JustMade,
            false => Freshness::Known,
        };
        let seen = self.ask(&[(name.clone(), number)], patience)?;
        if !seen
            .get(name)
            .is_some_and(|seen| seen.verdict == Verdict::Refused)
        {
            return Ok(None);
        }
        let old = self.old(name).and_then(|old| old.key());
        Ok(match old.is_none_or(|old| self.is_dead(name, &old)) {
            true => Some(OldKey::Refused),
            // What leaked is never put back, and what was told to end may die at any moment.
            false if self.is_emergency(name) || self.no_way_back(name) => Some(OldKey::Accepted),
            false => None,
        })
    }

    /// The current key is refused by its issuer while the old one is to go: says which way leads out.
    pub(super) fn current_refused(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        let old = self.old(name).and_then(|old| old.key());
        if old.is_none_or(|old| self.is_dead(name, &old)) {
            return self.stick_with_neither(name);
        }
        if self.no_way_back(name) {
            let hint = format!("rotakey rotate {name}   makes another one");
            return self.stick(
                name,
                "the current key is refused while the old one is ended",
                hint,
            );
        }
        let fault = fault
            .clone()
            .at("the current key must work before the old one is revoked");
        let way_out = match self.is_emergency(name) {
            true => format!("rotakey rotate --emergency --reason TEXT {name}   makes another one"),
            false => format!("rotakey rollback {name}   puts the old key back, which works"),
        };
        self.cannot_look(name, &fault.hint(way_out))
    }

    pub(super) fn stick_with_neither(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        let hint = format!("rotakey rotate {name}   closes the rotation and makes another key");
        self.inside(name, Inside::BothRefused)?;
        let why = "neither the new key nor the old one is accepted any more";
        self.stick(name, why, hint)
    }
}
