//! Newer code on its way: waited for, so that building again what serves does not take the domains from it.
//!
//! Of two production deployments the one created later ends up with the domains. A redeploy of the commit that serves,
//! asked for while a push is being built, would be that one: the pushed code would serve for a minute and be gone until
//! somebody pushes again. So a build of other code than what serves is first let come to its end, good or bad; then what
//! serves is built again. A deployment of the same commit, and one that this run asked for, loses nothing.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use chrono::TimeDelta;

use super::Vercel;
use super::account::Account;
use super::serve::{NOW, is_ready};
use super::verdict::pace;
use super::wire::{Deployment, DeploymentPage, Project, Standing};
use crate::model::{Fault, Instant};

/// How long newer code is waited for. Most builds take a few minutes; Vercel ends them after 45.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// How long a finished deployment may take to get its domains. One that was made to stay without them never does.
const ALIASING: TimeDelta = TimeDelta::seconds(30);

/// How old a look at what serves may be while many are redeployed: as long as the writes before take. A build that came
/// to its end within that time is not seen.
const SERVING: TimeDelta = TimeDelta::seconds(8);

/// The production deployments that were under way when they were last listed.
#[derive(Default)]
pub(super) struct Coming {
    taken_at: Option<Instant>,
    deployments: Vec<Deployment>,
}

/// What is built again.
pub(super) struct Serving {
    pub(super) id: String,
    /// Of the project.
    pub(super) name: String,
}

impl Account {
    /// The newest production deployment of the project that is under way, as it was at most this long ago.
    ///
    /// What a project says of its latest deployments is described nowhere, so they are listed: those of all projects in
    /// one call, because a run asks for all of them at about the same time.
    fn coming(&self, project: &str, at_most: TimeDelta) -> Result<Option<Deployment>, Fault> {
        // The lock is kept: who asks meanwhile waits for this list instead of making another.
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock().now();
        let fresh = |at: Instant| at <= now && now - at <= at_most;
        if !coming.taken_at.is_some_and(fresh) {
            coming.deployments = self.list_coming()?;
            coming.taken_at = Some(self.clock().now());
        }
        let of_project = coming
            .deployments
            .iter()
            .filter(|deployment| deployment.project_id.as_deref() == Some(project));
        Ok(of_project.max_by_key(|one| one.created_at()).cloned())
    }

    fn list_coming(&self) -> Result<Vec<Deployment>, Fault> {
        let mut found = Vec::new();
        let first = || {
            self.api
                .get("/v7/deployments")
                .query("target", "production")
                .query("state", "QUEUED,INITIALIZING,BUILDING")
                .query("limit", "100")
        };
        let pages = self.pages("until", first, |reply| {
            let page: DeploymentPage = reply.parse()?;
            found.extend(page.deployments);
            Ok(page.pagination)
        });
        pages.map_err(|fault| fault.at("list deployments under way"))?;
        Ok(found)
    }
}

impl Vercel {
    /// What serves production, once no newer code is on its way there.
    pub(super) fn settled_production(&self, id: &str) -> Result<Serving, Fault> {
        let mut wait = Wait::begin(self);
        loop {
            let project = self.account.project(id, wait.serving_freshness())?;
            let serving = project
                .production()
                .ok_or_else(|| Fault::missing("nothing is in production"))?;
            // There a newer deployment stays without the domains until somebody promotes it: nothing is taken from it.
            let coming = match project.holds_back() {
                true => None,
                false => self.in_the_way(&project, serving, &wait)?,
            };
            match coming {
                Some(coming) => wait.out(&coming)?,
                None => {
                    let serving = wait.latest(&project, serving);
                    return Ok(Serving {
                        id: serving.id().to_owned(),
                        name: project.name.clone(),
                    });
                }
            }
        }
    }

    /// The newest ready deployment of a custom environment, once no newer code is on its way there.
    pub(super) fn settled_custom(
        &self,
        project: &str,
        environment: &str,
        slug: &str,
    ) -> Result<String, Fault> {
        let mut wait = Wait::begin(self);
        loop {
            let deployments = self.account.deployments(project, environment, slug)?;
            let newest = deployments
                .iter()
                .find(|deployment| is_ready(deployment))
                .ok_or_else(|| Fault::missing("nothing is deployed there"))?;
            let coming = deployments
                .iter()
                .find(|one| matches!(one.standing(), Standing::UnderWay(_)));
            match coming.filter(|coming| wait.would_lose(coming, newest)) {
                Some(coming) => wait.out(coming)?,
                None => return Ok(newest.id().to_owned()),
            }
        }
    }

    fn in_the_way(
        &self,
        project: &Project,
        serving: &Deployment,
        wait: &Wait<'_>,
    ) -> Result<Option<Deployment>, Fault> {
        let coming = self.account.coming(&project.id, wait.freshness())?;
        // Ready a moment ago and without its domains so far: the list of what is under way has it no more.
        let staged = project.latest().iter().filter(|latest| {
            latest.target.as_deref() == Some("production") && latest.standing() == Standing::Staged
        });
        let newest = coming
            .into_iter()
            .chain(staged.cloned())
            .filter(|coming| wait.would_lose(coming, serving))
            .max_by_key(Deployment::created_at);
        Ok(newest)
    }
}

/// One wait for newer code, and what it came to.
struct Wait<'a> {
    target: &'a Vercel,
    begun: Instant,
    /// What was waited for already, so that nothing is waited for twice.
    over: BTreeSet<String>,
    aliased: Option<Deployment>,
}

impl<'a> Wait<'a> {
    fn begin(target: &'a Vercel) -> Self {
        Self {
            target,
            begun: target.account.clock().now(),
            over: BTreeSet::new(),
            aliased: None,
        }
    }

    /// How old a look may be: after a wait everything is looked at anew.
    fn freshness(&self) -> TimeDelta {
        match self.over.is_empty() {
            true => NOW,
            false => TimeDelta::zero(),
        }
    }

    /// The same for what serves: it changes only by a deployment that was under way a moment ago.
    fn serving_freshness(&self) -> TimeDelta {
        match self.over.is_empty() {
            true => SERVING,
            false => TimeDelta::zero(),
        }
    }

    /// Whether a redeploy of what serves would take the domains from newer, other code.
    fn would_lose(&self, coming: &Deployment, serving: &Deployment) -> bool {
        let same = coming.commit().is_some() && coming.commit() == serving.commit();
        let ours = self.target.account.is_ours(coming.id());
        !same
            && !ours
            && coming.created_at() > serving.created_at()
            && !self.over.contains(coming.id())
    }

    /// Waits until the deployment has the domains, or will not get them.
    fn out(&mut self, coming: &Deployment) -> Result<(), Fault> {
        let account = &self.target.account;
        let clock = account.clock();
        let mut ready_at = None;
        loop {
            let seen = account.deployment(coming.id())?;
            let now = clock.now();
            match seen.standing() {
                Standing::Failed(_) => break,
                Standing::Aliased => {
                    self.aliased = Some(seen);
                    break;
                }
                Standing::Staged if now - *ready_at.get_or_insert(now) >= ALIASING => break,
                Standing::Staged | Standing::Rolling | Standing::UnderWay(_) => {}
            }
            let waited = now - self.begun;
            if waited >= PATIENCE || clock.stopping() {
                return Err(Fault::passing(format!(
                    "newer code is on its way there (deployment {}), which a redeploy would take back",
                    coming.id()
                ))
                .hint("run the same again once it serves, or once it is cancelled"));
            }
            clock.wait(pace(waited));
        }
        self.over.insert(coming.id().to_owned());
        Ok(())
    }

    /// What serves: what the project says, or what was just seen to get the domains where the project lags behind.
    fn latest<'d>(&'d self, project: &Project, serving: &'d Deployment) -> &'d Deployment {
        let newer = |aliased: &&Deployment| aliased.created_at() > serving.created_at();
        match self.aliased.as_ref().filter(newer) {
            Some(aliased) if !project.holds_back() => aliased,
            _ => serving,
        }
    }
}
