//! A host for tests: nothing real but the file system.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use clap::{Args, FromArgMatches};

use crate::ledger::FileStore;
use crate::model::{Clock, Instant};
use crate::ui::Outlet;
use crate::ui::testing::{Broken, Paper};

use super::{Account, Host, Input, Options, Run, Signals};

/// Always the same moment.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Instant {
        Instant::from_timestamp(1_708_246_800, 0).expect("2024-02-18 09:00 exists")
    }

    fn wait(&self, _: TimeDelta) {}

    fn stopping(&self) -> bool {
        false
    }
}

/// What a test sets up, and looks at afterwards.
pub(crate) struct Bench {
    directory: PathBuf,
    environment: BTreeMap<String, String>,
    pub(crate) signals: Signals,
    pub(crate) out: Paper,
    pub(crate) talk: Paper,
    /// Whether stdout is a disk without room.
    pub(crate) full: bool,
}

impl Bench {
    pub(crate) fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        let home = directory.join("home").display().to_string();
        Self {
            directory,
            environment: BTreeMap::from([("HOME".to_owned(), home)]),
            signals: Signals::default(),
            out: Paper::default(),
            talk: Paper::default(),
            full: false,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn host(&self) -> Host {
        let environment = self.environment.clone();
        Host {
            environment: Arc::new(move |name| environment.get(name).cloned()),
            directory: self.directory.clone(),
            clock: Arc::new(Noon),
            random: Arc::new(|| 42),
            signals: self.signals.clone(),
            input: Input::piped(io::empty()),
            stdout: match self.full {
                true => Outlet::plain(Broken),
                false => Outlet::plain(self.out.clone()),
            },
            stderr: Outlet::plain(self.talk.clone()),
            account: Account {
                user: "ada".to_owned(),
                host: "vault".to_owned(),
            },
            open_store: Arc::new(|path| Ok(Arc::new(FileStore::at(path)?))),
            workers: 1,
        }
    }

    pub(crate) fn begin(&self, words: &[&str]) -> Run {
        let words = ["test"].iter().chain(words).map(OsString::from);
        let command = Options::augment_args(clap::Command::new("test"));
        let matches = command.get_matches_from(words);
        let options = Options::from_arg_matches(&matches).expect("good options");
        Run::begin(self.host(), options)
    }
}
