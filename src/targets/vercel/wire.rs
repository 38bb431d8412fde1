//! What Vercel sends, as far as it matters here. Fields are read leniently where the published shapes differ.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;

use crate::model::{Instant, SecretValue};

#[derive(Deserialize)]
pub(super) struct ProjectPage {
    pub(super) projects: Vec<Project>,
    pub(super) pagination: Option<Pagination>,
}

/// `next` is a number, or a string of no known shape; null ends the list.
#[derive(Deserialize)]
pub(super) struct Pagination {
    #[serde(default)]
    next: Value,
}

impl Pagination {
    pub(super) fn next(&self) -> Option<String> {
        match &self.next {
            Value::String(token) => Some(token.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    targets: Option<Targets>,
    #[serde(default)]
    latest_deployments: Option<Vec<Deployment>>,
    #[serde(default)]
    custom_environments: Option<Vec<CustomEnvironment>>,
    #[serde(default)]
    pub(super) last_alias_request: Option<AliasRequest>,
    #[serde(default)]
    auto_assign_custom_domains: Option<bool>,
    #[serde(default)]
    rolling_release: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
struct Targets {
    production: Option<Deployment>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct CustomEnvironment {
    pub(super) id: String,
    pub(super) slug: String,
}

/// The last time domains were moved by hand.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AliasRequest {
    pub(super) to_deployment_id: String,
    pub(super) job_status: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

impl Project {
    /// The deployment that the production domains lead to.
    pub(super) fn production(&self) -> Option<&Deployment> {
        self.targets.as_ref()?.production.as_ref()
    }

    pub(super) fn latest(&self) -> &[Deployment] {
        self.latest_deployments.as_deref().unwrap_or_default()
    }

    pub(super) fn custom_environments(&self) -> &[CustomEnvironment] {
        self.custom_environments.as_deref().unwrap_or_default()
    }

    /// Whether new production deployments stay without the domains until they are promoted: because the project says
    /// so, or because the last thing that happened to the domains was a rollback.
    pub(super) fn holds_back(&self) -> bool {
        let rolled_back = self
            .last_alias_request
            .as_ref()
            .is_some_and(|last| last.kind == "rollback" && last.job_status == "succeeded");
        self.auto_assign_custom_domains == Some(false) || rolled_back
    }

    pub(super) fn rolls_out_in_steps(&self) -> bool {
        self.rolling_release.is_some()
    }
}

#[derive(Deserialize)]
pub(super) struct DeploymentPage {
    pub(super) deployments: Vec<Deployment>,
    #[serde(default)]
    pub(super) pagination: Option<Pagination>,
}

/// A deployment; in lists some of its fields have other names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    id: Option<String>,
    uid: Option<String>,
    created_at: Option<Millis>,
    created: Option<Millis>,
    ready_state: Option<String>,
    state: Option<String>,
    ready_substate: Option<String>,
    #[serde(default)]
    alias_assigned: Value,
    alias_error: Option<IgnoredAny>,
    checks_conclusion: Option<String>,
    pub(super) target: Option<String>,
    #[serde(default)]
    pub(super) project_id: Option<String>,
    custom_environment: Option<EnvironmentId>,
    #[serde(default)]
    meta: Option<Meta>,
}

/// Where the code came from: one of these is there for a deployment from git, none for one of uploaded files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    github_commit_sha: Value,
    gitlab_commit_sha: Value,
    bitbucket_commit_sha: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct EnvironmentId {
    id: String,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// On its way, doing this.
    UnderWay(&'static str),
    /// Ready, and without traffic so far.
    Staged,
    /// Ready, and getting more and more of the traffic.
    Rolling,
    /// Ready, and its domains lead to it, or did.
    Aliased,
    /// Will not come up, because of this.
    Failed(&'static str),
}

impl Deployment {
    pub(super) fn id(&self) -> &str {
        self.id
            .as_deref()
            .or(self.uid.as_deref())
            .unwrap_or_default()
    }

    pub(super) fn created_at(&self) -> Option<Instant> {
        self.created_at.or(self.created).and_then(Millis::instant)
    }

    /// The commit that was built, where that is known.
    pub(super) fn commit(&self) -> Option<&str> {
        let meta = self.meta.as_ref()?;
        let known = [
            &meta.github_commit_sha,
            &meta.gitlab_commit_sha,
            &meta.bitbucket_commit_sha,
        ];
        known.into_iter().find_map(Value::as_str)
    }

    pub(super) fn is_for(&self, custom_environment: &str) -> bool {
        self.custom_environment
            .as_ref()
            .is_some_and(|environment| environment.id == custom_environment)
    }

    pub(super) fn standing(&self) -> Standing {
        let state = self.ready_state.as_deref().or(self.state.as_deref());
        match state.unwrap_or_default() {
            "QUEUED" => Standing::UnderWay("queued"),
            "INITIALIZING" | "BUILDING" => Standing::UnderWay("building"),
            "READY" => self.ready(),
            "BLOCKED" => Standing::Failed("is blocked at Vercel"),
            "CANCELED" => Standing::Failed("was cancelled"),
            "DELETED" => Standing::Failed("was deleted"),
            "ERROR" => Standing::Failed("did not build"),
            _ => Standing::UnderWay("in a state unknown to rotakey"),
        }
    }

    fn ready(&self) -> Standing {
        let aliased = match &self.alias_assigned {
            Value::Bool(assigned) => *assigned,
            Value::Number(_) => true,
            _ => false,
        };
        if self.alias_error.is_some() {
            return Standing::Failed("could not get its domains");
        }
        match self.ready_substate.as_deref() {
            Some("ROLLING") => Standing::Rolling,
            Some("PROMOTED") => Standing::Aliased,
            _ if aliased => Standing::Aliased,
            _ if self.checks_conclusion.as_deref() == Some("failed") => {
                Standing::Failed("failed its checks")
            }
            _ => Standing::Staged,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RowPage {
    pub(super) envs: Option<Vec<Row>>,
    pub(super) pagination: Option<Pagination>,
}

/// One row of a project's environment variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) key: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "secret")]
    pub(super) value: Option<SecretValue>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) target: Vec<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) custom_environment_ids: Vec<String>,
    #[serde(default)]
    pub(super) git_branch: Option<String>,
    #[serde(default)]
    pub(super) configuration_id: Option<String>,
    #[serde(default)]
    pub(super) decrypted: Option<bool>,
    #[serde(default)]
    pub(super) updated_at: Option<Millis>,
}

#[derive(Deserialize)]
pub(super) struct SharedPage {
    pub(super) data: Vec<SharedRow>,
    pub(super) pagination: Option<Pagination>,
}

/// A variable of the team, linked to several projects.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SharedRow {
    pub(super) id: String,
    pub(super) key: String,
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) value: Option<SecretValue>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) target: Vec<String>,
    #[serde(default)]
    pub(super) project_id: Vec<String>,
    #[serde(default)]
    pub(super) apply_to_all_custom_environments: Option<bool>,
    #[serde(default)]
    pub(super) decrypted: Option<bool>,
    #[serde(default)]
    pub(super) updated_at: Option<Millis>,
}

/// Milliseconds since 1970; the published type is "number".
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Millis(f64);

impl Millis {
    pub(super) fn instant(self) -> Option<Instant> {
        DateTime::<Utc>::from_timestamp_millis(self.0 as i64)
    }

    /// As a text that compares equal to itself, whichever call it came from.
    pub(super) fn marker(self) -> String {
        (self.0 as i64).to_string()
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretValue>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretValue::new))
}

/// `"production"` and `["production"]` both occur.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Many(Vec<String>),
        None(()),
    }
    Ok(match Words::deserialize(deserializer)? {
        Words::One(word) => vec![word],
        Words::Many(words) => words,
        Words::None(()) => Vec::new(),
    })
}
