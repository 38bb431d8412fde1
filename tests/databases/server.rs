//! A process that lives as long as a test, and the directory it lives in.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Databases refuse to run as root, and should.
const NOBODY: &str = "65534";

/// What rotakey logs in with, as `rotakey`, on any of them.
pub(crate) const ACCOUNT_PASSWORD: &str = "the password of rotakey";

/// The directory of one server. All of it belongs to whom the server runs as.
pub(crate) struct Home(tempfile::TempDir);

/// A running server.
pub(crate) struct Process {
    child: Child,
    stop: rustix::process::Signal,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.hand_over();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        let bytes = std::fs::read(self.file(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes a file that the server can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.file(name), text).unwrap();
        self.hand_over();
        self.file(name)
    }

    /// Puts a file into the place of another, which a server that runs can read.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let new = self.file(&format!("new-{:?}", std::thread::current().id()));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.file(name)).unwrap();
    }

    pub(crate) fn hand_over(&self) {
        if is_root() {
            run(Command::new("chown").arg("-R").arg(NOBODY).arg(self.path()));
        }
    }

    /// A program that runs as nobody in particular, without this process's environment.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
            command.arg(program.as_ref());
            command
        } else {
            Command::new(program.as_ref())
        };
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8");
        command.current_dir(self.path());
        command
    }

    /// Starts a server that writes what it says to `log`, and waits until it takes connections.
    pub(crate) fn start(
        &self,
        mut command: Command,
        stop: rustix::process::Signal,
        port: u16,
    ) -> Process {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.file("log"))
            .unwrap();
        self.hand_over();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut process = Process {
            child: command.spawn().unwrap(),
            stop,
        };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "the server did not start:\n{}",
                self.text("log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        process
    }

    /// An authority (`NAME.pem`) and a certificate of it for `localhost` (`NAME-server.pem`, `NAME-server.key`).
    pub(crate) fn certificates(&self, name: &str) {
        let openssl = |arguments: &str| {
            let arguments = arguments.replace('@', name);
            run(self.command("openssl").args(arguments.split(' ')));
        };
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch -days 2";
        openssl(&format!(
            "req -x509 {new} -keyout @.key -out @.pem -subj /CN=@ -addext basicConstraints=critical,CA:TRUE"
        ));
        openssl(&format!(
            "req -x509 {new} -CA @.pem -CAkey @.key -keyout @-server.key -out @-server.pem -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
        ));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        // It may have ended by itself.
        rustix::process::kill_process(id, self.stop).ok();
        drop(self.child.wait());
    }
}

pub(crate) fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What to do without a server.
#[expect(clippy::print_stderr, reason = "a test that did nothing has to say so")]
pub(crate) fn absent(name: &str) {
    let required = std::env::var_os("ROTAKEY_SERVERS").is_some_and(|text| text == "required");
    assert!(!required, "{name} is not installed: see tests/servers.sh");
    eprintln!("skipped: {name} is not installed (tests/servers.sh installs it)");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
