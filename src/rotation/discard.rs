//! Discard: kills a version that was taken back, once nothing holds it and the one that stays works.

use crate::issuers::Verdict;
use crate::ledger::{LedgerError, Phase, What};
use crate::model::{Fault, SecretName};

use super::clearance::Clearance;
use super::deliver::Sites;
use super::drive::Drive;
use super::guard;
use super::observe::{Freshness, refusal};
use super::outcome::Ending;
use super::progress::Happening;

impl Drive<'_> {
    /// Kills versions that were taken back, once nothing holds them (G3) and every request has landed (G2).
    pub(super) fn discard(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Discarding]) {
            if let Some(open) = self.open(&name)
                && let Err(wait) = guard::settled(open, self.clock.now(), &self.run)
            {
                self.wait(&name, wait);
                continue;
            }
            if self.survivor_works(&name)? == Clearance::Withheld
                || self.nothing_holds_new(&name)? == Clearance::Withheld
                || self.reap_twins(&name)? == Clearance::Withheld
            {
                continue;
            }
            let why = self
                .open(&name)
                .and_then(|open| open.trouble.clone())
                .unwrap_or_default();
            let Some(key) = self.new_version(&name).and_then(|new| new.key()) else {
                continue;
            };
            let Some(observed) = self.kill(&name, &key)? else {
                continue;
            };
            // A leaked key that had to stay is not left to a rotation with a grace.
            let verb = match self.is_emergency(&name) {
                true => "rotate --emergency --reason TEXT",
                false => "rotate",
            };
            let hint = format!("mend it, then run `rotakey {verb} {name}`");
            self.record(
                &name,
                What::Discarded {
                    observed: Some(observed),
                },
            )?;
            self.ledger.commit()?;
            let live = self
                .state(&name)
                .and_then(|state| state.current())
                .map(|current| current.hint.clone());
            self.tell(
                &name,
                Happening::RolledBack {
                    why: &why,
                    live: live.as_ref(),
                    hint: Some(&hint),
                },
            );
            self.end(
                &name,
                Ending::RolledBack {
                    why,
                    hint: Some(hint),
                },
            );
        }
        self.ledger.commit()
    }

    /// The key that stays works now (G4), and our clock has not gone back.
    fn survivor_works(&mut self, name: &SecretName) -> Result<Clearance, LedgerError> {
        let Some(from) = self.open(name).and_then(|open| open.from) else {
            return Ok(Clearance::Given);
        };
        let seen = self
            .ask(&[(name.clone(), from)], Freshness::Known)?
            .remove(name);
        let date = seen.as_ref().and_then(|seen| seen.date);
        if self.clock_is_right(name, date) == Clearance::Withheld {
            return Ok(Clearance::Withheld);
        }
        let verdict = seen.map_or_else(
            || Verdict::Unknown(Fault::passing("nothing was asked")),
            |seen| seen.verdict,
        );
        match refusal(&verdict) {
            None => Ok(Clearance::Given),
            Some(_) if verdict == Verdict::Refused && self.new_is_dead(name) => {
                self.stick_with_neither(name)?;
                Ok(Clearance::Withheld)
            }
            Some(fault) => {
                let mut fault = fault.at("the old key must work before the new one is removed");
                if verdict == Verdict::Refused {
                    let hint = "the new key works: `rotakey rotate NAME` goes forward with it";
                    fault = fault.hint(hint.replace("NAME", name.as_str()));
                }
                self.dead_end_fault(name, &fault)?;
                Ok(Clearance::Withheld)
            }
        }
    }

    pub(super) fn new_is_dead(&self, name: &SecretName) -> bool {
        let new = self.new_version(name).and_then(|new| new.key());
        new.is_some_and(|new| self.is_dead(name, &new))
    }

    /// Whether the version that was taken back is the only one that works, and no request about it is in doubt (G2).
    pub(super) fn only_new_works(&self, name: &SecretName) -> bool {
        let (Some(open), Some(old), Some(new)) = (
            self.open(name),
            self.old(name).and_then(|old| old.key()),
            self.new_version(name).and_then(|new| new.key()),
        ) else {
            return false;
        };
        guard::settled(open, self.clock.now(), &self.run).is_ok()
            && self.is_dead(name, &old)
            && refusal(&self.secret(name).issuer.verify(&new).verdict).is_none()
    }

    fn nothing_holds_new(&mut self, name: &SecretName) -> Result<Clearance, LedgerError> {
        let secret = self.secret(name);
        let survey = self.survey(name)?;
        if let Ok(survey) = &survey
            && self.missing_sites(name, &survey.look)? == Sites::Missing
        {
            return Ok(Clearance::Withheld);
        }
        let held = survey.and_then(|survey| match (self.open(name), self.new_version(name)) {
            (Some(open), Some(new)) => survey.holder(secret, open, new),
            _ => Ok(None),
        });
        match held {
            Ok(None) => return Ok(Clearance::Given),
            Ok(Some(holder)) => {
                let fault = Fault::passing(format!("the new key cannot be removed yet: {holder}"));
                self.dead_end_fault(name, &fault)?;
            }
            Err(fault) => self.dead_end_fault(name, &fault)?,
        }
        Ok(Clearance::Withheld)
    }
}
