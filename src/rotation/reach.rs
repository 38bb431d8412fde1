//! How far a secret reaches: which sites hold it and which services would be redeployed, looked at just now. Reads only,
//! and needs no ledger.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Fault, ServiceId};
use crate::targets::Pass;

use super::secret::Secret;

/// Where a secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The label of each site, with the label of its target.
    pub sites: Vec<(String, String)>,
    /// Every service that would be redeployed, with its label.
    pub services: BTreeMap<ServiceId, String>,
}

/// Looks at every target of these secrets, once per account: what one secret's look has listed serves the next.
pub fn reach<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
) -> Vec<(&'a Secret, Result<Reach, Fault>)> {
    let look = |secret: &'a Secret| (secret, of(secret, Pass(1)));
    secrets.into_iter().map(look).collect()
}

/// How many services are redeployed for all of these together: each once, however many of its secrets change.
pub fn redeploys<'a>(reaches: impl IntoIterator<Item = &'a Reach>) -> usize {
    let services = reaches.into_iter().flat_map(|reach| reach.services.keys());
    services.collect::<BTreeSet<_>>().len()
}

fn of(secret: &Secret, pass: Pass) -> Result<Reach, Fault> {
    let mut reach = Reach::default();
    for destination in &secret.destinations {
        let target = destination.target.label();
        let sites = destination.target.sites(pass);
        for site in sites.map_err(|fault| fault.at(&target))? {
            reach.sites.push((target.clone(), site.label));
            let services = site.services.into_iter();
            reach
                .services
                .extend(services.map(|service| (service.id, service.label)));
        }
    }
    Ok(reach)
}
