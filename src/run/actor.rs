//! Who started the run, for the audit log.

use std::fmt;

use crate::model::sanitise;

use super::{Environment, Host};

/// Whose process it is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub user: String,
    /// The host's name.
    pub host: String,
}

/// Who started the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person at a terminal.
    Person {
        /// Whose process it is, and where.
        account: Account,
        /// Who became that user by `sudo`, as sudo says.
        sudo: Option<String>,
    },
    /// A CI system.
    Ci {
        /// Which.
        system: &'static str,
        /// Its own id of the run, if it says.
        run: Option<String>,
    },
    /// A scheduler: neither a terminal nor a CI system.
    Cron,
}

/// CI systems by the variable each sets, and the variable with the id of the run (vendors' documentation, 2026-11).
const CI: [(&str, &str, &str); 7] = [
    ("GITHUB_ACTIONS", "GitHub Actions", "GITHUB_RUN_ID"),
    ("GITLAB_CI", "GitLab CI", "CI_PIPELINE_ID"),
    ("BUILDKITE", "Buildkite", "BUILDKITE_BUILD_ID"),
    ("CIRCLECI", "CircleCI", "CIRCLE_WORKFLOW_ID"),
    ("TF_BUILD", "Azure Pipelines", "BUILD_BUILDID"),
    ("JENKINS_URL", "Jenkins", "BUILD_TAG"),
    ("CI", "CI", "CI_RUN_ID"),
];

impl Actor {
    /// Reads it off the surroundings. CI comes first: some CI systems give their jobs a terminal.
    pub(super) fn of(host: &Host) -> Self {
        if let Some(ci) = Self::ci(&host.environment) {
            return ci;
        }
        if host.attended() {
            return Self::Person {
                account: host.account.clone(),
                sudo: text(&host.environment, "SUDO_USER"),
            };
        }
        Self::Cron
    }

    fn ci(environment: &Environment) -> Option<Self> {
        let is_on = |name| text(environment, name).is_some_and(|value| value != "false");
        CI.iter()
            .find(|(mark, ..)| is_on(mark))
            .map(|(_, system, run)| Self::Ci {
                system,
                run: text(environment, run),
            })
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Cron => out.write_str("auto: cron"),
            Actor::Ci { system, run: None } => write!(out, "auto: {system}"),
            Actor::Ci {
                system,
                run: Some(run),
            } => write!(out, "auto: {system} run {run}"),
            Actor::Person {
                account: Account { user, host },
                sudo,
            } => {
                write!(out, "manual: {user}@{host}")?;
                match sudo {
                    Some(person) => write!(out, " (sudo by {person})"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Account {
    /// The real one: the kernel's word for the user, not `$USER`, which anybody can set.
    pub(super) fn system() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = user_name(&users, uid).unwrap_or_else(|| format!("uid {uid}"));
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            user: sanitise(&user),
            host: sanitise(&host),
        }
    }
}

fn user_name(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found: u32 = fields.nth(1)?.parse().ok()?;
        (found == uid).then(|| name.to_owned())
    })
}

fn text(environment: &Environment, name: &str) -> Option<String> {
    environment(name)
        .map(|value| sanitise(&value.to_string_lossy()))
        .filter(|value| !value.is_empty())
}
