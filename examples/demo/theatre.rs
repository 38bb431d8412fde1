//! What the demo plays on: a terminal, a simulated clock, and a host for `rotakey` to run in.

use std::ffi::OsString;
use std::io::{self, Cursor, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rotakey::exit::Exit;
use rotakey::ledger::FileStore;
use rotakey::model::{Clock, Instant};
use rotakey::run::{Account, Host, Input, Signals};
use rotakey::ui::{Outlet, Size};

use crate::database::{ACCOUNT_PASSWORD, Database};
use crate::world::{Calendar, World};

/// So much simulated time passes in a second of waiting, when somebody watches.
const SPEED: i32 = 300;
/// One step of a wait: small enough for a display that moves.
const STEP: TimeDelta = TimeDelta::seconds(5);
/// How long a person is given to read before the next act.
const PAUSE: Duration = Duration::from_millis(350);

/// Whether somebody watches while it happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    Person,
    Pipe,
}

/// The stage, and everything on it that is not a vendor.
pub(crate) struct Theatre {
    database: Option<Arc<Database>>,
    directory: PathBuf,
    world: World,
    signals: Signals,
    audience: Audience,
}

/// The calendar of the simulated world, as the clock of a run.
struct Simulated {
    calendar: Calendar,
    database: Option<Arc<Database>>,
    signals: Signals,
    audience: Audience,
}

impl Clock for Simulated {
    fn now(&self) -> Instant {
        let now = self.calendar.now();
        if let Some(database) = &self.database {
            database.tell_time(now);
        }
        now
    }

    fn wait(&self, span: TimeDelta) {
        let mut left = span;
        while left > TimeDelta::zero() && !self.stopping() {
            let step = left.min(STEP);
            if self.audience == Audience::Person {
                std::thread::sleep((step / SPEED).to_std().unwrap_or_default());
            }
            self.calendar.advance(step);
            left -= step;
        }
    }

    fn stopping(&self) -> bool {
        self.signals.stopped().is_some()
    }
}

impl Theatre {
    /// Opens the stage in a directory. Ctrl-C ends the run on it after a safe point, as it does for real.
    pub(crate) fn open(
        directory: &Path,
        world: &World,
        database: Option<Arc<Database>>,
    ) -> io::Result<Self> {
        let audience = match io::stdout().is_terminal() {
            true => Audience::Person,
            false => Audience::Pipe,
        };
        Ok(Self {
            database,
            directory: directory.to_owned(),
            world: world.clone(),
            signals: Signals::listen()?,
            audience,
        })
    }

    /// A line for the audience.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{text}")
    }

    /// The heading of an act, with the day on which it plays, after a moment to read the one before.
    pub(crate) fn act(&self, title: &str) -> io::Result<()> {
        self.pause()?;
        let day = self.world.calendar().now().format("%b %-d, %Y, %H:%M UTC");
        let heading = format!("── {day} ── {title} ");
        let rule = columns().min(100).saturating_sub(heading.chars().count());
        self.say(&format!("{}\n", self.bold(&(heading + &"─".repeat(rule)))))
    }

    /// Types a command line and runs it, exactly as the program would, with something on its stdin.
    pub(crate) fn run(&self, shown: &str, words: &[&str], stdin: &str) -> io::Result<Exit> {
        self.stopped()?;
        self.say(&format!("{} {}", self.dim("$"), self.bold(shown)))?;
        io::stdout().flush()?;
        let words = ["rotakey"].iter().chain(words).map(OsString::from);
        let exit = rotakey::invoke(self.host(stdin), words);
        if exit != Exit::Done {
            self.say(&self.dim(&format!("[exit {}]", exit.code())))?;
        }
        self.say("")?;
        Ok(exit)
    }

    /// Lets the customer's services work until that day, hour by hour.
    pub(crate) fn until(&self, day: &str) -> io::Result<()> {
        let calendar = self.world.calendar();
        let day: DateTime<Utc> = day.parse().map_err(io::Error::other)?;
        while calendar.now() < day {
            calendar.advance((day - calendar.now()).min(TimeDelta::hours(1)));
        }
        Ok(())
    }

    /// Gives people time to read.
    pub(crate) fn pause(&self) -> io::Result<()> {
        if self.audience == Audience::Person {
            std::thread::sleep(PAUSE);
        }
        self.stopped()
    }

    /// The columns there are, less for those who set a narrow window.
    pub(crate) fn fit(&self, line: &str) -> String {
        let room = columns();
        match line.chars().count() > room {
            true => line.chars().take(room - 1).chain(['…']).collect(),
            false => line.to_owned(),
        }
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.painted("2", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        let plain = std::env::var("NO_COLOR").is_ok_and(|set| !set.is_empty());
        match self.audience {
            Audience::Person if !plain => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }

    fn stopped(&self) -> io::Result<()> {
        match self.signals.stopped() {
            Some(_) => Err(io::ErrorKind::Interrupted.into()),
            None => Ok(()),
        }
    }

    /// What `rotakey` gets from outside here: the credentials of the simulated vendors, and no other environment.
    fn host(&self, stdin: &str) -> Host {
        let (world, home) = (self.world.clone(), self.directory.clone());
        let lookup = move |name: &str| match name {
            "OPENAI_ADMIN_KEY" => Some(world.openai_admin_key()),
            "VERCEL_TOKEN" => Some(world.vercel_token()),
            "RENDER_API_KEY" => Some(world.render_api_key()),
            "OP_CONNECT_TOKEN" => Some(world.onepassword_token()),
            "ROTAKEY_POSTGRES_PASSWORD" => Some(ACCOUNT_PASSWORD.to_owned()),
            "HOME" => Some(home.display().to_string()),
            "NO_COLOR" | "TERM" => std::env::var(name).ok(),
            _ => None,
        };
        let clock = Simulated {
            calendar: self.world.calendar(),
            database: self.database.clone(),
            signals: self.signals.clone(),
            audience: self.audience,
        };
        Host {
            environment: Arc::new(lookup),
            directory: self.directory.clone(),
            clock: Arc::new(clock),
            random: Arc::new(rand::random),
            signals: self.signals.clone(),
            input: Input::piped(Cursor::new(stdin.to_owned())),
            stdout: self.outlet(),
            // Both streams end in one, so that a recording of the demo keeps their order.
            stderr: self.outlet(),
            account: Account {
                user: "ada".to_owned(),
                host: "laptop".to_owned(),
            },
            open_store: Arc::new(|path| Ok(Arc::new(FileStore::at(path)?))),
            workers: 4,
        }
    }

    fn outlet(&self) -> Outlet {
        match self.audience {
            Audience::Person => Outlet::terminal(io::stdout(), size),
            Audience::Pipe => Outlet::plain(io::stdout()),
        }
    }
}

fn columns() -> usize {
    usize::from(size().columns)
}

fn size() -> Size {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 20 && size.ws_row > 0 => Size {
            columns: size.ws_col,
            rows: size.ws_row,
        },
        _ => Size {
            columns: 80,
            rows: 24,
        },
    }
}
