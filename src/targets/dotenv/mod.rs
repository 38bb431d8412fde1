//! One variable in a file of `NAME=value` lines, as systemd, docker compose, shells and dotenv libraries read it.
//!
//! ```yaml
//! targets:
//!   - kind: dotenv
//!     path: /srv/shop/.env
//!     variable: STRIPE_KEY
//!     reload: [systemctl, restart, shop]    # an argument list, no shell
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `path` | the file, from the directory of `rotations.yaml` if relative; a symbolic link is followed and stays | |
//! | `variable` | the variable; it must stand there exactly once | |
//! | `create` | add the variable, and the file (0600), where it is missing | `false` |
//! | `in_place` | write into the file that is there instead of renaming a new one over it | `false` |
//! | `reload` | what makes the program read the file again | nothing |
//! | `reload_timeout` | how long that may take | `2m` |
//!
//! Nothing but the value changes: comments, line ends, order, `export`, quotes where they fit, mode and owner stay. A
//! value that shells, dotenv libraries, compose and systemd would not all read the same way is refused (see `quote`),
//! both before it is written and where it stands already, for what cannot be written back cannot be undone.
//!
//! **Bind mounts.** A file that is mounted into a container by itself (`-v ./.env:/app/.env`) is tied to its inode. A
//! rename on the host would leave the container with the old file for good. Mount the directory instead, or say
//! `in_place: true`.
//!
//! While a new file is written, it stands beside the old one as `.NAME.rotakey-….tmp`, readable for its owner only; a run
//! that is killed leaves it there until the next write. Keep `.*.rotakey-*.tmp` out of version control.
//!
//! **What a reload proves.** Programs read such a file when they start. Without `reload` there is nothing to redeploy,
//! and the new value is used whenever the program happens to start next: then the old one must live that long. With
//! it, `confirm` means this and no more: the command exited with 0 after the value was written. Make it one that waits
//! (`systemctl restart` does, `systemctl reload` does not make a program read its `EnvironmentFile=` again, `docker
//! restart` keeps the old environment where `docker compose up -d --wait` does not), and say `health:`, which asks the
//! program itself. A command that fails was not done: nothing of it is still under way, and undoing runs it again.

mod file;
mod quote;
mod text;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::exec::{Ending, Program};
use crate::model::{
    Effect, Fault, Finding, SecretValue, ServiceId, SiteId, Span, TargetKind, TargetStarter,
    sanitise,
};

use super::{Activation, Confirmation, Pass, Service, Since, Site, Stored, Target, Written};
use file::{Snapshot, Way};

/// Two secrets in one file must not overwrite each other's change between reading and writing. One lock for all files,
/// because one file may have many names.
static WRITING: Mutex<()> = Mutex::new(());

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: TargetKind = TargetKind {
    name: "dotenv",
    account: None,
    address: &["path", "variable"],
    starter: TargetStarter {
        about: "a .env file on this machine",
        keys: ", path: .env, variable: VARIABLE",
        account: None,
    },
};

/// The keys of `kind: dotenv`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    path: PathBuf,
    variable: Variable,
    #[serde(default)]
    create: bool,
    #[serde(default)]
    in_place: bool,
    reload: Option<Vec<String>>,
    reload_timeout: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Variable(String);

impl TryFrom<String> for Variable {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let goes_on = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match starts && goes_on {
            true => Ok(Self(name)),
            false => Err("a variable is named with letters, digits and `_`".to_owned()),
        }
    }
}

/// One variable in one file.
pub(super) struct Dotenv {
    config: Config,
    path: PathBuf,
}

impl Dotenv {
    /// `directory` is where a relative path is seen from.
    pub(super) fn new(config: Config, directory: &Path) -> Result<Self, Fault> {
        if config.reload.as_ref().is_some_and(Vec::is_empty) {
            return Err(Fault::refused("`reload` names no program"));
        }
        let path = directory.join(&config.path);
        Ok(Self { config, path })
    }

    fn variable(&self) -> &str {
        &self.config.variable.0
    }

    /// What a fault is about.
    fn file(&self) -> String {
        format!("`{}`", sanitise(&self.config.path.to_string_lossy()))
    }

    fn look(&self) -> Result<Look, Fault> {
        let path = file::resolved(&self.path)?;
        let snapshot = file::read(&path)?;
        let place = match &snapshot {
            Some(snapshot) => text::find(&snapshot.text, self.variable())?,
            None => None,
        };
        if place.is_none() && !self.config.create {
            let what = match snapshot {
                Some(_) => format!("has no variable `{}`", self.variable()),
                None => "does not exist".to_owned(),
            };
            return Err(Fault::missing(what).hint("add it by hand, or say `create: true`"));
        }
        Ok(Look {
            path,
            snapshot,
            place,
        })
    }

    fn site(&self, look: &Look) -> Result<Site, Fault> {
        let stored = match (&look.snapshot, &look.place) {
            (Some(snapshot), Some(place)) => Stored::Value(text::read(&snapshot.text, place)?),
            _ => Stored::Absent,
        };
        Ok(Site {
            id: self.site_id(&look.path),
            label: format!("{} {}", self.label(), self.variable()),
            services: self.service(&look.path).into_iter().collect(),
            stored,
        })
    }

    /// By the file itself, not by the name it is known under, so that two names for one place are one site.
    fn site_id(&self, path: &Path) -> SiteId {
        SiteId::new(format!("dotenv:{}#{}", path.display(), self.variable()))
    }

    /// Two variables of one file with one command are one reload.
    fn service(&self, path: &Path) -> Option<Service> {
        let argv = self.config.reload.as_ref()?;
        let name = argv.join(" ");
        Some(Service {
            id: ServiceId::new(format!("dotenv:{}!{argv:?}", path.display())),
            label: sanitise(&name),
        })
    }

    fn store(&self, site: &Site, value: &SecretValue) -> Result<Effect<()>, Fault> {
        let look = self.look()?;
        if self.site_id(&look.path) != site.id {
            return Err(Fault::passing("leads to another file than before"));
        }
        let Some(snapshot) = &look.snapshot else {
            let new = text::appended(b"", self.variable(), value)?;
            return Ok(file::create(&look.path, &new));
        };
        let new: Zeroizing<Vec<u8>> = match &look.place {
            Some(place) => text::replaced(&snapshot.text, place, value)?,
            None => text::appended(&snapshot.text, self.variable(), value)?,
        };
        if new == snapshot.text {
            return Ok(Effect::Done(()));
        }
        let way = match self.config.in_place {
            true => Way::InPlace,
            false => Way::Rename,
        };
        Ok(snapshot.replace(&new, way))
    }

    /// Reads back what a write left.
    fn written(&self, value: &SecretValue) -> Result<Written, Fault> {
        let look = self.look()?;
        match self.site(&look)?.stored {
            Stored::Value(stored) if stored == *value => Ok(Written {
                at: look
                    .snapshot
                    .as_ref()
                    .and_then(Snapshot::modified)
                    .map(DateTime::<Utc>::from),
                marker: None,
            }),
            _ => Err(Fault::passing("does not hold what was just written")),
        }
    }
}

/// What was found at the path.
struct Look {
    path: PathBuf,
    snapshot: Option<Snapshot>,
    place: Option<text::Place>,
}

fn alone() -> MutexGuard<'static, ()> {
    // It guards no data, so a panic elsewhere has broken nothing.
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Target for Dotenv {
    fn label(&self) -> String {
        format!("dotenv/{}", sanitise(&self.config.path.to_string_lossy()))
    }

    fn spoken(&self) -> String {
        sanitise(&self.config.path.to_string_lossy())
    }

    fn check(&self) -> Vec<Finding> {
        let site = self.look().and_then(|look| self.site(&look));
        vec![Finding {
            what: format!("read {} in {}", self.variable(), self.file()),
            result: site
                .map(|_| String::new())
                .map_err(|fault| fault.at(self.file())),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let site = self.look().and_then(|look| self.site(&look));
        site.map(|site| vec![site])
            .map_err(|fault| fault.at(self.file()))
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        let _alone = alone();
        let effect = self.store(site, value).unwrap_or_else(Effect::NotDone);
        match effect.read(|()| self.written(value)) {
            Effect::Done(written) => Effect::Done(written),
            Effect::NotDone(fault) => Effect::NotDone(fault.at(self.file())),
            Effect::Uncertain(fault) => Effect::Uncertain(fault.at(self.file())),
        }
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        let Some(argv) = &self.config.reload else {
            return Effect::NotDone(Fault::refused("there is no reload command"));
        };
        let mut program = Program::new(argv.clone());
        let timeout = self.config.reload_timeout.unwrap_or(Span::minutes(2));
        program.timeout = timeout.delta().to_std().unwrap_or_default();
        let done = Activation { deployment: None };
        match program.tell(b"") {
            Ending::Exited(0, _) => Effect::Done(done),
            Ending::Exited(75, _) => Effect::NotDone(Fault::passing(
                "the command asks to be tried later (exit 75)",
            )),
            Ending::Exited(code, _) => Effect::NotDone(
                Fault::refused(format!("the reload command failed (exit {code})"))
                    .hint(format!("run it by hand: {}", service.label)),
            ),
            Ending::NotStarted(fault) => Effect::NotDone(fault),
            Ending::Lost(fault) => Effect::Uncertain(fault),
        }
    }

    fn confirm(&self, _service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        Ok(match since.activation {
            Some(_) => Confirmation::Serving { deployment: None },
            None => Confirmation::Stale {
                what: "was not reloaded since the write".to_owned(),
            },
        })
    }
}

#[cfg(test)]
mod tests;
