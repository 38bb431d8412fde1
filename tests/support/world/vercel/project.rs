//! A Vercel project and its rows of environment variables, as a test sets them up.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Place;

/// How readable a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Readable over the API, one by one or with `decrypt=true`.
    Encrypted,
    /// Never readable again.
    Sensitive,
    /// Vercel's own; a client must leave it alone.
    System,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Encrypted => "encrypted",
            Self::Sensitive => "sensitive",
            Self::System => "system",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        [Self::Plain, Self::Encrypted, Self::Sensitive, Self::System]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// The shape in which a project lists its variables; all three are in the published contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvShape {
    /// `{envs}`
    List,
    /// `{envs, pagination}` with so many rows a page.
    Pages(usize),
    /// The bare variable, when there is exactly one; otherwise `{envs}`.
    Single,
}

/// How a row with a single target shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Targets {
    /// Every second row as a string, the others as an array.
    Mixed,
    Array,
}

/// What becomes of a project's new deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Works,
    Fails,
    /// `READY`, but the alias never comes.
    NeverAliased,
}

/// One row: the same variable may stand in several, for different targets.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) kind: Kind,
    /// `production`, `preview`, `development`.
    pub(crate) targets: Vec<String>,
    /// Ids of custom environments; slugs while the project is being set up.
    pub(crate) custom: Vec<String>,
    pub(crate) branch: Option<String>,
    /// The integration that owns the row; a client must leave it alone then.
    pub(crate) integration: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Row {
    /// A readable row for production.
    pub(crate) fn new(key: &str, value: &str) -> Self {
        Self {
            id: String::new(),
            key: key.to_owned(),
            value: value.to_owned(),
            kind: Kind::Encrypted,
            targets: vec!["production".into()],
            custom: Vec::new(),
            branch: None,
            integration: None,
            comment: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(crate) fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn on(mut self, targets: &[&str]) -> Self {
        self.targets = targets.iter().map(|&target| target.to_owned()).collect();
        self
    }

    /// A preview row for one branch only.
    pub(crate) fn branch(mut self, branch: &str) -> Self {
        self.branch = Some(branch.to_owned());
        self.on(&["preview"])
    }

    /// A row for a custom environment of the project, and no other target.
    pub(crate) fn custom(mut self, slug: &str) -> Self {
        self.custom.push(slug.to_owned());
        self.on(&[])
    }

    pub(crate) fn integration(mut self, id: &str) -> Self {
        self.integration = Some(id.to_owned());
        self
    }

    pub(super) fn reaches(&self, place: &Place) -> bool {
        match place {
            Place::Production => self.targets.iter().any(|target| target == "production"),
            Place::Preview => self.targets.iter().any(|target| target == "preview"),
            Place::Custom(id) => self.custom.contains(id),
        }
    }

    /// `production+preview`, `preview#branch`, `staging`: where the row applies, in words.
    pub(in super::super) fn place(&self, project: &Project) -> String {
        let slugs = project
            .customs
            .iter()
            .filter(|custom| self.custom.contains(&custom.id))
            .map(|custom| custom.slug.as_str());
        let places: Vec<&str> = self
            .targets
            .iter()
            .map(String::as_str)
            .chain(slugs)
            .collect();
        let branch = self.branch.as_ref().map(|branch| format!("#{branch}"));
        format!("{}{}", places.join("+"), branch.unwrap_or_default())
    }
}

/// An environment of the customer's own making, such as staging.
#[derive(Clone, Debug)]
pub(in super::super) struct Custom {
    pub(in super::super) id: String,
    pub(in super::super) slug: String,
    /// The name of the running service.
    pub(in super::super) service: String,
    pub(in super::super) current: Option<usize>,
}

/// A project; the fields a test may change at any time are the public ones.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) shape: EnvShape,
    pub(crate) targets: Targets,
    pub(crate) verdict: Verdict,
    /// The same for the very next deployment only.
    pub(crate) next_verdict: Option<Verdict>,
    /// The next `POST …/env` answers 201 and puts everything into `failed`.
    pub(crate) next_create_fails: bool,
    /// Whether a new production deployment takes the domains by itself. A rollback turns it off, a promotion on.
    pub(crate) auto_assign: bool,
    pub(crate) newest_commit: String,
    /// The name of the running service.
    pub(in super::super) service: String,
    pub(in super::super) customs: Vec<Custom>,
    pub(in super::super) production: Option<usize>,
    pub(super) last_alias_request: Value,
    pub(super) created_at: DateTime<Utc>,
}

impl Project {
    /// A project with no variables yet.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            rows: Vec::new(),
            shape: EnvShape::List,
            targets: Targets::Mixed,
            verdict: Verdict::Works,
            next_verdict: None,
            next_create_fails: false,
            auto_assign: true,
            newest_commit: String::new(),
            service: format!("vercel/{name}"),
            customs: Vec::new(),
            production: None,
            last_alias_request: Value::Null,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in super::super) fn born(&mut self, at: DateTime<Utc>) {
        self.created_at = at;
    }

    /// Adds a readable production row.
    pub(crate) fn variable(self, key: &str, value: &str) -> Self {
        self.row(Row::new(key, value))
    }

    pub(crate) fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// Adds an environment such as staging, with a deployment of its own: service `vercel/NAME/SLUG`.
    pub(crate) fn environment(mut self, slug: &str) -> Self {
        self.customs.push(Custom {
            id: String::new(),
            slug: slug.to_owned(),
            service: format!("vercel/{}/{slug}", self.name),
            current: None,
        });
        self
    }

    pub(crate) fn shape(mut self, shape: EnvShape) -> Self {
        self.shape = shape;
        self
    }
}

/// A variable of the team that is linked to several projects.
#[derive(Clone, Debug)]
pub(in super::super) struct SharedVariable {
    pub(in super::super) id: String,
    pub(in super::super) key: String,
    pub(in super::super) value: String,
    pub(in super::super) kind: Kind,
    pub(super) targets: Vec<String>,
    /// Ids of projects.
    pub(super) projects: Vec<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl SharedVariable {
    pub(in super::super) fn new(
        id: String,
        key: &str,
        value: &str,
        kind: Kind,
        projects: Vec<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            key: key.to_owned(),
            value: value.to_owned(),
            kind,
            targets: vec!["production".into(), "preview".into()],
            projects,
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn reaches(&self, project: &Project, place: &Place) -> bool {
        let word = match place {
            Place::Production => "production",
            Place::Preview => "preview",
            Place::Custom(_) => return false,
        };
        self.projects.contains(&project.id) && self.targets.iter().any(|target| target == word)
    }
}
