//! Vercel: environment variables of projects, and of the team.
//!
//! ```yaml
//! accounts:
//!   vercel: { token: { env: VERCEL_TOKEN }, team: acme }     # a slug or a team_… id; none for a personal account
//! targets:
//!   - kind: vercel
//!     projects: all                # every project that has the variable; or a name, an id, `web-*`, a list
//!     variable: OPENAI_API_KEY
//!     environments: [production]   # which rows; slugs of custom environments too; all if left out
//!     branch: feature/x            # only the preview row of that branch
//!     shared: false                # leave the team's shared variables alone
//!     create: true                 # add the variable where a project has none (production, unless `environments` says)
//! ```
//!
//! **Sites.** A project may hold the same variable in several rows, each for some environments or for one preview branch;
//! every row is a site and is changed by its id, its value only. A row for several environments cannot be changed for one
//! of them. A shared variable is one site with all projects it is linked to as its services, meant or not: they all get
//! the new value, so they must all be redeployed. `sensitive` rows stay sensitive and cannot be read: they are known by
//! the time of their last change. Rows of `system` or of an integration are left alone; `check` counts them.
//!
//! **Activation.** Variables are frozen into a deployment when it is created, so the deployment that serves production is
//! built again from its own commit (`deploymentId`, never the newest commit). What serves is `targets.production`, not
//! the newest deployment: after an Instant Rollback those differ. Custom environments build their newest ready deployment
//! again. Newer code that is being built at that moment is waited for, ten minutes at most: a redeploy of the older code
//! would take the domains from it. Previews and development are not redeployed: a new preview gets the new key, and **older previews keep the
//! old one** until they are deleted or pushed to.
//!
//! **Held back.** After an Instant Rollback, or where a project does not assign its domains by itself, a finished
//! deployment gets no traffic. `confirm` says so ([`Confirmation::Held`]) and `release` promotes it: the same commit that
//! serves now. Promotion also lets later pushes go live by themselves again.
//!
//! **Rolling back at Vercel** brings the old key back with the old deployment: `confirm` calls that stale.
//!
//! Limits: per minute 500 reads, 120 changes of variables; per day 100 (Hobby) or 6000 (Pro) deployments. Not documented:
//! how long a replaced function instance lives on.
//!
//! Sources: openapi.vercel.sh (2025-10), `@vercel/sdk` 1.28.35, the Vercel CLI and Terraform provider, vercel.com/docs;
//! read in November 2026. Inferred: the value of a sensitive row can be changed in place, as the Terraform provider does.

mod account;
mod codes;
mod listing;
mod pending;
mod rows;
mod serve;
mod sites;
#[cfg(test)]
mod tests;
mod verdict;
mod wire;
mod write;

use std::sync::Arc;

use serde::Deserialize;

use super::names::{Names, Variable};
use super::pass::each;
use super::{Activation, Confirmation, Connections, Pass, Service, Since, Site, Target, Written};
use crate::model::{
    Account as Settings, AccountShape, DeploymentId, Effect, Fault, Finding, Instant, SecretValue,
    TargetKind, TargetStarter, when,
};
use account::Account;
use rows::{Place, place};
use verdict::Bar;
use wire::Project;

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "vercel",
    needs: &["token"],
    takes: &[],
    settings: &["team"],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "vercel",
    account: Some(&ACCOUNT),
    address: &["projects", "variable", "environments", "branch"],
    starter: TargetStarter {
        about: "environment variables of Vercel projects",
        keys: ", projects: all, variable: VARIABLE",
        account: Some(
            "vercel: { token: { env: VERCEL_TOKEN } }    # add `team: your-team` unless the account is personal",
        ),
    },
};

/// Which rows get the value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    projects: Names,
    variable: Variable,
    #[serde(default)]
    environments: Option<Vec<String>>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default = "yes")]
    shared: bool,
    #[serde(default)]
    create: bool,
}

fn yes() -> bool {
    true
}

/// The rows of one variable at one team.
struct Vercel {
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
    Ok(Arc::new(Vercel {
        config,
        account: connections.to(settings, open)?,
        workers: connections.workers,
    }))
}

impl Target for Vercel {
    fn label(&self) -> String {
        self.account.label.clone()
    }

    fn spoken(&self) -> String {
        "Vercel env vars".to_owned()
    }

    fn date(&self) -> Option<Instant> {
        self.account.date()
    }

    fn check(&self) -> Vec<Finding> {
        // No pass of a run reaches this number, and all targets of the account share the listing.
        let listing = self.account.listing(Pass(u64::MAX));
        let projects = self.meant(&listing);
        let mut findings = vec![Finding {
            what: format!("{}: list projects", self.account.label),
            result: projects
                .as_ref()
                .map(|meant| when::counted(meant.len() as i64, "project"))
                .map_err(Clone::clone),
        }];
        if let Ok(projects) = projects {
            findings.push(Finding {
                what: format!("{}: read {}", self.account.label, self.config.variable),
                result: self
                    .sites(Pass(u64::MAX))
                    .and_then(|sites| self.counted(&listing, &projects, &sites)),
            });
        }
        findings
    }

    fn sites(&self, pass: Pass) -> Result<Vec<Site>, Fault> {
        let listing = self.account.listing(pass);
        let projects = self.meant(&listing)?;
        // The shared variables are one more list among those of the projects.
        let lists: Vec<Option<&Project>> = std::iter::once(None)
            .chain(projects.iter().map(Some))
            .collect();
        let found = each(self.workers, &lists, |list| match list {
            None => self.shared_sites(&listing),
            Some(project) => self.sites_of(&listing, project),
        });
        let mut sites = Vec::new();
        for list in found {
            sites.extend(list?);
        }
        sites.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(sites)
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        match place(&site.id) {
            Some(Place::Row { project, scope }) => self.write_row(project, scope, site, value),
            Some(Place::Shared(row)) => self.write_shared(row, value),
            None => Effect::NotDone(foreign()),
        }
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        let Some((project, environment)) = parts(service) else {
            return Effect::NotDone(foreign());
        };
        let body = match self.redeploy_body(project, environment) {
            Ok(body) => body,
            Err(fault) => return Effect::NotDone(fault),
        };
        self.account.redeploy(&body).map(|reply| {
            let made = reply.json().ok();
            let id = made.as_ref().and_then(|body| body["id"].as_str());
            if let Some(id) = id {
                self.account.note_ours(id);
            }
            // Without an id the deployment still shows in what the project serves.
            Activation {
                deployment: id.map(DeploymentId::new),
            }
        })
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let (project, environment) = parts(service).ok_or_else(foreign)?;
        self.look(project, environment, Bar::of(&since))
    }

    fn release(&self, service: &Service, deployment: &DeploymentId) -> Effect<()> {
        match parts(service) {
            Some((project, "production")) => {
                self.account.promote(project, deployment.as_str()).map(drop)
            }
            _ => Effect::NotDone(foreign()),
        }
    }
}

/// The project and the environment in a service's id.
fn parts(service: &Service) -> Option<(&str, &str)> {
    service.id.as_str().strip_prefix("vercel/")?.split_once('/')
}

fn foreign() -> Fault {
    Fault::refused("this is not a place of Vercel")
}
