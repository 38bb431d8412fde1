//! What Render sends, as far as it matters here.

use serde::de::Deserializer;
use serde::{Deserialize, de::IgnoredAny};

use crate::model::{Instant, SecretValue};

/// An item of a list. Most lists wrap their items and give each a cursor; environment groups stand bare.
#[derive(Deserialize)]
pub(super) struct ServiceItem {
    pub(super) service: Service,
    pub(super) cursor: String,
}

#[derive(Deserialize)]
pub(super) struct DeployItem {
    pub(super) deploy: Deploy,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Service {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    suspended: String,
    #[serde(rename = "serviceDetails", default)]
    details: Option<Details>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    max_shutdown_delay_seconds: Option<i64>,
    parent_server: Option<IgnoredAny>,
}

impl Service {
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended != "not_suspended"
    }

    /// A pull request's copy of a service.
    pub(super) fn is_preview(&self) -> bool {
        self.details
            .as_ref()
            .is_some_and(|details| details.parent_server.is_some())
    }

    pub(super) fn is_static(&self) -> bool {
        self.kind == "static_site"
    }

    /// How long an instance may take to stop once it is told to: 30 seconds unless set, 300 at most.
    pub(super) fn shutdown_delay(&self) -> i64 {
        let set = self
            .details
            .as_ref()
            .and_then(|details| details.max_shutdown_delay_seconds);
        set.unwrap_or(30).clamp(0, 300)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) service_links: Vec<Link>,
    #[serde(default)]
    pub(super) updated_at: Option<Instant>,
    #[serde(default)]
    pub(super) env_vars: Vec<Variable>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Link {
    pub(super) id: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) key: String,
    #[serde(deserialize_with = "secret")]
    pub(super) value: SecretValue,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    String::deserialize(deserializer).map(SecretValue::new)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deploy {
    pub(super) id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    trigger: Option<String>,
    #[serde(default)]
    commit: Option<Commit>,
    #[serde(default)]
    pub(super) created_at: Option<Instant>,
    #[serde(default)]
    finished_at: Option<Instant>,
    #[serde(default)]
    updated_at: Option<Instant>,
}

#[derive(Clone, Debug, Deserialize)]
struct Commit {
    id: Option<String>,
}

/// How far a deploy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// On its way, doing this.
    UnderWay(&'static str),
    /// It serves.
    Live,
    /// It served until another one went live.
    Superseded,
    /// It will not go live, because of this.
    Failed(&'static str),
}

impl Deploy {
    pub(super) fn standing(&self) -> Standing {
        match self.status.as_str() {
            "live" => Standing::Live,
            "deactivated" => Standing::Superseded,
            "created" | "queued" => Standing::UnderWay("queued"),
            "build_in_progress" => Standing::UnderWay("building"),
            "pre_deploy_in_progress" => Standing::UnderWay("running its pre-deploy command"),
            "update_in_progress" => Standing::UnderWay("starting"),
            "build_failed" => Standing::Failed("did not build"),
            "pre_deploy_failed" => Standing::Failed("failed in its pre-deploy command"),
            "update_failed" => Standing::Failed("did not start"),
            "canceled" => Standing::Failed("was cancelled"),
            _ => Standing::UnderWay("in a state unknown to rotakey"),
        }
    }

    /// Whether the deploy runs the variables of an older one.
    pub(super) fn is_rollback(&self) -> bool {
        self.trigger.as_deref() == Some("rollback")
    }

    /// Whether a program asked for it.
    pub(super) fn is_by_api(&self) -> bool {
        self.trigger.as_deref() == Some("api")
    }

    pub(super) fn commit(&self) -> Option<&str> {
        self.commit.as_ref()?.id.as_deref()
    }

    /// When it went live, or failed.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.finished_at.or(self.updated_at)
    }
}
