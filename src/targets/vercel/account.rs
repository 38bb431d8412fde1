//! One team at Vercel: its calls, and what is listed once for all targets that share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::codes;
use super::wire::{
    Deployment, DeploymentPage, Pagination, Project, ProjectPage, Row, RowPage, SharedPage,
    SharedRow,
};
use crate::http::{Api, Call, Endpoint, Reply, segment};
use crate::model::{Account as Settings, Clock, Effect, Fault, Instant, SecretValue, sanitise};
use crate::targets::Pass;
use crate::targets::pass::{Answers, PerPass};

const BASE: &str = "https://api.vercel.com";

/// Vercel takes 500 reads and 120 changes a minute; ten in flight at 50 ms stay below what a burst of redeploys needs.
const IN_FLIGHT: usize = 10;

/// A page of projects carries each project's newest deployments: far more than what other answers hold.
const PAGE_BYTES: u64 = 16 << 20;

/// How many pages a list may have before it is taken for endless.
const PAGES: usize = 1_000;

/// Projects asked for one after the other within this time are asked for together.
const BURST: TimeDelta = TimeDelta::milliseconds(500);

/// A team, or a personal account.
pub(in crate::targets) struct Account {
    settings: Arc<Settings>,
    api: Api,
    /// `teamId` or `slug`, and its value.
    scope: Option<(&'static str, String)>,
    pub(super) label: String,
    listings: PerPass<Listing>,
    view: Mutex<View>,
    /// Deployments that are being waited for, one call each and look.
    watched: Mutex<BTreeSet<String>>,
}

/// What was listed within one pass.
#[derive(Default)]
pub(super) struct Listing {
    projects: Answers<Result<Arc<Vec<Project>>, Fault>>,
    rows: Answers<Result<Arc<Vec<Row>>, Fault>>,
    shared: Answers<Result<Arc<Vec<SharedRow>>, Fault>>,
    deployments: Answers<Result<Arc<Vec<Deployment>>, Fault>>,
}

/// The projects as they were when they were last listed, and how many were asked for one by one since.
#[derive(Default)]
struct View {
    taken_at: Option<Instant>,
    projects: BTreeMap<String, Project>,
    pages: usize,
    singles: usize,
    last_single: Option<Instant>,
}

impl Account {
    pub(in crate::targets) fn open(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let team = settings.setting("team").map(str::to_owned);
        let label = match &team {
            Some(team) => format!("vercel/{}", sanitise(team)),
            None => "vercel".to_owned(),
        };
        let endpoint = Endpoint {
            base: settings.base_url().unwrap_or(BASE).to_owned(),
            name: label.clone(),
            in_flight: IN_FLIGHT,
        };
        let scope = team.map(|team| {
            let key = if team.starts_with("team_") {
                "teamId"
            } else {
                "slug"
            };
            (key, team)
        });
        Ok(Self {
            settings,
            api: Api::new(endpoint, clock)?,
            scope,
            label,
            listings: PerPass::new(),
            view: Mutex::new(View::default()),
            watched: Mutex::new(BTreeSet::new()),
        })
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &**self.api.clock()
    }

    /// Only a team has variables that are shared between projects.
    pub(super) fn is_team(&self) -> bool {
        self.scope.is_some()
    }

    pub(super) fn listing(&self, pass: Pass) -> Arc<Listing> {
        self.listings.of(pass)
    }

    pub(super) fn newest_listing(&self) -> Arc<Listing> {
        self.listings.newest().unwrap_or_default()
    }

    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.settings.needed("token")?.value()?;
        let call = call.bearer(token).codes(codes::known);
        Ok(match &self.scope {
            Some((key, team)) => call.query(key, team.clone()),
            None => call,
        })
    }

    fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    fn change(&self, call: Call, send: impl FnOnce(Call) -> Effect<Reply>) -> Effect<Reply> {
        match self.dressed(call) {
            Ok(call) => send(call),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    pub(super) fn projects(&self, listing: &Listing) -> Result<Arc<Vec<Project>>, Fault> {
        listing.projects.get("", || {
            let (projects, pages) = self.list_projects()?;
            self.remember(&projects, pages);
            Ok(Arc::new(projects))
        })
    }

    fn list_projects(&self) -> Result<(Vec<Project>, usize), Fault> {
        let mut projects = Vec::new();
        let pages = self
            .pages(
                "from",
                |call: &dyn Fn() -> Call| {
                    let page: ProjectPage = self.read(call().at_most(PAGE_BYTES))?.parse()?;
                    projects.extend(page.projects);
                    Ok(page.pagination)
                },
                || self.api.get("/v10/projects").query("limit", "100"),
            )
            .map_err(|fault| fault.at("list projects"))?;
        Ok((projects, pages))
    }

    /// Follows a list to its end; says how many pages it had.
    fn pages(
        &self,
        next_key: &str,
        mut take: impl FnMut(&dyn Fn() -> Call) -> Result<Option<Pagination>, Fault>,
        first: impl Fn() -> Call,
    ) -> Result<usize, Fault> {
        let mut next: Option<String> = None;
        for page in 1..=PAGES {
            let call = || match &next {
                Some(next) => first().query(next_key, next.clone()),
                None => first(),
            };
            let following = take(&call)?.and_then(|pagination| pagination.next());
            if following.is_none() {
                return Ok(page);
            }
            if following == next {
                break;
            }
            next = following;
        }
        Err(Fault::passing("the list does not end"))
    }

    /// The rows of a project, with readable values in clear.
    ///
    /// `decrypt` is marked as old in the description of 2025 and still the only way to read all values in one call.
    /// Where it is ignored, [`Account::row_value`] asks for the one that matters.
    pub(super) fn rows(&self, listing: &Listing, project: &str) -> Result<Arc<Vec<Row>>, Fault> {
        listing.rows.get(project, || {
            let path = format!("/v10/projects/{}/env", segment(project));
            let mut rows = Vec::new();
            self.pages(
                "until",
                |call| {
                    let reply = self.read(call().at_most(PAGE_BYTES))?;
                    let page: RowPage = reply.parse()?;
                    match page.envs {
                        Some(envs) => rows.extend(envs),
                        // A project with one variable may answer with the bare variable.
                        None => rows.push(reply.parse()?),
                    }
                    Ok(page.pagination)
                },
                || self.api.get(path.clone()).query("decrypt", "true"),
            )?;
            Ok(Arc::new(rows))
        })
    }

    pub(super) fn row_value(&self, project: &str, row: &str) -> Result<Option<SecretValue>, Fault> {
        let path = format!("/v1/projects/{}/env/{}", segment(project), segment(row));
        let row: Row = self.read(self.api.get(path))?.parse()?;
        Ok(row.value)
    }

    pub(super) fn shared_rows(&self, listing: &Listing) -> Result<Arc<Vec<SharedRow>>, Fault> {
        listing.shared.get("", || {
            let mut rows = Vec::new();
            self.pages(
                "until",
                |call| {
                    let page: SharedPage = self.read(call().at_most(PAGE_BYTES))?.parse()?;
                    rows.extend(page.data);
                    Ok(page.pagination)
                },
                || self.api.get("/v1/env"),
            )
            .map_err(|fault| {
                let fault = fault.at("list shared variables");
                match fault.hint {
                    Some(_) => fault,
                    None => fault.hint("write `shared: false` to leave them alone"),
                }
            })?;
            Ok(Arc::new(rows))
        })
    }

    pub(super) fn shared_value(&self, row: &str) -> Result<Option<SecretValue>, Fault> {
        let row: SharedRow = self
            .read(self.api.get(format!("/v1/env/{}", segment(row))))?
            .parse()?;
        Ok(row.value)
    }

    pub(super) fn set_row(&self, project: &str, row: &str, value: &SecretValue) -> Effect<Reply> {
        let path = format!("/v9/projects/{}/env/{}", segment(project), segment(row));
        let call = self.api.patch(path).json(&json!({"value": value.expose()}));
        self.change(call, Call::repeatable)
    }

    /// `upsert` makes the call repeatable: what an earlier try made is overwritten with the same value.
    pub(super) fn create_row(&self, project: &str, body: &Value) -> Effect<Reply> {
        let path = format!("/v10/projects/{}/env", segment(project));
        let call = self.api.post(path).query("upsert", "true").json(body);
        self.change(call, Call::repeatable)
    }

    pub(super) fn set_shared(&self, row: &str, value: &SecretValue) -> Effect<Reply> {
        let body = json!({"updates": {row: {"value": value.expose()}}});
        self.change(self.api.patch("/v1/env").json(&body), Call::repeatable)
    }

    pub(super) fn deployment(&self, id: &str) -> Result<Deployment, Fault> {
        let path = format!("/v13/deployments/{}", segment(id));
        self.read(self.api.get(path))?.parse()
    }

    /// The newest deployments of a custom environment, newest first.
    pub(super) fn deployments(
        &self,
        project: &str,
        environment: &str,
        slug: &str,
    ) -> Result<Vec<Deployment>, Fault> {
        let call = self
            .api
            .get("/v7/deployments")
            .query("projectId", project)
            .query("target", slug)
            .query("limit", "50")
            .at_most(PAGE_BYTES);
        let page: DeploymentPage = self.read(call)?.parse()?;
        let mut found = page.deployments;
        found.retain(|deployment| deployment.is_for(environment));
        found.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at()));
        Ok(found)
    }

    /// The same, once within a pass.
    pub(super) fn deployments_of(
        &self,
        listing: &Listing,
        project: &str,
        environment: &str,
        slug: &str,
    ) -> Result<Arc<Vec<Deployment>>, Fault> {
        let key = format!("{project}/{environment}");
        listing.deployments.get(&key, || {
            self.deployments(project, environment, slug).map(Arc::new)
        })
    }

    /// Builds the commit of that deployment again, with the variables of now. Every call makes another deployment.
    pub(super) fn redeploy(&self, body: &Value) -> Effect<Reply> {
        let call = self
            .api
            .post("/v13/deployments")
            .query("forceNew", "1")
            .json(body);
        self.change(call, Call::once)
    }

    /// Gives a finished deployment the production domains. One that has them answers 409.
    pub(super) fn promote(&self, project: &str, deployment: &str) -> Effect<Reply> {
        let path = format!(
            "/v10/projects/{}/promote/{}",
            segment(project),
            segment(deployment)
        );
        self.change(self.api.post(path).json(&json!({})), Call::once)
    }

    pub(super) fn is_rolling_out(&self, project: &str) -> Result<bool, Fault> {
        let path = format!("/v1/projects/{}/rolling-release", segment(project));
        let reply = self.read(self.api.get(path).query("state", "ACTIVE"))?;
        let body = reply.json()?;
        Ok(body["rollingRelease"]["state"] == "ACTIVE")
    }

    /// The project as it was at most this long ago.
    ///
    /// One by one that is a call a project. When many are asked about at once, listing them all is cheaper, and the only
    /// way to watch 300 redeploys within 500 reads a minute.
    pub(super) fn project(&self, id: &str, at_most: TimeDelta) -> Result<Project, Fault> {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock().now();
        let within = |at: Option<Instant>, span| at.is_some_and(|at| at <= now && now - at <= span);
        if within(view.taken_at, at_most)
            && let Some(project) = view.projects.get(id)
        {
            return Ok(project.clone());
        }
        if !within(view.last_single, BURST) {
            view.singles = 0;
        }
        view.last_single = Some(now);
        view.singles += 1;
        if view.pages == 0 || view.singles <= view.pages {
            drop(view);
            let path = format!("/v9/projects/{}", segment(id));
            return self.read(self.api.get(path).at_most(PAGE_BYTES))?.parse();
        }
        // The lock is kept: who asks meanwhile waits for this list instead of making another.
        let (projects, pages) = self.list_projects()?;
        view.fill(projects.iter().cloned(), pages, self.clock().now());
        match view.projects.get(id) {
            Some(project) => Ok(project.clone()),
            None => Err(Fault::missing("the project is gone")),
        }
    }

    fn remember(&self, projects: &[Project], pages: usize) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.fill(projects.iter().cloned(), pages, self.clock().now());
    }

    /// Whether the deployment was still under way when it was last looked at.
    pub(super) fn is_watched(&self, deployment: &str) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.contains(deployment)
    }

    /// Notes whether a deployment is being waited for; says how many are.
    pub(super) fn watch(&self, deployment: &str, waiting: bool) -> usize {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting {
            watched.insert(deployment.to_owned());
        } else {
            watched.remove(deployment);
        }
        watched.len()
    }
}

impl View {
    fn fill(&mut self, projects: impl Iterator<Item = Project>, pages: usize, now: Instant) {
        self.projects = projects
            .map(|project| (project.id.clone(), project))
            .collect();
        self.pages = pages;
        self.taken_at = Some(now);
        self.singles = 0;
    }
}
