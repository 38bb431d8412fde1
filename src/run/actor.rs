//! Who started the run, for the audit log.

use crate::ledger::{Actor, ActorKind};
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

/// Reads off the surroundings who started the run. CI comes first: some CI systems give their jobs a terminal.
///
/// `auto: cron` stands for any scheduler: what has neither a terminal nor the mark of a CI system.
pub(super) fn actor(host: &Host) -> Actor {
    if let Some(ci) = ci(&host.environment) {
        return ci;
    }
    if !host.attended() {
        return of(ActorKind::Auto, "cron");
    }
    let Account { user, host: name } = &host.account;
    match text(&host.environment, "SUDO_USER") {
        Some(person) => of(
            ActorKind::Manual,
            format!("{user}@{name} (sudo by {person})"),
        ),
        None => of(ActorKind::Manual, format!("{user}@{name}")),
    }
}

fn ci(environment: &Environment) -> Option<Actor> {
    let is_on = |name| text(environment, name).is_some_and(|value| value != "false");
    let (_, system, run) = CI.iter().find(|(mark, ..)| is_on(mark))?;
    Some(match text(environment, run) {
        Some(run) => of(ActorKind::Ci, format!("{system} run {run}")),
        None => of(ActorKind::Ci, *system),
    })
}

fn of(kind: ActorKind, id: impl Into<String>) -> Actor {
    Actor {
        kind,
        id: id.into(),
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
        .map(|value| sanitise(&value))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn ci_of(set: &'static [(&str, &str)]) -> Option<String> {
        let environment: Environment = Arc::new(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        ci(&environment).map(|actor| actor.to_string())
    }

    #[test]
    fn a_ci_system_is_named_with_its_run() {
        assert_eq!(
            ci_of(&[
                ("CI", "true"),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_RUN_ID", "1658821493")
            ]),
            Some("ci: GitHub Actions run 1658821493".into())
        );
        assert_eq!(ci_of(&[("CI", "1")]), Some("ci: CI".into()));
    }

    #[test]
    fn a_variable_that_says_no_is_no_ci_system() {
        assert_eq!(ci_of(&[("CI", "false")]), None);
        assert_eq!(ci_of(&[("CI", "")]), None);
        assert_eq!(ci_of(&[]), None);
    }

    #[test]
    fn a_run_id_cannot_forge_a_second_line() {
        assert_eq!(
            ci_of(&[("GITLAB_CI", "true"), ("CI_PIPELINE_ID", "1\nmanual: root")]),
            Some("ci: GitLab CI run 1 manual: root".into())
        );
    }

    #[test]
    fn the_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(user_name(users, 1000).as_deref(), Some("ada"));
        assert_eq!(user_name(users, 1001), None);
    }
}
