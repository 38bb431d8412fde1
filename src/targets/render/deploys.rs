//! Deploying the same code again, and reading back what a write came to.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Render;
use super::wire::{self, Deploy, Group, Standing};
use crate::http::Reply;
use crate::model::{DeploymentId, Fault, Instant, SecretValue};
use crate::targets::{Activation, Written};

/// How long newer code is waited for. Render gives a build two hours; most take a few minutes.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// How often it is looked at meanwhile.
const EVERY: TimeDelta = TimeDelta::seconds(10);

impl Render {
    /// What deploys the same code: the last build again, or for a static site, whose variables are built in, the commit
    /// that is live. Waits while newer code is on its way.
    ///
    /// Where the workspace lets a new deploy override one under way, ours would cancel the build of what was pushed; and
    /// a static site that is built again from the live commit after a push has the older code again. Either way the
    /// pushed code would be gone until somebody pushes again.
    pub(super) fn same_code(&self, service: &str) -> Result<Value, Fault> {
        let is_static = self.account.known_service(service)?.is_static();
        let deploys = self.settled(service)?;
        if !is_static {
            return Ok(json!({"deployMode": "deploy_only"}));
        }
        let live = match deploys.iter().find(is_live) {
            Some(live) => Some(live.clone()),
            None => self.account.deploys(service, "1", Some("live"))?.0.pop(),
        };
        match live.as_ref().and_then(Deploy::commit) {
            Some(commit) => Ok(json!({"deployMode": "build_and_deploy", "commitId": commit})),
            None => Err(Fault::missing(
                "nothing is live, so there is no commit to build again",
            )),
        }
    }

    /// The newest deploys, once none of them brings newer code.
    fn settled(&self, service: &str) -> Result<Vec<Deploy>, Fault> {
        let clock = self.account.clock();
        let begun = clock.now();
        loop {
            let (deploys, _) = self.account.deploys(service, "20", None)?;
            let Some(coming) = newer_code(&deploys) else {
                return Ok(deploys);
            };
            if clock.now() - begun >= PATIENCE || clock.stopping() {
                return Err(Fault::passing(format!(
                    "newer code is on its way there (deploy {}), which another deploy could take back",
                    coming.id
                ))
                .hint("run the same again once it is live, or once it is cancelled"));
            }
            clock.wait(EVERY);
        }
    }

    /// A deploy that Render itself began after the last change in this run, and so knows it.
    pub(super) fn adopted(&self, service: &str) -> Result<Option<Activation>, Fault> {
        let Some(changed_at) = self.account.group_changed_at(service) else {
            return Ok(None);
        };
        let (deploys, _) = self.account.deploys(service, "5", None)?;
        let knows = deploys.into_iter().find(|deploy| {
            let begun = deploy
                .created_at
                .is_some_and(|created| created >= changed_at);
            begun && !deploy.is_rollback() && !matches!(deploy.standing(), Standing::Failed(_))
        });
        Ok(knows.map(|deploy| Activation {
            deployment: Some(DeploymentId::new(deploy.id)),
        }))
    }

    /// The id of a deploy that was accepted: from the answer, or where that was empty (202), the newest one that waits.
    pub(super) fn deployment(&self, service: &str, reply: &Reply) -> Option<DeploymentId> {
        if !reply.is_empty() {
            let body = reply.json().ok()?;
            return body["id"].as_str().map(DeploymentId::new);
        }
        let (deploys, _) = self.account.deploys(service, "5", None).ok()?;
        let newest = deploys.into_iter().next()?;
        let waits = matches!(newest.standing(), Standing::UnderWay(_)) && !newest.is_rollback();
        waits.then(|| DeploymentId::new(newest.id))
    }
}

fn is_live(deploy: &&Deploy) -> bool {
    deploy.standing() == Standing::Live
}

/// The deploy under way, newer than the live one, that brings other code. One whose commit is not told is taken for other
/// code unless it was asked for through the API, as this program does.
fn newer_code(deploys: &[Deploy]) -> Option<&Deploy> {
    let live = deploys.iter().find(is_live);
    let commit = live.and_then(Deploy::commit);
    let newer = deploys.iter().take_while(|deploy| !is_live(deploy));
    newer
        .filter(|deploy| matches!(deploy.standing(), Standing::UnderWay(_)))
        .find(|deploy| match (deploy.commit(), commit) {
            (Some(coming), Some(live)) => coming != live,
            _ => !deploy.is_by_api(),
        })
}

/// Reads the stored value back from the answer, and dates the write.
pub(super) fn written(
    reply: &Reply,
    variable: &str,
    value: &SecretValue,
) -> Result<Written, Fault> {
    let (stored, updated_at) = match reply.parse::<wire::Variable>() {
        Ok(own) => (Some(own), None),
        // A group answers with all it holds.
        Err(_) => {
            let group: Group = reply.parse()?;
            let held = group.env_vars.into_iter().find(|held| held.key == variable);
            (held, group.updated_at)
        }
    };
    if stored.is_none_or(|stored| stored.value != *value) {
        return Err(Fault::passing("the answer does not hold what was written"));
    }
    Ok(Written {
        at: dated(updated_at, reply.date),
        marker: None,
    })
}

/// When the write happened. The header knows seconds only, so the next one is taken; a group's own time of change is
/// finer, and believed where it is about now.
fn dated(updated_at: Option<Instant>, date: Option<Instant>) -> Option<Instant> {
    let date = date?;
    let close = |at: &Instant| (*at - date).abs() <= TimeDelta::seconds(2);
    Some(
        updated_at
            .filter(close)
            .unwrap_or(date + TimeDelta::seconds(1)),
    )
}
