//! Promote: the new version is current everywhere; the old one gets its grace.

use chrono::TimeDelta;

use crate::issuers::{Ability, Overlap};
use crate::ledger::{LedgerError, Phase, Progress as Inside, Step, What};
use crate::model::{Effect, Fault, Hint, Key, SecretName, Span};

use super::deliver::is_everywhere;
use super::drive::Drive;
use super::outcome::Ending;
use super::progress::Happening;

/// How much later than the end of grace the old key ends by itself. The guarded revoke has this long to come first.
pub(super) const SWITCH_AFTER: TimeDelta = TimeDelta::hours(24);

/// What people are told of a promotion.
struct Promotion {
    new: Option<Hint>,
    old: Option<Hint>,
    services: usize,
    grace: Span,
}

impl Drive<'_> {
    pub(super) fn promote(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Delivering]) {
            if self.clock.stopping() || !self.open(&name).is_some_and(is_everywhere) {
                continue;
            }
            let issuer_date = self
                .open(&name)
                .and_then(|open| open.to)
                .and_then(|to| self.proven.get(&(name.clone(), to)).copied().flatten());
            self.record(&name, What::Promoted { issuer_date })?;
            let promotion = self.promotion(&name);
            let is_first = self.open(&name).is_some_and(|open| open.from.is_none());
            let unknown = self.is_emergency(&name) && self.knows_no_other(&name);
            if is_first {
                // Nothing is waited for, so that nothing comes in between: it is one commit with the promotion.
                self.record(&name, What::Finished { observed: None })?;
            }
            self.ledger.commit()?;
            self.tell_promoted(&name, promotion);
            if is_first {
                if unknown {
                    let place = self.secret(&name).issuer.place();
                    let why = "the new key is everywhere, and the leaked one was never known to rotakey: it still works";
                    let hint = format!("end it by hand at {place}");
                    let why = why.to_owned();
                    self.end(&name, Ending::NeedsPerson { why, hint });
                }
                self.promoted(&name);
                continue;
            }
            if !self.is_emergency(&name) {
                self.arm_switch(&name)?;
                self.promoted(&name);
            }
        }
        self.reopened_done()?;
        self.ledger.commit()
    }

    /// Whether the new version is the first that the ledger ever saw.
    fn knows_no_other(&self, name: &SecretName) -> bool {
        let versions = self.state(name).map(|state| state.versions.len());
        versions == Some(1)
    }

    /// Sites that had gone astray in grace and are back.
    fn reopened_done(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Grace, Phase::Revoking]) {
            if !self.is_emergency(&name) && self.open(&name).is_some_and(is_everywhere) {
                self.promoted(&name);
            }
        }
        Ok(())
    }

    fn promoted(&mut self, name: &SecretName) {
        let grace = self.secret(name).policy.grace.delta();
        let open = self.open(name).and_then(|open| open.promoted.as_ref());
        let grace_until = open.map(|promoted| promoted.at + grace);
        let Some(new) = self
            .state(name)
            .and_then(|state| state.current())
            .map(|current| current.hint.clone())
        else {
            return;
        };
        self.end(name, Ending::Promoted { new, grace_until });
    }

    fn promotion(&self, name: &SecretName) -> Promotion {
        Promotion {
            new: self.new_version(name).map(|new| new.hint.clone()),
            old: self.old(name).map(|old| old.hint.clone()),
            services: self.open(name).map_or(0, |open| open.services.len()),
            grace: match self.is_emergency(name) {
                true => Span::ZERO,
                false => self.secret(name).policy.grace,
            },
        }
    }

    /// Told once it is durable.
    fn tell_promoted(&mut self, name: &SecretName, promotion: Promotion) {
        let all = promotion.services;
        if let Some(new) = &promotion.new {
            let happening = Happening::Promoted {
                new,
                old: promotion.old.as_ref(),
                services: (all, all),
                grace: promotion.grace,
            };
            self.tell(name, happening);
        }
    }

    /// The dead-man's switch: the old key ends by itself a day after the grace, even if rotakey never runs again.
    /// Not being able to set it costs nothing: the revoke comes all the same.
    fn arm_switch(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        let secret = self.secret(name);
        let capabilities = secret.issuer.capabilities();
        if capabilities.expires == Ability::No || capabilities.overlap == Overlap::None {
            return Ok(());
        }
        let Some(key) = self
            .old(name)
            .and_then(|old| old.key())
            .filter(|key| key.id.is_some())
        else {
            return Ok(());
        };
        let after = secret.policy.grace.delta() + SWITCH_AFTER;
        drop(self.set_end(name, &key, after)?);
        Ok(())
    }

    /// Makes a key end by itself, this long from now.
    pub(super) fn set_end(
        &mut self,
        name: &SecretName,
        key: &Key,
        after: TimeDelta,
    ) -> Result<Result<(), Fault>, LedgerError> {
        let secret = self.secret(name);
        let place = secret.issuer.place();
        let before = self.open(name).and_then(|open| open.expires_at);
        let (step, run) = (Step::Expire, self.run.clone());
        self.inside(
            name,
            Inside::Sent {
                step,
                places: vec![place.clone()],
                run: run.clone(),
            },
        )?;
        self.inside(name, Inside::ExpiryIntended { after })?;
        self.ledger.commit()?;
        self.ledger.claim().check()?;
        let (result, outcome) = match secret.issuer.expire(key, after) {
            Effect::Done(()) => (Ok(()), Inside::ExpirySet { after }),
            Effect::NotDone(fault) => (
                Err(fault.clone()),
                Inside::NotDone {
                    step,
                    place,
                    why: fault.what,
                },
            ),
            Effect::Uncertain(fault) => (
                Err(fault.clone()),
                Inside::Doubted {
                    step,
                    place,
                    why: fault.what,
                    run,
                },
            ),
        };
        if matches!(outcome, Inside::NotDone { .. }) {
            self.inside(name, Inside::ExpiryNotSet { end: before })?;
        }
        self.inside(name, outcome)?;
        self.inside(name, Inside::Settled)?;
        Ok(result)
    }
}
