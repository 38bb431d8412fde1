//! A run in a process of its own, which can really be killed: this test binary again, told by its environment to be
//! rotakey. Its time is the world's: it asks for it over a socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, thread};

use chrono::{DateTime, TimeDelta};
use rotakey::ledger::FileStore;
use rotakey::model::{Clock, Instant};
use rotakey::run::{Account, Host, Input, Signals};
use rotakey::ui::Outlet;
use rustix::process::{Pid, Signal, getpid, kill_process};

use super::mortal::{Life, MortalClock, MortalStore};
use super::sandbox::{Ran, Sandbox, words};
use super::world::{Calendar, Moment};

const LINE: &str = "TEST_LINE";
const PLACE: &str = "TEST_PLACE";
const COMMIT: &str = "TEST_COMMIT";

/// The test that is rotakey when it is told to be.
const ITSELF: &str = "real::child";

/// A run in another process.
pub(crate) struct Running {
    pub(crate) process: Child,
    line: String,
    /// Where its clock, its stdout and its stderr are.
    place: tempfile::TempDir,
    requests: usize,
}

impl Sandbox {
    /// Starts it. With `last_commit`, it kills itself there.
    pub(crate) fn spawn(&self, line: &str, last_commit: Option<(u64, Moment)>) -> Running {
        let place = super::sandbox::directory();
        serve(&self.calendar, &place.path().join("clock"));
        let commit = last_commit.map_or_else(String::new, |(k, moment)| format!("{k} {moment:?}"));
        let process = Command::new(env::current_exe().expect("this test has a file"))
            .args([ITSELF, "--exact", "--nocapture", "--test-threads=1"])
            .env_clear()
            .envs(&self.environment)
            .env(LINE, line)
            .env(PLACE, place.path())
            .env(COMMIT, commit)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("this test can be started again");
        Running {
            process,
            line: line.to_owned(),
            place,
            requests: self.world.requests().len(),
        }
    }

    /// Runs it in a process of its own to its end.
    pub(crate) fn run_apart(&self, line: &str) -> Ran {
        self.spawn(line, None).ended(self)
    }
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self, sandbox: &Sandbox) -> Ran {
        let status = self.process.wait().expect("a child of this process");
        let text = |name| fs::read_to_string(self.place.path().join(name)).unwrap_or_default();
        let ran = Ran {
            words: self.line.clone(),
            exit: status.code().and_then(|code| u8::try_from(code).ok()),
            stdout: text("stdout"),
            stderr: text("stderr"),
            commits: 0,
            requests: sandbox.world.requests().len() - self.requests,
        };
        sandbox.note(ran.clone());
        ran
    }
}

/// Kills a process as `kill -9` does.
pub(crate) fn kill(process: Pid) {
    kill_process(process, Signal::KILL).expect("a process of ours");
}

/// Carries out what the environment says, and never returns then.
pub(crate) fn be_rotakey() {
    let (Ok(line), Ok(place)) = (env::var(LINE), env::var(PLACE)) else {
        return;
    };
    let place = Path::new(&place);
    let file = |name| fs::File::create(place.join(name)).expect("a file for the output");
    let signals = Signals::listen().expect("signals");
    let life = Life::ending(last_commit(), || kill(getpid()));
    let mortal = life.clone();
    let host = Host {
        environment: Arc::new(|name| env::var(name).ok()),
        directory: env::current_dir().expect("a directory"),
        clock: Arc::new(MortalClock {
            clock: FarClock::at(&place.join("clock"), signals.clone()),
            life,
        }),
        random: Arc::new(rand::random),
        signals,
        input: Input::piped(std::io::empty()),
        stdout: Outlet::plain(file("stdout")),
        stderr: Outlet::plain(file("stderr")),
        account: Account {
            user: "ada".to_owned(),
            host: "vault".to_owned(),
        },
        open_store: Arc::new(move |path| {
            Ok(Arc::new(MortalStore {
                store: FileStore::at(path)?,
                life: mortal.clone(),
            }))
        }),
        workers: 4,
    };
    let exit = rotakey::invoke(host, words(&line));
    #[expect(clippy::exit, reason = "the exit code is what the parent looks at")]
    std::process::exit(exit.code().into());
}

fn last_commit() -> Option<(u64, Moment)> {
    let said = env::var(COMMIT).ok()?;
    let (k, moment) = said.split_once(' ')?;
    let moment = match moment {
        "Before" => Moment::Before,
        _ => Moment::After,
    };
    Some((k.parse().ok()?, moment))
}

/// Answers `now` and `wait MILLISECONDS` with the time.
fn serve(calendar: &Calendar, path: &Path) {
    let listener = UnixListener::bind(path).expect("a socket");
    let calendar = calendar.clone();
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else {
            return;
        };
        let Ok(copy) = stream.try_clone() else { return };
        for line in BufReader::new(copy).lines().map_while(Result::ok) {
            let wait = line
                .strip_prefix("wait ")
                .and_then(|span| span.parse().ok());
            if let Some(span) = wait {
                calendar.advance(TimeDelta::milliseconds(span));
            }
            if writeln!(stream, "{}", calendar.now().to_rfc3339()).is_err() {
                return;
            }
        }
    });
}

/// The world's time, from another process.
struct FarClock {
    stream: Mutex<BufReader<UnixStream>>,
    signals: Signals,
}

impl FarClock {
    fn at(path: &Path, signals: Signals) -> Self {
        let stream = UnixStream::connect(path).expect("the world's clock");
        Self {
            stream: Mutex::new(BufReader::new(stream)),
            signals,
        }
    }

    fn ask(&self, what: &str) -> Instant {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = String::new();
        writeln!(stream.get_mut(), "{what}").expect("the world's clock");
        stream.read_line(&mut answer).expect("the world's clock");
        let time = DateTime::parse_from_rfc3339(answer.trim());
        time.expect("the time").to_utc()
    }
}

impl Clock for FarClock {
    fn now(&self) -> Instant {
        self.ask("now")
    }

    fn wait(&self, span: TimeDelta) {
        self.ask(&format!("wait {}", span.num_milliseconds().max(0)));
    }

    fn stopping(&self) -> bool {
        self.signals.stopped().is_some()
    }
}
