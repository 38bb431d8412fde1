//! How far a secret reaches: which sites hold it and which services would be redeployed, looked at just now. Reads only,
//! and needs no ledger.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Fault, Fields, ServiceId};
use crate::targets::{Pass, Stored};

use super::secret::{Destination, Secret};

/// Where a secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The label of each site, with the label of its target.
    pub sites: Vec<(String, String)>,
    /// Every service that would be redeployed, with its label.
    pub services: BTreeMap<ServiceId, String>,
}

/// Where a secret is at one of its targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// The label of each site that holds it today.
    pub holds: Vec<String>,
    /// The label of each site that would get it: nothing is there yet, and the configuration says `create: true`.
    pub would_get: Vec<String>,
    /// Those among them that are seen to hold something else than the current key. A rotation overwrites it.
    pub drifted: Vec<String>,
    /// Every service that would be redeployed, with its label.
    pub services: BTreeMap<ServiceId, String>,
}

/// About how many calls a rotation makes at a target, its end a day later included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// One for each site.
    pub writes: usize,
    /// One for each service.
    pub redeploys: usize,
    /// Everything that only reads.
    pub looks: usize,
}

impl Spot {
    /// How many sites would be written.
    pub fn sites(&self) -> usize {
        self.holds.len() + self.would_get.len()
    }

    /// What a rotation would send here. The looks are a rule of thumb, measured against the simulated vendors: each
    /// site is read before it is written, before the promotion and before the old key is revoked; each service is
    /// looked at until it serves the new key, some five times, and again before the revoke; the target is listed
    /// before each of the three.
    pub fn calls(&self) -> Calls {
        let (sites, services) = (self.sites(), self.services.len());
        Calls {
            writes: sites,
            redeploys: services,
            looks: 3 * sites + 8 * services + 8,
        }
    }
}

impl Calls {
    /// All of them.
    pub fn all(self) -> usize {
        self.writes + self.redeploys + self.looks
    }
}

/// Looks at every target of these secrets, once per account: what one secret's look has listed serves the next.
pub fn reach<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
) -> Vec<(&'a Secret, Result<Reach, Fault>)> {
    let look = |secret: &'a Secret| (secret, of(secret));
    secrets.into_iter().map(look).collect()
}

/// How many services are redeployed for all of these together: each once, however many of its secrets change.
pub fn redeploys<'a>(reaches: impl IntoIterator<Item = &'a Reach>) -> usize {
    let services = reaches.into_iter().flat_map(|reach| reach.services.keys());
    services.collect::<BTreeSet<_>>().len()
}

/// Looks at one target of a secret. `current` is the key that every site should hold, where that is known.
pub fn spot(destination: &Destination, current: Option<&Fields>) -> Result<Spot, Fault> {
    let expected = current.and_then(|fields| (destination.render)(fields).ok());
    let mut spot = Spot::default();
    let sites = destination.target.sites(Pass(1));
    for site in sites.map_err(|fault| fault.at(destination.target.label()))? {
        match site.stored {
            Stored::Absent => spot.would_get.push(site.label),
            Stored::Value(value) => {
                if expected.as_ref().is_some_and(|expected| *expected != value) {
                    spot.drifted.push(site.label.clone());
                }
                spot.holds.push(site.label);
            }
            Stored::Opaque(_) => spot.holds.push(site.label),
        }
        let services = site.services.into_iter();
        spot.services
            .extend(services.map(|service| (service.id, service.label)));
    }
    Ok(spot)
}

fn of(secret: &Secret) -> Result<Reach, Fault> {
    let mut reach = Reach::default();
    for destination in &secret.destinations {
        let target = destination.target.label();
        let spot = spot(destination, None)?;
        let sites = spot.holds.into_iter().chain(spot.would_get);
        reach.sites.extend(sites.map(|site| (target.clone(), site)));
        reach.services.extend(spot.services);
    }
    Ok(reach)
}
