//! In which order the sites of a secret get a new version: stage by stage, and in the last stage a few services
//! before the others, as canaries.
//!
//! Which sites are canaries is decided once, when they are first found, and recorded as their stage: a run that goes
//! on later goes on with the same ones, also when services have come or gone since.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{Rotation, Trigger};
use crate::model::{Canary, ServiceId, SiteId, StageName};

use super::observe::{Look, SeenSite};
use super::secret::Secret;

/// In which place of the order a stage stands; what has none comes last, and canaries right before what comes last.
pub(super) fn rank(secret: &Secret, stage: Option<&StageName>) -> usize {
    match stage {
        Some(stage) if is_canary(secret, stage) => 2 * last(secret),
        stage => 2 * place(secret, stage) + 1,
    }
}

fn is_canary(secret: &Secret, stage: &StageName) -> bool {
    secret.policy.canary.is_some() && stage.as_str() == Canary::STAGE
}

fn place(secret: &Secret, stage: Option<&StageName>) -> usize {
    let stages = &secret.policy.stages;
    stage
        .and_then(|stage| stages.iter().position(|known| known == stage))
        .unwrap_or(stages.len())
}

/// The place of the stage that is delivered last.
fn last(secret: &Secret) -> usize {
    let destinations = secret.destinations.iter();
    let places = destinations.map(|destination| place(secret, destination.stage.as_ref()));
    places.max().unwrap_or_default()
}

/// The stage of every site that was seen: as it is remembered, else as it is configured.
pub(super) fn stages(
    secret: &Secret,
    open: &Rotation,
    look: &Look,
) -> BTreeMap<SiteId, Option<StageName>> {
    let canaries = match (open.sites.is_empty(), open.trigger) {
        // A leaked key is out everywhere as soon as possible.
        (true, Trigger::Emergency) => BTreeSet::new(),
        (true, Trigger::Scheduled | Trigger::Manual) => canaries(secret, look),
        // Chosen already.
        (false, _) => BTreeSet::new(),
    };
    let stage = |id: &SiteId, seen: &SeenSite| match open.sites.get(id) {
        Some(known) => known.stage.clone(),
        None if canaries.contains(id) => Some(StageName::new(Canary::STAGE)),
        None => seen.destination(secret).stage.clone(),
    };
    let sites = look.sites.iter();
    sites
        .map(|(id, seen)| (id.clone(), stage(id, seen)))
        .collect()
}

/// The sites that only canaries use: the first services of the last stage, in the order of their names.
fn canaries(secret: &Secret, look: &Look) -> BTreeSet<SiteId> {
    let Some(canary) = secret.policy.canary else {
        return BTreeSet::new();
    };
    let last = last(secret);
    let sites: Vec<(&SiteId, &SeenSite)> = look
        .sites
        .iter()
        .filter(|(_, seen)| place(secret, seen.destination(secret).stage.as_ref()) == last)
        .collect();
    let services = sites.iter().flat_map(|(_, seen)| &seen.site.services);
    let services: BTreeSet<(&str, &ServiceId)> = services
        .map(|service| (service.label.as_str(), &service.id))
        .collect();
    let first: BTreeSet<&ServiceId> = services
        .iter()
        .take(canary.of(services.len()))
        .map(|(_, id)| *id)
        .collect();
    // A site that others use as well would give the new version to them.
    let theirs = |seen: &SeenSite| {
        let mut services = seen.site.services.iter();
        !seen.site.services.is_empty() && services.all(|service| first.contains(&service.id))
    };
    let theirs = sites.into_iter().filter(|(_, seen)| theirs(seen));
    theirs.map(|(id, _)| id.clone()).collect()
}
