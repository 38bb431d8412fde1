//! A target of your own: a program that delivers values where rotakey knows no API.
//!
//! ```yaml
//! targets:
//!   - kind: command
//!     name: router
//!     run: [/usr/local/bin/router-secrets]
//!     settings: { host: gw1.internal, slot: radius }
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `name` | what it is called; two targets of one name are one place | |
//! | `run` | the program and its arguments; no shell, never a secret | |
//! | `settings` | texts that are handed to the program with every question | |
//! | `env` | names of environment variables it gets besides PATH, HOME, LANG and TZ | |
//! | `timeout`, `cwd` | how long one question may take; where it runs | `60s`; where rotakey runs |
//!
//! # The protocol, version 1
//!
//! The program is started once for every question. The question is one JSON document on standard input; the answer is
//! one JSON document on standard output, with exit code 0. Every question has `protocol`, `operation` and `settings`.
//!
//! | `operation` | with | answer |
//! | --- | --- | --- |
//! | `sites` | | `{"sites": [{"id": …, "label": …, "value": …, "services": [{"id": …, "label": …}]}]}`; changes nothing |
//! | `write` | `site` (an id), `value` | `{}`, or with `"at"` (the platform's clock) and `"marker"` |
//! | `activate` | `service` (an id) | `{}`, or `{"deployment": …}` |
//! | `confirm` | `service`, `written_at`, `activated`, `deployment` | `{"state": "serving"}`, or `waiting`, `stale`, `failed` with `"what"`; `"again"` is the seconds until another look, `"deployment"` what serves |
//!
//! - A site holds what stands in `value`. A place that cannot be read answers `"marker"` instead, a text that changes
//!   with every write; an empty place answers neither.
//! - `services` are what must be restarted before the new value is used; none, if readers see a write at once. A
//!   service that several sites share is activated once.
//! - Ids stay the same between runs. Writing the same value twice is success, and so is activating twice.
//! - `confirm` looks at the thing that runs. That a restart was accepted confirms nothing: `serving` means that what
//!   answers now was started after `written_at` and is healthy.
//!
//! Exit codes decide what happens next (see [`exec`](crate::exec)): 64 to 78 say that *nothing was done*, everything
//! else that is not 0 is uncertain. `examples/target.py` is a whole program of this kind.

mod protocol;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::exec::{Confided, Program};
use crate::model::{
    DeploymentId, Effect, Fault, Finding, SecretValue, ServiceId, SiteId, Span, TargetKind,
    TargetStarter, sanitise,
};

use super::{
    Activation, Confirmation, Marker, Pass, Service, Since, Site, Stored, Target, Written,
};
use protocol::{About, Asked, Observed, Place, Places, Question, Running, Stamp, State};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: TargetKind = TargetKind {
    name: "command",
    account: None,
    address: &["name"],
    starter: TargetStarter {
        about: "a place that a program of yours writes",
        keys: ", name: NAME, run: [/usr/local/bin/deliver]",
        account: None,
    },
};

/// The keys of `kind: command`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    name: String,
    run: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    env: Vec<String>,
    timeout: Option<Span>,
    cwd: Option<PathBuf>,
}

/// A program that delivers values.
pub(super) struct Command {
    name: String,
    settings: BTreeMap<String, String>,
    program: Program,
}

impl Command {
    pub(super) fn new(config: Config) -> Result<Self, Fault> {
        if config.run.is_empty() {
            return Err(Fault::refused("`run` names no program"));
        }
        let mut program = Program::new(config.run);
        program.env = config.env;
        program.cwd = config.cwd;
        if let Some(timeout) = config.timeout {
            program.timeout = timeout.delta().to_std().unwrap_or_default();
        }
        Ok(Self {
            name: config.name,
            settings: config.settings,
            program,
        })
    }

    fn question<'a>(&'a self, operation: &'static str, about: About<'a>) -> Question<'a> {
        Question {
            protocol: 1,
            operation,
            settings: &self.settings,
            about,
        }
    }

    /// The ids of two programs may be the same, so ours begin with its name.
    fn outer(&self, id: &str) -> String {
        format!("command:{}#{id}", self.name)
    }

    fn inner<'a>(&self, id: &'a str) -> Result<&'a str, Fault> {
        id.strip_prefix(&self.outer(""))
            .ok_or_else(|| Fault::refused("this place belongs to another target"))
    }

    fn site(&self, place: Place) -> Result<Site, Fault> {
        let stored = match (place.value, place.marker) {
            (Some(Confided(value)), None) => Stored::Value(value),
            (None, Some(marker)) => Stored::Opaque(Marker(marker)),
            (None, None) => Stored::Absent,
            (Some(_), Some(_)) => {
                return Err(Fault::refused(
                    "the answer has a value and a marker for one site",
                ));
            }
        };
        let label = sanitise(place.label.as_ref().unwrap_or(&place.id));
        let service = |running: Running| Service {
            label: sanitise(running.label.as_ref().unwrap_or(&running.id)),
            id: ServiceId::new(self.outer(&running.id)),
        };
        Ok(Site {
            id: SiteId::new(self.outer(&place.id)),
            label: format!("{} {label}", self.label()),
            services: place.services.into_iter().map(service).collect(),
            stored,
        })
    }
}

impl Target for Command {
    fn label(&self) -> String {
        format!("command/{}", sanitise(&self.name))
    }

    fn spoken(&self) -> String {
        sanitise(&self.name)
    }

    fn check(&self) -> Vec<Finding> {
        let sites = self.sites(Pass(0));
        vec![Finding {
            what: format!("sites of {}", self.label()),
            result: sites.map(|sites| format!("{} found", sites.len())),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let question = self.question("sites", About::Everything {});
        let places: Places = self.program.look(&question)?;
        let sites = places.sites.into_iter().map(|place| self.site(place));
        let mut sites = sites.collect::<Result<Vec<_>, _>>()?;
        sites.sort_by(|one, other| one.id.cmp(&other.id));
        if sites.windows(2).any(|pair| pair[0].id == pair[1].id) {
            return Err(Fault::refused("the answer names one site twice"));
        }
        Ok(sites)
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let site = match self.inner(site.id.as_str()) {
            Ok(site) => site,
            Err(fault) => return Effect::NotDone(fault),
        };
        let value = value.expose();
        let stamp: Effect<Stamp> = self
            .program
            .ask(&self.question("write", About::Site { site, value }));
        stamp.map(|stamp| Written {
            at: stamp.at,
            marker: stamp.marker.map(Marker),
        })
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        let service = match self.inner(service.id.as_str()) {
            Ok(service) => service,
            Err(fault) => return Effect::NotDone(fault),
        };
        let asked: Effect<Asked> = self
            .program
            .ask(&self.question("activate", About::Service { service }));
        asked.map(|asked| Activation {
            deployment: asked.deployment.map(DeploymentId::new),
        })
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let deployment = since.activation.and_then(|of| of.deployment.as_ref());
        let about = About::Since {
            service: self.inner(service.id.as_str())?,
            written_at: since.written_at,
            activated: since.activation.is_some(),
            deployment: deployment.map(DeploymentId::as_str),
        };
        let observed: Observed = self.program.look(&self.question("confirm", about))?;
        let what = sanitise(&observed.what.unwrap_or_default());
        Ok(match observed.state {
            State::Serving => Confirmation::Serving {
                deployment: observed.deployment.map(DeploymentId::new),
            },
            State::Waiting => Confirmation::Waiting {
                doing: what,
                again: TimeDelta::seconds(observed.again.unwrap_or(5).clamp(1, 600).into()),
            },
            State::Stale => Confirmation::Stale { what },
            State::Failed => Confirmation::Failed { what },
        })
    }
}

#[cfg(test)]
mod tests;
