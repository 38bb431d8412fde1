//! The life of a deploy: written down with the variables of its moment, live after a while, then replaced and drained.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::super::agenda;
use super::super::settings::Overlap;
use super::super::state::State;
use super::{Deploy, Event, Status, Trouble};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    Reused,
    Made,
}

/// What a new deploy is made of.
pub(super) struct Recipe {
    pub(super) commit: String,
    pub(super) trigger: &'static str,
    pub(super) own: BTreeMap<String, String>,
    pub(super) build: Build,
}

/// A deploy that has been live for a while when the test begins.
pub(in super::super) fn seed(state: &mut State, service: usize) {
    let at = state.now - TimeDelta::days(30);
    let index = begin(state, service, same_code(state, service, "manual"));
    let deploy = &mut state.render.services[service].deploys[index];
    deploy.created_at = at;
    deploy.started_at = Some(at);
    deploy.finished_at = Some(at);
    deploy.due_at = at;
    deploy.status = Status::Live;
}

/// Deploys the live build again without being asked by a client.
pub(super) fn deploy_same_code(state: &mut State, service: usize, trigger: &'static str) {
    let recipe = same_code(state, service, trigger);
    launch(state, service, recipe);
}

/// A suspended service starts again, with the variables that are stored now.
pub(in super::super) fn resume(state: &mut State, service: usize) {
    state.render.services[service].suspended = false;
    for deploy in &mut state.render.services[service].deploys {
        if deploy.status == Status::Live {
            deploy.status = Status::Deactivated;
        }
    }
    deploy_same_code(state, service, "service_resumed");
}

pub(super) fn same_code(state: &State, service: usize, trigger: &'static str) -> Recipe {
    let service = &state.render.services[service];
    let newest = service
        .deploys
        .iter()
        .rev()
        .find(|deploy| matches!(deploy.status, Status::Live | Status::Deactivated));
    Recipe {
        commit: newest.map_or_else(
            || service.newest_commit.clone(),
            |deploy| deploy.commit.clone(),
        ),
        trigger,
        own: service.variables.clone(),
        build: Build::Reused,
    }
}

/// Begins a deploy. Gives its index.
pub(super) fn launch(state: &mut State, service: usize, recipe: Recipe) -> usize {
    let index = begin(state, service, recipe);
    run(state, service, index);
    index
}

/// Writes a deploy down, with the variables of this moment.
fn begin(state: &mut State, service: usize, recipe: Recipe) -> usize {
    let Recipe {
        commit,
        trigger,
        own,
        build,
    } = recipe;
    let env = state
        .render
        .env_of(&state.render.services[service].groups, &own);
    let now = state.now;
    let build = match build {
        Build::Reused => TimeDelta::zero(),
        Build::Made => state.settings.render_build,
    };
    let service = &mut state.render.services[service];
    service.deploys.push(Deploy {
        id: state.mint.id("dep-", 20),
        status: Status::Created,
        trigger,
        commit,
        created_at: now,
        started_at: None,
        finished_at: None,
        starts_at: now,
        due_at: now + build + state.settings.render_deploy,
        trouble: service.next_trouble.take().unwrap_or(service.trouble),
        own,
        env,
        drained_at: None,
    });
    service.deploys.len() - 1
}

/// Puts the life of a deploy on the agenda, after or instead of the one under way.
fn run(state: &mut State, service: usize, index: usize) {
    let (now, update) = (state.now, state.settings.render_deploy);
    let deploys = &mut state.render.services[service].deploys;
    let mut start = now;
    for other in deploys[..index]
        .iter_mut()
        .filter(|other| other.status.under_way())
    {
        if state.settings.render_overlap == Overlap::Wait && other.starts_at <= now {
            start = start.max(other.due_at);
        } else {
            other.status = Status::Canceled;
            other.finished_at = Some(now);
        }
    }
    let deploy = &mut deploys[index];
    deploy.starts_at = start;
    deploy.due_at += start - now;
    let (live, soon) = (deploy.due_at, TimeDelta::seconds(2).min(update / 3));
    let updating = live - update + soon * 2;
    // In this order: with a very short deploy several fall on the same instant.
    let mut plan = vec![(now + soon, Status::Queued)];
    if start + soon < live - update {
        plan.push((start + soon, Status::Building));
    }
    plan.extend([(updating, Status::Updating), (live, Status::Live)]);
    for (at, status) in plan {
        let event = Event {
            service,
            deploy: index,
            status,
        };
        state.agenda.schedule(at, agenda::Event::Render(event));
    }
}

/// A deploy gets on. Going live replaces what was live, whose instances go on serving until they have drained.
pub(super) fn reach(state: &mut State, service: usize, index: usize, status: Status) {
    let now = state.now;
    let drained_at = now + state.settings.render_drain;
    let service = &mut state.render.services[service];
    let deploy = &mut service.deploys[index];
    let fails = deploy.trouble == Trouble::UpdateFails;
    if !deploy.status.under_way() {
        return;
    }
    deploy.status = match status {
        Status::Live if fails => Status::UpdateFailed,
        other => other,
    };
    match deploy.status {
        Status::Building | Status::Updating => {
            deploy.started_at.get_or_insert(now);
        }
        Status::UpdateFailed => deploy.finished_at = Some(now),
        Status::Live => {
            deploy.finished_at = Some(now);
            for old in &mut service.deploys[..index] {
                if old.status == Status::Live {
                    old.status = Status::Deactivated;
                    old.drained_at = Some(drained_at);
                }
            }
            state.agenda.schedule(drained_at, agenda::Event::Look);
        }
        Status::Created | Status::Queued | Status::Deactivated | Status::Canceled => {}
    }
}
