//! Errors: rotakey could not do its work. One type with the exit code, what went wrong, which key is live and what to
//! do next as separate data, and the one renderer.
//!
//! ```text
//! error: secret `stripe`: deliver to `vercel/web`: token refused (HTTP 403)
//!   state: rolled back; key sk_…4f2a is current everywhere; nothing was revoked
//!   hint: give VERCEL_TOKEN write access to project `web`, then run `rotakey rotate stripe`
//! ```
//!
//! What became of one secret (rotated, rolled back, stuck, not due) is not an error but an outcome, and data.

use std::fmt;

use crate::exit::Exit;
use crate::model::{Fault, FaultKind, sanitise};

/// What a run ends with when it could not do its work.
#[derive(Debug)]
pub struct Error {
    exit: Exit,
    reports: Vec<Report>,
}

/// One thing that went wrong.
#[derive(Debug)]
pub struct Report {
    what: anyhow::Error,
    state: Option<String>,
    hints: Vec<String>,
}

/// The short form for everything that returns an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One thing went wrong. Causes in `what` are printed after it, outermost first.
    pub fn new(exit: Exit, what: impl Into<anyhow::Error>) -> Self {
        Self::all(exit, vec![Report::new(what)])
    }

    /// One thing went wrong that has no cause beneath it.
    pub fn says(exit: Exit, what: impl fmt::Display) -> Self {
        Self::new(exit, anyhow::anyhow!("{what}"))
    }

    /// Several independent things went wrong.
    pub fn all(exit: Exit, reports: Vec<Report>) -> Self {
        Self { exit, reports }
    }

    /// The exit code this comes to.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The reports, in the order in which they are printed.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The same error with another exit code.
    #[must_use]
    pub fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The same error with advice: one imperative line, best a command to paste.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.each(|report| report.hints(Some(hint.clone())))
    }

    /// The same error with which key is live and what was left undone.
    #[must_use]
    pub fn state(self, state: impl Into<String>) -> Self {
        let state = state.into();
        self.each(|report| report.state(state.clone()))
    }

    /// The same error, said of something: `secret stripe: …`.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        self.each(|report| Report {
            what: report.what.context(what.to_string()),
            ..report
        })
    }

    /// Both errors as one; the more urgent exit wins.
    #[must_use]
    pub fn and(mut self, other: Error) -> Self {
        self.exit = self.exit.merge(other.exit);
        self.reports.extend(other.reports);
        self
    }

    /// The text for people, with a line break at the end. Everything in it has been through the sanitiser.
    pub fn render(&self) -> String {
        self.reports.iter().map(Report::to_string).collect()
    }

    fn each(self, change: impl Fn(Report) -> Report) -> Self {
        Self {
            reports: self.reports.into_iter().map(change).collect(),
            ..self
        }
    }
}

impl Report {
    /// Something went wrong.
    pub fn new(what: impl Into<anyhow::Error>) -> Self {
        Self {
            what: what.into(),
            state: None,
            hints: Vec::new(),
        }
    }

    /// The same report with which key is live and what was left undone.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// The same report with advice, line by line.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes: Vec<String> = self.what.chain().map(ToString::to_string).collect();
        writeln!(out, "error: {}", safe(&causes.join(": ")))?;
        if let Some(state) = &self.state {
            writeln!(out, "  state: {}", safe(state))?;
        }
        for hint in &self.hints {
            writeln!(out, "  hint: {}", safe(hint))?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.render().trim_end())
    }
}

impl std::error::Error for Error {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let exit = match fault.kind {
            FaultKind::Passing => Exit::TryLater,
            FaultKind::Refused | FaultKind::Missing => Exit::Failed,
        };
        let hint = fault.hint.clone();
        Self::all(exit, vec![Report::new(fault).hints(hint)])
    }
}

/// Word by word, because the sanitiser cuts what is long and a message as a whole may be.
fn safe(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(sanitise).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_has_three_parts() {
        let refused: anyhow::Result<()> = Err(Fault::refused("token refused (HTTP 403)").into());
        let error = refused
            .context("deliver to `vercel/web`")
            .map_err(|what| Error::new(Exit::Failed, what))
            .unwrap_err()
            .context("secret `stripe`")
            .state("rolled back; key sk_…4f2a is current everywhere; nothing was revoked")
            .hint(
                "give VERCEL_TOKEN write access to project `web`, then run `rotakey rotate stripe`",
            );
        assert_eq!(
            error.render(),
            "error: secret `stripe`: deliver to `vercel/web`: token refused (HTTP 403)\n  \
             state: rolled back; key sk_…4f2a is current everywhere; nothing was revoked\n  \
             hint: give VERCEL_TOKEN write access to project `web`, then run `rotakey rotate stripe`\n"
        );
    }

    #[test]
    fn a_fault_keeps_its_advice_and_finds_its_exit() {
        let error = Error::from(Fault::passing("no connection").hint("check the proxy"));
        assert_eq!(error.exit(), Exit::TryLater);
        assert_eq!(
            error.render(),
            "error: no connection\n  hint: check the proxy\n"
        );
        assert_eq!(Error::from(Fault::refused("no")).exit(), Exit::Failed);
    }

    #[test]
    fn two_errors_print_both_and_exit_with_the_more_urgent() {
        let later = Error::from(Fault::passing("network down"));
        let both = later.and(Error::says(Exit::PersonNeeded, "secret `stripe` is stuck"));
        assert_eq!(both.exit(), Exit::PersonNeeded);
        assert_eq!(
            both.render(),
            "error: network down\nerror: secret `stripe` is stuck\n"
        );
    }

    #[test]
    fn a_terminal_never_obeys_an_error() {
        let error = Error::says(
            Exit::Failed,
            "project `a\u{1b}[2Jb\u{202e}c\nerror: forged`",
        );
        assert_eq!(error.render(), "error: project `abc error: forged`\n");
    }
}
