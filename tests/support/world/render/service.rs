//! A Render service, its linked groups and its deploys, as a test sets them up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// What becomes of a service's new deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// They end in `update_failed`; what was live stays live.
    UpdateFails,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Status {
    Created,
    Queued,
    Building,
    Updating,
    Live,
    Deactivated,
    UpdateFailed,
    Canceled,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Queued => "queued",
            Self::Building => "build_in_progress",
            Self::Updating => "update_in_progress",
            Self::Live => "live",
            Self::Deactivated => "deactivated",
            Self::UpdateFailed => "update_failed",
            Self::Canceled => "canceled",
        }
    }

    pub(super) fn under_way(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Queued | Self::Building | Self::Updating
        )
    }
}

pub(in super::super) struct Deploy {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) trigger: &'static str,
    pub(super) commit: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    /// When its turn comes; until then it waits for another.
    pub(super) starts_at: DateTime<Utc>,
    /// When it will be live if all goes well; the next deploy waits for that.
    pub(super) due_at: DateTime<Utc>,
    pub(super) trouble: Trouble,
    /// The service's own variables at its beginning: what a rollback brings back.
    pub(super) own: BTreeMap<String, String>,
    /// Those, over the groups' variables of the same moment: what its instances run with.
    pub(in super::super) env: BTreeMap<String, String>,
    /// Its instances end then.
    pub(in super::super) drained_at: Option<DateTime<Utc>>,
}

/// A service; the fields a test may change at any time are the public ones.
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `web_service`, `background_worker` and so on.
    pub(crate) kind: String,
    pub(crate) variables: BTreeMap<String, String>,
    /// Names of linked groups while the service is being set up; ids afterwards.
    pub(crate) groups: Vec<String>,
    pub(crate) suspended: bool,
    /// A pull-request preview of the service with this name.
    pub(crate) preview_of: Option<String>,
    pub(crate) auto_deploy: bool,
    /// The head of its branch. If it differs from what is live, a build ships code nobody reviewed.
    pub(crate) newest_commit: String,
    pub(crate) trouble: Trouble,
    /// The same for the very next deploy only.
    pub(crate) next_trouble: Option<Trouble>,
    /// The name of the running service.
    pub(in super::super) service: String,
    pub(in super::super) deploys: Vec<Deploy>,
    pub(super) restarted_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
}

impl Service {
    /// A web service with no variables yet.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            kind: "web_service".into(),
            variables: BTreeMap::new(),
            groups: Vec::new(),
            suspended: false,
            preview_of: None,
            auto_deploy: true,
            newest_commit: String::new(),
            trouble: Trouble::None,
            next_trouble: None,
            service: format!("render/{name}"),
            deploys: Vec::new(),
            restarted_at: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in super::super) fn born(&mut self, at: DateTime<Utc>) {
        self.created_at = at;
    }

    pub(crate) fn variable(mut self, key: &str, value: &str) -> Self {
        self.variables.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// Links a group that exists already.
    pub(crate) fn group(mut self, name: &str) -> Self {
        self.groups.push(name.to_owned());
        self
    }

    pub(crate) fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    pub(crate) fn preview_of(mut self, name: &str) -> Self {
        self.preview_of = Some(name.to_owned());
        self
    }

    /// Every deploy whose instances run now: the live one, and those it replaced that still drain.
    pub(in super::super) fn running(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Deploy> {
        self.deploys.iter().filter(move |deploy| {
            !self.suspended
                && (deploy.status == Status::Live || deploy.drained_at.is_some_and(|end| now < end))
        })
    }
}

/// An environment group.
pub(in super::super) struct Group {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) variables: BTreeMap<String, String>,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) updated_at: DateTime<Utc>,
}
