//! Promotion and rollback: the domains move to a deployment that exists already, which keeps the variables it was
//! created with.

use serde_json::json;

use super::super::agenda;
use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{Event, Place, ReadyState, deployments, in_scope, millis, refuse};

/// Why the domains move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flip {
    Promote,
    Rollback,
}

impl Flip {
    fn word(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// Moves the domains after a moment. Nothing is built, so the deployment's own variables stay.
pub(super) fn promote(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let (project, index) = find(state, request, arguments)?;
    note(state, project, index, Flip::Promote, "pending");
    let at = state.now + state.settings.vercel_alias;
    state
        .agenda
        .schedule(at, agenda::Event::Vercel(Event::Promoted(index)));
    Ok(Reply::empty(201))
}

/// Moves the domains back at once, and stops later deployments from taking them by themselves.
pub(super) fn rollback(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let (_, index) = find(state, request, arguments)?;
    if !is_candidate(state, index) {
        return Err(refuse(
            422,
            "not_rollback_candidate",
            "the deployment never served production",
        ));
    }
    flip(state, index, Flip::Rollback);
    Ok(Reply::empty(201))
}

/// The same by a person at the dashboard, to the newest deployment that can serve again.
pub(in super::super) fn roll_back(state: &mut State, project: usize) {
    let candidates = (0..state.vercel.deployments.len()).rev();
    let newest = candidates
        .filter(|index| state.vercel.deployments[*index].project == project)
        .find(|index| is_candidate(state, *index));
    flip(
        state,
        newest.expect("a deployment that served before"),
        Flip::Rollback,
    );
}

/// No alias ever fails here.
pub(super) fn aliases(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    in_scope(state, request, &arguments[0])?;
    let pagination = json!({"count": 0, "next": null, "prev": null});
    Ok(Reply::json(
        200,
        &json!({"aliases": [], "pagination": pagination}),
    ))
}

/// Makes the deployment production.
pub(super) fn flip(state: &mut State, index: usize, why: Flip) {
    let now = state.now;
    let project = state.vercel.deployments[index].project;
    note(state, project, index, why, "succeeded");
    state.vercel.projects[project].auto_assign = why == Flip::Promote;
    state.vercel.deployments[index].aliased_at = Some(now);
    deployments::assign(state, index);
}

/// A deployment that has served production and does not now.
pub(super) fn is_candidate(state: &State, index: usize) -> bool {
    let deployment = &state.vercel.deployments[index];
    deployment.promoted && state.vercel.projects[deployment.project].production != Some(index)
}

fn find(state: &State, request: &Request, arguments: &[String]) -> Result<(usize, usize), Reply> {
    let project = in_scope(state, request, &arguments[0])?;
    let index = deployments::find(state, request, &arguments[1])?;
    let deployment = &state.vercel.deployments[index];
    if deployment.project != project {
        return Err(refuse(
            404,
            "not_found",
            "the deployment is another project's",
        ));
    }
    if deployment.place != Place::Production || deployment.ready != ReadyState::Ready {
        return Err(refuse(
            400,
            "bad_request",
            "only a ready production deployment can serve",
        ));
    }
    if state.vercel.projects[project].production == Some(index) {
        return Err(refuse(
            409,
            "conflict",
            "the deployment serves production already",
        ));
    }
    Ok((project, index))
}

fn note(state: &mut State, project: usize, to: usize, why: Flip, status: &str) {
    let deployments = &state.vercel.deployments;
    let project = &mut state.vercel.projects[project];
    let from = match project.last_alias_request["jobStatus"].as_str() {
        // The second note of the same promotion keeps where it came from.
        Some("pending") => project.last_alias_request["fromDeploymentId"].clone(),
        _ => json!(project.production.map(|index| &deployments[index].id)),
    };
    project.last_alias_request = json!({
        "fromDeploymentId": from,
        "toDeploymentId": deployments[to].id,
        "jobStatus": status,
        "requestedAt": millis(state.now),
        "type": why.word(),
    });
}
