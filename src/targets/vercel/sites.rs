//! Where the value is kept: the rows of projects and of the team, as places with their services.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Vercel;
use super::listing::Listing;
use super::rows::{Held, Scope, held, is_foreign, row_site, shared_site, slug};
use super::serve::is_ready;
use super::wire::{Millis, Project, Row, SharedRow};
use crate::model::when::{self, counted};
use crate::model::{Fault, ServiceId, sanitise};
use crate::targets::{Service, Site, Stored};

impl Vercel {
    /// The projects that are meant.
    pub(super) fn meant(&self, listing: &Listing) -> Result<Vec<Project>, Fault> {
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

    fn rows(&self, listing: &Listing, project: &Project) -> Result<Arc<Vec<Row>>, Fault> {
        self.account
            .rows(listing, &project.id)
            .map_err(|fault| fault.at(self.project_label(project)))
    }

    fn project_label(&self, project: &Project) -> String {
        format!("vercel/{}", sanitise(&project.name))
    }

    pub(super) fn sites_of(
        &self,
        listing: &Listing,
        project: &Project,
    ) -> Result<Vec<Site>, Fault> {
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

    pub(super) fn shared_sites(&self, listing: &Listing) -> Result<Vec<Site>, Fault> {
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
        // A link to a project that was not listed is a service that runs the value and would never be seen.
        let listed = |id: &&String| projects.iter().any(|project| project.id == **id);
        let hidden = row.project_id.iter().filter(|id| !listed(id)).count();
        if hidden > 0 {
            return Err(Fault::refused(format!(
                "the shared variable `{}` is linked to {} that the token does not see",
                sanitise(&row.key),
                counted(hidden as i64, "project")
            ))
            .hint("give the token access to every linked project, or unlink those that are gone"));
        }
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

    /// What `check` says of the variable.
    pub(super) fn counted(
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
            (places, 0) => Ok(when::counted(places as i64, "place")),
            (places, foreign) => Ok(format!(
                "{places} places; {foreign} more belong to Vercel or an integration and are left alone"
            )),
        }
    }
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
