//! Deliver and restore: one value to every site of a stage, forward to the new version or back to the old one.

use std::collections::BTreeMap;

use crate::ledger::{LedgerError, Phase, Progress as Inside, Rotation, SiteProgress, Way};
use crate::model::{Fault, SecretName, SecretValue, ServiceId, SiteId, VersionNumber};
use crate::targets::Stored;

use super::drive::Drive;
use super::due;
use super::observe::{Freshness, Look, refusal};
use super::progress::Happening;
use super::turn::{rank, stages};
use super::write::Held;

impl Drive<'_> {
    /// Writes the new version to the sites of the earliest stage that is not done. Says whether there is anything to
    /// activate or confirm in this pass over the stages.
    pub(super) fn deliver(&mut self) -> Result<bool, LedgerError> {
        let names = self.delivering()?;
        let mut writes = Vec::new();
        for name in &names {
            if let Some(look) = self.looks.get(name).cloned() {
                if self.missing_sites(name, &look)? == Sites::Missing {
                    continue;
                }
                match self.forward_writes(name, &look) {
                    Ok(wanted) => {
                        writes.extend(self.intend_writes(name, &look, wanted, Way::Forward)?)
                    }
                    Err(fault) => self.forward_fault(name, &fault)?,
                }
            }
        }
        self.send_writes(&writes, Way::Forward)?;
        // What was seen before a write is not what is there now; where it was seen stays.
        for (name, look) in std::mem::take(&mut self.looks) {
            let homes = look.sites.into_iter();
            self.homes
                .extend(homes.map(|(id, seen)| ((name.clone(), id), seen.destination)));
        }
        let unfinished = |name: &SecretName| self.unfinished_services(name).next().is_some();
        Ok(!writes.is_empty() || self.under_way().iter().any(unfinished))
    }

    /// The secrets that are delivered to in this pass: proven at the issuer in this run (G4), looked at, not soaking.
    fn delivering(&mut self) -> Result<Vec<SecretName>, LedgerError> {
        for name in self.under_way() {
            let until = self
                .open(&name)
                .and_then(|open| due::soaking(self.secret(&name), open, self.clock.now()));
            if let Some(until) = until
                && !self.is_emergency(&name)
            {
                self.wait(&name, super::guard::Wait::soak(until));
            }
        }
        let unproven: Vec<(SecretName, VersionNumber)> = self
            .under_way()
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.open(&name)?.to?)))
            .filter(|(name, number)| !self.is_proven(name, *number))
            .collect();
        for (name, seen) in self.ask(&unproven, Freshness::Known)? {
            if let Some(fault) = refusal(&seen.verdict) {
                let fault = fault.at(format!("verify at {}", self.secret(&name).issuer.place()));
                self.forward_fault(&name, &fault)?;
            }
        }
        // Where every site of every stage is done, another look would only cost calls.
        let done = |name: &SecretName| {
            self.open(name)
                .is_some_and(|open| !open.sites.is_empty() && is_everywhere(open))
        };
        let unseen: Vec<_> = self
            .under_way()
            .into_iter()
            .filter(|name| !self.looks.contains_key(name) && !done(name))
            .collect();
        for (name, look) in self.look(&unseen)? {
            match look {
                Ok(look) => drop(self.looks.insert(name, look)),
                Err(fault) => self.forward_fault(&name, &fault)?,
            }
        }
        Ok(self.under_way())
    }

    /// Secrets on their way forward: in delivery, or in grace with sites that were found to hold something else.
    pub(super) fn under_way(&self) -> Vec<SecretName> {
        self.at(&[Phase::Delivering, Phase::Grace, Phase::Revoking])
    }

    /// What has to be written, and the text for it. A place that already holds the text is left alone.
    fn forward_writes(
        &self,
        name: &SecretName,
        look: &Look,
    ) -> Result<Vec<(SiteId, SecretValue, Held)>, Fault> {
        let secret = self.secret(name);
        let (Some(new), Some(open)) = (self.new_version(name), self.open(name)) else {
            return Ok(Vec::new());
        };
        let done = |id: &SiteId| {
            open.sites
                .get(id)
                .and_then(|site| site.write.as_ref())
                .is_some_and(|w| w.way == Way::Forward)
        };
        let ranks: BTreeMap<SiteId, usize> = stages(secret, open, look)
            .into_iter()
            .filter(|(id, _)| !done(id))
            .map(|(id, stage)| (id, rank(secret, stage.as_ref())))
            .collect();
        let turn = ranks.values().min();
        // A run may have died before the stage that is written was observed: the next one does not begin yet.
        let ahead = |site: &&SiteProgress| {
            let unseen = |service: &ServiceId| {
                let service = open.services.get(service);
                service.is_some_and(|service| !service.confirmed)
            };
            is_forward(site)
                && Some(&rank(secret, site.stage.as_ref())) < turn
                && site.services.iter().any(unseen)
        };
        if open.sites.values().any(|site| ahead(&site)) {
            return Ok(Vec::new());
        }
        let mut writes = Vec::new();
        for (id, seen) in &look.sites {
            if turn.is_none() || ranks.get(id) != turn {
                continue;
            }
            let wanted = seen
                .wanted(secret, new)
                .map_err(|fault| fault.at(&seen.site.label))?;
            let held = if seen.site.stored == Stored::Value(wanted.clone()) {
                Held::Wanted
            } else {
                Held::Other
            };
            writes.push((id.clone(), wanted, held));
        }
        Ok(writes)
    }

    /// Sites that were known and are not found any more. Removed by a person, or hidden by a narrower token, a changed
    /// configuration, an empty answer: that cannot be told apart from here, so that only a person who names the secret
    /// can say that they are gone. Says whether the rotation may go on.
    pub(super) fn missing_sites(
        &mut self,
        name: &SecretName,
        look: &Look,
    ) -> Result<Sites, LedgerError> {
        let known = self
            .open(name)
            .map(|open| open.sites.iter())
            .into_iter()
            .flatten();
        let gone = known.filter(|(id, _)| !look.sites.contains_key(id));
        let gone: Vec<(SiteId, String)> = gone
            .map(|(id, site)| (id.clone(), site.label.clone()))
            .collect();
        let labels: Vec<&str> = gone.iter().map(|(_, label)| label.as_str()).collect();
        let Some(why) = not_found(&labels) else {
            return Ok(Sites::AllFound);
        };
        // Who was called for another reason has said nothing about this one.
        if self.by_hand.get(name) == Some(&why) {
            let gone = gone.into_iter().map(|(id, _)| id).collect();
            self.inside(name, Inside::SitesGone(gone))?;
            return Ok(Sites::AllFound);
        }
        let hint = removed_on_purpose(self.next_verb(name), name);
        self.stick(name, &why, hint)?;
        Ok(Sites::Missing)
    }

    /// Once every service of a stage is confirmed, the stage soaks if another one follows.
    pub(super) fn close_stage(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Delivering]) {
            let secret = self.secret(&name);
            let Some(open) = self.open(&name) else {
                continue;
            };
            let waiting = open
                .sites
                .values()
                .filter(|site| !is_forward(site))
                .map(|site| rank(secret, site.stage.as_ref()));
            let Some(next) = waiting.min() else { continue };
            let done = open
                .sites
                .values()
                .filter(|site| is_forward(site))
                .filter_map(|site| site.stage.clone());
            let latest = done
                .filter(|stage| rank(secret, Some(stage)) < next)
                .max_by_key(|stage| rank(secret, Some(stage)));
            if let Some(stage) = latest.filter(|stage| !open.soaking.contains_key(stage))
                && self.unfinished_services(&name).next().is_none()
            {
                let until = self.clock.now() + secret.policy.soak.delta();
                self.inside(
                    &name,
                    Inside::Soaking {
                        stage: stage.clone(),
                    },
                )?;
                self.tell(
                    &name,
                    Happening::Soaking {
                        stage: stage.as_str(),
                        until,
                    },
                );
            }
        }
        self.ledger.commit()
    }

    /// Services of the open rotation that were not yet observed the way they were turned.
    pub(super) fn unfinished_services(
        &self,
        name: &SecretName,
    ) -> impl Iterator<Item = &ServiceId> {
        let services = self
            .open(name)
            .map(|open| open.services.iter())
            .into_iter()
            .flatten();
        services
            .filter(|(_, service)| !service.confirmed)
            .map(|(id, _)| id)
    }
}

/// Whether every site that was known is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sites {
    /// Each is, or a person said that it is gone.
    AllFound,
    /// One is not, and a person has to look.
    Missing,
}

/// What is said of sites that were known and are not found any more, each by its label: who answers it must know which
/// are meant. `None` where there are none.
pub(super) fn not_found(labels: &[&str]) -> Option<String> {
    match labels {
        [] => None,
        [one] => Some(format!("`{one}` was there and is not found any more")),
        many => Some(format!(
            "`{}` were there and are not found any more",
            many.join("`, `")
        )),
    }
}

/// What a person can do about sites that are not found any more.
pub(super) fn removed_on_purpose(verb: &str, name: &SecretName) -> String {
    format!(
        "if that was on purpose, run `rotakey {verb} {name}`; else give back the access to what is missing"
    )
}

pub(super) fn is_forward(site: &SiteProgress) -> bool {
    site.write
        .as_ref()
        .is_some_and(|write| write.way == Way::Forward)
}

/// Whether every site was written and every service observed on the new version.
pub(super) fn is_everywhere(open: &Rotation) -> bool {
    open.sites.values().all(is_forward)
        && open
            .services
            .values()
            .all(|service| service.way == Way::Forward && service.confirmed)
}
