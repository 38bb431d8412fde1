//! Deployments: made from an earlier one's commit with the variables of the moment, built and aliased as time passes.

use chrono::TimeDelta;
use serde_json::Value;

use super::super::agenda;
use super::super::message::{Reply, Request};
use super::super::state::State;
use super::project::Verdict;
use super::{Deployment, Event, Place, ReadyState, owns, refuse, show};

/// What a new deployment is made of.
pub(in super::super) struct Recipe {
    pub(in super::super) project: usize,
    pub(in super::super) place: Place,
    pub(in super::super) branch: Option<String>,
    pub(in super::super) commit: String,
    pub(in super::super) source: &'static str,
}

/// A deployment that has been serving for a while when the test begins.
pub(in super::super) fn seed(state: &mut State, recipe: Recipe) {
    let index = add(state, recipe);
    let at = state.now - TimeDelta::days(30);
    let deployment = &mut state.vercel.deployments[index];
    deployment.created_at = at;
    deployment.ready = ReadyState::Ready;
    deployment.ready_at = Some(at);
    deployment.aliased_at = Some(at);
    assign(state, index);
}

fn add(state: &mut State, recipe: Recipe) -> usize {
    let Recipe {
        project,
        place,
        branch,
        commit,
        source,
    } = recipe;
    let env = state.vercel.env_of(project, &place, branch.as_deref());
    let owner = &mut state.vercel.projects[project];
    let verdict = owner.next_verdict.take().unwrap_or(owner.verdict);
    state.vercel.deployments.push(Deployment {
        id: state.mint.id("dpl_", 28),
        project,
        place,
        branch,
        commit,
        created_at: state.now,
        ready: ReadyState::Queued,
        ready_at: None,
        aliased_at: None,
        promoted: false,
        source,
        verdict,
        env,
    });
    state.vercel.deployments.len() - 1
}

/// Redeploys the commit of `deploymentId` with today's variables. Each call makes another deployment.
pub(super) fn create(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let wish = request.json();
    if wish["name"].as_str().is_none_or(str::is_empty) {
        return Err(refuse(400, "bad_request", "name is required"));
    }
    let old = wish["deploymentId"]
        .as_str()
        .and_then(|id| state.vercel.deployment(id))
        .filter(|_| owns(state, request))
        .ok_or_else(|| refuse(404, "not_found", "the deployment was not found"))?;
    let Deployment {
        project,
        branch,
        commit,
        id,
        ..
    } = &state.vercel.deployments[old];
    let (project, branch, mut commit, id) = (*project, branch.clone(), commit.clone(), id.clone());
    let place = wished_place(state, project, &wish)?;
    if wish["withLatestCommit"] == true {
        commit.clone_from(&state.vercel.projects[project].newest_commit);
        state.log.blame(
            "deploys code nobody asked for",
            format!("redeploy of {id} with the newest commit"),
        );
    }
    if request.query("forceNew").as_deref() != Some("1") {
        // The contract: without it an earlier, similar deployment may come back, with its old variables.
        state.log.blame("redeploys without forceNew=1", id);
    }
    let index = add(
        state,
        Recipe {
            project,
            place,
            branch,
            commit,
            source: "redeploy",
        },
    );
    let build = state.settings.vercel_build;
    let soon = build.min(TimeDelta::seconds(5));
    for (after, event) in [(soon, Event::Building(index)), (build, Event::Built(index))] {
        state
            .agenda
            .schedule(state.now + after, agenda::Event::Vercel(event));
    }
    Ok(Reply::json(200, &show::body(state, index)))
}

/// Somebody pushes to the production branch: a build begins, with the variables of the moment.
pub(in super::super) fn push(state: &mut State, project: usize, commit: &str) {
    let index = add(
        state,
        Recipe {
            project,
            place: Place::Production,
            branch: None,
            commit: commit.to_owned(),
            source: "git",
        },
    );
    let build = state.settings.vercel_build;
    let soon = build.min(TimeDelta::seconds(5));
    for (after, event) in [(soon, Event::Building(index)), (build, Event::Built(index))] {
        state
            .agenda
            .schedule(state.now + after, agenda::Event::Vercel(event));
    }
}

/// The commit that serves production.
pub(in super::super) fn serving_commit(state: &State, project: usize) -> Option<&str> {
    let index = state.vercel.projects[project].production?;
    Some(&state.vercel.deployments[index].commit)
}

/// `production`, a custom environment, or a preview when nothing is said.
fn wished_place(state: &State, project: usize, wish: &Value) -> Result<Place, Reply> {
    let customs = &state.vercel.projects[project].customs;
    let custom = |word: &str| {
        let found = customs
            .iter()
            .find(|custom| custom.id == word || custom.slug == word);
        found.map(|custom| Place::Custom(custom.id.clone()))
    };
    let place = match (
        wish["customEnvironmentSlugOrId"].as_str(),
        wish["target"].as_str(),
    ) {
        (Some(word), _) => custom(word),
        (None, Some("production")) => Some(Place::Production),
        (None, Some("preview") | None) => Some(Place::Preview),
        (None, Some(word)) => custom(word),
    };
    place.ok_or_else(|| refuse(400, "bad_request", "no such target"))
}

/// A queued deployment begins to build.
pub(super) fn start(state: &mut State, index: usize) {
    let deployment = &mut state.vercel.deployments[index];
    if deployment.ready == ReadyState::Queued {
        deployment.ready = ReadyState::Building;
    }
}

/// The build ends, well or badly; the alias follows unless the project withholds it.
pub(super) fn finish(state: &mut State, index: usize) {
    let now = state.now;
    let deployment = &mut state.vercel.deployments[index];
    if !matches!(deployment.ready, ReadyState::Queued | ReadyState::Building) {
        return;
    }
    let project = &state.vercel.projects[deployment.project];
    if deployment.verdict == Verdict::Fails {
        deployment.ready = ReadyState::Error;
        return;
    }
    deployment.ready = ReadyState::Ready;
    deployment.ready_at = Some(now);
    let staged = deployment.place == Place::Production && !project.auto_assign;
    if deployment.verdict == Verdict::Works && !staged {
        let at = now + state.settings.vercel_alias;
        state
            .agenda
            .schedule(at, agenda::Event::Vercel(Event::Aliased(index)));
    }
}

/// The domains move to a finished deployment, unless a rollback has taken them out of its hands meanwhile.
pub(super) fn alias(state: &mut State, index: usize) {
    let now = state.now;
    let deployment = &mut state.vercel.deployments[index];
    let project = &state.vercel.projects[deployment.project];
    if deployment.place == Place::Production && !project.auto_assign {
        return;
    }
    // A newer deployment may have been quicker; the domains do not go back.
    let newer = project.production.is_some_and(|current| current > index);
    if deployment.place == Place::Production && newer {
        return;
    }
    deployment.aliased_at = Some(now);
    assign(state, index);
}

/// Makes a deployment the one that serves its place.
pub(super) fn assign(state: &mut State, index: usize) {
    let deployment = &mut state.vercel.deployments[index];
    let project = &mut state.vercel.projects[deployment.project];
    match &deployment.place {
        Place::Production => {
            deployment.promoted = true;
            project.production = Some(index);
        }
        Place::Preview => {}
        Place::Custom(id) => {
            for custom in project.customs.iter_mut().filter(|custom| custom.id == *id) {
                custom.current = Some(index);
            }
        }
    }
}

pub(super) fn read(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find(state, request, &arguments[0])?;
    Ok(Reply::json(200, &show::body(state, index)))
}

pub(super) fn cancel(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find(state, request, &arguments[0])?;
    let deployment = &mut state.vercel.deployments[index];
    if !matches!(deployment.ready, ReadyState::Queued | ReadyState::Building) {
        return Err(refuse(
            400,
            "bad_request",
            "the deployment has already ended",
        ));
    }
    deployment.ready = ReadyState::Canceled;
    Ok(Reply::json(200, &show::body(state, index)))
}

pub(super) fn find(state: &State, request: &Request, id: &str) -> Result<usize, Reply> {
    state
        .vercel
        .deployment(id)
        .filter(|_| owns(state, request))
        .ok_or_else(|| refuse(404, "not_found", "the deployment was not found"))
}
