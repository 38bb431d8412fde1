//! Survey: what every site stores and every service runs, looked at before a delete (G3). Safety rests on what is
//! observed at that moment, not on what the ledger says.

use std::collections::BTreeMap;

use crate::ledger::{LedgerError, Rotation, Version, Way};
use crate::model::{Fault, SecretName, ServiceId, SiteId};
use crate::targets::{Confirmation, Service, Since, Stored};

use super::drive::Drive;
use super::observe::{Look, SeenSite};
use super::secret::Secret;

impl Drive<'_> {
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
            let forward = open.sites.get(id).is_some_and(|site| match &site.write {
                Some(write) => write.way == Way::Forward,
                // It was reopened, and nobody knows what came of the write before.
                None => site.heading == Some(Way::Forward),
            });
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
