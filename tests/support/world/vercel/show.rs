//! How deployments are shown: one by one, and in the list, where some fields have other names.

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{Deployment, Place, ReadyState, in_scope, millis, owns, projects, releases};

impl Deployment {
    pub(super) fn url(&self) -> String {
        format!("{}.vercel.app", self.id.to_lowercase().replace('_', "-"))
    }

    /// Where production domains stand with regard to it.
    fn substate(&self) -> Option<&'static str> {
        let settled = self.place == Place::Production && self.ready == ReadyState::Ready;
        settled.then_some(if self.promoted { "PROMOTED" } else { "STAGED" })
    }
}

/// Newest first; `until` and `since` are creation times in milliseconds.
pub(super) fn list(state: &mut State, request: &Request, _: &[String]) -> Result<Reply, Reply> {
    let project = match request.query("projectId") {
        Some(id) => Some(in_scope(state, request, &id)?),
        None => None,
    };
    let states = request.query_list("state");
    let target = request.query("target");
    let time = |name: &str| {
        request
            .query(name)
            .and_then(|text| text.parse::<i64>().ok())
    };
    let (since, until) = (time("since"), time("until"));
    let (branch, sha) = (request.query("branch"), request.query("sha"));
    let mut found: Vec<usize> = (0..state.vercel.deployments.len())
        .rev()
        .filter(|index| {
            let deployment = &state.vercel.deployments[*index];
            let created = deployment.created_at.timestamp_millis();
            owns(state, request)
                && project.is_none_or(|project| deployment.project == project)
                && (states.is_empty() || states.iter().any(|word| word == deployment.ready.word()))
                && target.as_ref().is_none_or(|target| {
                    (target == "production") == (deployment.place == Place::Production)
                })
                && since.is_none_or(|since| created > since)
                && until.is_none_or(|until| created < until)
                && (branch.is_none() || deployment.branch == branch)
                && sha.as_ref().is_none_or(|sha| deployment.commit == *sha)
        })
        .collect();
    if request.query("rollbackCandidate").as_deref() == Some("true") {
        found.retain(|index| releases::is_candidate(state, *index));
    }
    let limit = projects::limit(request)?;
    let items: Vec<Value> = found
        .iter()
        .take(limit)
        .map(|index| item(state, *index))
        .collect();
    let next = (found.len() > limit).then(|| items.last().map(|item| item["created"].clone()));
    let pagination = json!({"count": items.len(), "next": next.flatten(), "prev": null});
    Ok(Reply::json(
        200,
        &json!({"deployments": items, "pagination": pagination}),
    ))
}

/// A deployment as `GET /v13/deployments/ID` shows it. Of its variables only the names are ever shown.
pub(super) fn body(state: &State, index: usize) -> Value {
    let deployment = &state.vercel.deployments[index];
    let project = &state.vercel.projects[deployment.project];
    let names: Vec<&String> = deployment.env.keys().collect();
    let target = (deployment.place == Place::Production).then_some("production");
    let mut body = json!({
        "id": deployment.id,
        "name": project.name,
        "projectId": project.id,
        "url": deployment.url(),
        "createdAt": millis(deployment.created_at),
        "readyState": deployment.ready.word(),
        "target": target,
        "aliasAssigned": deployment.aliased_at.is_some(),
        "aliasError": null,
        "alias": if deployment.aliased_at.is_some() { json!([format!("{}.acme.test", project.name)]) } else { json!([]) },
        "env": names,
        "build": {"env": names},
        "source": deployment.source,
        "meta": {"githubCommitSha": deployment.commit, "githubCommitRef": deployment.branch.as_deref().unwrap_or("main")},
    });
    if let Some(at) = deployment.ready_at {
        body["ready"] = millis(at);
    }
    if let Some(at) = deployment.aliased_at {
        body["aliasAssignedAt"] = millis(at);
    }
    if let Some(substate) = deployment.substate() {
        body["readySubstate"] = json!(substate);
    }
    if deployment.ready == ReadyState::Error {
        body["errorCode"] = json!("BUILD_FAILED");
        body["errorMessage"] = json!("the build exited with 1");
    }
    if let Place::Custom(id) = &deployment.place {
        let slug = project
            .customs
            .iter()
            .find(|custom| custom.id == *id)
            .map(|custom| &custom.slug);
        body["customEnvironment"] = json!({"id": id, "slug": slug});
    }
    body
}

/// The same as an item of the list, where some fields have other names.
fn item(state: &State, index: usize) -> Value {
    let mut item = body(state, index);
    let aliased_at = state.vercel.deployments[index].aliased_at;
    item["uid"] = item["id"].take();
    item["created"] = item["createdAt"].clone();
    item["state"] = item["readyState"].clone();
    item["aliasAssigned"] = aliased_at.map_or(json!(false), millis);
    item["isRollbackCandidate"] = json!(releases::is_candidate(state, index));
    item["type"] = json!("LAMBDAS");
    item["creator"] = json!({"uid": state.vercel.user});
    if let Some(object) = item.as_object_mut() {
        for gone in ["id", "env", "build", "alias", "aliasAssignedAt"] {
            object.remove(gone);
        }
    }
    item
}
