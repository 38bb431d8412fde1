//! Sets the scene before the client comes: keys, projects and services that have been running for a while.

use chrono::TimeDelta;

use super::calendar::parse;
use super::openai::{Access, ApiKey};
use super::render::{Group, Service};
use super::state::State;
use super::vercel::{Kind, Place, Project, Recipe, SharedVariable};
use super::{World, render, vercel};

impl World {
    /// Makes a key of the account `production`, as if a person had made it at that time.
    pub(crate) fn seed_key(&self, name: &str, created_at: &str) -> ApiKey {
        let mut state = self.state();
        let State { openai, mint, .. } = &mut *state;
        openai.add_key(mint, 0, name, parse(created_at)).clone()
    }

    /// Makes any other secret value, such as a password; `all_secret_values` knows it.
    pub(crate) fn seed_secret(&self, prefix: &str, length: usize) -> String {
        self.state().mint.secret(prefix, length)
    }

    /// Adds a project whose production (and every custom environment) runs with the variables it is given.
    pub(crate) fn add_project(&self, mut project: Project) {
        let mut guard = self.state();
        let state = &mut *guard;
        let before = state.now - TimeDelta::days(30);
        project.id = state.mint.id("prj_", 28);
        project.newest_commit = state.mint.id("c0ffee", 34);
        project.born(before);
        for custom in &mut project.customs {
            custom.id = state.mint.id("env_", 24);
        }
        let customs = project.customs.clone();
        for row in &mut project.rows {
            row.id = state.mint.id("", 16);
            row.created_at = before;
            row.updated_at = before;
            for slug in &mut row.custom {
                let known = customs.iter().find(|custom| custom.slug == *slug);
                slug.clone_from(
                    &known
                        .expect("a row's custom environment is added to its project")
                        .id,
                );
            }
            state.mint.remember(&row.value);
        }
        let commit = project.newest_commit.clone();
        state.vercel.projects.push(project);
        let index = state.vercel.projects.len() - 1;
        let places = customs.into_iter().map(|custom| Place::Custom(custom.id));
        for place in [Place::Production].into_iter().chain(places) {
            vercel::seed(
                state,
                Recipe {
                    project: index,
                    place,
                    branch: None,
                    commit: commit.clone(),
                    source: "git",
                },
            );
        }
    }

    /// Adds a readable production variable to each of several new projects.
    pub(crate) fn add_projects<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        variables: &[(&str, &str)],
    ) {
        for name in names {
            let project = Project::named(name);
            self.add_project(variables.iter().fold(project, |project, (key, value)| {
                project.variable(key, value)
            }));
        }
    }

    /// Adds a service that runs with the variables it is given and those of its groups.
    pub(crate) fn add_service(&self, mut service: Service) {
        let mut guard = self.state();
        let state = &mut *guard;
        service.id = state.mint.id("srv-", 20);
        service.newest_commit = state.mint.id("c0ffee", 34);
        service.born(state.now - TimeDelta::days(30));
        for value in service.variables.values() {
            state.mint.remember(value);
        }
        for name in &mut service.groups {
            let known = state.render.groups.iter().find(|group| group.name == *name);
            name.clone_from(&known.expect("a group is added before its services").id);
        }
        state.render.services.push(service);
        let index = state.render.services.len() - 1;
        render::seed(state, index);
    }

    /// Adds several web services with the same variables.
    pub(crate) fn add_services<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        variables: &[(&str, &str)],
    ) {
        for name in names {
            let service = Service::named(name);
            self.add_service(variables.iter().fold(service, |service, (key, value)| {
                service.variable(key, value)
            }));
        }
    }

    /// Adds a Render environment group; services link it by name afterwards.
    pub(crate) fn add_group(&self, name: &str, variables: &[(&str, &str)]) {
        let mut state = self.state();
        let id = state.mint.id("evg-", 20);
        let before = state.now - TimeDelta::days(30);
        for (_, value) in variables {
            state.mint.remember(value);
        }
        let variables = variables
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        state.render.groups.push(Group {
            id,
            name: name.to_owned(),
            variables: variables.collect(),
            created_at: before,
            updated_at: before,
        });
    }

    /// Adds a shared variable of the Vercel team for production and preview of these projects, which redeploy with it.
    pub(crate) fn add_shared(&self, key: &str, value: &str, kind: Kind, projects: &[&str]) {
        let mut guard = self.state();
        let state = &mut *guard;
        let indices: Vec<usize> = projects
            .iter()
            .map(|name| {
                state
                    .vercel
                    .project(name)
                    .expect("a project is added before its shared variables")
            })
            .collect();
        let ids = indices
            .iter()
            .map(|index| state.vercel.projects[*index].id.clone())
            .collect();
        let id = state.mint.id("env_", 24);
        state.mint.remember(value);
        let before = state.now - TimeDelta::days(30);
        state
            .vercel
            .shared
            .push(SharedVariable::new(id, key, value, kind, ids, before));
        for project in indices {
            let commit = state.vercel.projects[project].newest_commit.clone();
            vercel::seed(
                state,
                Recipe {
                    project,
                    place: Place::Production,
                    branch: None,
                    commit,
                    source: "git",
                },
            );
        }
    }

    /// Changes how a project behaves, or what a person does to it behind the client's back.
    pub(crate) fn change_project(&self, name: &str, change: impl FnOnce(&mut Project)) {
        let mut state = self.state();
        let index = state.vercel.project(name).expect("a project of this world");
        change(&mut state.vercel.projects[index]);
    }

    /// The same for a service.
    pub(crate) fn change_service(&self, name: &str, change: impl FnOnce(&mut Service)) {
        let mut state = self.state();
        let found = state
            .render
            .services
            .iter_mut()
            .find(|service| service.name == name);
        change(found.expect("a service of this world"));
    }

    /// Resumes a suspended service: Render deploys it with what is stored.
    pub(crate) fn resume_service(&self, name: &str) {
        let mut state = self.state();
        let index = state
            .render
            .services
            .iter()
            .position(|service| service.name == name);
        render::resume(&mut state, index.expect("a service of this world"));
    }

    /// A person's Instant Rollback of a project to the newest deployment that served before.
    pub(crate) fn instant_rollback(&self, name: &str) {
        let mut state = self.state();
        let project = state.vercel.project(name).expect("a project of this world");
        vercel::roll_back(&mut state, project);
    }

    /// Somebody pushes a commit to the production branch of a project: its build begins.
    pub(crate) fn push(&self, name: &str, commit: &str) {
        let mut state = self.state();
        let project = state.vercel.project(name).expect("a project of this world");
        state.vercel.projects[project].newest_commit = commit.to_owned();
        vercel::push(&mut state, project, commit);
    }

    /// The commit that serves production.
    pub(crate) fn serving_commit(&self, name: &str) -> String {
        let state = self.state();
        let project = state.vercel.project(name).expect("a project of this world");
        vercel::serving_commit(&state, project)
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether the owner of the OpenAI service accounts still has access; if not, the default list hides all keys.
    pub(crate) fn set_owner_access(&self, access: Access) {
        for account in &mut self.state().openai.accounts {
            account.access = access;
        }
    }

    /// Archives the OpenAI project: service accounts are refused with 400.
    pub(crate) fn archive_openai_project(&self) {
        self.state().openai.archived = true;
    }

    /// Moves everything at Vercel to the personal account, where calls carry no team.
    pub(crate) fn vercel_without_team(&self) {
        self.state().vercel.team = None;
    }
}
