//! Which rows a target means, and how each is named.

use super::Config;
use super::wire::{CustomEnvironment, Project, Row, SharedRow};
use crate::model::{SecretValue, SiteId};
use crate::targets::{Marker, Stored};

/// Where one row applies.
///
/// Vercel allows one row per variable and environment, so this names a row even after a person has deleted it and made it
/// anew, which is the only way to change its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// `production`, `preview`, `development`, and ids of custom environments, in that order.
    pub(super) environments: Vec<String>,
    pub(super) branch: Option<String>,
}

impl Scope {
    pub(super) fn of(row: &Row) -> Self {
        let mut environments = standard(&row.target);
        let mut custom = row.custom_environment_ids.clone();
        custom.sort();
        custom.dedup();
        environments.extend(custom);
        Self {
            environments,
            branch: row.git_branch.clone(),
        }
    }

    /// `production+preview#feature/x`, with the ids of custom environments.
    pub(super) fn as_id(&self) -> String {
        self.text(|environment| environment)
    }

    /// The same for people, with the slugs of custom environments.
    pub(super) fn label(&self, project: &Project) -> String {
        self.text(|environment| slug(project, environment).unwrap_or(environment))
    }

    fn text<'a>(&'a self, say: impl Fn(&'a str) -> &'a str) -> String {
        let places: Vec<&str> = self.environments.iter().map(|one| say(one)).collect();
        let branch = self.branch.as_ref().map(|branch| format!("#{branch}"));
        format!("{}{}", places.join("+"), branch.unwrap_or_default())
    }
}

/// The environments every project has, each once, in the usual order.
fn standard(targets: &[String]) -> Vec<String> {
    ["production", "preview", "development"]
        .into_iter()
        .filter(|name| targets.iter().any(|target| target == name))
        .map(str::to_owned)
        .collect()
}

pub(super) fn slug<'a>(project: &'a Project, environment: &str) -> Option<&'a str> {
    let custom = project.custom_environments();
    custom
        .iter()
        .find(|custom| custom.id == environment)
        .map(|custom| custom.slug.as_str())
}

/// Whether Vercel or an integration owns the row. Such rows are left alone.
pub(super) fn is_foreign(row: &Row) -> bool {
    row.kind == "system"
        || row
            .configuration_id
            .as_ref()
            .is_some_and(|id| !id.is_empty())
}

impl Config {
    /// Whether the configuration means this row of this project.
    ///
    /// A row for several environments is meant if one of them is: it cannot be changed for that one alone.
    pub(super) fn means(&self, project: &Project, row: &Row) -> bool {
        if row.key != self.variable.as_str() || is_foreign(row) {
            return false;
        }
        let scope = Scope::of(row);
        let branch_fits = self.branch.is_none() || self.branch == scope.branch;
        branch_fits && self.means_any(&scope.environments, project.custom_environments())
    }

    fn means_any(&self, environments: &[String], custom: &[CustomEnvironment]) -> bool {
        let Some(wanted) = &self.environments else {
            return true;
        };
        environments.iter().any(|environment| {
            let slug = custom
                .iter()
                .find(|custom| custom.id == *environment)
                .map(|custom| &custom.slug);
            wanted
                .iter()
                .any(|wanted| wanted == environment || Some(wanted) == slug)
        })
    }

    /// Whether the configuration means this variable of the team: if it means one of the projects it is linked to. It
    /// cannot be changed for that one alone.
    pub(super) fn means_shared(&self, row: &SharedRow, projects: &[Project]) -> bool {
        let linked = || {
            projects
                .iter()
                .filter(|project| row.project_id.contains(&project.id))
        };
        row.key == self.variable.as_str()
            && row.kind.as_deref() != Some("system")
            && self.branch.is_none()
            && linked().any(|project| self.projects.take(&project.name, &project.id))
            && (self.means_any(&standard(&row.target), &[])
                || (row.apply_to_all_custom_environments == Some(true)
                    && linked().any(|project| {
                        let ids: Vec<String> = project
                            .custom_environments()
                            .iter()
                            .map(|one| one.id.clone())
                            .collect();
                        self.means_any(&ids, project.custom_environments())
                    })))
    }
}

/// What a row holds, as far as the list told.
pub(super) enum Held {
    /// This.
    Known(Stored),
    /// A value that has to be asked for.
    Readable(Marker),
}

pub(super) fn held(
    kind: &str,
    value: Option<&SecretValue>,
    decrypted: Option<bool>,
    marker: Option<String>,
) -> Held {
    let marker = Marker(marker.unwrap_or_default());
    match (kind, value) {
        ("plain", Some(value)) => Held::Known(Stored::Value(value.clone())),
        ("encrypted", Some(value)) if decrypted == Some(true) => {
            Held::Known(Stored::Value(value.clone()))
        }
        ("plain" | "encrypted", _) => Held::Readable(marker),
        _ => Held::Known(Stored::Opaque(marker)),
    }
}

/// What a site's id says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A row of a project: the project's id and the scope.
    Row { project: &'a str, scope: &'a str },
    /// A variable of the team.
    Shared(&'a str),
}

pub(super) fn row_site(project: &str, variable: &str, scope: &Scope) -> SiteId {
    SiteId::new(format!("vercel/{project}/{variable}/{}", scope.as_id()))
}

pub(super) fn shared_site(row: &str) -> SiteId {
    SiteId::new(format!("vercel/shared/{row}"))
}

pub(super) fn place(site: &SiteId) -> Option<Place<'_>> {
    let rest = site.as_str().strip_prefix("vercel/")?;
    if let Some(row) = rest.strip_prefix("shared/") {
        return Some(Place::Shared(row));
    }
    let mut parts = rest.splitn(3, '/');
    let (project, _variable, scope) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Place::Row { project, scope })
}
