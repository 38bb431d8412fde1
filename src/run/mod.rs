//! This invocation: what it gets from outside, its id, and its one "now".

mod actor;
mod clock;
mod host;
mod input;
mod ledger;
mod options;
mod process;
mod signals;
#[cfg(test)]
pub(crate) mod testing;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exit::Exit;
use crate::ledger::{Actor, Unmarked};
use crate::model::{Clock, Instant, RunId};
use crate::rotation::Progress;
use crate::ui::{Manner, Printer, Spoken};

pub use actor::Account;
pub use clock::SystemClock;
pub use host::{Environment, Host, OpenStore, Random};
pub use input::Input;
pub use options::Options;
pub use process::harden;
pub use signals::Signals;

/// One process invocation.
pub struct Run {
    /// Its id, in every audit event it writes.
    pub id: RunId,
    /// The one instant at which everything this run decides is decided.
    pub now: Instant,
    /// Who started it.
    pub actor: Actor,
    /// Time as it passes, for deadlines and waiting.
    pub clock: Arc<dyn Clock>,
    /// The environment variables.
    pub environment: Environment,
    /// Randomness.
    pub random: Random,
    /// How many requests may be under way at once.
    pub workers: usize,
    /// What was said for every verb.
    pub options: Options,
    /// stdout and stderr.
    pub ui: Printer,
    /// Where a secret is typed or piped in.
    pub input: Input,
    directory: PathBuf,
    host: String,
    open_store: OpenStore,
    signals: Signals,
    /// Of the ledger that was locked last. Locking it raises the mark, so that one speaks for all before it.
    unmarked: RefCell<Unmarked>,
}

impl Run {
    /// Begins a run: takes the time, makes up an id, decides how to speak.
    pub fn begin(host: Host, options: Options) -> Self {
        let manner = match (options.json, options.quiet) {
            (true, _) => Manner::Json,
            (false, true) => Manner::Quiet,
            (false, false) => Manner::People,
        };
        let actor = actor::actor(&host);
        let id = RunId::new(format!("run_{:012x}", (host.random)() & 0xffff_ffff_ffff));
        process::name_run(&id);
        Self {
            id,
            now: host.clock.now(),
            actor,
            workers: options.workers.map_or(host.workers, Into::into),
            ui: Printer::new(host.stdout, host.stderr, manner, &*host.environment),
            environment: host.environment,
            random: host.random,
            clock: host.clock,
            input: host.input,
            directory: host.directory,
            host: host.account.host,
            open_store: host.open_store,
            signals: host.signals,
            unmarked: RefCell::default(),
            options,
        }
    }

    /// The configuration file: as given, else `ROTAKEY_CONFIG`, else `rotations.yaml` in the working directory.
    pub fn config_path(&self) -> PathBuf {
        self.chosen(self.options.config.as_deref(), "ROTAKEY_CONFIG")
            .unwrap_or_else(|| self.directory.join("rotations.yaml"))
    }

    /// The path, seen from the working directory.
    pub fn path(&self, given: &Path) -> PathBuf {
        // Without the `.` of `--out .`, which people would read in every message.
        self.directory.join(given).components().collect()
    }

    /// Someone who watches a rotation. `spoken` says how people call the targets, by label.
    pub fn watch(&mut self, spoken: Spoken) -> Box<dyn Progress + '_> {
        self.ui.watch(&self.id, Arc::clone(&self.clock), spoken)
    }

    /// The exit code if the run ended here.
    pub fn so_far(&self, exit: Exit) -> Exit {
        self.signals
            .stopped()
            .map_or(exit, |stopped| exit.merge(stopped))
    }

    /// Ends the run: brings all output out. Lost data or a signal count only where nothing more urgent happened.
    pub fn end(mut self, exit: Exit) -> Exit {
        let exit = self.so_far(exit);
        self.warn_of_the_mark();
        self.ui.end(exit)
    }

    fn chosen(&self, given: Option<&Path>, variable: &str) -> Option<PathBuf> {
        let from_environment = || (self.environment)(variable).filter(|value| !value.is_empty());
        given
            .map(Path::to_path_buf)
            .or_else(|| from_environment().map(PathBuf::from))
            .map(|path| self.path(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Bench;
    use super::*;

    #[test]
    fn a_run_has_one_id_and_one_now() {
        let bench = Bench::new("/srv");
        let run = bench.begin(&[]);
        assert_eq!(run.id.as_str(), "run_00000000002a");
        assert_eq!(run.now.to_rfc3339(), "2024-02-18T09:00:00+00:00");
        assert_eq!(run.actor.to_string(), "auto: cron");
    }

    #[test]
    fn what_is_said_wins_over_the_environment_and_both_over_the_usual_place() {
        let mut bench = Bench::new("/srv");
        assert_eq!(
            bench.begin(&[]).config_path(),
            Path::new("/srv/rotations.yaml")
        );
        assert_eq!(bench.begin(&[]).ledger_named(), None);
        bench.set("ROTAKEY_CONFIG", "etc/prod.yaml");
        bench.set("ROTAKEY_LEDGER", "/var/ledger.json.age");
        bench.set("ROTAKEY_IDENTITY", "");
        let run = bench.begin(&["--ledger", "here.age"]);
        assert_eq!(run.config_path(), Path::new("/srv/etc/prod.yaml"));
        assert_eq!(
            run.ledger_named().as_deref(),
            Some(Path::new("/srv/here.age"))
        );
        assert_eq!(run.identity_named(), None);
    }

    #[test]
    fn a_signal_is_told_unless_something_is_more_urgent() {
        let bench = Bench::new("/srv");
        bench.signals.raise(Exit::Interrupted);
        assert_eq!(bench.begin(&[]).end(Exit::Done), Exit::Interrupted);
        assert_eq!(bench.begin(&[]).end(Exit::PersonNeeded), Exit::PersonNeeded);
    }

    #[test]
    fn lost_data_is_to_be_asked_for_again_and_the_run_says_so() {
        let mut bench = Bench::new("/srv");
        bench.full = true;
        let mut run = bench.begin(&["--quiet"]);
        run.ui.data("evidence\n");
        assert_eq!(run.end(Exit::Done), Exit::TryLater);
        assert_eq!(
            bench.talk.text(),
            "error: the work was done; its output was lost: no storage space\n"
        );
    }
}
