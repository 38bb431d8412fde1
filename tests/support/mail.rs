//! A real mail server, aiosmtpd, that insists on STARTTLS and a password.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mail_server.py");

pub(crate) const PASSWORD: &str = "canary-smtp-password";

/// A server that runs until it is dropped.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    child: Child,
    python: PathBuf,
    folder: TempDir,
}

impl MailServer {
    /// Starts one. `None`, with a note on stderr, where there is no aiosmtpd and none can be installed; with
    /// `ROTAKEY_SERVERS=required` that fails the test.
    pub(crate) fn start() -> Option<Self> {
        let folder = super::sandbox::directory();
        static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd");
        let Some(python) = PYTHON.get_or_init(|| python(&venv)).clone() else {
            let required = std::env::var("ROTAKEY_SERVERS").is_ok_and(|value| value == "required");
            assert!(!required, "aiosmtpd is not there and cannot be installed");
            note(
                "skipped: no aiosmtpd (apt-get install python3-aiosmtpd, or pip install aiosmtpd)",
            );
            return None;
        };
        if !certificate(folder.path()) {
            note("skipped: openssl is not installed");
            return None;
        }
        std::fs::create_dir(folder.path().join("mails")).expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        let mut child = Command::new(&python)
            .arg(SCRIPT)
            .args([
                folder.path().join("mails"),
                folder.path().join("cert.pem"),
                folder.path().join("key.pem"),
            ])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It tells at length of clients that turn away from its certificate, as they should.
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "ready");
        Some(Self {
            port,
            child,
            python,
            folder,
        })
    }

    /// Who signed its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The mails it took, as a mail program reads them.
    pub(crate) fn mails(&self) -> Vec<Value> {
        let shown = Command::new(&self.python)
            .args([SCRIPT, "--show"])
            .arg(self.folder.path().join("mails"))
            .output()
            .expect("python starts");
        assert!(
            shown.status.success(),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
        serde_json::from_slice(&shown.stdout).expect("JSON")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // Its stdin ends with it; the kill is for one that hangs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A Python that has aiosmtpd: one of the machine's, or a new environment with it.
fn python(venv: &Path) -> Option<PathBuf> {
    let has = |python: &Path| {
        let asked = Command::new(python)
            .args(["-c", "import aiosmtpd"])
            .output();
        asked.is_ok_and(|output| output.status.success())
    };
    let ours = venv.join("bin/python3");
    let known = ["python3".into(), "/usr/bin/python3".into(), ours];
    if let Some(python) = known.into_iter().find(|python: &PathBuf| has(python)) {
        return Some(python);
    }
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(venv)
        .output();
    let python = venv.join("bin/python3");
    let pip = || {
        Command::new(&python)
            .args(["-m", "pip", "install", "-q", "aiosmtpd"])
            .output()
    };
    let installed = made.is_ok_and(|output| output.status.success())
        && pip().is_ok_and(|output| output.status.success());
    (installed && has(&python)).then_some(python)
}

/// A certificate for 127.0.0.1, signed by an authority that nobody else knows.
fn certificate(folder: &Path) -> bool {
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
        openssl req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=localhost
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > ext
        openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem";
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output();
    made.is_ok_and(|output| output.status.success())
}

fn note(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{text}"));
}
