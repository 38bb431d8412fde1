//! Where the value is kept: variables of services and of groups, as places with their services.

use super::Render;
use super::account::Listing;
use super::wire::{Group, Service};
use crate::model::{Fault, SecretValue, ServiceId, SiteId, sanitise};
use crate::targets::{self, Site, Stored};

impl Render {
    pub(super) fn meant(&self, listing: &Listing) -> Result<Vec<Service>, Fault> {
        let services = self.account.services(listing)?;
        let known = services
            .iter()
            .map(|service| (service.name.as_str(), service.id.as_str()));
        if let Some(name) = self.config.services.unknown(known) {
            return Err(Fault::missing(format!("no service `{}`", sanitise(name)))
                .hint("compare `services:` with the services that the API key can see"));
        }
        let meant = services
            .iter()
            .filter(|service| self.config.services.take(&service.name, &service.id));
        Ok(meant.cloned().collect())
    }

    fn label_of(&self, name: &str) -> String {
        format!("{}/{}", self.account.label, sanitise(name))
    }

    /// What is redeployed for a service: nothing while it is suspended.
    fn activated(&self, service: &Service) -> Option<targets::Service> {
        (!service.is_suspended()).then(|| targets::Service {
            id: ServiceId::new(format!("render/{}", service.id)),
            label: self.label_of(&service.name),
        })
    }

    fn site(
        &self,
        owner: &str,
        label: &str,
        services: Vec<targets::Service>,
        stored: Stored,
    ) -> Site {
        let variable = &self.config.variable;
        Site {
            id: SiteId::new(format!("render/{owner}/{variable}")),
            label: format!("{label} {variable}"),
            services,
            stored,
        }
    }

    /// What this owner stores. None if it was deleted since it was listed, or has no such variable.
    fn value(&self, owner: &str, label: &str) -> Result<Option<SecretValue>, Fault> {
        self.account
            .variable(owner, self.config.variable.as_str())
            .map_err(|fault| fault.at(label))
    }

    pub(super) fn service_site(&self, service: &Service) -> Result<Option<Site>, Fault> {
        let label = self.label_of(&service.name);
        let shown = if service.is_suspended() {
            format!("{label} (suspended)")
        } else {
            label.clone()
        };
        let value = self.value(&service.id, &label)?;
        Ok(value.map(|value| {
            self.site(
                &service.id,
                &shown,
                self.activated(service).into_iter().collect(),
                Stored::Value(value),
            )
        }))
    }

    /// The groups that are linked to a service that is meant.
    pub(super) fn groups(&self, listing: &Listing, meant: &[Service]) -> Result<Vec<Group>, Fault> {
        if !self.config.groups {
            return Ok(Vec::new());
        }
        let groups = self.account.groups(listing)?;
        let linked = |group: &&Group| {
            group
                .service_links
                .iter()
                .any(|link| meant.iter().any(|service| service.id == link.id))
        };
        Ok(groups.iter().filter(linked).cloned().collect())
    }

    pub(super) fn group_site(
        &self,
        group: &Group,
        services: &[Service],
    ) -> Result<Option<Site>, Fault> {
        let label = format!("{}/group {}", self.account.label, sanitise(&group.name));
        let value = self.value(&group.id, &label)?;
        let links =
            |service: &&Service| group.service_links.iter().any(|link| link.id == service.id);
        let linked = services
            .iter()
            .filter(links)
            .filter_map(|service| self.activated(service))
            .collect();
        Ok(value.map(|value| self.site(&group.id, &label, linked, Stored::Value(value))))
    }

    /// Places for a new variable: services that have none, neither their own nor from a group.
    pub(super) fn absent(&self, meant: &[Service], groups: &[Group], sites: &[Site]) -> Vec<Site> {
        let holds = |owner: &str| {
            let id = format!("render/{owner}/{}", self.config.variable);
            sites.iter().any(|site| site.id.as_str() == id)
        };
        let from_group = |service: &Service| {
            groups.iter().any(|group| {
                holds(&group.id) && group.service_links.iter().any(|link| link.id == service.id)
            })
        };
        meant
            .iter()
            .filter(|service| !holds(&service.id) && !from_group(service))
            .map(|service| {
                let services = self.activated(service).into_iter().collect();
                self.site(
                    &service.id,
                    &self.label_of(&service.name),
                    services,
                    Stored::Absent,
                )
            })
            .collect()
    }
}
