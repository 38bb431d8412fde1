//! Looking at the world: what the sites hold, what the services run, whether a key works.
//!
//! G4 stands here: a version is proven at its issuer before it is delivered or restored.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::issuers::{Seen, Verdict};
use crate::ledger::{LedgerError, SiteProgress, Version};
use crate::model::{
    Fault, Instant, SecretName, SecretValue, ServiceId, SiteId, StageName, VersionNumber,
};
use crate::targets::{Service, Site};

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

/// The fault of an answer that does not let a key be delivered or restored.
pub(super) fn refusal(verdict: &Verdict) -> Option<Fault> {
    match verdict {
        Verdict::Works | Verdict::Denied => None,
        Verdict::Refused => Some(Fault::refused("the key is refused")),
        Verdict::Unknown(fault) => Some(fault.clone()),
    }
}
