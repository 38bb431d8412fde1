//! Many rotations by the program itself, while clients log in all the time with whatever their `.env` says.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::server::ACCOUNT_PASSWORD;

/// Rotations in one test, unless `ROTAKEY_ROUNDS` says otherwise.
const ROUNDS: u32 = 10;
const CLIENTS: u32 = 4;

/// What is rotated.
pub(crate) struct Load<'a> {
    /// What the figures are called.
    pub(crate) name: &'a str,
    /// The account and the issuer, as `rotations.yaml` says them.
    pub(crate) account: &'a str,
    pub(crate) issuer: &'a str,
    /// What is live at the start.
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// Logs in as user with password.
    pub(crate) log_in: &'a (dyn Fn(&str, &str) -> Result<(), String> + Sync),
}

/// What came of it.
pub(crate) struct Told {
    /// Every password that was live at some time.
    pub(crate) passwords: BTreeSet<String>,
}

impl Load<'_> {
    /// Rotates and revokes, round after round. No log-in may fail.
    #[expect(clippy::print_stderr, reason = "what was measured is for people")]
    pub(crate) fn run(&self) -> Told {
        let rounds = std::env::var("ROTAKEY_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        self.set_up(folder);
        let (done, log_ins) = (AtomicBool::new(false), AtomicU32::new(0));
        let failures = Mutex::new(Vec::new());
        let passwords = Mutex::new(BTreeSet::new());
        let started = Instant::now();
        std::thread::scope(|scope| {
            let client = || {
                while !done.load(Ordering::SeqCst) {
                    let (user, password) = current(folder);
                    match (self.log_in)(&user, &password) {
                        Ok(()) => drop(log_ins.fetch_add(1, Ordering::SeqCst)),
                        Err(why) => failures.lock().unwrap().push(format!("{user}: {why}")),
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            };
            for _ in 0..CLIENTS {
                scope.spawn(client);
            }
            let rotations = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                for _ in 0..rounds {
                    let before = current(folder);
                    rotakey(folder, &["rotate", "database"], "");
                    let after = current(folder);
                    assert_ne!(before, after);
                    passwords.lock().unwrap().insert(after.1);
                    rotakey(folder, &["revoke", "database", "--now"], "");
                    assert!(
                        (self.log_in)(&before.0, &before.1).is_err(),
                        "the old password is dead"
                    );
                }
            }));
            done.store(true, Ordering::SeqCst);
            rotations.unwrap();
        });
        let took = started.elapsed();
        let failures = failures.into_inner().unwrap();
        let log_ins = log_ins.into_inner();
        eprintln!(
            "{}: {rounds} rotations and revocations in {:.1} s, {:.0} ms each; {log_ins} log-ins by {CLIENTS} clients, {} failed",
            self.name,
            took.as_secs_f64(),
            took.as_millis() as f64 / f64::from(rounds),
            failures.len()
        );
        assert_eq!(failures, [""; 0]);
        assert!(log_ins > rounds);
        let passwords = passwords.into_inner().unwrap();
        assert_eq!(passwords.len(), rounds as usize);
        Told { passwords }
    }

    /// The password leaked: in one run there is a new one, the old one is dead, and so is what it had opened.
    pub(crate) fn leak(&self, mut still_open: impl FnMut() -> bool) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        self.set_up(folder);
        assert!(still_open());
        let words = ["rotate", "database", "--emergency", "--reason", "it leaked"];
        rotakey(folder, &words, "");
        assert!(!still_open(), "{}", self.name);
        assert!((self.log_in)(self.user, self.password).is_err());
        let (user, password) = current(folder);
        assert_eq!((self.log_in)(&user, &password), Ok(()));
    }

    fn set_up(&self, folder: &Path) {
        rotakey(folder, &["init"], "");
        let (account, issuer) = (self.account, self.issuer);
        let path = folder.join(".env");
        std::fs::write(&path, format!("LOGIN='{} {}'\n", self.user, self.password)).unwrap();
        let path = path.display();
        let yaml = format!(
            "accounts: {{ {account} }}\nsecrets:\n  database:\n    every: 90d\n    issuer: {issuer}\n    targets:\n      \
             - {{ kind: dotenv, path: {path}, variable: LOGIN, value: \"{{user}} {{password}}\" }}\n"
        );
        std::fs::write(folder.join("rotations.yaml"), yaml).unwrap();
        let live = serde_json::json!({"user": self.user, "password": self.password}).to_string();
        rotakey(folder, &["adopt", "database"], &live);
        rotakey(folder, &["check"], "");
    }
}

/// What a client reads. A reader never sees half a file: the new one is renamed over the old one.
fn current(folder: &Path) -> (String, String) {
    let text = std::fs::read_to_string(folder.join(".env")).unwrap();
    let line = text.strip_prefix("LOGIN=").unwrap().trim();
    let (user, password) = line.trim_matches(['"', '\'']).split_once(' ').unwrap();
    (user.to_owned(), password.to_owned())
}

fn rotakey(folder: &Path, words: &[&str], input: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rotakey"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("ACCOUNT_PASSWORD", ACCOUNT_PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {}\n{said}", done.status);
}
