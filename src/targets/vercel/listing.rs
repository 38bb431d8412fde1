//! What is listed once, for all targets of the account: within a pass, or for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use chrono::TimeDelta;

use super::account::{Account, PAGE_BYTES};
use super::wire::{
    Deployment, Pagination, Project, ProjectPage, Row, RowPage, SharedPage, SharedRow,
};
use crate::http::{Call, Reply, segment};
use crate::model::{Fault, FaultKind, Instant};
use crate::targets::pass::Answers;

/// How many pages a list may have before it is taken for endless.
const PAGES: usize = 1_000;

/// Projects asked for one after the other within this time are asked for together.
const BURST: TimeDelta = TimeDelta::milliseconds(500);

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
pub(super) struct View {
    taken_at: Option<Instant>,
    projects: BTreeMap<String, Project>,
    pages: usize,
    singles: usize,
    last_single: Option<Instant>,
}

impl Account {
    pub(super) fn projects(&self, listing: &Listing) -> Result<Arc<Vec<Project>>, Fault> {
        listing.projects.get("", || {
            let (projects, pages) = self.list_projects()?;
            self.remember(&projects, pages);
            Ok(Arc::new(projects))
        })
    }

    fn list_projects(&self) -> Result<(Vec<Project>, usize), Fault> {
        let mut projects = Vec::new();
        let first = || self.api.get("/v10/projects").query("limit", "100");
        let pages = self.pages("from", first, |reply| {
            let page: ProjectPage = reply.parse()?;
            projects.extend(page.projects);
            Ok(page.pagination)
        });
        let pages = pages.map_err(|fault| fault.at("list projects"))?;
        Ok((projects, pages))
    }

    /// Follows a list to its end; says how many pages it had.
    pub(super) fn pages(
        &self,
        next_key: &str,
        first: impl Fn() -> Call,
        mut take: impl FnMut(&Reply) -> Result<Option<Pagination>, Fault>,
    ) -> Result<usize, Fault> {
        let mut next: Option<String> = None;
        for page in 1..=PAGES {
            let call = first().at_most(PAGE_BYTES);
            let call = match &next {
                Some(next) => call.query(next_key, next.clone()),
                None => call,
            };
            let following = take(&self.read(call)?)?.and_then(|pagination| pagination.next());
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

    /// The rows of a project, with readable values in clear; none if the project is gone.
    ///
    /// `decrypt` is marked as old in the description of 2025 and still the only way to read all values in one call.
    /// Where it is ignored, [`Account::row_value`] asks for the one that matters.
    pub(super) fn rows(&self, listing: &Listing, project: &str) -> Result<Arc<Vec<Row>>, Fault> {
        listing.rows.get(project, || {
            let path = format!("/v10/projects/{}/env", segment(project));
            let first = || {
                let call = self.api.get(path.clone()).query("decrypt", "true");
                call.accept(&[404])
            };
            let mut rows = Vec::new();
            self.pages("until", first, |reply| {
                if reply.status == 404 {
                    // The project was deleted since it was listed.
                    return Ok(None);
                }
                let page: RowPage = reply.parse()?;
                match page.envs {
                    Some(envs) => rows.extend(envs),
                    // A project with one variable may answer with the bare variable.
                    None => rows.push(reply.parse()?),
                }
                Ok(page.pagination)
            })?;
            Ok(Arc::new(rows))
        })
    }

    pub(super) fn shared_rows(&self, listing: &Listing) -> Result<Arc<Vec<SharedRow>>, Fault> {
        listing.shared.get("", || {
            let mut rows = Vec::new();
            let read = self.pages(
                "until",
                || self.api.get("/v1/env"),
                |reply| {
                    let page: SharedPage = reply.parse()?;
                    rows.extend(page.data);
                    Ok(page.pagination)
                },
            );
            match read {
                Ok(_) => Ok(Arc::new(rows)),
                Err(fault) if fault.kind == FaultKind::Refused && fault.hint.is_none() => {
                    Err(fault
                        .at("list shared variables")
                        .hint("write `shared: false` to leave them alone"))
                }
                Err(fault) => Err(fault.at("list shared variables")),
            }
        })
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
