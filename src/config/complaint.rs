//! What is wrong with a configuration, and exactly where.

use std::cell::RefCell;
use std::fmt;

use crate::error::{Error, Report};
use crate::exit::Exit;

/// A place in the file, counted from 1 as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Mark {
    /// The beginning of the file.
    pub const START: Mark = Mark { line: 1, column: 1 };
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// Where.
    pub at: Mark,
    /// What was found and what was expected: a lowercase fragment.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { line, column } = self.at;
        write!(out, "{}:{line}:{column}: {}", self.file, self.what)
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong, in the order of the file; at most [`ConfigErrors::MOST`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    more: usize,
}

impl ConfigErrors {
    /// How many are shown at once.
    pub const MOST: usize = 20;

    /// The errors that are shown.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.errors.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&Error::from(self.clone()).render())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigErrors> for Error {
    fn from(errors: ConfigErrors) -> Error {
        let mut reports: Vec<Report> = errors
            .errors
            .into_iter()
            .map(|error| {
                let hint = error.hint.clone();
                Report::new(error).hints(hint)
            })
            .collect();
        if errors.more > 0 {
            reports.push(Report::new(anyhow::anyhow!("and {} more", errors.more)));
        }
        // Said once, at the end: whoever reads cron mail at night asks first what became of the keys.
        let last = reports.pop();
        reports.extend(last.map(|last| last.state("nothing was sent; every key is as it was")));
        Error::all(Exit::Usage, reports)
    }
}

/// Collects what is wrong, so that a person learns of all of it at once.
#[derive(Debug)]
pub(super) struct Complaints<'a> {
    file: &'a str,
    errors: RefCell<Vec<ConfigError>>,
}

impl<'a> Complaints<'a> {
    /// A file of millions of unknown keys costs no more than one of so many.
    const ENOUGH: usize = 1_000;

    pub(super) fn about(file: &'a str) -> Self {
        Self {
            file,
            errors: RefCell::default(),
        }
    }

    /// Notes a complaint that needs no advice.
    pub(super) fn add(&self, at: Mark, what: impl Into<String>) {
        self.note(at, what.into(), None);
    }

    /// Notes a complaint and what to write instead.
    pub(super) fn advise(&self, at: Mark, what: impl Into<String>, hint: impl Into<String>) {
        self.note(at, what.into(), Some(hint.into()));
    }

    fn note(&self, at: Mark, what: String, hint: Option<String>) {
        if self.are_many() {
            return;
        }
        self.errors.borrow_mut().push(ConfigError {
            file: self.file.to_owned(),
            at,
            what,
            hint,
        });
    }

    /// Whether nothing was wrong so far.
    pub(super) fn are_none(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// Whether there are more than anybody wants to know, and looking for more can stop.
    pub(super) fn are_many(&self) -> bool {
        self.errors.borrow().len() >= Self::ENOUGH
    }

    /// Whether something is wrong at this place.
    pub(super) fn are_at(&self, at: Mark) -> bool {
        self.errors.borrow().iter().any(|error| error.at == at)
    }

    /// `Ok` if nothing was wrong.
    pub(super) fn settle(self) -> Result<(), ConfigErrors> {
        let mut errors = self.errors.into_inner();
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by_key(|error| error.at);
        errors.dedup();
        let more = errors.len().saturating_sub(ConfigErrors::MOST);
        errors.truncate(ConfigErrors::MOST);
        Err(ConfigErrors { errors, more })
    }
}
