//! The printer: everything that leaves rotakey for people and pipes goes through it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::exit::Exit;
use crate::model::{Clock, RunId};
use crate::notify::Message;
use crate::rotation::Progress;

use super::ink::{Colour, Ink};
use super::outlet::{Measure, Outlet, Size};
use super::progress::{self, Spoken};

/// How the run was asked to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Live progress on a terminal, plain lines elsewhere.
    People,
    /// Nothing unless something is wrong (`--quiet`).
    Quiet,
    /// Machine-readable lines on stdout (`--json`).
    Json,
}

/// stderr is shared with the thread that keeps a progress display moving.
pub(super) type Shared = Arc<Mutex<Outlet>>;

/// The one owner of stdout and stderr.
pub struct Printer {
    data: Outlet,
    talk: Shared,
    manner: Manner,
    data_colour: Colour,
    talk_colour: Colour,
    moving: Moving,
}

/// Whether the terminal can move its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moving {
    Yes,
    No,
}

impl Printer {
    /// Takes both streams. `lookup` reads an environment variable.
    pub fn new(
        data: Outlet,
        talk: Outlet,
        manner: Manner,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let data_colour = Colour::wanted(data.size(), lookup);
        let talk_colour = Colour::wanted(talk.size(), lookup);
        let dumb = lookup("TERM").is_some_and(|term| term == "dumb");
        Self {
            data,
            talk: Arc::new(Mutex::new(talk)),
            manner,
            data_colour,
            talk_colour,
            moving: if dumb { Moving::No } else { Moving::Yes },
        }
    }

    /// A printer for what goes wrong before anything is known: no colour, no width.
    pub fn bare() -> Self {
        let (data, talk) = (Outlet::plain(io::stdout()), Outlet::plain(io::stderr()));
        Self::new(data, talk, Manner::Quiet, &|_| None)
    }

    /// How the run was asked to speak.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// The columns of stdout, if a person looks at it.
    pub fn width(&self) -> Option<usize> {
        self.data.size().map(|Size { columns, .. }| columns.into())
    }

    /// Writes to stdout, as it is. The text ends with a line break where one is wanted.
    pub fn data(&mut self, text: &str) {
        self.data.put(text);
    }

    /// Writes one line to stdout and brings it out at once, for those who read along.
    pub(super) fn line(&mut self, line: &str) {
        self.data.put(line);
        self.data.put("\n");
        self.data.flush_now();
    }

    /// stdout for a stream of bytes, such as an export.
    pub fn stream(&mut self) -> &mut (impl Write + use<>) {
        &mut self.data
    }

    /// A piece of a line for stdout, in colour where that is wanted.
    pub fn paint(&self, ink: Ink, text: &str) -> String {
        self.data_colour.paint(ink, text)
    }

    /// Says one or more lines on stderr, unless the run is to be quiet.
    pub fn say(&mut self, text: &str) {
        if self.manner == Manner::People {
            self.speak(text);
        }
    }

    /// Says on stderr what must be heard even by those who asked for quiet.
    pub fn insist(&mut self, text: &str) {
        self.speak(text);
    }

    /// Says what went wrong.
    pub fn error(&mut self, error: &Error) {
        self.insist(&error.render());
    }

    /// Shows a message to those who watch.
    pub fn message(&mut self, message: &Message) {
        self.say(&format!("{message}\n"));
    }

    /// Someone who watches a rotation, in the manner of this run. `spoken` says how people call the targets.
    pub fn watch<'a>(
        &'a mut self,
        run: &RunId,
        clock: Arc<dyn Clock>,
        spoken: Spoken,
    ) -> Box<dyn Progress + 'a> {
        progress::watch(self, run, clock, spoken)
    }

    /// Brings everything out at the end of a run, and says so where data for stdout was lost: what was done is done, and
    /// whoever waits for the data has to ask again.
    pub fn end(&mut self, exit: Exit) -> Exit {
        let Err(lost) = self.finish() else {
            return exit;
        };
        let what = match exit {
            Exit::Done | Exit::Due => "the work was done; its output was lost",
            _ => "the output was lost",
        };
        let error = Error::says(Exit::TryLater, format!("{what}: {}", lost.kind()));
        self.error(&error);
        exit.merge(error.exit())
    }

    /// Brings everything out. An error means that data for stdout was lost.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        // Whether stderr could be written decides nothing.
        drop(self.talk().finish());
        self.data.finish()
    }

    pub(super) fn shared(&self) -> Shared {
        Arc::clone(&self.talk)
    }

    /// How to ask the terminal for its size, if stderr is one on which lines can be redrawn.
    pub(super) fn screen(&self) -> Option<Measure> {
        match self.moving {
            Moving::Yes => self.talk().measure(),
            Moving::No => None,
        }
    }

    fn talk(&self) -> MutexGuard<'_, Outlet> {
        locked(&self.talk)
    }

    fn speak(&mut self, text: &str) {
        let lines: String = text
            .lines()
            .map(|line| self.marked(&obedient(line)) + "\n")
            .collect();
        self.talk().put(&lines);
    }

    /// The line with its first word in colour, if it is one that says what the line is.
    fn marked(&self, line: &str) -> String {
        const MARKS: [(&str, Ink); 5] = [
            ("error:", Ink::Bad),
            ("warning:", Ink::Warning),
            ("  state:", Ink::Heading),
            ("  hint:", Ink::Heading),
            ("  tip:", Ink::Heading),
        ];
        let mark = MARKS.iter().find(|(mark, _)| line.starts_with(mark));
        mark.map_or(line.to_owned(), |(mark, ink)| {
            self.talk_colour.paint(*ink, mark) + &line[mark.len()..]
        })
    }
}

/// A thread that died while it held stderr has left nothing that could be broken.
pub(super) fn locked(shared: &Shared) -> MutexGuard<'_, Outlet> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last net under the sanitiser: nothing that a terminal would obey.
pub(super) fn obedient(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{Broken, Paper, no_environment, terminal};

    #[test]
    fn data_goes_to_stdout_and_talk_to_stderr() {
        let (out, talk) = (Paper::default(), Paper::default());
        let mut printer = Printer::new(
            Outlet::plain(out.clone()),
            Outlet::plain(talk.clone()),
            Manner::People,
            &no_environment,
        );
        printer.data("a,b\n");
        printer.say("one\ntwo");
        printer.finish().expect("it was written");
        assert_eq!(
            (out.text(), talk.text()),
            ("a,b\n".into(), "one\ntwo\n".into())
        );
    }

    #[test]
    fn quiet_silences_talk_but_not_errors() {
        let talk = Paper::default();
        let mut printer = Printer::new(
            Outlet::plain(Paper::default()),
            Outlet::plain(talk.clone()),
            Manner::Quiet,
            &no_environment,
        );
        printer.say("all is well");
        printer.error(&Error::says(Exit::Failed, "it is not").hint("look"));
        assert_eq!(talk.text(), "error: it is not\n  hint: look\n");
    }

    #[test]
    fn a_terminal_sees_colour_and_never_the_escape_codes_of_others() {
        let talk = Paper::default();
        let mut printer = Printer::new(
            Outlet::plain(Paper::default()),
            terminal(talk.clone(), 80, 24),
            Manner::People,
            &no_environment,
        );
        printer.error(&Error::says(Exit::Failed, "no"));
        printer.say("a\u{1b}[2Jb\rc");
        assert_eq!(talk.text(), "\u{1b}[1;31merror:\u{1b}[0m no\na[2Jbc\n");
    }

    #[test]
    fn stderr_that_cannot_be_written_changes_nothing() {
        let out = Paper::default();
        let mut printer = Printer::new(
            Outlet::plain(out.clone()),
            Outlet::plain(Broken),
            Manner::People,
            &no_environment,
        );
        printer.say("lost");
        printer.insist("lost as well");
        printer.data("kept");
        assert!(printer.finish().is_ok());
        assert_eq!(out.text(), "kept");
    }

    #[test]
    fn stdout_that_cannot_be_written_is_remembered() {
        let mut printer = Printer::new(
            Outlet::plain(Broken),
            Outlet::plain(Paper::default()),
            Manner::People,
            &no_environment,
        );
        printer.data("lost");
        printer.data("not even tried");
        let lost = printer.finish().expect_err("data was lost");
        assert_eq!(lost.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn an_export_that_cannot_be_written_fails_where_it_is_written_and_at_the_end() {
        let mut printer = Printer::new(
            Outlet::plain(Broken),
            Outlet::plain(Paper::default()),
            Manner::People,
            &no_environment,
        );
        assert!(printer.stream().write_all(b"row").is_err());
        assert!(printer.stream().write_all(b"row").is_err());
        assert!(printer.finish().is_err());
    }

    #[test]
    fn a_reader_that_has_enough_is_no_loss() {
        let (reader, pipe) = io::pipe().expect("a pipe");
        drop(reader);
        let talk = Paper::default();
        let mut printer = Printer::new(
            Outlet::plain(pipe),
            Outlet::plain(talk.clone()),
            Manner::People,
            &no_environment,
        );
        printer.data("unread");
        let unread = printer.stream().write_all(b"nor this");
        assert_eq!(
            unread.expect_err("it is closed").kind(),
            io::ErrorKind::BrokenPipe
        );
        assert_eq!(printer.end(Exit::Due), Exit::Due);
        assert_eq!(talk.text(), "");
    }

    #[test]
    fn lost_output_is_told_once_and_never_hides_what_is_more_urgent() {
        for (exit, end, said) in [
            (
                Exit::Done,
                Exit::TryLater,
                "the work was done; its output was lost",
            ),
            (Exit::Failed, Exit::Failed, "the output was lost"),
        ] {
            let talk = Paper::default();
            let mut printer = Printer::new(
                Outlet::plain(Broken),
                Outlet::plain(talk.clone()),
                Manner::Json,
                &no_environment,
            );
            printer.data("lost");
            assert_eq!(printer.end(exit), end);
            assert_eq!(talk.text(), format!("error: {said}: no storage space\n"));
        }
    }

    #[test]
    fn the_real_full_disk_and_the_real_closed_pipe_do_not_panic() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let (reader, pipe) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut printer = Printer::new(
            Outlet::plain(full.expect("/dev/full")),
            Outlet::plain(pipe),
            Manner::People,
            &no_environment,
        );
        printer.say("nobody reads this");
        printer.data("no room for this");
        let lost = printer.finish().expect_err("data was lost");
        assert_eq!(lost.kind(), io::ErrorKind::StorageFull);
    }
}
