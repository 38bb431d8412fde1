//! Looking at the world: what the sites hold, what the services run, whether a key works.
//!
//! G3 and G4 stand here. Safety rests on what is observed at the moment of a delete, not on what the ledger says.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::issuers::{Seen, Verdict};
use crate::ledger::{LedgerError, Rotation, SiteProgress, Version, Way};
use crate::model::{
    Fault, Instant, SecretName, SecretValue, ServiceId, SiteId, StageName, VersionNumber,
};
use crate::targets::{Confirmation, Service, Since, Site, Stored};

use super::drive::Drive;
use super::secret::{Destination, Secret};

/// How long a fresh key may be refused before it counts as bad: the waits between the tries. AWS IAM was seen to take
/// 3 to 15 seconds; one scheduled run in ten of a known rotator failed by taking the first refusal for an answer.
const PROPAGATION: [i64; 7] = [1, 2, 4, 8, 15, 30, 30];

/// What one look found at the sites of a secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) sites: BTreeMap<SiteId, SeenSite>,
}

/// A site and where it came from.
#[derive(Clone, Debug)]
pub(super) struct SeenSite {
    pub(super) site: Site,
    pub(super) destination: usize,
}

/// A service that uses sites of a secret, and the destinations that know it.
pub(super) struct SeenService<'a> {
    pub(super) service: &'a Service,
    pub(super) destination: usize,
}

impl Look {
    /// Every service that uses one of the sites.
    pub(super) fn services(&self) -> BTreeMap<ServiceId, SeenService<'_>> {
        let mut services = BTreeMap::new();
        for seen in self.sites.values() {
            for service in &seen.site.services {
                let known = SeenService {
                    service,
                    destination: seen.destination,
                };
                services.entry(service.id.clone()).or_insert(known);
            }
        }
        services
    }
}

impl SeenSite {
    /// The text of a version that belongs at this site.
    pub(super) fn wanted(&self, secret: &Secret, version: &Version) -> Result<SecretValue, Fault> {
        let fields = version
            .fields
            .as_ref()
            .ok_or_else(|| Fault::refused("the value of this version is gone"))?;
        (self.destination(secret).render)(fields)
    }

    pub(super) fn destination<'s>(&self, secret: &'s Secret) -> &'s Destination {
        &secret.destinations[self.destination]
    }

    /// How the ledger remembers it.
    pub(super) fn progress(
        &self,
        secret: &Secret,
        stage: Option<StageName>,
        before: Option<SecretValue>,
    ) -> SiteProgress {
        SiteProgress {
            target: self.destination(secret).target.label(),
            label: self.site.label.clone(),
            services: self
                .site
                .services
                .iter()
                .map(|service| service.id.clone())
                .collect(),
            stage,
            before,
            heading: None,
            write: None,
        }
    }
}

impl Drive<'_> {
    /// Looks at every site of these secrets, once per account and pass.
    pub(super) fn look(
        &mut self,
        names: &[SecretName],
    ) -> Result<BTreeMap<SecretName, Result<Look, Fault>>, LedgerError> {
        let pass = self.next_pass();
        let secrets = self.secrets;
        let jobs: Vec<(&SecretName, usize)> = names
            .iter()
            .flat_map(|name| {
                (0..secrets[name].destinations.len()).map(move |destination| (name, destination))
            })
            .collect();
        let mut looks: BTreeMap<SecretName, Result<Look, Fault>> = names
            .iter()
            .map(|name| (name.clone(), Ok(Look::default())))
            .collect();
        self.crew().looks(
            &jobs,
            |(name, at)| secrets[*name].destinations[*at].target.sites(pass),
            |(name, at), found| {
                let Some(look) = looks.get_mut(*name) else {
                    return Ok(());
                };
                match (look.as_mut(), found) {
                    (Ok(look), Ok(sites)) => look.sites.extend(sites.into_iter().map(|site| {
                        (
                            site.id.clone(),
                            SeenSite {
                                site,
                                destination: *at,
                            },
                        )
                    })),
                    (Ok(_), Err(fault)) => {
                        *look = Err(fault.at(secrets[*name].destinations[*at].target.label()));
                    }
                    (Err(_), _) => {}
                }
                Ok(())
            },
        )?;
        if self.clock.stopping() {
            // A look that was cut short is no look.
            return Ok(looks
                .into_keys()
                .map(|name| (name, Err(Fault::passing("stopped by a signal"))))
                .collect());
        }
        Ok(looks)
    }

    /// G4: asks the issuers whether these versions work now. A fresh key gets time to become known everywhere.
    pub(super) fn ask(
        &mut self,
        versions: &[(SecretName, VersionNumber)],
        patience: Freshness,
    ) -> Result<BTreeMap<SecretName, Seen>, LedgerError> {
        let secrets = self.secrets;
        let clock = self.clock;
        let jobs: Vec<_> = versions
            .iter()
            .filter_map(|(name, number)| {
                let key = self.state(name)?.version(*number)?.key()?;
                Some((name.clone(), *number, key))
            })
            .collect();
        let mut seen = BTreeMap::new();
        let mut proven = Vec::new();
        self.crew().looks(
            &jobs,
            |(name, _, key)| {
                let issuer = &secrets[name].issuer;
                let mut answer = issuer.verify(key);
                let waits: &[i64] = match patience {
                    Freshness::JustMade => &PROPAGATION,
                    Freshness::Known => &[],
                };
                for seconds in waits {
                    if answer.verdict != Verdict::Refused || clock.stopping() {
                        break;
                    }
                    clock.wait(TimeDelta::seconds(*seconds));
                    answer = issuer.verify(key);
                }
                answer
            },
            |(name, number, _), answer| {
                if matches!(answer.verdict, Verdict::Works | Verdict::Denied) {
                    proven.push(((name.clone(), *number), answer.date));
                }
                drop(seen.insert(name.clone(), answer));
                Ok(())
            },
        )?;
        self.proven.extend(proven);
        Ok(seen)
    }

    /// Whether the version worked at the issuer in this run.
    pub(super) fn is_proven(&self, name: &SecretName, number: VersionNumber) -> bool {
        self.proven.contains_key(&(name.clone(), number))
    }

    /// G3: looks at every site of a secret as it is configured today, what it stores and what the services run. Never
    /// trusts an earlier look.
    pub(super) fn survey(
        &mut self,
        name: &SecretName,
    ) -> Result<Result<Survey, Fault>, LedgerError> {
        let secret = self.secret(name);
        let look = match self.look(std::slice::from_ref(name))?.remove(name) {
            Some(Ok(look)) => look,
            Some(Err(fault)) => return Ok(Err(fault)),
            None => return Ok(Err(Fault::passing("nothing was looked at"))),
        };
        let Some(open) = self.open(name) else {
            return Ok(Err(Fault::passing("no rotation is open")));
        };
        if look.sites.is_empty() && !open.sites.is_empty() {
            return Ok(Err(Fault::refused("no site is found any more")
                .hint("look whether the token still sees them")));
        }
        let jobs: Vec<_> = look
            .services()
            .into_iter()
            .map(|(id, seen)| {
                let sites = open
                    .sites
                    .values()
                    .filter(|site| site.services.contains(&id));
                let written = sites.filter_map(|site| site.write.as_ref()?.at).max();
                let asked = open.services.get(&id).and_then(super::activate::activation);
                (seen.service.clone(), seen.destination, written, asked)
            })
            .collect();
        let mut running = BTreeMap::new();
        let mut first_fault = None;
        self.crew().looks(
            &jobs,
            |(service, destination, written_at, asked)| {
                let since = Since {
                    written_at: *written_at,
                    activation: asked.as_ref(),
                };
                secret.destinations[*destination]
                    .target
                    .confirm(service, since)
            },
            |(service, destination, ..), confirmation| {
                match confirmation {
                    Ok(confirmation) => {
                        let running_one = Running {
                            service: service.clone(),
                            destination: *destination,
                            confirmation,
                        };
                        drop(running.insert(service.id.clone(), running_one));
                    }
                    Err(fault) => first_fault = Some(fault.at(&service.label)),
                }
                Ok(())
            },
        )?;
        if self.clock.stopping() {
            return Ok(Err(Fault::passing("stopped by a signal")));
        }
        Ok(first_fault.map_or(Ok(Survey { look, running }), Err))
    }
}

/// What every site stores and every service runs, seen just now.
#[derive(Clone, Debug)]
pub(super) struct Survey {
    pub(super) look: Look,
    pub(super) running: BTreeMap<ServiceId, Running>,
}

/// What one service runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) service: Service,
    pub(super) destination: usize,
    pub(super) confirmation: Confirmation,
}

impl Survey {
    /// The sites that cannot be proven to store this version.
    pub(super) fn strays<'s>(
        &'s self,
        secret: &Secret,
        open: &Rotation,
        version: &Version,
    ) -> Result<BTreeMap<SiteId, &'s SeenSite>, Fault> {
        let mut strays = BTreeMap::new();
        for (id, seen) in &self.look.sites {
            let holds = match &seen.site.stored {
                Stored::Value(value) => *value == seen.wanted(secret, version)?,
                // A place that cannot be read is believed only if it was last written by us, in this rotation.
                Stored::Opaque(marker) => written_marker(open, id) == Some(marker.0.as_str()),
                Stored::Absent => false,
            };
            if !holds {
                strays.insert(id.clone(), seen);
            }
        }
        Ok(strays)
    }

    /// The services that were not seen to serve what their sites store.
    pub(super) fn behind(&self) -> impl Iterator<Item = &Running> {
        self.running
            .values()
            .filter(|running| !matches!(running.confirmation, Confirmation::Serving { .. }))
    }

    /// The first site or service that stores or may run this version, which is about to die.
    pub(super) fn holder(
        &self,
        secret: &Secret,
        open: &Rotation,
        version: &Version,
    ) -> Result<Option<String>, Fault> {
        for (id, seen) in &self.look.sites {
            let forward = open
                .sites
                .get(id)
                .and_then(|site| site.write.as_ref())
                .is_some_and(|w| w.way == Way::Forward);
            let holds = match &seen.site.stored {
                Stored::Value(value) => *value == seen.wanted(secret, version)?,
                Stored::Opaque(_) => forward,
                Stored::Absent => false,
            };
            if holds {
                return Ok(Some(format!("`{}` still stores it", seen.site.label)));
            }
        }
        // A service that was never turned to this version in this rotation cannot run it.
        let turned = self
            .behind()
            .filter(|running| open.services.contains_key(&running.service.id));
        Ok(turned
            .map(|running| format!("`{}` {}", running.service.label, running.says()))
            .next())
    }
}

impl Running {
    /// What it does, for people.
    pub(super) fn says(&self) -> String {
        match &self.confirmation {
            Confirmation::Serving { .. } => "serves what it should".to_owned(),
            Confirmation::Waiting { doing, .. } => format!("is still {doing}"),
            Confirmation::Held { .. } => {
                "has the new deployment ready and gives it no traffic".to_owned()
            }
            Confirmation::Stale { what } => format!("runs something older: {what}"),
            Confirmation::Failed { what } => format!("is not healthy: {what}"),
        }
    }
}

fn written_marker<'r>(open: &'r Rotation, site: &SiteId) -> Option<&'r str> {
    open.sites.get(site)?.write.as_ref()?.marker.as_deref()
}

/// How patiently to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// The key was just made and may not be known everywhere.
    JustMade,
    /// The key is known.
    Known,
}

/// The later of two instants, where there are two.
pub(super) fn later(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.max(other)
}
