//! A directory, an environment and a clock of its own for each test, around one simulated world.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use rotakey::exit::Exit;
use rotakey::ledger::FileStore;
use rotakey::model::{Clock, Instant};
use rotakey::run::{Account, Host, Input, Signals};
use rotakey::ui::{Outlet, Size};
use tempfile::TempDir;

use super::mortal::{Died, Life, MortalClock, MortalStore};
use super::world::{Calendar, World};

/// What one run left behind.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) words: String,
    /// `None`: it was killed.
    pub(crate) exit: Option<u8>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// How many times it committed the ledger.
    pub(crate) commits: u64,
    /// How many requests the vendors saw meanwhile.
    pub(crate) requests: usize,
}

impl Ran {
    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: Exit) -> Self {
        assert_eq!(self.exit, Some(code.code()), "{self:#?}");
        self
    }

    /// Insists on words on stderr.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} is missing in {self:#?}"
        );
        self
    }

    /// Insists on silence, as cron wants it.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), ("", ""));
        self
    }
}

/// What somebody looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) columns: u16,
    pub(crate) colour: bool,
}

/// A file as it stands: whoever wrote it again, even the same bytes, is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    inode: u64,
    modified: (i64, i64),
    bytes: Vec<u8>,
}

/// Text that a run has written.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A world, and a place to run rotakey in.
pub(crate) struct Sandbox {
    pub(crate) calendar: Calendar,
    pub(crate) world: World,
    pub(crate) directory: TempDir,
    pub(crate) environment: BTreeMap<String, String>,
    /// How many requests one run may have under way.
    pub(crate) workers: usize,
    drawn: Arc<AtomicU64>,
    runs: Mutex<Vec<Ran>>,
}

impl Sandbox {
    /// An empty directory with an identity, a ledger, and nothing configured.
    pub(crate) fn new() -> Self {
        Self::at("2024-02-18T09:00:00Z")
    }

    /// The same, at that time.
    pub(crate) fn at(now: &str) -> Self {
        let calendar = Calendar::at(now);
        let world = World::new(&calendar);
        let directory = directory();
        let home = directory.path().join("home").display().to_string();
        let environment = BTreeMap::from([
            ("HOME".to_owned(), home),
            ("OPENAI_ADMIN_KEY".to_owned(), world.openai_admin_key()),
            ("VERCEL_TOKEN".to_owned(), world.vercel_token()),
            ("RENDER_API_KEY".to_owned(), world.render_api_key()),
        ]);
        let sandbox = Self {
            calendar,
            world,
            directory,
            environment,
            workers: 1,
            drawn: Arc::default(),
            runs: Mutex::default(),
        };
        sandbox.run("init").exits(Exit::Done);
        sandbox
    }

    /// Writes `rotations.yaml`: the accounts of this world, then what is given.
    pub(crate) fn configure(&self, rest: &str) {
        let world = &self.world;
        let team = match world.vercel_team().as_str() {
            "" => String::new(),
            team => format!(", team: {team}"),
        };
        let text = format!(
            "defaults: {{ warn: 7d, grace: 24h, skip: 30d }}\n\
             accounts:\n  \
             openai: {{ admin_key: {{ env: OPENAI_ADMIN_KEY }}, base_url: \"{}\" }}\n  \
             vercel: {{ token: {{ env: VERCEL_TOKEN }}, base_url: \"{}\"{team} }}\n  \
             render: {{ api_key: {{ env: RENDER_API_KEY }}, base_url: \"{}\" }}\n{rest}",
            world.openai_url(),
            world.vercel_url(),
            world.render_url(),
        );
        self.write("rotations.yaml", &text);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file in the sandbox");
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of the sandbox")
    }

    /// How a file stands now.
    #[track_caller]
    pub(crate) fn standing(&self, name: &str) -> Standing {
        let path = self.path(name);
        let metadata = fs::metadata(&path).expect("a file of the sandbox");
        Standing {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: fs::read(path).expect("a file of the sandbox"),
        }
    }

    /// Runs `rotakey` with these words, with nothing on stdin.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.live(line, "", &Life::until(None))
    }

    /// Runs it with something on stdin.
    pub(crate) fn pipe(&self, line: &str, stdin: &str) -> Ran {
        self.live(line, stdin, &Life::until(None))
    }

    /// Runs it for as long as that life lasts.
    pub(crate) fn live(&self, line: &str, stdin: &str, life: &Life) -> Ran {
        self.with_clock(line, stdin, life, self.calendar.clone())
    }

    fn with_clock(&self, line: &str, stdin: &str, life: &Life, clock: impl Clock + 'static) -> Ran {
        let (stdout, stderr) = (Paper::default(), Paper::default());
        let host = Host {
            clock: Arc::new(MortalClock {
                clock,
                life: life.clone(),
            }),
            ..self.host(stdin, &stdout, &stderr, life)
        };
        let before = self.world.requests().len();
        let run = AssertUnwindSafe(|| rotakey::invoke(host, words(line)));
        let exit = match catch_unwind(run) {
            Ok(exit) => Some(exit.code()),
            Err(cause) if cause.is::<Died>() => None,
            Err(cause) => resume_unwind(cause),
        };
        let ran = Ran {
            words: line.to_owned(),
            // A process that was killed in the middle of a reply says nothing more, whatever it would have said.
            exit: exit.filter(|_| !life.is_over()),
            stdout: stdout.text(),
            stderr: stderr.text(),
            commits: life.commits(),
            requests: self.world.requests().len() - before,
        };
        self.note(ran.clone());
        ran
    }

    /// Runs it on a machine whose clock is ahead of everybody else's.
    pub(crate) fn run_ahead(&self, line: &str, by: TimeDelta) -> Ran {
        self.with_clock(
            line,
            "",
            &Life::until(None),
            Ahead(self.calendar.clone(), by),
        )
    }

    /// Runs it as a person sees it, on a terminal.
    pub(crate) fn seen(&self, line: &str, look: Look) -> Ran {
        let (stdout, stderr) = (Paper::default(), Paper::default());
        let terminal = |paper: &Paper| {
            let columns = look.columns;
            Outlet::terminal(paper.clone(), move || Size { columns, rows: 50 })
        };
        let environment = self.environment.clone();
        let host = Host {
            stdout: terminal(&stdout),
            stderr: terminal(&stderr),
            environment: Arc::new(move |name| match name {
                "NO_COLOR" if !look.colour => Some("1".to_owned()),
                "TERM" => Some("xterm-256color".to_owned()),
                _ => environment.get(name).cloned(),
            }),
            ..self.host("", &stdout, &stderr, &Life::until(None))
        };
        let before = self.world.requests().len();
        let exit = rotakey::invoke(host, words(line)).code();
        let ran = Ran {
            words: line.to_owned(),
            exit: Some(exit),
            stdout: stdout.text(),
            stderr: stderr.text(),
            commits: 0,
            requests: self.world.requests().len() - before,
        };
        self.note(ran.clone());
        ran
    }

    /// Runs it with its stdout somewhere real: a full disk, a pipe that nobody reads.
    pub(crate) fn printing_to(&self, line: &str, stdout: impl Write + Send + 'static) -> Ran {
        let stderr = Paper::default();
        let life = Life::until(None);
        let host = Host {
            stdout: Outlet::plain(stdout),
            ..self.host("", &Paper::default(), &stderr, &life)
        };
        let before = self.world.requests().len();
        let exit = rotakey::invoke(host, words(line)).code();
        let ran = Ran {
            words: line.to_owned(),
            exit: Some(exit),
            stdout: String::new(),
            stderr: stderr.text(),
            commits: life.commits(),
            requests: self.world.requests().len() - before,
        };
        self.note(ran.clone());
        ran
    }

    fn host(&self, stdin: &str, stdout: &Paper, stderr: &Paper, life: &Life) -> Host {
        let environment = self.environment.clone();
        let drawn = Arc::clone(&self.drawn);
        let mortal = life.clone();
        Host {
            environment: Arc::new(move |name| environment.get(name).cloned()),
            directory: self.directory.path().to_owned(),
            clock: Arc::new(self.calendar.clone()),
            random: Arc::new(move || draw(&drawn)),
            signals: Signals::default(),
            input: Input::piped(io::Cursor::new(stdin.as_bytes().to_vec())),
            stdout: Outlet::plain(stdout.clone()),
            stderr: Outlet::plain(stderr.clone()),
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
            workers: self.workers,
        }
    }

    /// Keeps the transcript of a run.
    pub(crate) fn note(&self, ran: Ran) {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ran);
    }

    /// Everything that any run has said so far.
    pub(crate) fn transcripts(&self) -> Vec<Ran> {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.calendar.advance(by);
    }

    /// The labels of the requests since the n-th.
    pub(crate) fn since(&self, n: usize) -> Vec<String> {
        let requests = self.world.requests();
        requests[n..]
            .iter()
            .map(|entry| entry.what.clone())
            .collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let runs = self.transcripts();
            let mut text = String::new();
            for ran in runs.iter().skip(1) {
                text += &format!(
                    "$ rotakey {} -> {:?}\n{}{}",
                    ran.words, ran.exit, ran.stdout, ran.stderr
                );
            }
            drop(writeln!(
                io::stderr(),
                "{text}--- what the vendors saw\n{}",
                self.world.dump()
            ));
        }
    }
}

/// A clock that shows too late a time.
struct Ahead(Calendar, TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> Instant {
        self.0.now() + self.1
    }

    fn wait(&self, span: TimeDelta) {
        Clock::wait(&self.0, span);
    }

    fn stopping(&self) -> bool {
        false
    }
}

/// A directory in memory where there is one: what is fsynced ten thousand times must not wait for a disk.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => TempDir::with_prefix_in("rotakey-", memory),
        false => TempDir::with_prefix("rotakey-"),
    };
    made.expect("a temporary directory")
}

/// A command line as a test writes it. Words with spaces stand in single quotes.
pub(crate) fn words(line: &str) -> Vec<OsString> {
    let mut words = vec!["rotakey".into()];
    for (at, part) in line.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(OsString::from)),
            _ => words.push(part.into()),
        }
    }
    words
}

/// Different every time, and the same in every run of the test.
fn draw(drawn: &AtomicU64) -> u128 {
    let n = u128::from(drawn.fetch_add(1, Ordering::SeqCst)) + 1;
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// The ledger.
impl Sandbox {
    /// The ledger as stock `age -d` shows it.
    #[track_caller]
    pub(crate) fn ledger(&self) -> serde_json::Value {
        ledger_at(self.directory.path())
    }
}

/// The ledger in that directory, as stock `age -d` shows it.
#[track_caller]
pub(crate) fn ledger_at(directory: &Path) -> serde_json::Value {
    let identity = fs::read_to_string(directory.join("identity.txt")).expect("an identity");
    let identity = identity
        .lines()
        .find(|line| line.starts_with("AGE-SECRET-KEY-"))
        .and_then(|line| line.parse::<age::x25519::Identity>().ok())
        .expect("an age identity");
    let sealed = fs::read(directory.join("ledger.json.age")).expect("a ledger");
    let text = age::decrypt(&identity, &sealed).expect("a ledger for this identity");
    serde_json::from_slice(&text).expect("JSON")
}
