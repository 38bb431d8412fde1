//! Child processes: the one place that starts any.
//!
//! A child is started from an argument list, never through a shell. It gets what it is told on standard input, so that
//! no secret stands in an argument list, and answers on standard output. Of our environment it sees `PATH`, `HOME`,
//! `LANG`, `TZ` and the variables its configuration names; nothing else, and never a secret of ours. It runs in a
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

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::model::{Effect, Fault};

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

impl Program {
    /// A program of which only the argument list is said: a minute's time, nothing else.
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            env: Vec::new(),
            timeout: Duration::from_secs(60),
            cwd: None,
        }
    }

    /// The program without its arguments, for messages.
    pub fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Runs the program with `input` on standard input and waits for its end. A child that does not read its input
    /// is no failure.
    pub fn run(&self, input: &[u8]) -> Ending {
        self.run_with(input, |name| std::env::var_os(name))
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

    fn run_with(&self, input: &[u8], variable: impl Fn(&str) -> Option<OsString>) -> Ending {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Ending::NotStarted(Fault::refused("no program is named"));
        };
        let inherited = INHERITED
            .iter()
            .copied()
            .chain(self.env.iter().map(String::as_str));
        let environment: BTreeMap<&str, OsString> = inherited
            .filter_map(|name| Some((name, variable(name)?)))
            .collect();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(environment)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
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

/// What was heard of a child in the end.
enum Ended {
    Status(ExitStatus, Zeroizing<Vec<u8>>),
    Late,
    Verbose,
}

/// The two pipes to a running child; one that is finished is closed.
struct Conversation<'a> {
    to: Option<ChildStdin>,
    from: Option<ChildStdout>,
    unsent: &'a [u8],
    heard: Zeroizing<Vec<u8>>,
}

impl<'a> Conversation<'a> {
    /// Neither pipe may block: a child that reads nothing and writes much would otherwise wait for us for ever, and
    /// we for it.
    fn with(child: &mut Child, input: &'a [u8]) -> std::io::Result<Self> {
        let (to, from) = (child.stdin.take(), child.stdout.take());
        for pipe in [to.as_ref().map(AsFd::as_fd), from.as_ref().map(AsFd::as_fd)]
            .into_iter()
            .flatten()
        {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            to,
            from,
            unsent: input,
            // All at once, because a vector that grows leaves copies behind that nobody wipes.
            heard: Zeroizing::new(Vec::with_capacity(LARGEST_ANSWER + 1)),
        })
    }

    fn until_the_end(mut self, child: &mut Child, deadline: Instant) -> std::io::Result<Ended> {
        let mut tick = Duration::from_millis(1);
        loop {
            // Asked before the pipes are read, so that everything written before the end is read after it. Whatever
            // the child left running in the background may hold the pipe open; it is not waited for.
            let status = child.try_wait()?;
            self.send()?;
            self.hear()?;
            if self.heard.len() > LARGEST_ANSWER {
                return Ok(Ended::Verbose);
            }
            if let Some(status) = status {
                return Ok(Ended::Status(status, self.heard));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Ended::Late);
            }
            self.rest(tick.min(left))?;
            tick = (tick * 2).min(Duration::from_millis(20));
        }
    }

    fn send(&mut self) -> std::io::Result<()> {
        while let Some(pipe) = &mut self.to {
            if self.unsent.is_empty() {
                self.to = None;
                break;
            }
            match pipe.write(self.unsent) {
                Ok(sent) => self.unsent = &self.unsent[sent..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It does not want to hear the rest.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.to = None,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn hear(&mut self) -> std::io::Result<()> {
        let Some(pipe) = &mut self.from else {
            return Ok(());
        };
        let room = (LARGEST_ANSWER + 1 - self.heard.len()) as u64;
        match pipe.by_ref().take(room).read_to_end(&mut self.heard) {
            Ok(_) => self.from = None,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits until a pipe can go on, or for one tick: the end of the child itself is not seen on any pipe.
    fn rest(&self, tick: Duration) -> std::io::Result<()> {
        let mut pipes: Vec<PollFd<'_>> = Vec::with_capacity(2);
        pipes.extend(self.to.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(
            self.from
                .iter()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        let tick = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(tick.subsec_nanos()),
        };
        match poll(&mut pipes, Some(&tick)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Kills a child and everything in its group, and collects it.
fn end_group(child: &mut Child) {
    // Once a child is collected, its number may be anybody's.
    if let Ok(Some(_)) = child.try_wait() {
        return;
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // A failure means that nothing of the group is left.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sh(script: &str) -> Program {
        Program::new(vec!["sh".into(), "-c".into(), script.into()])
    }

    fn exited(ending: Ending) -> (i32, String) {
        match ending {
            Ending::Exited(code, output) => (code, output.text().unwrap().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    fn lost(ending: Ending) -> String {
        match ending {
            Ending::Lost(fault) => fault.what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_goes_in_comes_out_even_when_it_is_larger_than_a_pipe() {
        let input = "0123456789abcdef".repeat(40_000);
        assert_eq!(exited(sh("cat").run(input.as_bytes())), (0, input));
    }

    #[test]
    fn a_child_that_reads_nothing_is_no_failure() {
        let input = vec![b'x'; 300_000];
        let script = "exec <&-; sleep 0.05; printf done";
        assert_eq!(exited(sh(script).run(&input)), (0, "done".into()));
    }

    #[test]
    fn a_child_sees_four_variables_and_those_that_are_named() {
        let mut program = Program::new(vec!["env".into()]);
        program.env = vec!["KUBECONFIG".into(), "ABSENT".into()];
        let parent = |name: &str| match name {
            "PATH" => std::env::var_os("PATH"),
            "ABSENT" | "TZ" => None,
            name => Some(format!("our-{name}").into()),
        };
        let (code, text) = exited(program.run_with(b"", parent));
        let seen: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("PATH="))
            .collect();
        assert_eq!(code, 0);
        assert_eq!(
            seen,
            [
                "HOME=our-HOME",
                "KUBECONFIG=our-KUBECONFIG",
                "LANG=our-LANG"
            ]
        );
    }

    #[test]
    fn a_timeout_kills_the_child_and_what_it_started() {
        let mut program = sh("sleep 30 & echo $!; wait");
        program.timeout = Duration::from_millis(300);
        let marker = tempfile::NamedTempFile::new().unwrap();
        program.argv[2] = format!("sleep 30 & echo $! > {}; wait", marker.path().display());
        let begun = Instant::now();
        assert_eq!(
            lost(program.run(b"")),
            "`sh` took longer than 300ms and was killed"
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
        let grandchild = std::fs::read_to_string(marker.path()).unwrap();
        let state = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.trim()));
        // Gone, or a zombie that waits for whoever collects orphans here.
        assert!(
            state.as_ref().map_or(true, |stat| stat.contains(") Z ")),
            "{state:?}"
        );
    }

    #[test]
    fn a_child_that_leaves_something_running_is_done_when_it_ends_itself() {
        let begun = Instant::now();
        assert_eq!(
            exited(sh("sleep 3 & printf started").run(b"")),
            (0, "started".into())
        );
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn an_answer_without_end_is_cut_short() {
        assert_eq!(
            lost(sh("exec yes").run(b"")),
            "`sh` answered more than 1 MiB and was killed"
        );
    }

    #[test]
    fn what_does_not_start_is_not_done() {
        let fault = match Program::new(vec!["/nowhere/at-all".into()]).run(b"") {
            Ending::NotStarted(fault) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            fault.what,
            "`/nowhere/at-all` cannot be started: entity not found"
        );
        assert!(fault.hint.unwrap().contains("whole path"));
    }

    #[test]
    fn exit_codes_say_what_became_of_the_work() {
        let of = |script: &str| match sh(script).run(b"").effect("sh") {
            Effect::Done(_) => "done".to_owned(),
            Effect::NotDone(fault) => format!("not done, {:?}: {fault}", fault.kind),
            Effect::Uncertain(fault) => format!("uncertain: {fault}"),
        };
        assert_eq!(of("exit 0"), "done");
        assert_eq!(of("exit 1"), "uncertain: `sh` failed (exit 1)");
        assert_eq!(of("exit 2"), "uncertain: `sh` failed (exit 2)");
        assert_eq!(
            of("exit 75"),
            "not done, Passing: `sh` asks to be tried later (exit 75)"
        );
        assert_eq!(
            of("exit 66"),
            "not done, Missing: `sh` says that something is missing (exit 66)"
        );
        assert_eq!(of("exit 64"), "not done, Refused: `sh` refused (exit 64)");
        assert_eq!(of("exit 127"), "uncertain: `sh` failed (exit 127)");
        assert_eq!(of("kill -9 $$"), "uncertain: `sh` was killed by a signal");
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_uncertain_and_not_quoted() {
        let answer: Effect<Value> = sh("printf '{\"value\": sk-live}'").ask(&json!({}));
        let what = "`sh`: the answer is not what was asked for, at line 1 column 11";
        assert_eq!(answer, Effect::Uncertain(Fault::refused(what)));
    }

    #[test]
    fn standard_error_and_answers_are_never_shown() {
        let ending = sh("echo sk-live >&2; echo sk-live; exit 3").run(b"");
        assert_eq!(format!("{ending:?}"), "Exited(3, [redacted])");
    }

    #[test]
    fn a_question_in_json_is_answered_in_json() {
        let answer: Effect<Value> = sh("cat").ask(&json!({"operation": "check"}));
        assert_eq!(answer, Effect::Done(json!({"operation": "check"})));
    }
}
