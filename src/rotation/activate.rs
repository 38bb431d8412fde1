//! Activate: one redeploy per service and wave, however many secrets changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger::{LedgerError, Progress as Inside, ServiceProgress, Step, Way};
use crate::model::{DeploymentId, Effect, Fault, FaultKind, Instant, SecretName, ServiceId};
use crate::targets::{Activation, Confirmation, Service, Since, Target};

use super::drive::Drive;
use super::fault::worst;
use super::observe::later;
use super::progress::Happening;

/// A service that several secrets may share in this wave.
pub(super) struct Shared {
    pub(super) service: Service,
    pub(super) target: Arc<dyn Target>,
    pub(super) label: String,
    pub(super) names: Vec<SecretName>,
    pub(super) written_at: Option<Instant>,
    pub(super) activation: Option<Activation>,
    pub(super) asked_at: Option<Instant>,
}

/// What came of asking for a redeploy.
enum Asked {
    /// It was asked for now.
    Now(Effect<Activation>),
    /// One is on its way, or done: an earlier run asked, or somebody deployed.
    Before,
    /// Nobody could tell, so nothing was sent.
    Unseen(Fault),
}

impl Drive<'_> {
    pub(super) fn activate(&mut self) -> Result<(), LedgerError> {
        let names = self.under_way();
        self.activate_those(&names, Way::Forward)
    }

    /// Redeploys every service of these secrets that has not been redeployed that way yet.
    pub(super) fn activate_those(
        &mut self,
        names: &[SecretName],
        way: Way,
    ) -> Result<(), LedgerError> {
        self.refuse_unknown_targets(names)?;
        let shared = self.shared(names, way, |service| {
            service.asked.is_none() && !service.confirmed
        });
        // What is not going to be sent is not announced in the log either.
        if shared.is_empty() || self.clock.stopping() {
            return Ok(());
        }
        self.intend_activations(&shared)?;
        let turned = self.turned.clone();
        let mut faults = BTreeMap::new();
        let unsent = self.crew().effects(
            &shared,
            |shared| ask(shared, turned.contains(&shared.service.id)),
            |shared, asked| {
                for (name, fault) in self.activated(shared, asked)? {
                    worst(&mut faults, &name, fault);
                }
                Ok(())
            },
        )?;
        for Shared { names, service, .. } in unsent {
            for name in names {
                self.unsent(name, Step::Activate, &service.label)?;
            }
        }
        for name in names
            .iter()
            .filter(|name| shared.iter().any(|shared| shared.names.contains(name)))
        {
            self.inside(name, Inside::Settled)?;
        }
        self.ledger.commit()?;
        for (name, fault) in faults {
            self.fault_on(way, &name, &fault)?;
        }
        Ok(())
    }

    fn intend_activations(&mut self, shared: &[Shared]) -> Result<(), LedgerError> {
        let mut places: BTreeMap<&SecretName, Vec<String>> = BTreeMap::new();
        let mut counts: BTreeMap<(&SecretName, &str), usize> = BTreeMap::new();
        for shared in shared {
            for name in &shared.names {
                places
                    .entry(name)
                    .or_default()
                    .push(shared.service.label.clone());
                *counts.entry((name, &shared.label)).or_default() += 1;
            }
        }
        for (name, places) in places {
            self.inside(
                name,
                Inside::Sent {
                    step: Step::Activate,
                    places,
                    run: self.run.clone(),
                },
            )?;
        }
        self.ledger.commit()?;
        for ((name, target), places) in counts {
            self.tell(
                name,
                Happening::StepBegan {
                    step: Step::Activate,
                    target,
                    places,
                },
            );
        }
        Ok(())
    }

    fn activated(
        &mut self,
        shared: &Shared,
        asked: Asked,
    ) -> Result<Vec<(SecretName, Fault)>, LedgerError> {
        let place = shared.service.label.as_str();
        let activation = match asked {
            Asked::Now(Effect::Done(activation)) => activation,
            Asked::Before => Activation { deployment: None },
            Asked::Unseen(fault) => {
                for name in &shared.names {
                    let (step, place) = (Step::Activate, place.to_owned());
                    let why = format!("nothing was sent: {}", fault.what);
                    self.inside(name, Inside::NotDone { step, place, why })?;
                }
                return Ok(shared
                    .names
                    .iter()
                    .map(|name| (name.clone(), fault.clone()))
                    .collect());
            }
            Asked::Now(Effect::NotDone(fault)) => {
                let why = fault.what.clone();
                for name in &shared.names {
                    self.inside(
                        name,
                        Inside::NotDone {
                            step: Step::Activate,
                            place: place.to_owned(),
                            why: why.clone(),
                        },
                    )?;
                    self.failed_place(name, Step::Activate, &shared.label, place, &why);
                }
                let fault = fault.at(format!("redeploy `{place}`"));
                return Ok(shared
                    .names
                    .iter()
                    .map(|name| (name.clone(), fault.clone()))
                    .collect());
            }
            Asked::Now(Effect::Uncertain(fault)) => {
                // Whether it was accepted shows in what the service runs: confirm looks, and asks nobody twice.
                let why = fault.what.clone();
                for name in &shared.names {
                    let (step, place, run) = (Step::Activate, place.to_owned(), self.run.clone());
                    self.inside(
                        name,
                        Inside::Doubted {
                            step,
                            place,
                            why: why.clone(),
                            run,
                        },
                    )?;
                }
                let fault = Fault {
                    kind: FaultKind::Passing,
                    ..fault
                }
                .at(format!("redeploy `{place}` may have happened"));
                return Ok(shared
                    .names
                    .iter()
                    .map(|name| (name.clone(), fault.clone()))
                    .collect());
            }
        };
        let deployment = activation.deployment.map(|id| id.to_string());
        for name in &shared.names {
            let service = shared.service.id.clone();
            self.inside(
                name,
                Inside::Activated {
                    service,
                    deployment: deployment.clone(),
                },
            )?;
        }
        Ok(Vec::new())
    }

    pub(super) fn failed_place(
        &mut self,
        name: &SecretName,
        step: Step,
        target: &str,
        place: &str,
        why: &str,
    ) {
        self.tell(
            name,
            Happening::PlaceFailed {
                step,
                target,
                place,
                why,
            },
        );
    }

    /// The services of these secrets that were turned that way and still need something, each once.
    pub(super) fn shared(
        &self,
        names: &[SecretName],
        way: Way,
        needs: impl Fn(&ServiceProgress) -> bool,
    ) -> Vec<Shared> {
        let mut shared: BTreeMap<ServiceId, Shared> = BTreeMap::new();
        for name in names {
            let Some(open) = self.open(name) else {
                continue;
            };
            for (id, service) in &open.services {
                if service.way != way || !needs(service) {
                    continue;
                }
                let Some(target) = self.target_labelled(name, &service.target) else {
                    continue;
                };
                let writes = open
                    .sites
                    .values()
                    .filter(|site| site.services.contains(id));
                let written_at = writes.filter_map(|site| site.write.as_ref()?.at).max();
                let entry = shared.entry(id.clone()).or_insert_with(|| Shared {
                    service: Service {
                        id: id.clone(),
                        label: service.label.clone(),
                    },
                    target,
                    label: service.target.clone(),
                    names: Vec::new(),
                    written_at: None,
                    activation: None,
                    asked_at: None,
                });
                entry.names.push(name.clone());
                entry.written_at = later(entry.written_at, written_at);
                let asked_at = service.asked.as_ref().map(|asked| asked.at);
                if asked_at > entry.asked_at {
                    entry.asked_at = asked_at;
                    entry.activation = activation(service);
                }
            }
        }
        shared.into_values().collect()
    }

    /// Stops rotations that wait for a service whose target is not configured any more: nobody could redeploy or watch
    /// it, and they would wait for ever.
    pub(super) fn refuse_unknown_targets(
        &mut self,
        names: &[SecretName],
    ) -> Result<(), LedgerError> {
        for name in names {
            let services = self.open(name).map(|open| open.services.values());
            let lost = services
                .into_iter()
                .flatten()
                .filter(|service| !service.confirmed)
                .find(|service| self.target_labelled(name, &service.target).is_none());
            let Some(why) = lost.map(|service| {
                format!(
                    "`{}` waits for target `{}`, which is not configured any more",
                    service.label, service.target
                )
            }) else {
                continue;
            };
            let verb = self.next_verb(name);
            let hint = format!(
                "give it back to `rotations.yaml` as it was, and run `rotakey {verb} {name}`; change it once the rotation is over"
            );
            self.stick(name, &why, hint)?;
        }
        Ok(())
    }

    fn target_labelled(&self, name: &SecretName, label: &str) -> Option<Arc<dyn Target>> {
        let destinations = &self.secret(name).destinations;
        destinations
            .iter()
            .find(|destination| destination.target.label() == label)
            .map(|found| Arc::clone(&found.target))
    }
}

fn ask(shared: &Shared, fresh: bool) -> Asked {
    if !fresh {
        // An earlier run may have asked and died before it could say so: look before asking again.
        let since = Since {
            written_at: shared.written_at,
            activation: None,
        };
        match shared.target.confirm(&shared.service, since) {
            Ok(
                Confirmation::Serving { .. }
                | Confirmation::Waiting { .. }
                | Confirmation::Held { .. },
            ) => return Asked::Before,
            Ok(Confirmation::Stale { .. } | Confirmation::Failed { .. }) => {}
            Err(fault) => return Asked::Unseen(fault.at(&shared.service.label)),
        }
    }
    Asked::Now(shared.target.activate(&shared.service))
}

/// What the ledger knows of the redeploy of a service.
pub(super) fn activation(service: &ServiceProgress) -> Option<Activation> {
    let asked = service.asked.as_ref()?;
    Some(Activation {
        deployment: asked
            .deployment
            .as_ref()
            .map(|id| DeploymentId::new(id.clone())),
    })
}
