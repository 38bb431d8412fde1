//! The kinds that write to this machine: a `.env` file with a program that reloads, and a password store with real gpg.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::sandbox::{Sandbox, directory};

use super::calls::Calls;
use super::scene::{Conforms, Scene, due};
use super::vendors::{self, in_file, with_file};

const LIVE: &str = "Kq7vR2mXw9LtB4nYc8ZsD1fGh5JpA3eU";

/// A value that rotakey makes up, in a file whose readers are told by a program.
pub(super) fn dotenv(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let sandbox = with_file(LIVE);
        let road = Calls::of(&sandbox);
        let reload = road.argv(&["true".to_owned()]);
        let target = format!("{{ kind: dotenv, path: shop.env, variable: KEY, reload: {reload} }}");
        due(&sandbox, &local(&target), LIVE);
        Scene {
            roads: vec![Box::new(road)],
            used: Box::new(in_file),
            ..Scene::new(sandbox)
        }
    });
}

/// A secret without any account.
fn local(target: &str) -> String {
    vendors::config("", "{ kind: generated }", target).replace("accounts:\n\n", "")
}

/// A real store and a key pair, made once for all scenes; its agent ends with it.
struct Gpg(tempfile::TempDir);

impl Gpg {
    /// `None`, and said so, where `pass` or `gpg` are not installed.
    fn new() -> Option<Self> {
        let gpg = Self(directory());
        let home = gpg.home();
        fs::create_dir(&home).expect("a folder");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a folder of ours");
        let made = Command::new("gpg")
            .arg("--homedir")
            .arg(&home)
            .args(["--batch", "--quiet", "--passphrase", "", "--quick-gen-key"])
            .args([
                "rotakey-test@example.com",
                "future-default",
                "default",
                "never",
            ])
            .stderr(Stdio::null())
            .status();
        if made.is_ok_and(|status| status.success())
            && Command::new("pass").arg("version").output().is_ok()
        {
            return Some(gpg);
        }
        let text = b"skipped: pass and gpg are not installed\n";
        std::io::stderr().write_all(text).ok();
        None
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("gnupg")
    }

    /// What a person does with stock `pass`.
    fn pass(&self, store: &Path, words: &[&str], input: &str) -> String {
        pass(&self.home(), store, words, input)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        end.arg("--homedir")
            .arg(self.home())
            .args(["--kill", "all"]);
        end.status().ok();
    }
}

fn pass(home: &Path, store: &Path, words: &[&str], input: &str) -> String {
    let child = Command::new("pass")
        .args(words)
        .env("PASSWORD_STORE_DIR", store)
        .env("GNUPGHOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("pass");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("pass reads");
    drop(stdin);
    let output = child.wait_with_output().expect("pass");
    assert!(output.status.success(), "pass {words:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// One line of an entry, with the others around it. A call takes tenths of a second, so that only commits are looped over.
pub(super) fn pass_store(suite: &mut dyn Conforms) {
    let Some(gpg) = Gpg::new() else { return };
    suite.commits(&|| {
        let sandbox = Sandbox::new();
        let store = sandbox.path("store");
        gpg.pass(&store, &["init", "rotakey-test@example.com"], "");
        let entry = format!("not this line\nKEY: {LIVE}\nuser: acme\n");
        gpg.pass(&store, &["insert", "-m", "-f", "api"], &entry);
        let home = gpg.home();
        let target = format!(
            "{{ kind: pass, entry: api, key: KEY, store: {}, gnupg_home: {} }}",
            store.display(),
            home.display()
        );
        due(&sandbox, &local(&target), LIVE);
        Scene {
            roads: Vec::new(),
            used: Box::new(move |_| {
                let text = pass(&home, &store, &["show", "api"], "");
                let [first, line, last] = text.lines().collect::<Vec<_>>()[..] else {
                    panic!(
                        "the entry has other lines than before: {}",
                        text.lines().count()
                    );
                };
                assert_eq!((first, last), ("not this line", "user: acme"));
                vec![line.strip_prefix("KEY: ").expect("the line").to_owned()]
            }),
            ..Scene::new(sandbox)
        }
    });
}
