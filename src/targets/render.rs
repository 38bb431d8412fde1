//! Render: environment variables of services and of environment groups.
//!
//! ```yaml
//! accounts:
//!   render: { api_key: { env: RENDER_API_KEY } }
//! targets:
//!   - kind: render
//!     services: all                # every service that has the variable; or a name, an id, `web-*`, a list
//!     variable: OPENAI_API_KEY
//!     groups: false                # leave environment groups alone
//!     create: true                 # add the variable to services that have it neither themselves nor from a group
//! ```
//!
//! **Sites.** A variable of a service is one site; a variable of an environment group is one site with all services the
//! group is linked to, meant or not: they all get the new value. A service's own variable beats a group's, so a service
//! that has it only from a group is never given one of its own. A suspended service stores the value and is not
//! redeployed: Render deploys it with what is stored when it is resumed. Previews are left out.
//!
//! **Activation.** Only a deploy makes a service see a new value; a restart does not. The last build is deployed again
//! (`deploy_only`), because a plain deploy would ship the newest commit of the branch. A static site has its variables in
//! its build, so the commit that is live is built again. Newer code that is on its way at that moment is waited for, ten
//! minutes at most, so that it is neither cancelled nor overtaken. A change of a group may deploy the linked services by itself: a
//! deploy that began after it is adopted instead of being doubled.
//!
//! **Confirm.** The newest live deploy must have begun after the write and must not be a rollback, which runs the
//! variables of an older deploy. Then the old instances must be gone: they are told to stop 60 seconds after the switch
//! and may take the service's shutdown delay (30 seconds unless set).
//!
//! Limits: per minute 400 reads and 30 changes, 10 deploys a service. Values are readable. Not documented: how a variable
//! of two groups is resolved, and whether changing a group through the API deploys.
//!
//! Sources: Render's OpenAPI description (api-docs.render.com), its CLI, MCP server and Terraform provider,
//! render.com/docs (deploys, rollbacks, zero downtime); read in November 2026.

mod account;
mod deploys;
mod sites;
#[cfg(test)]
mod tests;
mod verdict;
mod wire;

use std::sync::Arc;

use serde::Deserialize;

use super::names::{Names, Variable};
use super::pass::each;
use super::{Activation, Confirmation, Connections, Pass, Service, Since, Site, Target, Written};
use crate::model::{
    Account as Settings, AccountShape, Effect, Fault, Finding, Instant, SecretValue, TargetKind,
    TargetStarter, when,
};
use account::{Account, Change};
use deploys::written;
use verdict::Bar;
use wire::Standing;

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "render",
    needs: &["api_key"],
    takes: &[],
    settings: &[],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "render",
    account: Some(&ACCOUNT),
    address: &["services", "variable"],
    starter: TargetStarter {
        about: "environment variables of Render services",
        keys: ", services: all, variable: VARIABLE",
        account: Some("render: { api_key: { env: RENDER_API_KEY } }"),
    },
};

/// Which services get the value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    services: Names,
    variable: Variable,
    #[serde(default = "yes")]
    groups: bool,
    #[serde(default)]
    create: bool,
}

fn yes() -> bool {
    true
}

/// One variable at one workspace.
struct Render {
    config: Config,
    account: Arc<Account>,
    workers: usize,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    let open = || Account::open(Arc::clone(settings), Arc::clone(&connections.clock));
    Ok(Arc::new(Render {
        config,
        account: connections.to(settings, open)?,
        workers: connections.workers,
    }))
}

impl Target for Render {
    fn label(&self) -> String {
        self.account.label.clone()
    }

    fn spoken(&self) -> String {
        "Render env vars".to_owned()
    }

    fn date(&self) -> Option<Instant> {
        self.account.date()
    }

    fn check(&self) -> Vec<Finding> {
        // No pass of a run reaches this number, and all targets of the account share the listing.
        let listing = self.account.listing(Pass(u64::MAX));
        let services = self.meant(&listing);
        let mut findings = vec![Finding {
            what: format!("{}: list services", self.account.label),
            result: services
                .as_ref()
                .map(|meant| when::counted(meant.len() as i64, "service"))
                .map_err(Clone::clone),
        }];
        if services.is_ok() {
            findings.push(Finding {
                what: format!("{}: read {}", self.account.label, self.config.variable),
                result: self
                    .sites(Pass(u64::MAX))
                    .and_then(|sites| match sites.len() {
                        0 => Err(Fault::missing("no service and no group has it")
                            .hint("write `create: true` to add it, or correct `variable:`")),
                        places => Ok(when::counted(places as i64, "place")),
                    }),
            });
        }
        findings
    }

    fn sites(&self, pass: Pass) -> Result<Vec<Site>, Fault> {
        let listing = self.account.listing(pass);
        let meant = self.meant(&listing)?;
        let services = self.account.services(&listing)?;
        let groups = self.groups(&listing, &meant)?;
        let mut found = each(self.workers, &meant, |service| self.service_site(service));
        found.extend(each(self.workers, &groups, |group| {
            self.group_site(group, &services)
        }));
        let mut sites = Vec::new();
        for site in found {
            sites.extend(site?);
        }
        if self.config.create {
            let absent = self.absent(&meant, &groups, &sites);
            sites.extend(absent);
        }
        sites.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(sites)
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let Some((owner, variable)) = parts(site.id.as_str()) else {
            return Effect::NotDone(foreign());
        };
        let written = self
            .account
            .set_variable(owner, variable, value)
            .read(|reply| written(&reply, variable, value));
        let change = if owner.starts_with("evg-") {
            Change::Group
        } else {
            Change::Service
        };
        let services = site.services.iter().filter_map(id);
        match &written {
            Effect::Done(written) => self.account.note_change(services, written.at, change),
            Effect::Uncertain(_) => self.account.note_change(services, None, change),
            Effect::NotDone(_) => {}
        }
        written
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        let Some(service) = id(service) else {
            return Effect::NotDone(foreign());
        };
        match self.adopted(service) {
            Ok(Some(adopted)) => return Effect::Done(adopted),
            Ok(None) => {}
            Err(fault) => return Effect::NotDone(fault),
        }
        let body = match self.same_code(service) {
            Ok(body) => body,
            Err(fault) => return Effect::NotDone(fault),
        };
        self.account.deploy(service, &body).map(|reply| Activation {
            deployment: self.deployment(service, &reply),
        })
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let service = id(service).ok_or_else(foreign)?;
        let (mut deploys, date) = self.account.deploys(service, "20", None)?;
        if !deploys
            .iter()
            .any(|deploy| deploy.standing() == Standing::Live)
        {
            let (live, _) = self.account.deploys(service, "1", Some("live"))?;
            deploys.extend(live);
        }
        let now = date.unwrap_or_else(|| self.account.clock().now());
        let seen = verdict::judge(&deploys, &Bar::of(&since), Some(0), now);
        if !matches!(
            seen,
            Confirmation::Serving { .. } | Confirmation::Waiting { .. }
        ) {
            return Ok(seen);
        }
        // Only now is the service itself worth a call: how long its instances take to stop.
        let service = self.account.known_service(service)?;
        let drain = (!service.is_static()).then(|| service.shutdown_delay());
        Ok(verdict::judge(&deploys, &Bar::of(&since), drain, now))
    }
}

/// The owner of the variable, a service or a group, and the variable.
fn parts(site: &str) -> Option<(&str, &str)> {
    site.strip_prefix("render/")?.split_once('/')
}

fn id(service: &Service) -> Option<&str> {
    service.id.as_str().strip_prefix("render/")
}

fn foreign() -> Fault {
    Fault::refused("this is not a place of Render")
}
