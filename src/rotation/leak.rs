//! A key has leaked: there is no grace, and where that is the smaller harm the old key dies first.

use chrono::TimeDelta;

use crate::ledger::{Alarm, LedgerError, Order, Phase, Progress as Inside, Step, Trigger, What};
use crate::model::{Instant, SecretName};

use super::drive::{Drive, Grace, Leak};
use super::observe::Freshness;
use super::revoke::counted;

impl Drive<'_> {
    pub(super) fn is_emergency(&self, name: &SecretName) -> bool {
        self.open(name)
            .is_some_and(|open| open.trigger == Trigger::Emergency)
    }

    /// A leak is on record before anything is done about it, so that whoever runs next goes on, whatever comes between.
    /// It turns open rotations into emergencies: their grace is over now. Says which.
    pub(super) fn escalate(&mut self) -> Result<Vec<SecretName>, LedgerError> {
        let Some(Leak { reason, alarm }) = self.leak.clone() else {
            return Ok(Vec::new());
        };
        let (open, fresh): (Vec<_>, Vec<_>) = self
            .work
            .keys()
            .cloned()
            .partition(|name| self.open(name).is_some());
        for name in fresh {
            let reason = reason.clone();
            self.record(&name, What::Leaked { reason, alarm })?;
        }
        for name in &open {
            let known = self.open(name).and_then(|open| open.alarm);
            // The delete may be on its way, and a key that still works may be about to die: no milder word takes it back.
            let order = match known {
                Some(known) if self.no_way_back(name) => known.order,
                _ => alarm.order,
            };
            if known.is_none_or(|known| known.order != order) {
                let reason = reason.clone();
                // Exposure counts from the first who said so.
                let raised_at = known.map_or(alarm.raised_at, |known| known.raised_at);
                let alarm = Alarm { raised_at, order };
                self.inside(name, Inside::Escalated { reason, alarm })?;
            } else if self.is_another(name, &reason) {
                let reason = reason.clone();
                self.record(name, What::Leaked { reason, alarm })?;
            }
        }
        self.ledger.commit()?;
        Ok(open)
    }

    /// Whether this leak is told of a rotation that answers another one, and whose new key may have leaked as well: it
    /// is there, and sites may hold it.
    fn is_another(&self, name: &SecretName, reason: &str) -> bool {
        let told = self.state(name).and_then(|state| state.leak.as_ref());
        let made = self.open(name).is_some_and(|open| open.to.is_some());
        made && told.is_none_or(|told| told.reason != reason)
    }

    /// A leak for which an outage is the smaller harm: the old key is told to end before anything is delivered, and
    /// whatever comes of that, the new one goes out at once. Where it is not seen dead yet, the end of the run looks
    /// again.
    pub(super) fn revoke_first(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Delivering]) {
            let first = self.open(&name).and_then(|open| open.alarm);
            let first = first.is_some_and(|alarm| alarm.order == Order::RevokeFirst);
            let old = self.old(&name).and_then(|old| old.key());
            let (Some(key), false) = (old.filter(|_| first), self.clock.stopping()) else {
                continue;
            };
            // G4 here too: of two keys the one that works is never the one that dies.
            if !self.new_works(&name)? {
                continue;
            }
            let is_first = self.open(&name).is_some_and(|open| !open.ends_first);
            self.inside(&name, Inside::EndFirstIntended)?;
            if let Err(fault) = self.send_revoke(&name, &key)? {
                if is_first {
                    self.inside(&name, Inside::EndFirstNotDone)?;
                }
                let why = fault.what;
                let place = self.secret(&name).issuer.place();
                self.failed_place(&name, Step::Revoke, &place, &place, &why);
            }
            if self.is_dead(&name, &key) {
                let place = self.secret(&name).issuer.place();
                let exposed = self.exposed(&name, self.clock.now());
                let observed = counted(format!("{place} refuses it"), exposed);
                self.inside(&name, Inside::EndedFirst { observed })?;
            }
        }
        self.ledger.commit()
    }

    /// Whether the new version worked at the issuer in this run. Where it does not, `deliver` says so.
    fn new_works(&mut self, name: &SecretName) -> Result<bool, LedgerError> {
        let Some(to) = self.open(name).and_then(|open| open.to) else {
            return Ok(false);
        };
        if !self.is_proven(name, to) {
            drop(self.ask(&[(name.clone(), to)], Freshness::Known)?);
        }
        Ok(self.is_proven(name, to))
    }

    /// The old keys of emergencies, in the same run: no grace, every guard.
    pub(super) fn revoke_leaked(&mut self) -> Result<(), LedgerError> {
        let leaked: Vec<_> = self
            .at(&[Phase::Grace, Phase::Revoking])
            .into_iter()
            .filter(|name| self.is_emergency(name))
            .collect();
        self.revoke_those(leaked, Grace::Waived)
    }

    pub(super) fn exposed(&self, name: &SecretName, died: Instant) -> Option<TimeDelta> {
        let alarm = self.open(name)?.alarm?;
        Some((died - alarm.raised_at).max(TimeDelta::zero()))
    }
}
