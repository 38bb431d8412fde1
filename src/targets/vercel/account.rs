//! One team at Vercel, and the calls it takes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::codes;
use super::listing::{Listing, View};
use super::pending::Coming;
use super::wire::{Deployment, DeploymentPage, Row, SharedRow};
use crate::http::{Api, Call, Endpoint, Reply, segment};
use crate::model::{Account as Settings, Clock, Effect, Fault, Instant, SecretValue, sanitise};
use crate::targets::Pass;
use crate::targets::pass::PerPass;

const BASE: &str = "https://api.vercel.com";

/// Vercel takes 500 reads and 120 changes a minute; ten in flight at 50 ms stay below what a burst of redeploys needs.
const IN_FLIGHT: usize = 10;

/// A page of projects carries each project's newest deployments: far more than what other answers hold.
pub(super) const PAGE_BYTES: u64 = 16 << 20;

/// A team, or a personal account.
pub(in crate::targets) struct Account {
    settings: Arc<Settings>,
    pub(super) api: Api,
    /// `teamId` or `slug`, and its value.
    scope: Option<(&'static str, String)>,
    pub(super) label: String,
    listings: PerPass<Listing>,
    pub(super) view: Mutex<View>,
    /// The production deployments on their way, as last listed.
    pub(super) coming: Mutex<Coming>,
    /// Deployments that are being waited for, one call each and look.
    watched: Mutex<BTreeSet<String>>,
    /// Deployments that this run asked for.
    ours: Mutex<BTreeSet<String>>,
}

impl Account {
    pub(in crate::targets) fn open(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let team = settings.setting("team").map(str::to_owned);
        let label = match &team {
            Some(team) => format!("vercel/{}", sanitise(team)),
            None => settings.name().as_str().to_owned(),
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
            coming: Mutex::new(Coming::default()),
            watched: Mutex::new(BTreeSet::new()),
            ours: Mutex::new(BTreeSet::new()),
        })
    }

    /// The clock of the newest answer, whose header knows no milliseconds, rounded up.
    pub(super) fn date(&self) -> Option<Instant> {
        Some(self.api.date()? + TimeDelta::seconds(1))
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

    pub(super) fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    fn change(&self, call: Call, send: impl FnOnce(Call) -> Effect<Reply>) -> Effect<Reply> {
        match self.dressed(call) {
            Ok(call) => send(call),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    pub(super) fn row_value(&self, project: &str, row: &str) -> Result<Option<SecretValue>, Fault> {
        let path = format!("/v1/projects/{}/env/{}", segment(project), segment(row));
        let row: Row = self.read(self.api.get(path))?.parse()?;
        Ok(row.value)
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

    /// Whether the deployment was still under way when it was last looked at.
    pub(super) fn is_watched(&self, deployment: &str) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.contains(deployment)
    }

    /// Notes that a deployment is being waited for; says how many are.
    pub(super) fn watch(&self, deployment: &str) -> usize {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.insert(deployment.to_owned());
        watched.len()
    }

    /// Notes that a deployment is no longer waited for.
    pub(super) fn unwatch(&self, deployment: &str) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.remove(deployment);
    }

    /// Notes that this run asked for a deployment.
    pub(super) fn note_ours(&self, deployment: &str) {
        let mut ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        ours.insert(deployment.to_owned());
    }

    /// Whether this run asked for the deployment.
    pub(super) fn is_ours(&self, deployment: &str) -> bool {
        let ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        ours.contains(deployment)
    }
}
