//! Writes: the same value to all sites of a stage side by side, forward to the new version or back to the old one.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{
    LedgerError, Progress as Inside, ServiceProgress, SiteProgress, SiteWrite, Step, Way,
};
use crate::model::{Effect, Fault, FaultKind, SecretName, SecretValue, ServiceId, SiteId};
use crate::targets::{Stored, Written};

use super::drive::Drive;
use super::fault::worst;
use super::observe::{Look, SeenSite};
use super::progress::Happening;
use super::turn::stages;

/// Why a request that was announced did not leave.
pub(super) const UNSENT: &str = "not sent: stopped by a signal";

/// One write that is to be sent.
pub(super) struct Write {
    pub(super) name: SecretName,
    pub(super) seen: SeenSite,
    pub(super) value: SecretValue,
}

impl Drive<'_> {
    /// Records what is about to be written, so that a run that dies in between is continued at these sites.
    pub(super) fn intend_writes(
        &mut self,
        name: &SecretName,
        look: &Look,
        wanted: Vec<(SiteId, SecretValue, Held)>,
        way: Way,
    ) -> Result<Vec<Write>, LedgerError> {
        // What is not going to be sent is not announced in the log either.
        if wanted.is_empty() || self.clock.stopping() {
            return Ok(Vec::new());
        }
        self.inside(name, Inside::SitesFound(self.found(name, look)))?;
        let touched: BTreeSet<&SiteId> = wanted.iter().map(|(id, ..)| id).collect();
        let services = self.turn(name, look, &touched, way);
        self.turned.extend(services.keys().cloned());
        let sites = touched.into_iter().cloned().collect();
        self.inside(
            name,
            Inside::Turned {
                way,
                sites,
                services,
            },
        )?;
        let mut writes = Vec::new();
        for (id, value, held) in wanted {
            let Some(seen) = look.sites.get(&id) else {
                continue;
            };
            match held {
                Held::Other => writes.push(Write {
                    name: name.clone(),
                    seen: seen.clone(),
                    value,
                }),
                // Written by a run that could not record it: not later than the platform's clock says now.
                Held::Wanted => {
                    let target = &seen.destination(self.secret(name)).target;
                    let write = SiteWrite {
                        way,
                        at: target.date().or(Some(self.clock.now())),
                        marker: None,
                    };
                    self.inside(name, Inside::Written { site: id, write })?;
                }
            }
        }
        if !writes.is_empty() {
            let step = step(way);
            let places = writes
                .iter()
                .map(|write| write.seen.site.label.clone())
                .collect();
            self.inside(
                name,
                Inside::Sent {
                    step,
                    places,
                    run: self.run.clone(),
                },
            )?;
        }
        Ok(writes)
    }

    fn found(&self, name: &SecretName, look: &Look) -> BTreeMap<SiteId, SiteProgress> {
        let (secret, old, new) = (self.secret(name), self.old(name), self.new_version(name));
        let Some(open) = self.open(name) else {
            return BTreeMap::new();
        };
        let mut stages = stages(secret, open, look);
        let before = |seen: &SeenSite| match &seen.site.stored {
            Stored::Value(value) => {
                let versions = old.into_iter().chain(new);
                let mut ours = versions.filter_map(|version| seen.wanted(secret, version).ok());
                (!ours.any(|ours| ours == *value)).then(|| value.clone())
            }
            Stored::Opaque(_) | Stored::Absent => None,
        };
        look.sites
            .iter()
            .map(|(id, seen)| {
                let stage = stages.remove(id).flatten();
                (id.clone(), seen.progress(secret, stage, before(seen)))
            })
            .collect()
    }

    /// The services that have to be redeployed because one of these sites changes.
    fn turn(
        &self,
        name: &SecretName,
        look: &Look,
        touched: &BTreeSet<&SiteId>,
        way: Way,
    ) -> BTreeMap<ServiceId, ServiceProgress> {
        let secret = self.secret(name);
        let sites = look
            .sites
            .iter()
            .filter(|(id, _)| touched.contains(id))
            .map(|(_, seen)| seen);
        let services = sites.flat_map(|seen| {
            seen.site
                .services
                .iter()
                .map(move |service| (seen, service))
        });
        services
            .map(|(seen, service)| {
                let target = seen.destination(secret).target.label();
                let label = service.label.clone();
                (
                    service.id.clone(),
                    ServiceProgress {
                        label,
                        target,
                        way,
                        asked: None,
                        confirmed: false,
                    },
                )
            })
            .collect()
    }

    /// Sends the writes of all secrets side by side. The intents share one commit, and so do the outcomes: a write
    /// that is repeated with the same value changes nothing.
    pub(super) fn send_writes(&mut self, writes: &[Write], way: Way) -> Result<(), LedgerError> {
        self.ledger.commit()?;
        self.announce(writes, way);
        let secrets = self.secrets;
        let mut faults: BTreeMap<SecretName, Fault> = BTreeMap::new();
        let unsent = self.crew().effects(
            writes,
            |write| {
                let destination = write.seen.destination(&secrets[&write.name]);
                destination.target.write(&write.seen.site, &write.value)
            },
            |write, effect| {
                let fault = self.wrote(write, effect, way)?;
                if let Some(fault) = fault {
                    worst(&mut faults, &write.name, fault);
                }
                Ok(())
            },
        )?;
        for Write { name, seen, .. } in unsent {
            self.unsent(name, step(way), &seen.site.label)?;
        }
        let names: BTreeSet<&SecretName> = writes.iter().map(|write| &write.name).collect();
        for name in names {
            self.inside(name, Inside::Settled)?;
        }
        self.ledger.commit()?;
        for (name, fault) in faults {
            self.fault_on(way, &name, &fault)?;
        }
        Ok(())
    }

    /// A signal came before the request left.
    pub(super) fn unsent(
        &mut self,
        name: &SecretName,
        step: Step,
        place: &str,
    ) -> Result<(), LedgerError> {
        let (place, why) = (place.to_owned(), UNSENT.to_owned());
        self.inside(name, Inside::NotDone { step, place, why })
    }

    fn wrote(
        &mut self,
        write: &Write,
        effect: Effect<Written>,
        way: Way,
    ) -> Result<Option<Fault>, LedgerError> {
        let Write { name, seen, .. } = write;
        let place = seen.site.label.clone();
        let target = seen.destination(self.secret(name)).target.label();
        let (step, run) = (step(way), self.run.clone());
        match effect {
            Effect::Done(Written { at, marker }) => {
                let write = SiteWrite {
                    way,
                    at,
                    marker: marker.map(|marker| marker.0),
                };
                self.inside(
                    name,
                    Inside::Written {
                        site: seen.site.id.clone(),
                        write,
                    },
                )?;
                self.tell(
                    name,
                    Happening::PlaceDone {
                        step,
                        target: &target,
                        place: &place,
                    },
                );
                Ok(None)
            }
            Effect::NotDone(fault) => {
                self.failed_place(name, step, &target, &place, &fault.what);
                let at = format!("{step} to `{place}`");
                let why = fault.what.clone();
                self.inside(name, Inside::NotDone { step, place, why })?;
                Ok(Some(fault.at(at)))
            }
            Effect::Uncertain(fault) => {
                self.failed_place(name, step, &target, &place, &fault.what);
                let at = format!("{step} to `{place}` may have happened");
                let why = fault.what.clone();
                let doubt = Inside::Doubted {
                    step,
                    place,
                    why,
                    run,
                };
                self.inside(name, doubt)?;
                // Whatever the reason, it may have landed: only a later run may conclude anything from it.
                let kind = FaultKind::Passing;
                Ok(Some(Fault { kind, ..fault }.at(at)))
            }
        }
    }

    fn announce(&mut self, writes: &[Write], way: Way) {
        let mut counts: BTreeMap<(SecretName, String), usize> = BTreeMap::new();
        for write in writes {
            let target = write
                .seen
                .destination(self.secret(&write.name))
                .target
                .label();
            *counts.entry((write.name.clone(), target)).or_default() += 1;
        }
        for ((name, target), places) in counts {
            self.tell(
                &name,
                Happening::StepBegan {
                    step: step(way),
                    target: &target,
                    places,
                },
            );
        }
    }
}

/// What a site held when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The text it should hold.
    Wanted,
    /// Something else, or something that cannot be read.
    Other,
}

fn step(way: Way) -> Step {
    match way {
        Way::Forward => Step::Deliver,
        Way::Back => Step::Restore,
    }
}
