//! Vercel: projects, their environment variables, and deployments that keep the variables they were created with.
//!
//! Sources: Vercel's OpenAPI description (openapi.vercel.sh), `@vercel/sdk` 1.28.35, the Vercel CLI and the Terraform
//! provider (github.com/vercel), November 2026. Inferred and not published: that the value of a sensitive variable can be
//! changed in place, and what `aliasAssigned` says of a staged deployment.

mod deployments;
mod env;
mod project;
mod projects;
mod releases;
mod routes;
mod rows;
mod shared;
mod show;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::message::{Reply, Request};
use super::mint::Mint;
use super::state::State;

pub(super) use routes::ROUTES;

pub(super) use deployments::{Recipe, push, seed, serving_commit};
pub(super) use project::SharedVariable;
pub(crate) use project::{EnvShape, Kind, Project, Row, Targets, Verdict};
pub(super) use releases::roll_back;

/// What becomes of a deployment as time passes; the number is its index.
pub(super) enum Event {
    Building(usize),
    Built(usize),
    Aliased(usize),
    Promoted(usize),
}

/// Which of a project's environments a deployment is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Production,
    Preview,
    /// The id of a custom environment.
    Custom(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadyState {
    Queued,
    Building,
    Ready,
    Error,
    Canceled,
}

impl ReadyState {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Building => "BUILDING",
            Self::Ready => "READY",
            Self::Error => "ERROR",
            Self::Canceled => "CANCELED",
        }
    }
}

pub(super) struct Deployment {
    pub(super) id: String,
    /// The index of its project.
    pub(super) project: usize,
    pub(super) place: Place,
    pub(super) branch: Option<String>,
    pub(super) commit: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) ready: ReadyState,
    pub(super) ready_at: Option<DateTime<Utc>>,
    pub(super) aliased_at: Option<DateTime<Utc>>,
    /// It has served production at some time.
    pub(super) promoted: bool,
    pub(super) source: &'static str,
    verdict: Verdict,
    /// The variables it was created with. They never change.
    pub(super) env: BTreeMap<String, String>,
}

pub(super) struct Team {
    pub(super) id: String,
    pub(super) slug: String,
}

pub(super) struct Vercel {
    pub(super) token: String,
    /// `None`: everything belongs to the personal account, and calls carry no scope.
    pub(super) team: Option<Team>,
    pub(super) user: String,
    pub(super) projects: Vec<Project>,
    pub(super) shared: Vec<SharedVariable>,
    pub(super) deployments: Vec<Deployment>,
}

impl Vercel {
    pub(super) fn new(mint: &mut Mint) -> Self {
        Self {
            token: mint.secret("vcp_", 56),
            team: Some(Team {
                id: mint.id("team_", 24),
                slug: "acme".into(),
            }),
            user: mint.id("", 24),
            projects: Vec::new(),
            shared: Vec::new(),
            deployments: Vec::new(),
        }
    }

    pub(super) fn project(&self, id_or_name: &str) -> Option<usize> {
        self.projects
            .iter()
            .position(|project| project.id == id_or_name || project.name == id_or_name)
    }

    pub(super) fn deployment(&self, id_or_url: &str) -> Option<usize> {
        let by_id = id_or_url.starts_with("dpl_");
        self.deployments
            .iter()
            .rposition(|found| found.id == id_or_url || (!by_id && found.url() == id_or_url))
    }

    pub(super) fn account(&self) -> &str {
        self.team.as_ref().map_or(&self.user, |team| &team.id)
    }

    /// The variables that a deployment created now would get: shared ones, then the project's, then the branch's.
    pub(super) fn env_of(
        &self,
        project: usize,
        place: &Place,
        branch: Option<&str>,
    ) -> BTreeMap<String, String> {
        let project = &self.projects[project];
        let shared = self
            .shared
            .iter()
            .filter(|variable| variable.reaches(project, place))
            .map(|variable| (&variable.key, &variable.value));
        let rows = |of_branch: bool| {
            project
                .rows
                .iter()
                .filter(move |row| row.branch.is_some() == of_branch && row.reaches(place))
                .filter(move |row| row.branch.is_none() || row.branch.as_deref() == branch)
                .map(|row| (&row.key, &row.value))
        };
        shared
            .chain(rows(false))
            .chain(rows(true))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// Lets time do its work on a deployment.
pub(super) fn happen(state: &mut State, event: &Event) {
    match *event {
        Event::Building(index) => deployments::start(state, index),
        Event::Built(index) => deployments::finish(state, index),
        Event::Aliased(index) => deployments::alias(state, index),
        Event::Promoted(index) => releases::flip(state, index, releases::Flip::Promote),
    }
}

/// Lets the one token in, in the one scope that owns everything. An unknown scope is forbidden; a missing one leads to
/// the personal account, where nothing is found.
pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    let vercel = &state.vercel;
    if request.bearer() != Some(&vercel.token) {
        let error = json!({"code": "forbidden", "message": "not authorized", "invalidToken": true});
        return Err(Reply::json(403, &json!({"error": error})));
    }
    let scopes = [request.query("teamId"), request.query("slug")];
    let strange = scopes.iter().flatten().any(|scope| {
        vercel
            .team
            .as_ref()
            .is_none_or(|team| *scope != team.id && *scope != team.slug)
    });
    if strange {
        return Err(refuse(403, "forbidden", "you do not belong to this scope"));
    }
    Ok(())
}

/// The project a request is about, for the log.
pub(super) fn subject(state: &State, request: &Request, arguments: &[String]) -> Option<String> {
    let vercel = &state.vercel;
    let of_deployment = |id: &str| Some(vercel.deployments[vercel.deployment(id)?].project);
    let named = |text: &str| vercel.project(text).or_else(|| of_deployment(text));
    let project = match arguments.first() {
        Some(argument) => named(argument),
        None if request.method == "POST" => {
            let body = request.json();
            body["deploymentId"].as_str().and_then(of_deployment)
        }
        None => request.query("projectId").and_then(|id| named(&id)),
    };
    let shared = || {
        let id = arguments.first()?;
        let found = vercel.shared.iter().find(|variable| variable.id == *id)?;
        Some(format!("shared:{}", found.key))
    };
    project
        .map(|index| vercel.projects[index].name.clone())
        .or_else(shared)
}

/// An error body.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}

/// The project of a path, if the scope of the request is the one that owns it.
fn in_scope(state: &State, request: &Request, id_or_name: &str) -> Result<usize, Reply> {
    state
        .vercel
        .project(id_or_name)
        .filter(|_| owns(state, request))
        .ok_or_else(|| refuse(404, "not_found", "project not found"))
}

/// Whether the scope of the request owns the projects. `admit` has already turned strange scopes away.
fn owns(state: &State, request: &Request) -> bool {
    let scoped = request.query("teamId").is_some() || request.query("slug").is_some();
    scoped == state.vercel.team.is_some()
}

/// Milliseconds since 1970, which is how Vercel tells the time.
fn millis(at: DateTime<Utc>) -> Value {
    json!(at.timestamp_millis())
}
