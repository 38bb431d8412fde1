use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// A real store with a key of its own, or nothing where `pass` and `gpg` are not installed.
struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let store = Self { folder };
        let home = store.home();
        std::fs::create_dir(&home).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&home, private).unwrap();
        let made = Command::new("gpg")
            .arg("--homedir")
            .arg(&home)
            .args(["--batch", "--quiet", "--passphrase", "", "--quick-gen-key"])
            .args(["rotakey-test@example.com", "default", "default", "never"])
            .stderr(Stdio::null())
            .status();
        let ready = made.is_ok_and(|status| status.success())
            && store
                .pass(&["init", "rotakey-test@example.com"], "")
                .is_some();
        if !ready {
            let mut loud = std::io::stderr().lock();
            writeln!(loud, "SKIPPED: pass and gpg are not installed").unwrap();
            return None;
        }
        Some(store)
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("gnupg")
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// What a person does with stock `pass`.
    fn pass(&self, words: &[&str], input: &str) -> Option<String> {
        let child = Command::new("pass")
            .args(words)
            .env("PASSWORD_STORE_DIR", self.dir())
            .env("GNUPGHOME", self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        let output = child.wait_with_output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        output.status.success().then_some(said)
    }

    fn insert(&self, entry: &str, text: &str) {
        self.pass(&["insert", "-m", "-f", entry], text).unwrap();
    }

    fn target(&self, entry: &str, key: Option<&str>) -> PasswordStore {
        let config = Config {
            entry: entry.to_owned(),
            key: key.map(str::to_owned),
            store: Some(self.dir()),
            gnupg_home: Some(self.home()),
        };
        PasswordStore::new(config).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let home = self.home();
        let mut kill = Command::new("gpgconf");
        kill.arg("--homedir")
            .arg(&home)
            .args(["--kill", "gpg-agent"]);
        drop(kill.status());
    }
}

fn done() -> Effect<Written> {
    Effect::Done(Written {
        at: None,
        marker: None,
    })
}

#[test]
fn stock_pass_and_gpg_read_what_was_delivered_and_every_other_line_stays() {
    let Some(store) = Store::new() else { return };
    store.insert(
        "api/openai",
        "sk-old\nuser: bot\ntoken: t-old\nhttps://platform.openai.com\n",
    );
    let target = store.target("api/openai", None);
    let site = target.sites(Pass(1)).unwrap().remove(0);
    assert_eq!(site.stored, Stored::Value(SecretValue::new("sk-old")));
    assert_eq!(site.label, "pass/api/openai first line");
    assert_eq!(
        target.write(&site, &SecretValue::new("sk-n w$`\"'")),
        done()
    );
    let keyed = store.target("api/openai", Some("token"));
    let other = keyed.sites(Pass(1)).unwrap().remove(0);
    assert_ne!(other.id, site.id);
    assert_eq!(keyed.write(&other, &SecretValue::new("t-new")), done());
    let whole = "sk-n w$`\"'\nuser: bot\ntoken: t-new\nhttps://platform.openai.com\n";
    assert_eq!(
        store.pass(&["show", "api/openai"], "").as_deref(),
        Some(whole)
    );
    let gpg = Command::new("gpg")
        .arg("--homedir")
        .arg(store.home())
        .args(["--batch", "--quiet", "--decrypt"])
        .arg(store.dir().join("api/openai.gpg"))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(gpg.stdout).unwrap(), whole);
}

#[test]
fn writing_what_is_there_already_changes_no_file() {
    let Some(store) = Store::new() else { return };
    store.insert("a", "same\n");
    let file = store.dir().join("a.gpg");
    let before = std::fs::read(&file).unwrap();
    let target = store.target("a", None);
    let site = target.sites(Pass(1)).unwrap().remove(0);
    assert_eq!(target.write(&site, &SecretValue::new("same")), done());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn what_is_not_an_entry_is_refused() {
    let Some(store) = Store::new() else { return };
    store.insert("api/openai", "sk-old\n");
    let why = |entry: &str| store.target(entry, None).sites(Pass(1)).unwrap_err().what;
    assert_eq!(why("nothing"), "pass/nothing: the store has no such entry");
    assert_eq!(
        why("api"),
        "pass/api: it is a folder, or an entry that holds its own name"
    );
    let lost = store.target("api/openai", Some("token"));
    assert_eq!(
        lost.sites(Pass(1)).unwrap_err().what,
        "pass/api/openai: the entry has no line `token:`"
    );
}

#[test]
fn an_entry_that_cannot_be_decrypted_or_written_is_not_done() {
    let Some(store) = Store::new() else { return };
    store.insert("a", "old\n");
    let target = store.target("a", None);
    let site = target.sites(Pass(1)).unwrap().remove(0);
    // Nobody has this key, so that nothing can be encrypted to it; what is there can still be read.
    std::fs::write(store.dir().join(".gpg-id"), "nobody@example.com\n").unwrap();
    let Effect::NotDone(fault) = target.write(&site, &SecretValue::new("new")) else {
        panic!("nothing was written");
    };
    assert_eq!(fault.what, "`pass insert` changed nothing (exit 1)");
    assert_eq!(store.pass(&["show", "a"], "").as_deref(), Some("old\n"));
    std::fs::write(store.dir().join("a.gpg"), "not encrypted").unwrap();
    let Effect::NotDone(fault) = target.write(&site, &SecretValue::new("new")) else {
        panic!("nothing can have been written");
    };
    assert_eq!(fault.what, "the entry cannot be read (exit 2)");
}

#[test]
fn no_value_ever_stands_in_an_argument_list() {
    let config = Config {
        entry: "api/openai".to_owned(),
        key: None,
        store: Some(Path::new("/srv/pass").to_owned()),
        gnupg_home: None,
    };
    let target = PasswordStore::new(config).unwrap();
    assert_eq!(
        target.program(&["insert", "--multiline", "--force"]).argv,
        [
            "env",
            "PASSWORD_STORE_DIR=/srv/pass",
            "pass",
            "insert",
            "--multiline",
            "--force",
            "--",
            "api/openai"
        ]
    );
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for entry in ["", "/etc/passwd", "../x", "a//b", "a/../b", "a/", "a\nb"] {
        let config = Config {
            entry: entry.to_owned(),
            key: None,
            store: None,
            gnupg_home: None,
        };
        assert!(PasswordStore::new(config).is_err(), "{entry:?}");
    }
}
