//! Targets: where versions are delivered. The contract every kind keeps, and the one place that builds them.

mod bitwarden;
mod command;
mod connections;
mod dotenv;
mod github_actions;
mod health;
mod names;
mod note;
mod onepassword;
mod pass;
mod password_store;
mod render;
mod sole;
#[cfg(test)]
mod testing;
mod vault;
mod vercel;
mod whole;

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::model::{
    Account, DeploymentId, Effect, Fault, Finding, Instant, SecretValue, ServiceId, SiteId,
    TargetKind,
};

pub use connections::Connections;
pub use health::HealthConfig;

/// Every kind of target.
pub const KINDS: &[TargetKind] = &[
    vercel::KIND,
    render::KIND,
    github_actions::KIND,
    onepassword::KIND,
    bitwarden::KIND,
    password_store::KIND,
    vault::KIND,
    dotenv::KIND,
    command::KIND,
];

/// The keys of one target in `rotations.yaml`, by its kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetConfig {
    /// Variables of Vercel projects.
    Vercel(vercel::Config),
    /// Variables of Render services and environment groups.
    Render(render::Config),
    /// Secrets of GitHub Actions.
    GithubActions(github_actions::Config),
    /// A field of an item in 1Password, through a Connect server or the `op` command.
    Onepassword(onepassword::Config),
    /// A field of an item in Bitwarden, through the `bw` command.
    Bitwarden(bitwarden::Config),
    /// A line of an entry of `pass`.
    Pass(password_store::Config),
    /// A key of a secret in a KV store of Vault or OpenBao.
    Vault(vault::Config),
    /// A variable in a file.
    Dotenv(dotenv::Config),
    /// A program of one's own.
    Command(command::Config),
}

/// Opens a target. Sends nothing and loads no credential.
pub fn build(
    config: TargetConfig,
    account: Option<&Arc<Account>>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    let needed = || account.ok_or_else(|| Fault::refused("this target needs an account"));
    match config {
        TargetConfig::Vercel(config) => vercel::build(config, needed()?, connections),
        TargetConfig::Render(config) => render::build(config, needed()?, connections),
        TargetConfig::GithubActions(config) => {
            github_actions::build(config, needed()?, connections)
        }
        TargetConfig::Onepassword(config) => onepassword::build(config, needed()?, connections),
        TargetConfig::Bitwarden(config) => bitwarden::build(config, needed()?, connections),
        TargetConfig::Pass(config) => Ok(Arc::new(password_store::PasswordStore::new(config)?)),
        TargetConfig::Vault(config) => vault::build(config, needed()?, connections),
        TargetConfig::Dotenv(config) => Ok(Arc::new(dotenv::Dotenv::new(
            config,
            &connections.directory,
        )?)),
        TargetConfig::Command(config) => Ok(Arc::new(command::Command::new(config)?)),
    }
}

/// What is said where readers see a write at once: no site names a service, so that nobody asks for a redeploy.
fn nothing_runs_here() -> Fault {
    Fault::refused("nothing is redeployed at this target")
}

/// One look around. What an account lists is fetched once within a pass and never shared between two, so that twelve
/// secrets cost one listing and a guard never trusts an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pass(pub u64);

/// One place that holds the value, as it was found just now.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Stable between runs; contains everything the target needs to address the place again.
    pub id: SiteId,
    /// How people know it: `vercel/web production OPENAI_API_KEY`.
    pub label: String,
    /// What must be redeployed before a new value is used. Empty where readers see a write at once.
    pub services: Vec<Service>,
    /// What the place holds.
    pub stored: Stored,
}

/// What is redeployed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Service {
    /// Stable between runs.
    pub id: ServiceId,
    /// How people know it: `vercel/web`.
    pub label: String,
}

/// What a site holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// This value.
    Value(SecretValue),
    /// Something the platform never shows again; the marker changes with every write (its time, its version).
    Opaque(Marker),
    /// Nothing yet (only where the configuration says `create: true`).
    Absent,
}

/// What a platform says of the last write to a place that cannot be read, such as the time of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(pub String);

/// What came back from a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The platform's own clock at the write, to compare deployments with.
    pub at: Option<Instant>,
    /// How the write is recognised later where the value cannot be read back.
    pub marker: Option<Marker>,
}

/// What came back from asking for a redeploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The platform's id of the new deployment; `None` when it queued one without saying which.
    pub deployment: Option<DeploymentId>,
}

/// What `confirm` compares the running thing with.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// The latest write that the service must have seen, by the platform's clock.
    pub written_at: Option<Instant>,
    /// The deployment that was asked for, if one was.
    pub activation: Option<&'a Activation>,
}

/// What a service was observed to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// What serves was made after the write, is healthy, and nothing older is still answering.
    Serving {
        /// The deployment that serves, where there is such a thing.
        deployment: Option<DeploymentId>,
    },
    /// A new deployment is on its way; worth another look after this long.
    Waiting {
        /// What it is doing, one or two words: `building`.
        doing: String,
        /// When to look again.
        again: TimeDelta,
    },
    /// The new deployment is ready, and the platform keeps it without traffic until it is told otherwise:
    /// [`Target::release`].
    Held {
        /// Which one.
        deployment: DeploymentId,
    },
    /// What serves was made before the write, and nothing newer is on its way.
    Stale {
        /// What serves instead, for people.
        what: String,
    },
    /// The new deployment failed and will not come up.
    Failed {
        /// Why, for people.
        what: String,
    },
}

/// A configured destination.
///
/// Writing the same value twice is success. The undo of a write is a write. A call never touches what it was not
/// asked for: neighbours, types, scopes and modes stay as they are.
pub trait Target: Send + Sync {
    /// How people know it: `vercel/acme`, `dotenv/.env`. Sends nothing.
    fn label(&self) -> String;

    /// What is said of a delivery to it: "added to `Vercel env vars`". Sends nothing.
    fn spoken(&self) -> String {
        self.label()
    }

    /// The platform's clock, not earlier than its newest answer; `None` where it has none that is not ours. What runs is
    /// never judged by the clock of this machine where the platform has one.
    fn date(&self) -> Option<Instant> {
        None
    }

    /// Asks, without changing anything, whether the credentials in use may do what the other calls need.
    fn check(&self) -> Vec<Finding>;

    /// The places that hold the value, with what each holds now. Sorted by id.
    fn sites(&self, pass: Pass) -> Result<Vec<Site>, Fault>;

    /// Stores the value at the place and reads back what the platform lets one read in the same call.
    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written>;

    /// Asks for a redeploy of the same code as what is live. Asked once per service and wave; never where readers see
    /// a write at once, for there no site names a service.
    fn activate(&self, service: &Service) -> Effect<Activation> {
        let _service = service;
        Effect::NotDone(nothing_runs_here())
    }

    /// Looks at what the service runs now. Reads only. Never asked where no site names a service.
    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let (_service, _since) = (service, since);
        Err(nothing_runs_here())
    }

    /// Gives traffic to a finished deployment that `confirm` found to be held back. Only ever called with the
    /// deployment that `activate` asked for: the same code as what serves now. Whether it worked shows in `confirm`.
    fn release(&self, service: &Service, deployment: &DeploymentId) -> Effect<()> {
        let (_service, _deployment) = (service, deployment);
        Effect::NotDone(Fault::refused("this target holds nothing back"))
    }
}
