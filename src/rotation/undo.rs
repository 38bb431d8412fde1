//! Undo: the old version goes back to every site that was touched, is activated and confirmed, and then the new
//! version is killed. No site is ever left on a version that is about to die.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::ledger::{LedgerError, Phase, Progress as Inside, ServiceProgress, Way, What};
use crate::model::{Fault, Fields, Key, SecretName, SecretValue, SiteId};
use crate::targets::Stored;

use super::deliver::Sites;
use super::drive::Drive;
use super::guard;
use super::observe::{Freshness, Look, refusal};
use super::progress::Happening;
use super::write::Held;

/// Longer than the coarsest clock of a platform: an HTTP `Date` counts whole seconds.
const TICK: TimeDelta = TimeDelta::seconds(2);

impl Drive<'_> {
    pub(super) fn begin_undo_for(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        match &fault.hint {
            Some(hint) => self.begin_undo(name, &format!("{}; {hint}", fault.what)),
            None => self.begin_undo(name, &fault.what),
        }
    }

    pub(super) fn begin_undo(&mut self, name: &SecretName, why: &str) -> Result<(), LedgerError> {
        self.record(
            name,
            What::UndoBegun {
                why: why.to_owned(),
            },
        )?;
        self.tell(name, Happening::UndoBegan { why });
        Ok(())
    }

    /// Puts the old version back wherever this rotation may have touched something.
    pub(super) fn undo(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Undoing]) {
            let Some(open) = self.open(&name) else {
                continue;
            };
            // A late write of the new value could land on top of a restored one (G2).
            if let Err(wait) = guard::settled(open, self.clock.now(), &self.run) {
                self.wait(&name, wait);
            }
        }
        self.keep_old_alive()?;
        let names = self.at(&[Phase::Undoing]);
        self.step_away_from_forward(&names);
        let mut writes = Vec::new();
        for (name, look) in self.look(&names)? {
            match look.and_then(|look| Ok((self.backward_writes(&name, &look)?, look))) {
                Ok((wanted, look)) => {
                    if self.missing_sites(&name, &look)? == Sites::Missing {
                        continue;
                    }
                    writes.extend(self.intend_writes(&name, &look, wanted, Way::Back)?);
                    self.turn_back_the_rest(&name)?;
                }
                Err(fault) => self.dead_end_fault(&name, &fault)?,
            }
        }
        self.send_writes(&writes, Way::Back)?;
        let names = self.at(&[Phase::Undoing]);
        self.activate_those(&names, Way::Back)?;
        let names = self.at(&[Phase::Undoing]);
        self.confirm_those(&names, Way::Back)?;
        if self.clock.stopping() {
            return self.ledger.commit();
        }
        for name in self.at(&[Phase::Undoing]) {
            if self.is_back(&name) {
                self.record(&name, What::Restored)?;
            }
        }
        self.ledger.commit()
    }

    /// Services whose sites need no write may still run the new version, or may have been left in between: they are
    /// looked at like the others, and redeployed where they do not serve what their sites hold.
    fn turn_back_the_rest(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        let forward = self
            .open(name)
            .map(|open| open.services.iter())
            .into_iter()
            .flatten();
        let forward = forward.filter(|(_, service)| service.way == Way::Forward);
        let services: BTreeMap<_, _> = forward
            .map(|(id, service)| {
                let (label, target) = (service.label.clone(), service.target.clone());
                let back = ServiceProgress {
                    label,
                    target,
                    way: Way::Back,
                    asked: None,
                    confirmed: false,
                };
                (id.clone(), back)
            })
            .collect();
        if services.is_empty() {
            return Ok(());
        }
        self.inside(
            name,
            Inside::Turned {
                way: Way::Back,
                sites: Vec::new(),
                services,
            },
        )
    }

    /// Platforms date deployments and writes by the second. A redeploy that was asked for just before the write that
    /// takes it back could pass for a newer one.
    fn step_away_from_forward(&self, names: &[SecretName]) {
        let opens = names.iter().filter_map(|name| self.open(name));
        let asked = opens
            .flat_map(|open| open.services.values())
            .filter_map(|service| service.asked.as_ref());
        let Some(latest) = asked.map(|asked| asked.at).max() else {
            return;
        };
        let apart = latest + TICK - self.clock.now();
        if apart > TimeDelta::zero() {
            self.clock.wait(apart);
        }
    }

    /// G4: proves that the old version works before it is put back, and takes back the end that was set on it.
    fn keep_old_alive(&mut self) -> Result<(), LedgerError> {
        let touched = |drive: &Self, name: &SecretName| {
            drive.open(name).is_some_and(|open| !open.sites.is_empty())
        };
        let olds: Vec<_> = self
            .at(&[Phase::Undoing])
            .into_iter()
            .filter(|name| touched(self, name))
            .filter_map(|name| Some((name.clone(), self.open(&name)?.from?)))
            .collect();
        for (name, seen) in self.ask(&olds, Freshness::Known)? {
            match refusal(&seen.verdict) {
                Some(fault) if fault.kind == crate::model::FaultKind::Passing => {
                    self.dead_end_fault(&name, &fault)?
                }
                Some(_) if self.new_is_dead(&name) => self.stick_with_neither(&name)?,
                Some(_) => {
                    let why = "the old key is refused by its issuer, so it cannot be put back";
                    let hint =
                        format!("the new key works: `rotakey rotate {name}` goes forward with it");
                    self.stick(&name, why, hint)?;
                }
                None => self.lift_expiry(&name)?,
            }
        }
        Ok(())
    }

    /// The rotation set an end on the old key; now it is the key that stays.
    fn lift_expiry(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        if self.open(name).is_none_or(|open| open.expires_at.is_none()) {
            return Ok(());
        }
        let Some(key) = self.old(name).and_then(|old| old.key()) else {
            return Ok(());
        };
        match self.set_end(name, &key, TimeDelta::days(365))? {
            Ok(()) => Ok(()),
            Err(fault) => self.dead_end_fault(name, &fault.at("take back the end of the old key")),
        }
    }

    fn backward_writes(
        &self,
        name: &SecretName,
        look: &Look,
    ) -> Result<Vec<(SiteId, SecretValue, Held)>, Fault> {
        let secret = self.secret(name);
        let Some(open) = self.open(name) else {
            return Ok(Vec::new());
        };
        let mut writes = Vec::new();
        // A site that no write was ever meant for was not touched.
        for (id, site) in open.sites.iter().filter(|(_, site)| site.heading.is_some()) {
            let Some(seen) = look.sites.get(id) else {
                continue;
            };
            let back = site
                .write
                .as_ref()
                .is_some_and(|write| write.way == Way::Back);
            let old = self
                .old(name)
                .map(|old| seen.wanted(secret, old))
                .transpose()?;
            // A site that held something of its own gets that back, if it works (G4). What was there before the first key
            // that rotakey made is what production ran on, whether it can be asked about or not.
            let own = site.before.clone();
            let lost = self.state(name).is_some_and(|state| state.lost);
            let trusted = old.is_none() && !lost;
            let own = own.filter(|own| trusted || self.is_own_and_works(name, own));
            let Some(wanted) = own.or(old) else {
                let why = format!("nothing is known to put back at `{}`", seen.site.label);
                return Err(Fault::refused(why).hint(format!(
                    "the new key works; run `rotakey rotate {name}` to go forward"
                )));
            };
            let holds = seen.site.stored == Stored::Value(wanted.clone());
            if back && (holds || matches!(seen.site.stored, Stored::Opaque(_))) {
                continue;
            }
            writes.push((
                id.clone(),
                wanted,
                if holds { Held::Wanted } else { Held::Other },
            ));
        }
        Ok(writes)
    }

    /// Whether a value that rotakey never made works at the issuer. One that it made before is dead, or about to be.
    fn is_own_and_works(&self, name: &SecretName, value: &SecretValue) -> bool {
        let key = Key::of(Fields::single(value.clone()));
        let fingerprint = self.ledger.fingerprint(&key.fields);
        let versions = self.state(name).map(|state| state.versions.iter());
        let made = versions
            .into_iter()
            .flatten()
            .any(|version| version.fingerprint == fingerprint);
        !made && refusal(&self.secret(name).issuer.verify(&key).verdict).is_none()
    }

    fn is_back(&self, name: &SecretName) -> bool {
        self.open(name).is_some_and(|open| {
            let touched = open.sites.values().filter(|site| site.heading.is_some());
            touched.into_iter().all(|site| {
                site.write
                    .as_ref()
                    .is_some_and(|write| write.way == Way::Back)
            }) && open
                .services
                .values()
                .all(|service| service.way == Way::Back && service.confirmed)
        })
    }
}
