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
//! again. Previews and development are not redeployed: a new preview gets the new key, and **older previews keep the
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
mod rows;

mod verdict;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names::{Names, Variable};
use super::pass::each;
use super::{
    Activation, Confirmation, Connections, Marker, Pass, Service, Since, Site, Stored, Target,
    Written,
};
use crate::http::Reply;
use crate::model::{
    Account as Settings, AccountShape, DeploymentId, Effect, Fault, FaultKind, Finding,
    SecretValue, ServiceId, TargetKind, sanitise,
};
use account::{Account, Listing};
use rows::{Held, Place, Scope, held, is_foreign, place, row_site, shared_site, slug};
use verdict::{Bar, Sight};
use wire::{Millis, Project, Row, SharedRow, Standing};

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
};

/// What serves production may be this old when it is built again. A push in between wins all the same: it is newer.
const RECENT: TimeDelta = TimeDelta::seconds(30);

/// What is told of a project while many are watched.
const NOW: TimeDelta = TimeDelta::seconds(2);

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

impl Vercel {
    /// The projects that are meant.
    fn meant(&self, listing: &Listing) -> Result<Vec<Project>, Fault> {
        let projects = self.account.projects(listing)?;
        let known = projects
            .iter()
            .map(|project| (project.name.as_str(), project.id.as_str()));
        if let Some(name) = self.config.projects.unknown(known) {
            return Err(Fault::missing(format!("no project `{}`", sanitise(name)))
                .hint("compare `projects:` with the projects that the token can see"));
        }
        let meant = projects
            .iter()
            .filter(|project| self.config.projects.take(&project.name, &project.id));
        Ok(meant.cloned().collect())
    }

    /// The rows of a project. None if it was deleted since it was listed.
    fn rows(&self, listing: &Listing, project: &Project) -> Result<Arc<Vec<Row>>, Fault> {
        match self.account.rows(listing, &project.id) {
            Err(fault) if fault.kind == FaultKind::Missing => Ok(Arc::default()),
            other => other.map_err(|fault| fault.at(self.project_label(project))),
        }
    }

    fn project_label(&self, project: &Project) -> String {
        format!("vercel/{}", sanitise(&project.name))
    }

    fn sites_of(&self, listing: &Listing, project: &Project) -> Result<Vec<Site>, Fault> {
        let rows = self.rows(listing, project)?;
        let meant: Vec<&Row> = rows
            .iter()
            .filter(|row| self.config.means(project, row))
            .collect();
        if self.config.create
            && !rows
                .iter()
                .any(|row| row.key == self.config.variable.as_str())
        {
            return self.absent(listing, project);
        }
        meant
            .into_iter()
            .map(|row| {
                let scope = Scope::of(row);
                let marker = row.updated_at.map(Millis::marker);
                let stored = match held(&row.kind, row.value.as_ref(), row.decrypted, marker) {
                    Held::Known(stored) => stored,
                    Held::Readable(marker) => match self.account.row_value(&project.id, &row.id)? {
                        Some(value) => Stored::Value(value),
                        None => Stored::Opaque(marker),
                    },
                };
                self.site(listing, project, &scope, stored)
            })
            .collect()
    }

    /// One site for each environment that a new variable is wanted in.
    fn absent(&self, listing: &Listing, project: &Project) -> Result<Vec<Site>, Fault> {
        let production = [String::from("production")];
        let wanted = self.config.environments.as_deref().unwrap_or(&production);
        wanted
            .iter()
            .filter_map(|name| environment(project, name))
            .map(|environment| {
                let branch = self
                    .config
                    .branch
                    .clone()
                    .filter(|_| environment == "preview");
                let environments = vec![environment];
                self.site(
                    listing,
                    project,
                    &Scope {
                        environments,
                        branch,
                    },
                    Stored::Absent,
                )
            })
            .collect()
    }

    fn site(
        &self,
        listing: &Listing,
        project: &Project,
        scope: &Scope,
        stored: Stored,
    ) -> Result<Site, Fault> {
        let variable = &self.config.variable;
        let mut services = Vec::new();
        for environment in &scope.environments {
            services.extend(self.service(listing, project, environment)?);
        }
        Ok(Site {
            id: row_site(&project.id, variable.as_str(), scope),
            label: format!(
                "{} {} {variable}",
                self.project_label(project),
                sanitise(&scope.label(project))
            ),
            services,
            stored,
        })
    }

    /// What has to be redeployed for an environment: nothing where nothing is deployed, and no preview.
    fn service(
        &self,
        listing: &Listing,
        project: &Project,
        environment: &str,
    ) -> Result<Option<Service>, Fault> {
        let label = self.project_label(project);
        if environment == "production" {
            return Ok(project.production().map(|_| Service {
                id: ServiceId::new(format!("vercel/{}/production", project.id)),
                label,
            }));
        }
        let Some(slug) = slug(project, environment) else {
            return Ok(None);
        };
        let deployments = self
            .account
            .deployments_of(listing, &project.id, environment, slug)?;
        Ok(deployments.iter().any(is_ready).then(|| Service {
            id: ServiceId::new(format!("vercel/{}/{environment}", project.id)),
            label: format!("{label}/{}", sanitise(slug)),
        }))
    }

    fn shared_sites(&self, listing: &Listing) -> Result<Vec<Site>, Fault> {
        if !self.config.shared || !self.account.is_team() {
            return Ok(Vec::new());
        }
        let projects = self.account.projects(listing)?;
        let rows = self.account.shared_rows(listing)?;
        rows.iter()
            .filter(|row| self.config.means_shared(row, &projects))
            .map(|row| self.shared_site(listing, row, &projects))
            .collect()
    }

    fn shared_site(
        &self,
        listing: &Listing,
        row: &SharedRow,
        projects: &[Project],
    ) -> Result<Site, Fault> {
        let kind = row.kind.as_deref().unwrap_or("sensitive");
        let marker = row.updated_at.map(Millis::marker);
        let stored = match held(kind, row.value.as_ref(), row.decrypted, marker) {
            Held::Known(stored) => stored,
            Held::Readable(marker) => match self.account.shared_value(&row.id)? {
                Some(value) => Stored::Value(value),
                None => Stored::Opaque(marker),
            },
        };
        let mut services = BTreeSet::new();
        for project in projects
            .iter()
            .filter(|project| row.project_id.contains(&project.id))
        {
            if row.target.iter().any(|target| target == "production") {
                services.extend(self.service(listing, project, "production")?);
            }
            if row.apply_to_all_custom_environments == Some(true) {
                for custom in project.custom_environments() {
                    services.extend(self.service(listing, project, &custom.id)?);
                }
            }
        }
        Ok(Site {
            id: shared_site(&row.id),
            label: format!("{} shared {}", self.account.label, self.config.variable),
            services: services.into_iter().collect(),
            stored,
        })
    }

    fn write_row(
        &self,
        project: &str,
        scope: &str,
        site: &Site,
        value: &SecretValue,
    ) -> Effect<Written> {
        if site.stored == Stored::Absent {
            return self.create(project, scope, value);
        }
        let rows = match self.account.rows(&self.account.newest_listing(), project) {
            Ok(rows) => rows,
            Err(fault) => return Effect::NotDone(fault),
        };
        let row = rows.iter().find(|row| {
            row.key == self.config.variable.as_str() && Scope::of(row).as_id() == scope
        });
        match row {
            Some(row) => self.account.set_row(project, &row.id, value).read(written),
            None => Effect::NotDone(Fault::missing("the variable is gone")),
        }
    }

    /// A variable nobody has chosen a type for becomes write-only where Vercel allows that, as its own command line does.
    fn create(&self, project: &str, scope: &str, value: &SecretValue) -> Effect<Written> {
        let (environment, branch) = match scope.split_once('#') {
            Some((environment, branch)) => (environment, Some(branch)),
            None => (scope, None),
        };
        let kind = if environment == "development" {
            "encrypted"
        } else {
            "sensitive"
        };
        let mut body = json!({
            "key": self.config.variable.as_str(),
            "value": value.expose(),
            "type": kind,
        });
        if ["production", "preview", "development"].contains(&environment) {
            body["target"] = json!([environment]);
        } else {
            body["customEnvironmentIds"] = json!([environment]);
        }
        if let Some(branch) = branch {
            body["gitBranch"] = json!(branch);
        }
        refused_inside(self.account.create_row(project, &body)).read(|(reply, body)| {
            let made = match &body["created"] {
                Value::Array(rows) => rows.first().cloned().unwrap_or_default(),
                row => row.clone(),
            };
            Ok(dated(&reply, &made))
        })
    }

    fn write_shared(&self, row: &str, value: &SecretValue) -> Effect<Written> {
        refused_inside(self.account.set_shared(row, value)).read(|(reply, body)| {
            let updated = body["updated"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["id"] == row);
            match updated {
                Some(updated) => Ok(dated(&reply, updated)),
                None => Err(Fault::passing("the answer does not say what was stored")),
            }
        })
    }

    fn confirm_production(&self, project: &str, bar: &Bar<'_>) -> Result<Confirmation, Fault> {
        let now = self.account.clock().now();
        let project = self.account.project(project, NOW)?;
        match verdict::production(&project, bar, now) {
            Sight::Clear(seen) => Ok(seen),
            Sight::IfComplete(seen) if self.account.is_rolling_out(&project.id)? => {
                drop(seen);
                Ok(Confirmation::Waiting {
                    doing: "rolling out".to_owned(),
                    again: TimeDelta::seconds(30),
                })
            }
            Sight::IfComplete(seen) => Ok(seen),
            Sight::Ask => {
                let asked = bar.asked.unwrap_or_default();
                let ours = self.account.deployment(asked)?;
                let seen = verdict::asked_for(&project, &ours, bar, now);
                Ok(self.paced(asked, seen))
            }
        }
    }

    /// Each look at a deployment is a call. Many that are watched at once are looked at less often, so that the looks of
    /// all of them stay below 400 a minute.
    fn paced(&self, deployment: &str, seen: Confirmation) -> Confirmation {
        let waiting = matches!(seen, Confirmation::Waiting { .. });
        let watched = self.account.watch(deployment, waiting);
        match seen {
            Confirmation::Waiting { doing, again } => {
                let fair =
                    TimeDelta::milliseconds(150) * i32::try_from(watched).unwrap_or(i32::MAX);
                Confirmation::Waiting {
                    doing,
                    again: again.max(fair),
                }
            }
            other => other,
        }
    }

    fn redeploy_body(&self, project: &str, environment: &str) -> Result<Value, Fault> {
        let project = self.account.project(project, RECENT)?;
        let meta = json!({"action": "redeploy"});
        if environment == "production" {
            let serving = project
                .production()
                .ok_or_else(|| Fault::missing("nothing is in production"))?;
            return Ok(json!({
                "deploymentId": serving.id(), "name": project.name, "target": "production", "meta": meta,
            }));
        }
        let slug =
            slug(&project, environment).ok_or_else(|| Fault::missing("the environment is gone"))?;
        let deployments = self.account.deployments(&project.id, environment, slug)?;
        let newest = deployments
            .iter()
            .find(|deployment| is_ready(deployment))
            .ok_or_else(|| Fault::missing("nothing is deployed there"))?;
        Ok(json!({
            "deploymentId": newest.id(), "name": project.name, "customEnvironmentSlugOrId": environment, "meta": meta,
        }))
    }
}

impl Target for Vercel {
    fn label(&self) -> String {
        self.account.label.clone()
    }

    fn check(&self) -> Vec<Finding> {
        // No pass of a run reaches this number, and all targets of the account share the listing.
        let listing = self.account.listing(Pass(u64::MAX));
        let projects = self.meant(&listing);
        let mut findings = vec![Finding {
            what: format!("{}: list projects", self.account.label),
            result: projects
                .as_ref()
                .map(|meant| format!("{} projects", meant.len()))
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
        let found = each(self.workers, &projects, |project| {
            self.sites_of(&listing, project)
        });
        let mut sites = self.shared_sites(&listing)?;
        for of_project in found {
            sites.extend(of_project?);
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
        self.account.redeploy(&body).map(|reply| Activation {
            // Without an id the deployment still shows in what the project serves.
            deployment: reply
                .json()
                .ok()
                .and_then(|body| body["id"].as_str().map(DeploymentId::new)),
        })
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let (project, environment) = parts(service).ok_or_else(foreign)?;
        let bar = Bar::of(&since);
        if environment == "production" {
            return self.confirm_production(project, &bar);
        }
        let slug = self
            .account
            .project(project, RECENT)
            .map(|found| slug(&found, environment).map(str::to_owned))?;
        let slug = slug.ok_or_else(|| Fault::missing("the environment is gone"))?;
        let deployments = self.account.deployments(project, environment, &slug)?;
        Ok(verdict::custom(
            &deployments,
            &bar,
            self.account.clock().now(),
        ))
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

impl Vercel {
    /// What `check` says of the variable.
    fn counted(
        &self,
        listing: &Listing,
        projects: &[Project],
        sites: &[Site],
    ) -> Result<String, Fault> {
        let mut foreign = 0;
        for project in projects {
            let rows = self.rows(listing, project)?;
            let same = rows
                .iter()
                .filter(|row| row.key == self.config.variable.as_str());
            foreign += same.filter(|row| is_foreign(row)).count();
        }
        match (sites.len(), foreign) {
            (0, 0) => Err(Fault::missing("no project has it")
                .hint("write `create: true` to add it, or correct `variable:`")),
            (places, 0) => Ok(format!("{places} places")),
            (places, foreign) => Ok(format!(
                "{places} places; {foreign} more belong to Vercel or an integration and are left alone"
            )),
        }
    }
}

fn is_ready(deployment: &wire::Deployment) -> bool {
    matches!(
        deployment.standing(),
        Standing::Aliased | Standing::Staged | Standing::Rolling
    )
}

/// The environment of a project that has that name: itself, or the id of a custom one.
fn environment(project: &Project, name: &str) -> Option<String> {
    if ["production", "preview", "development"].contains(&name) {
        return Some(name.to_owned());
    }
    let custom = project.custom_environments();
    custom
        .iter()
        .find(|custom| custom.slug == name || custom.id == name)
        .map(|custom| custom.id.clone())
}

/// The project and the environment in a service's id.
fn parts(service: &Service) -> Option<(&str, &str)> {
    service.id.as_str().strip_prefix("vercel/")?.split_once('/')
}

fn foreign() -> Fault {
    Fault::refused("this is not a place of Vercel")
}

/// The time and the marker of the change, from the row as it came back.
fn written(reply: Reply) -> Result<Written, Fault> {
    let row = reply.json()?;
    Ok(dated(&reply, &row))
}

fn dated(reply: &Reply, row: &Value) -> Written {
    let updated: Option<Millis> = serde_json::from_value(row["updatedAt"].clone()).ok();
    Written {
        // The header knows seconds only; the next one is surely after the write.
        at: updated
            .and_then(Millis::instant)
            .or(reply.date.map(|date| date + TimeDelta::seconds(1))),
        marker: updated.map(|updated| Marker(updated.marker())),
    }
}

/// A status of success may carry a list of what was not stored.
fn refused_inside(effect: Effect<Reply>) -> Effect<(Reply, Value)> {
    match effect.read(|reply| reply.json().map(|body| (reply, body))) {
        Effect::Done((reply, body)) => match codes::failed(&body) {
            Some(known) => {
                let mut fault = Fault::refused(format!("{} (HTTP {})", known.what, reply.status));
                fault.hint = known.hint.map(str::to_owned);
                fault.kind = known.kind.unwrap_or(FaultKind::Refused);
                Effect::NotDone(fault)
            }
            None => Effect::Done((reply, body)),
        },
        other => other,
    }
}
