//! Confirm: watches the consumers until each was observed on the value it should use, or will not get there.
//!
//! An accepted deploy request confirms nothing.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::ledger::{LedgerError, Progress as Inside, SiteProgress, Step, Way};
use crate::model::{
    Clock, DeploymentId, Effect, Fault, FaultKind, Instant, SecretName, ServiceId, SiteId,
};
use crate::targets::{Confirmation, Since};

use super::activate::Shared;
use super::drive::Drive;
use super::fault::worst;
use super::progress::Happening;
use super::secret::{Probe, Secret};

/// How long a platform may go on showing the old deployment after it accepted a new one.
const STALE_FOR: TimeDelta = TimeDelta::minutes(2);

/// How long to wait before another look when a look failed.
const RETRY: TimeDelta = TimeDelta::seconds(10);

/// One service being watched.
struct Watch<'a> {
    shared: Shared,
    probes: Vec<&'a Probe>,
    begun: Instant,
    deadline: Instant,
    again: Instant,
    released: Released,
}

/// What one look at a service came to.
enum Sight {
    Confirmed(String),
    Later { doing: String, again: TimeDelta },
    Held(DeploymentId),
    Stale(String),
    Failed(String),
    Unseen(Fault),
}

impl<'a> Drive<'a> {
    pub(super) fn confirm(&mut self) -> Result<(), LedgerError> {
        let names = self.under_way();
        self.confirm_those(&names, Way::Forward)
    }

    /// Watches every service of these secrets that was turned that way and not yet confirmed.
    pub(super) fn confirm_those(
        &mut self,
        names: &[SecretName],
        way: Way,
    ) -> Result<(), LedgerError> {
        let clock = self.clock;
        let mut watched = self.watches(names, way);
        self.announce_watches(&watched);
        let mut faults: BTreeMap<SecretName, Fault> = BTreeMap::new();
        while !watched.is_empty() && !clock.stopping() {
            let now = clock.now();
            let (due, rest): (Vec<_>, Vec<_>) =
                watched.into_iter().partition(|watch| watch.again <= now);
            watched = rest;
            if due.is_empty() {
                let next = watched.iter().map(|watch| watch.again).min().unwrap_or(now);
                clock.wait(next - now);
                continue;
            }
            let mut sights: BTreeMap<ServiceId, Sight> = BTreeMap::new();
            self.crew().looks(
                &due,
                |watch| watch.sight(clock),
                |watch, sight| {
                    drop(sights.insert(watch.shared.service.id.clone(), sight));
                    Ok(())
                },
            )?;
            for mut watch in due {
                let Some(sight) = sights.remove(&watch.shared.service.id) else {
                    continue;
                };
                match self.seen(&mut watch, sight)? {
                    Verdict::Done => {}
                    Verdict::Again => watched.push(watch),
                    Verdict::Failed(fault) => {
                        for name in &watch.shared.names {
                            worst(&mut faults, name, fault.clone());
                        }
                    }
                }
            }
            self.ledger.commit()?;
        }
        for (name, fault) in faults {
            self.fault_on(way, &name, &fault)?;
        }
        self.ledger.commit()
    }

    fn watches(&self, names: &[SecretName], way: Way) -> Vec<Watch<'a>> {
        let secrets = self.secrets;
        let now = self.clock.now();
        let shared = self.shared(names, way, |service| !service.confirmed);
        shared
            .into_iter()
            .map(|shared| {
                let patience = shared
                    .names
                    .iter()
                    .map(|name| secrets[name].policy.confirm_timeout.delta())
                    .max();
                let begun = shared.asked_at.unwrap_or(now);
                let deadline = begun + patience.unwrap_or(TimeDelta::zero());
                // What is wrong with a service that is put back was wrong before: the old key is not asked to heal it.
                let probes = match way {
                    Way::Forward => self.probes(&shared),
                    Way::Back => Vec::new(),
                };
                Watch {
                    probes,
                    begun,
                    deadline,
                    again: now,
                    released: Released::No,
                    shared,
                }
            })
            .collect()
    }

    fn probes(&self, shared: &Shared) -> Vec<&'a Probe> {
        let of = |secret: &Secret| -> Vec<usize> {
            let Some(open) = self.open(&secret.name) else {
                return Vec::new();
            };
            // By its destination, not by its target: staging and production may be projects of one account.
            let used = |(id, site): (&SiteId, &SiteProgress), at: usize, label: &str| {
                site.services.contains(&shared.service.id)
                    && match self.homes.get(&(secret.name.clone(), id.clone())) {
                        Some(home) => *home == at,
                        None => site.target == label,
                    }
            };
            let destinations = secret.destinations.iter().enumerate();
            destinations
                .filter(|(at, destination)| {
                    let label = destination.target.label();
                    open.sites.iter().any(|site| used(site, *at, &label))
                })
                .map(|(at, _)| at)
                .collect()
        };
        let secrets = self.secrets;
        let named = shared.names.iter().map(|name| &secrets[name]);
        named
            .flat_map(|secret| {
                of(secret)
                    .into_iter()
                    .flat_map(|at| secret.destinations[at].probes.iter())
            })
            .collect()
    }

    fn announce_watches(&mut self, watched: &[Watch<'_>]) {
        let mut counts: BTreeMap<(SecretName, String), usize> = BTreeMap::new();
        for watch in watched {
            for name in &watch.shared.names {
                *counts
                    .entry((name.clone(), watch.shared.label.clone()))
                    .or_default() += 1;
            }
        }
        for ((name, target), places) in counts {
            self.tell(
                &name,
                Happening::StepBegan {
                    step: Step::Confirm,
                    target: &target,
                    places,
                },
            );
        }
    }

    fn seen(&mut self, watch: &mut Watch<'_>, sight: Sight) -> Result<Verdict, LedgerError> {
        let now = self.clock.now();
        let (target, place) = (
            watch.shared.label.clone(),
            watch.shared.service.label.clone(),
        );
        let names = watch.shared.names.clone();
        let overdue = now >= watch.deadline;
        let failure = match sight {
            Sight::Confirmed(how) => {
                for name in &names {
                    let service = watch.shared.service.id.clone();
                    self.inside(
                        name,
                        Inside::Confirmed {
                            service,
                            how: how.clone(),
                        },
                    )?;
                    self.tell(
                        name,
                        Happening::PlaceDone {
                            step: Step::Confirm,
                            target: &target,
                            place: &place,
                        },
                    );
                }
                return Ok(Verdict::Done);
            }
            Sight::Held(deployment) => match self.release(watch, &deployment)? {
                Ok(()) => return Ok(Verdict::Again),
                Err(fault) => fault,
            },
            Sight::Failed(why) => Fault::refused(why),
            Sight::Later { doing, .. } if overdue => {
                Fault::refused(format!("still {doing} after the time it may take"))
            }
            Sight::Later { doing, again } => {
                for name in &names {
                    let (target, place, doing) = (target.as_str(), place.as_str(), doing.as_str());
                    self.tell(
                        name,
                        Happening::PlaceWaits {
                            step: Step::Confirm,
                            target,
                            place,
                            doing,
                        },
                    );
                }
                // Never past the deadline in one sleep, never busy.
                watch.again = now + again.clamp(TimeDelta::seconds(1), TimeDelta::seconds(60));
                return Ok(Verdict::Again);
            }
            Sight::Stale(what) if now - watch.begun >= STALE_FOR => {
                Fault::refused(format!("runs something older than the new key: {what}"))
            }
            Sight::Unseen(fault) if fault.kind != FaultKind::Passing || overdue => {
                // Not being able to look says nothing about the service, so nothing is taken back for it at once.
                Fault {
                    kind: FaultKind::Passing,
                    ..fault
                }
            }
            Sight::Stale(_) | Sight::Unseen(_) => {
                watch.again = now + RETRY;
                return Ok(Verdict::Again);
            }
        };
        for name in &names {
            let (step, place) = (Step::Confirm, place.clone());
            self.inside(
                name,
                Inside::NotDone {
                    step,
                    place: place.clone(),
                    why: failure.what.clone(),
                },
            )?;
            self.failed_place(name, step, &target, &place, &failure.what);
        }
        Ok(Verdict::Failed(failure.at(format!("confirm `{place}`"))))
    }
}

impl Drive<'_> {
    /// The deployment this rotation asked for is ready, and the platform holds it back, as Vercel does after an
    /// instant rollback. Somebody else's deployment is somebody else's decision.
    fn release(
        &mut self,
        watch: &mut Watch<'_>,
        deployment: &DeploymentId,
    ) -> Result<Result<(), Fault>, LedgerError> {
        let asked = watch
            .shared
            .activation
            .as_ref()
            .and_then(|asked| asked.deployment.as_ref());
        if asked != Some(deployment) || watch.released == Released::Yes {
            let what = "a newer deployment is ready and the platform gives it no traffic";
            return Ok(Err(
                Fault::refused(what).hint("promote it, or look why it is held back")
            ));
        }
        let places = vec![watch.shared.service.label.clone()];
        for name in &watch.shared.names {
            let (step, places, run) = (Step::Activate, places.clone(), self.run.clone());
            self.inside(name, Inside::Sent { step, places, run })?;
        }
        self.ledger.commit()?;
        self.ledger.claim().check()?;
        let effect = watch
            .shared
            .target
            .release(&watch.shared.service, deployment);
        for name in &watch.shared.names {
            let (step, run) = (Step::Activate, self.run.clone());
            let place = watch.shared.service.label.clone();
            let outcome = match &effect {
                Effect::Done(()) => Inside::Activated {
                    service: watch.shared.service.id.clone(),
                    deployment: Some(deployment.to_string()),
                },
                Effect::NotDone(Fault { what, .. }) => Inside::NotDone {
                    step,
                    place,
                    why: what.clone(),
                },
                // It may give traffic to the new version after that was taken back (G2).
                Effect::Uncertain(Fault { what, .. }) => Inside::Doubted {
                    step,
                    place,
                    why: what.clone(),
                    run,
                },
            };
            self.inside(name, outcome)?;
            self.inside(name, Inside::Settled)?;
        }
        watch.released = Released::Yes;
        watch.again = self.clock.now() + RETRY;
        match effect {
            // Whether a lost reply was one shows at the next look: giving traffic twice changes nothing.
            Effect::Done(()) | Effect::Uncertain(_) => Ok(Ok(())),
            Effect::NotDone(fault) => Ok(Err(fault)),
        }
    }
}

/// Whether the platform was told to give traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Released {
    Yes,
    No,
}

/// What a look means for the watch.
enum Verdict {
    Done,
    Again,
    Failed(Fault),
}

impl Watch<'_> {
    fn sight(&self, clock: &dyn Clock) -> Sight {
        let since = Since {
            written_at: self.shared.written_at,
            activation: self.shared.activation.as_ref(),
        };
        match self.shared.target.confirm(&self.shared.service, since) {
            Ok(Confirmation::Serving { deployment }) => {
                for probe in &self.probes {
                    if let Err(fault) = probe(clock) {
                        return Sight::Failed(fault.what);
                    }
                }
                let serves = deployment.map_or("serves it".to_owned(), |id| {
                    format!("deployment {id} serves it")
                });
                Sight::Confirmed(match self.probes.len() {
                    0 => serves,
                    _ => format!("{serves} and is healthy"),
                })
            }
            Ok(Confirmation::Waiting { doing, again }) => Sight::Later { doing, again },
            Ok(Confirmation::Held { deployment }) => Sight::Held(deployment),
            Ok(Confirmation::Stale { what }) => Sight::Stale(what),
            Ok(Confirmation::Failed { what }) => Sight::Failed(what),
            Err(fault) => Sight::Unseen(fault),
        }
    }
}
