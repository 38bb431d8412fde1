//! Child processes: the one place that starts any.
//!
//! A child is started from an argument list, never through a shell. It gets what it is told on standard input, so that
//! no secret stands in an argument list, and answers on standard output. Of our environment it sees `PATH`, `HOME`,
//! `LANG`, `TZ` and the variables its configuration names; nothing else, and no secret of ours. (The one exception is
//! [`Program::confided`], for the programs of vendors that take their session in no other way.) It runs in a
//! process group of its own, so that a Ctrl-C at the terminal does not cut it short, and so that a child that takes
//! too long is killed together with everything it started (except what left the group with `setsid`).
//!
//! How a child says what became of its work:
//!
//! | end | means |
//! | --- | --- |
//! | it could not be started | not done |
//! | exit 0 | done; standard output is the answer |
//! | exit 75 | not done, and worth another try later |
//! | exit 64 to 78 otherwise (`sysexits.h`) | not done, and only a person helps |
//! | any other exit code, a signal, the timeout, an answer that cannot be read | **uncertain** |
//!
//! An ordinary failure exits with 1 or 2 in most languages, also half-way through the work. That is why those codes
//! are not taken for "not done".
//!
//! Standard error goes to `/dev/null`. A program that fails likes to print what it was working on, and that is a
//! secret; there is no way to tell the two apart. The exit code says what kind of failure it was, and running the
//! program by hand says the rest.
//!
//! If rotakey itself is killed, a child runs on until it is done: nothing that is safe Rust and works on macOS ties
//! the two together. A program should therefore bound its own calls.

mod pipes;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::model::{Effect, Fault, SecretValue};

use pipes::{Conversation, Ended, end_group};

/// The most a child may answer.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// What every child sees of our environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// A program to run, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments. The program is looked up in `PATH` unless it contains a slash.
    pub argv: Vec<String>,
    /// Names of environment variables it gets besides the usual four.
    pub env: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// Where it runs; where rotakey runs, if not said.
    pub cwd: Option<PathBuf>,
    /// Secrets that it gets in its environment, where the same user and root can read them while it runs. Only for a
    /// program that takes them in no other way, and only what the configuration hands out for that.
    pub confided: BTreeMap<&'static str, SecretValue>,
}

/// How a child ended.
#[derive(Debug)]
#[must_use = "a child that nobody looks at may have done its work"]
pub enum Ending {
    /// It never ran.
    NotStarted(Fault),
    /// It ended by itself with this code.
    Exited(i32, Output),
    /// It was killed, by us or by others, or we lost sight of it.
    Lost(Fault),
}

/// What a child wrote to standard output. Wiped when dropped, printed as `[redacted]`.
pub struct Output(Zeroizing<Vec<u8>>);

/// A secret in a child's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confided(pub SecretValue);

impl<'de> Deserialize<'de> for Confided {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretValue::new(text)))
    }
}

impl Program {
    /// A program of which only the argument list is said: a minute's time, nothing else.
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            env: Vec::new(),
            timeout: Duration::from_secs(60),
            cwd: None,
            confided: BTreeMap::new(),
        }
    }

    /// The program without its arguments, for messages.
    pub fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Runs the program with `input` on standard input and waits for its end. A child that does not read its input
    /// is no failure. What it leaves running must not write to its standard output: that is closed with its end.
    pub fn run(&self, input: &[u8]) -> Ending {
        self.start(input, Stdio::piped(), |name| std::env::var_os(name))
    }

    /// Runs the program for what it does and not for what it says: its standard output is `/dev/null`, as its standard
    /// error always is. So it may print as much as it likes, and what it leaves running in the background has somewhere
    /// to write to once nobody listens any more.
    pub fn tell(&self, input: &[u8]) -> Ending {
        self.start(input, Stdio::null(), |name| std::env::var_os(name))
    }

    /// Runs the program once with a JSON document and reads the JSON document it answers.
    pub fn ask<Answer: DeserializeOwned>(&self, question: &impl Serialize) -> Effect<Answer> {
        let input = match written(question) {
            Ok(input) => input,
            Err(fault) => return Effect::NotDone(fault),
        };
        self.run(&input)
            .effect(self.name())
            .read(|output| output.json().map_err(|fault| fault.at(self.quoted())))
    }

    /// Asks the program something that changes nothing, so that every end but a good one is a failure.
    pub fn look<Answer: DeserializeOwned>(
        &self,
        question: &impl Serialize,
    ) -> Result<Answer, Fault> {
        match self.ask(question) {
            Effect::Done(answer) => Ok(answer),
            Effect::NotDone(fault) | Effect::Uncertain(fault) => Err(fault),
        }
    }

    fn start(
        &self,
        input: &[u8],
        stdout: Stdio,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Ending {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Ending::NotStarted(Fault::refused("no program is named"));
        };
        let inherited = INHERITED
            .iter()
            .copied()
            .chain(self.env.iter().map(String::as_str));
        let confided = self.confided.iter();
        let environment: BTreeMap<&str, OsString> = inherited
            .filter_map(|name| Some((name, variable(name)?)))
            .chain(confided.map(|(name, secret)| (*name, secret.expose().into())))
            .collect();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(environment)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::null());
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        match command.spawn() {
            Ok(child) => self.attend(child, input),
            Err(error) => Ending::NotStarted(self.not_started(error.kind())),
        }
    }

    fn attend(&self, mut child: Child, input: &[u8]) -> Ending {
        let ended = Conversation::with(&mut child, input)
            .and_then(|talk| talk.until_the_end(&mut child, Instant::now() + self.timeout));
        let lost = match ended {
            Ok(Ended::Status(status, output)) => match status.code() {
                Some(code) => return Ending::Exited(code, Output(output)),
                None => "was killed by a signal".to_owned(),
            },
            Ok(Ended::Late) => {
                end_group(&mut child);
                format!("took longer than {:?} and was killed", self.timeout)
            }
            Ok(Ended::Verbose) => {
                end_group(&mut child);
                "answered more than 1 MiB and was killed".to_owned()
            }
            Err(error) => {
                end_group(&mut child);
                format!("was lost sight of ({})", error.kind())
            }
        };
        Ending::Lost(Fault::passing(format!("{} {lost}", self.quoted())))
    }

    fn not_started(&self, why: ErrorKind) -> Fault {
        let fault = Fault::refused(format!("{} cannot be started: {why}", self.quoted()));
        match why {
            ErrorKind::NotFound => fault.hint(
                "write the whole path of the program: the PATH of cron is shorter than a shell's",
            ),
            ErrorKind::PermissionDenied => fault.hint("make the program executable"),
            _ => fault,
        }
    }

    fn quoted(&self) -> String {
        quoted(self.name())
    }
}

impl Ending {
    /// What the ending means for the work, by the table above.
    pub fn effect(self, program: &str) -> Effect<Output> {
        let (code, output) = match self {
            Self::NotStarted(fault) => return Effect::NotDone(fault),
            Self::Lost(fault) => return Effect::Uncertain(fault),
            Self::Exited(code, output) => (code, output),
        };
        let said = |why: &str| format!("{} {why} (exit {code})", quoted(program));
        match code {
            0 => Effect::Done(output),
            75 => Effect::NotDone(Fault::passing(said("asks to be tried later"))),
            66 => Effect::NotDone(Fault::missing(said("says that something is missing"))),
            77 => Effect::NotDone(Fault::refused(said("was not permitted"))),
            78 => Effect::NotDone(Fault::refused(said("is not configured"))),
            64..=78 => Effect::NotDone(Fault::refused(said("refused"))),
            _ => Effect::Uncertain(Fault::passing(said("failed"))),
        }
    }
}

impl Output {
    /// The answer as a JSON document.
    pub fn json<Answer: DeserializeOwned>(&self) -> Result<Answer, Fault> {
        // The parser's own message may quote what it stumbled over, so only the place is told.
        serde_json::from_slice(&self.0).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Fault::refused(format!(
                "the answer is not what was asked for, at line {line} column {column}"
            ))
        })
    }

    /// The answer as text.
    pub fn text(&self) -> Result<&str, Fault> {
        std::str::from_utf8(&self.0).map_err(|_| Fault::refused("the answer is not UTF-8"))
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("[redacted]")
    }
}

fn written(question: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut input = Zeroizing::new(Vec::with_capacity(LARGEST_ANSWER));
    serde_json::to_writer(&mut *input, question)
        .map_err(|_| Fault::refused("the question cannot be written as JSON"))?;
    input.push(b'\n');
    Ok(input)
}

fn quoted(program: &str) -> String {
    format!("`{}`", program.escape_debug())
}
