//! Everything a process gets from outside, in one place, so that a test or the demo can hand in its own.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ledger::{FileStore, LedgerError, Store};
use crate::model::Clock;
use crate::ui::{Outlet, Size};

use super::{Account, Input, Signals, SystemClock};

/// Looks an environment variable up. One that is not UTF-8 counts as not set.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Finds the store of a ledger.
pub type OpenStore = Arc<dyn Fn(&Path) -> Result<Arc<dyn Store>, LedgerError> + Send + Sync>;

/// Makes 128 random bits.
pub type Random = Arc<dyn Fn() -> u128 + Send + Sync>;

/// How many requests may be under way at once, unless somebody says otherwise.
const WORKERS: usize = 10;

/// What a process gets from outside.
pub struct Host {
    /// The environment variables.
    pub environment: Environment,
    /// The working directory, from which relative paths are seen.
    pub directory: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and tags.
    pub random: Random,
    /// Signals that ask the run to stop.
    pub signals: Signals,
    /// Where a secret is typed or piped in.
    pub input: Input,
    /// stdout.
    pub stdout: Outlet,
    /// stderr.
    pub stderr: Outlet,
    /// Whose process it is, and where.
    pub account: Account,
    /// Where a ledger is kept.
    pub open_store: OpenStore,
    /// How many requests may be under way at once.
    pub workers: usize,
}

impl Host {
    /// The real ones. Starts to listen to signals.
    pub fn system() -> io::Result<Self> {
        let signals = Signals::listen()?;
        Ok(Self {
            environment: Arc::new(|name| std::env::var(name).ok()),
            // A directory that was removed makes relative paths fail where they are used, with their names.
            directory: std::env::current_dir().unwrap_or_default(),
            clock: Arc::new(SystemClock::new(signals.clone())),
            random: Arc::new(rand::random),
            signals,
            input: Input::system(),
            stdout: stdout(),
            stderr: stderr(),
            account: Account::system(),
            open_store: Arc::new(|path| Ok(Arc::new(FileStore::at(path)?))),
            workers: WORKERS,
        })
    }

    /// Whether a person sits at any end of this process.
    pub(super) fn attended(&self) -> bool {
        self.input.is_terminal() || self.stdout.size().is_some() || self.stderr.size().is_some()
    }
}

/// A terminal is written to at once; a pipe or a file in larger pieces.
fn stdout() -> Outlet {
    if io::stdout().is_terminal() {
        Outlet::terminal(io::stdout(), || size(&io::stdout()))
    } else {
        Outlet::plain(io::BufWriter::new(io::stdout()))
    }
}

/// Never held back: a line about a key that is about to be made must not die in a buffer.
fn stderr() -> Outlet {
    if io::stderr().is_terminal() {
        Outlet::terminal(io::stderr(), || size(&io::stderr()))
    } else {
        Outlet::plain(io::stderr())
    }
}

fn size(stream: &impl AsFd) -> Size {
    let usual = Size {
        columns: 80,
        rows: 24,
    };
    // Some terminals (serial lines, `script`) say 0 by 0.
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
            columns: size.ws_col,
            rows: size.ws_row,
        },
        _ => usual,
    }
}
