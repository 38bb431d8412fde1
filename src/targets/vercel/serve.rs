//! Building again what serves, and looking at what serves now.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Vercel;
use super::rows::{Scope, slug};
use super::verdict::{self, Bar, Sight};
use super::wire::{Deployment, Millis, Project, Standing};
use crate::model::{Fault, Instant};
use crate::targets::Confirmation;

/// Which custom environments a project has may be this old.
const RECENT: TimeDelta = TimeDelta::seconds(30);

/// What is told of a project while many are watched.
pub(super) const NOW: TimeDelta = TimeDelta::seconds(2);

impl Vercel {
    fn confirm_production(&self, project: &str, bar: &Bar<'_>) -> Result<Confirmation, Fault> {
        let clock = self.account.clock();
        if let Some(asked) = bar.asked.filter(|asked| self.account.is_watched(asked)) {
            // It was not ready a moment ago, so what the project serves is worth a call only when it is.
            let ours = self.account.deployment(asked)?;
            if let Some(seen) = verdict::under_way(&ours, clock.now()) {
                return Ok(self.paced(asked, seen));
            }
        }
        let project = self.account.project(project, NOW)?;
        let seen = match verdict::production(&project, bar, clock.now()) {
            Sight::Clear(seen) => seen,
            Sight::IfComplete(seen) => self.if_complete(&project, seen)?,
            Sight::Ask => self.asked_for(&project, bar)?,
        };
        Ok(match bar.asked {
            Some(asked) => self.paced(asked, seen),
            None => seen,
        })
    }

    /// Judges the deployment that was asked for, which the project does not name.
    fn asked_for(&self, project: &Project, bar: &Bar<'_>) -> Result<Confirmation, Fault> {
        let now = self.account.clock().now();
        let ours = self.account.deployment(bar.asked.unwrap_or_default())?;
        if ours.standing() != Standing::Aliased {
            return Ok(verdict::asked_for(project, &ours, bar, now));
        }
        // Its domains may have moved since the project was looked at. Only a newer look tells that from a deployment
        // that had them and lost them.
        let newer = self.account.project(&project.id, TimeDelta::zero())?;
        match verdict::production(&newer, bar, now) {
            Sight::Clear(seen) => Ok(seen),
            Sight::IfComplete(seen) => self.if_complete(&newer, seen),
            Sight::Ask => Ok(verdict::asked_for(&newer, &ours, bar, now)),
        }
    }

    fn if_complete(&self, project: &Project, seen: Confirmation) -> Result<Confirmation, Fault> {
        Ok(match self.account.is_rolling_out(&project.id)? {
            true => verdict::rolling_out(),
            false => seen,
        })
    }

    /// When the rows that this service runs were last changed, by whomever, as last listed. What a person stored by hand
    /// is not served either until it is deployed.
    fn last_change(&self, project: &str, environment: &str) -> Option<Instant> {
        let listing = self.account.newest_listing();
        let rows = self.account.rows(&listing, project).ok()?;
        let own = rows
            .iter()
            .filter(|row| row.key == self.config.variable.as_str())
            .filter(|row| {
                Scope::of(row)
                    .environments
                    .iter()
                    .any(|one| one == environment)
            })
            .filter_map(|row| row.updated_at);
        let shared = match self.config.shared && self.account.is_team() {
            true => self.account.shared_rows(&listing).ok()?,
            false => Arc::default(),
        };
        let shared = shared
            .iter()
            .filter(|row| row.key == self.config.variable.as_str())
            .filter(|row| row.project_id.iter().any(|id| id == project))
            .filter_map(|row| row.updated_at);
        own.chain(shared).filter_map(Millis::instant).max()
    }

    /// Each look at a deployment is a call. Many that are watched at once are looked at less often, so that the looks of
    /// all of them stay below 400 a minute.
    fn paced(&self, deployment: &str, seen: Confirmation) -> Confirmation {
        match seen {
            Confirmation::Waiting { doing, again } => {
                let watched = self.account.watch(deployment);
                let fair =
                    TimeDelta::milliseconds(150) * i32::try_from(watched).unwrap_or(i32::MAX);
                Confirmation::Waiting {
                    doing,
                    again: again.max(fair),
                }
            }
            other => {
                self.account.unwatch(deployment);
                other
            }
        }
    }

    /// What asks for the code that serves now to be built again. Waits while newer code is on its way: a redeploy of the
    /// older code would be the newest deployment, and take the domains from what was pushed.
    pub(super) fn redeploy_body(&self, project: &str, environment: &str) -> Result<Value, Fault> {
        let meta = json!({"action": "redeploy"});
        if environment == "production" {
            let serving = self.settled_production(project)?;
            return Ok(json!({
                "deploymentId": serving.id, "name": serving.name, "target": "production", "meta": meta,
            }));
        }
        let project = self.account.project(project, RECENT)?;
        let slug =
            slug(&project, environment).ok_or_else(|| Fault::missing("the environment is gone"))?;
        let newest = self.settled_custom(&project.id, environment, slug)?;
        Ok(json!({
            "deploymentId": newest, "name": project.name, "customEnvironmentSlugOrId": environment, "meta": meta,
        }))
    }

    /// Judges a custom environment by its deployments.
    fn confirm_custom(
        &self,
        project: &str,
        environment: &str,
        bar: &Bar<'_>,
    ) -> Result<Confirmation, Fault> {
        let found = self.account.project(project, RECENT)?;
        let slug =
            slug(&found, environment).ok_or_else(|| Fault::missing("the environment is gone"))?;
        let deployments = self.account.deployments(project, environment, slug)?;
        Ok(verdict::custom(
            &deployments,
            bar,
            self.account.clock().now(),
        ))
    }

    pub(super) fn look(
        &self,
        project: &str,
        environment: &str,
        mut bar: Bar<'_>,
    ) -> Result<Confirmation, Fault> {
        if bar.written_at.is_none() && bar.asked.is_none() {
            bar.written_at = self.last_change(project, environment);
        }
        match environment {
            "production" => self.confirm_production(project, &bar),
            custom => self.confirm_custom(project, custom, &bar),
        }
    }
}

pub(super) fn is_ready(deployment: &Deployment) -> bool {
    matches!(
        deployment.standing(),
        Standing::Aliased | Standing::Staged | Standing::Rolling
    )
}
