//! The platform: sites that store, services that run what was stored at their last deploy.

use chrono::TimeDelta;

use crate::model::{DeploymentId, Effect, Fault, Finding, Instant, SecretValue, ServiceId, SiteId};
use crate::targets::{
    Activation, Confirmation, Marker, Pass, Service, Since, Site, Stored, Target, Written,
};

use super::*;

/// The platform.
pub(in crate::rotation::tests) struct Platform {
    pub(in crate::rotation::tests) outside: Outside,
}

impl Target for Platform {
    fn label(&self) -> String {
        match self.outside.world().renamed {
            true => "platform/renamed".to_owned(),
            false => "platform".to_owned(),
        }
    }

    fn date(&self) -> Option<Instant> {
        Some(self.outside.world().now)
    }

    fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let world = self.outside.world();
        let site = |(id, (value, marker)): (&String, &(String, u32))| {
            let users = world
                .services
                .iter()
                .filter(|(_, (sites, _))| sites.contains(id));
            Site {
                id: SiteId::new(id.clone()),
                label: id.clone(),
                services: users
                    .map(|(name, _)| Service {
                        id: ServiceId::new(name.clone()),
                        label: name.clone(),
                    })
                    .collect(),
                stored: match world.opaque.contains(id) {
                    true => Stored::Opaque(Marker(marker.to_string())),
                    false => Stored::Value(SecretValue::new(value.clone())),
                },
            }
        };
        Ok(world.sites.iter().map(site).collect())
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let act = Act::Write {
            site: site.id.to_string(),
            value: value.expose().to_owned(),
        };
        let outside = self.outside.clone();
        self.outside.call(act).map(|()| {
            let world = outside.world();
            let marker = world.sites[site.id.as_str()].1;
            Written {
                at: Some(world.now),
                marker: Some(Marker(marker.to_string())),
            }
        })
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        let outside = self.outside.clone();
        self.outside
            .call(Act::Deploy {
                service: service.id.to_string(),
            })
            .map(|()| {
                let count = outside.world().services[service.id.as_str()].1.len();
                Activation {
                    deployment: Some(DeploymentId::new(count.to_string())),
                }
            })
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let world = self.outside.world();
        let serving = world.serving(service.id.as_str());
        let newest = world.services[service.id.as_str()]
            .1
            .last()
            .map(|deployment| deployment.created);
        let fresh = |created: Instant| since.written_at.is_none_or(|written| created >= written);
        if let Some(well) = &world.only_well_with
            && !serving.values.iter().all(|value| value == well)
        {
            return Ok(Confirmation::Failed {
                what: "answers 503".to_owned(),
            });
        }
        Ok(match (fresh(serving.created), newest.is_some_and(fresh)) {
            (true, _) => Confirmation::Serving { deployment: None },
            (false, true) => Confirmation::Waiting {
                doing: "building".to_owned(),
                again: TimeDelta::seconds(15),
            },
            (false, false) => Confirmation::Stale {
                what: "an older deployment".to_owned(),
            },
        })
    }
}
