//! What a service runs, judged against what it should run. Pure: no call is made here.

use chrono::TimeDelta;

use super::wire::{Deploy, Standing};
use crate::model::{DeploymentId, Instant};
use crate::targets::{Confirmation, Since};

/// How long Render lets replaced instances go on before it tells them to stop.
const UNTIL_TOLD: TimeDelta = TimeDelta::seconds(60);

/// What a deploy has to be in order to know the new value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar<'a> {
    pub(super) written_at: Option<Instant>,
    pub(super) asked: Option<&'a str>,
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

    /// Whether the deploy began after the write. A rollback never counts: it runs the variables of the deploy it goes
    /// back to, whenever it began.
    fn admits(&self, deploy: &Deploy) -> bool {
        if deploy.is_rollback() {
            return false;
        }
        let own = self.asked == Some(deploy.id.as_str());
        match (deploy.created_at, self.written_at) {
            // The write is dated by a header without milliseconds, rounded up.
            (Some(created), Some(written)) => {
                created >= written || (own && created + TimeDelta::seconds(2) >= written)
            }
            (_, None) => own,
            (None, Some(_)) => false,
        }
    }
}

/// Judges the deploys of a service, newest first. `drain` is how long a replaced instance may take to stop once told;
/// `None` where nothing is replaced but files.
pub(super) fn judge(
    deploys: &[Deploy],
    bar: &Bar<'_>,
    drain: Option<i64>,
    now: Instant,
) -> Confirmation {
    let live = deploys
        .iter()
        .position(|deploy| deploy.standing() == Standing::Live);
    if let Some(at) = live
        && bar.admits(&deploys[at])
    {
        return drained(&deploys[at..], bar, drain, now);
    }
    let ours = deploys
        .iter()
        .find(|deploy| bar.asked == Some(deploy.id.as_str()));
    let coming = deploys.iter().filter(|deploy| bar.admits(deploy));
    for deploy in coming {
        if let Standing::UnderWay(doing) = deploy.standing() {
            return Confirmation::Waiting {
                doing: doing.to_owned(),
                again: pace(doing),
            };
        }
    }
    // A cancelled deploy was mostly cancelled by a newer one, which was looked for first.
    if let Some(ours) = ours
        && let Standing::Failed(why) = ours.standing()
    {
        return Confirmation::Failed {
            what: format!("deploy {} {why}", ours.id),
        };
    }
    Confirmation::Stale {
        what: live.map_or_else(|| "nothing is live".to_owned(), |at| name(&deploys[at])),
    }
}

/// The live deploy knows the new value. The instances it replaced may not, and go on for a while.
///
/// Where several deploys in a row know the value, the first of them replaced the last instance that did not.
fn drained(from_live: &[Deploy], bar: &Bar<'_>, drain: Option<i64>, now: Instant) -> Confirmation {
    let serving = Confirmation::Serving {
        deployment: Some(DeploymentId::new(from_live[0].id.as_str())),
    };
    let Some(delay) = drain else {
        return serving;
    };
    let first = from_live
        .iter()
        .filter(|deploy| matches!(deploy.standing(), Standing::Live | Standing::Superseded))
        .take_while(|deploy| bar.admits(deploy))
        .last();
    let Some(switched) = first.and_then(Deploy::ended_at) else {
        return draining(TimeDelta::seconds(30));
    };
    let left = switched + UNTIL_TOLD + TimeDelta::seconds(delay) - now;
    if left > TimeDelta::zero() {
        return draining(left);
    }
    serving
}

fn draining(again: TimeDelta) -> Confirmation {
    Confirmation::Waiting {
        doing: "stopping its old instances".to_owned(),
        again,
    }
}

fn name(deploy: &Deploy) -> String {
    let kind = if deploy.is_rollback() {
        "a rollback, deploy"
    } else {
        "deploy"
    };
    let since = deploy
        .created_at
        .map(|at| format!(" of {}", at.format("%Y-%m-%d %H:%M:%S UTC")))
        .unwrap_or_default();
    format!("{kind} {}{since}", deploy.id)
}

/// How often Render's own command line looks (2026).
fn pace(doing: &str) -> TimeDelta {
    TimeDelta::seconds(if doing == "queued" { 10 } else { 5 })
}
