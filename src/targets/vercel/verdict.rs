//! What a project serves, judged against what it should serve. Pure: no call is made here.

use chrono::TimeDelta;

use super::wire::{Deployment, Project, Standing};
use crate::model::{DeploymentId, Instant};
use crate::targets::{Confirmation, Since};

/// What a deployment has to be in order to know the new value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar<'a> {
    /// Created at or after this. Vercel freezes the variables when a deployment is created.
    pub(super) written_at: Option<Instant>,
    /// Or this one, which was asked for after the write.
    pub(super) asked: Option<&'a str>,
}

/// What is known after one look.
#[derive(Debug, PartialEq)]
pub(super) enum Sight {
    /// The answer.
    Clear(Confirmation),
    /// The answer, unless a rolling release is under way: that takes another call.
    IfComplete(Confirmation),
    /// The deployment that was asked for has to be looked at.
    Ask,
}

impl<'a> Bar<'a> {
    pub(super) fn of(since: &Since<'a>) -> Self {
        let asked = since
            .activation
            .and_then(|activation| activation.deployment.as_ref());
        Self {
            written_at: since.written_at,
            asked: asked.map(DeploymentId::as_str),
        }
    }

    /// The deployment that was asked for may carry an earlier second than the write where the write was dated by a
    /// header that knows no milliseconds.
    fn admits(&self, deployment: &Deployment) -> bool {
        let own = self.asked == Some(deployment.id());
        match (deployment.created_at(), self.written_at) {
            (Some(created), Some(written)) => {
                created >= written || (own && created + TimeDelta::seconds(1) >= written)
            }
            (_, None) => own,
            (None, Some(_)) => false,
        }
    }
}

/// Judges production by the project alone.
pub(super) fn production(project: &Project, bar: &Bar<'_>, now: Instant) -> Sight {
    let Some(serving) = project.production() else {
        return Sight::Clear(Confirmation::Stale {
            what: "nothing is in production".to_owned(),
        });
    };
    if bar.admits(serving) {
        let seen = new_one(project, serving, bar, now);
        let complete = matches!(seen, Confirmation::Serving { .. }) && project.rolls_out_in_steps();
        return if complete {
            Sight::IfComplete(seen)
        } else {
            Sight::Clear(seen)
        };
    }
    if let Some(asked) = bar.asked {
        return match project.latest().iter().find(|latest| latest.id() == asked) {
            Some(ours) => Sight::Clear(asked_for(project, ours, bar, now)),
            None => Sight::Ask,
        };
    }
    let coming = project
        .latest()
        .iter()
        .filter(|latest| latest.target.as_deref() == Some("production") && bar.admits(latest))
        .find_map(|latest| match latest.standing() {
            Standing::UnderWay(doing) => Some(waiting(doing, latest, now)),
            _ => None,
        });
    Sight::Clear(coming.unwrap_or_else(|| stale(serving)))
}

/// Judges a deployment that was still under way, if it still is.
pub(super) fn under_way(deployment: &Deployment, now: Instant) -> Option<Confirmation> {
    match deployment.standing() {
        Standing::UnderWay(doing) => Some(waiting(doing, deployment, now)),
        _ => None,
    }
}

/// The answer while a rolling release gives the deployment more and more of the traffic.
pub(super) fn rolling_out() -> Confirmation {
    Confirmation::Waiting {
        doing: "rolling out".to_owned(),
        again: TimeDelta::seconds(30),
    }
}

/// Judges the deployment that was asked for, while another one still serves.
pub(super) fn asked_for(
    project: &Project,
    ours: &Deployment,
    bar: &Bar<'_>,
    now: Instant,
) -> Confirmation {
    match ours.standing() {
        Standing::Aliased => match project.production() {
            // It had the domains and lost them: someone rolled back, or promoted something older.
            Some(serving) => stale(serving),
            None => waiting("assigning domains", ours, now),
        },
        _ => new_one(project, ours, bar, now),
    }
}

/// Judges a deployment that is new enough.
fn new_one(
    project: &Project,
    deployment: &Deployment,
    bar: &Bar<'_>,
    now: Instant,
) -> Confirmation {
    match deployment.standing() {
        Standing::UnderWay(doing) => waiting(doing, deployment, now),
        Standing::Failed(why) => Confirmation::Failed {
            what: format!("deployment {} {why}", deployment.id()),
        },
        Standing::Rolling => waiting("rolling out", deployment, now),
        Standing::Aliased => Confirmation::Serving {
            deployment: Some(DeploymentId::new(deployment.id())),
        },
        Standing::Staged => staged(project, deployment, bar, now),
    }
}

fn staged(project: &Project, deployment: &Deployment, bar: &Bar<'_>, now: Instant) -> Confirmation {
    let asked = project
        .last_alias_request
        .as_ref()
        .filter(|last| last.kind == "promote" && last.to_deployment_id == deployment.id());
    match asked.map(|last| last.job_status.as_str()) {
        Some("pending" | "in-progress" | "succeeded") => waiting("being promoted", deployment, now),
        Some(_) => Confirmation::Failed {
            what: format!("deployment {} could not be promoted", deployment.id()),
        },
        // Only what was asked for is known to be the code that serves now. What others left staged is theirs to promote.
        None if project.holds_back() && bar.asked == Some(deployment.id()) => Confirmation::Held {
            deployment: DeploymentId::new(deployment.id()),
        },
        None => waiting("assigning domains", deployment, now),
    }
}

/// Judges a custom environment by its deployments, newest first.
pub(super) fn custom(deployments: &[Deployment], bar: &Bar<'_>, now: Instant) -> Confirmation {
    let serving = deployments
        .iter()
        .find(|deployment| matches!(deployment.standing(), Standing::Aliased));
    if let Some(serving) = serving.filter(|serving| bar.admits(serving)) {
        return Confirmation::Serving {
            deployment: Some(DeploymentId::new(serving.id())),
        };
    }
    let coming = deployments
        .iter()
        .filter(|deployment| bar.admits(deployment));
    let mut failed = None;
    for deployment in coming {
        match deployment.standing() {
            Standing::UnderWay(doing) => return waiting(doing, deployment, now),
            Standing::Rolling | Standing::Staged => {
                return waiting("assigning domains", deployment, now);
            }
            Standing::Failed(why) if bar.asked == Some(deployment.id()) => {
                failed = Some(Confirmation::Failed {
                    what: format!("deployment {} {why}", deployment.id()),
                });
            }
            Standing::Failed(_) | Standing::Aliased => {}
        }
    }
    failed.unwrap_or_else(|| match serving {
        Some(serving) => stale(serving),
        None => Confirmation::Stale {
            what: "nothing is deployed there".to_owned(),
        },
    })
}

fn waiting(doing: &str, deployment: &Deployment, now: Instant) -> Confirmation {
    let elapsed = deployment
        .created_at()
        .map_or(TimeDelta::zero(), |created| now - created);
    Confirmation::Waiting {
        doing: doing.to_owned(),
        again: pace(elapsed),
    }
}

fn stale(serving: &Deployment) -> Confirmation {
    let since = serving
        .created_at()
        .map(|at| format!(" of {}", at.format("%Y-%m-%d %H:%M:%S UTC")))
        .unwrap_or_default();
    Confirmation::Stale {
        what: format!("deployment {}{since}", serving.id()),
    }
}

/// How often Vercel's own command line looks (`vercel` 48, 2026).
pub(super) fn pace(elapsed: TimeDelta) -> TimeDelta {
    TimeDelta::seconds(match elapsed.num_seconds() {
        ..=15 => 1,
        16..=60 => 5,
        61..=300 => 15,
        _ => 30,
    })
}
