//! What an outside effect came to: done, not done, or uncertain.
//!
//! Over a network a failure may have happened. Only "not done" may be recorded as a failure; an uncertain effect must
//! be looked at before anything else is built on it.

use chrono::TimeDelta;

/// The three outcomes of an effect.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an effect that nobody looks at may have happened"]
pub enum Effect<T> {
    /// It happened, and this came back.
    Done(T),
    /// It did not happen: never sent, or answered by a clear no.
    NotDone(Fault),
    /// It was sent and no answer says what became of it.
    Uncertain(Fault),
}

impl<T> Effect<T> {
    /// Changes what came back.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Effect<U> {
        match self {
            Effect::Done(value) => Effect::Done(change(value)),
            Effect::NotDone(fault) => Effect::NotDone(fault),
            Effect::Uncertain(fault) => Effect::Uncertain(fault),
        }
    }

    /// Reads the answer of an effect that did happen. An answer that cannot be read leaves the effect uncertain.
    pub fn read<U>(self, read: impl FnOnce(T) -> Result<U, Fault>) -> Effect<U> {
        match self {
            Effect::Done(value) => match read(value) {
                Ok(value) => Effect::Done(value),
                Err(fault) => Effect::Uncertain(fault),
            },
            Effect::NotDone(fault) => Effect::NotDone(fault),
            Effect::Uncertain(fault) => Effect::Uncertain(fault),
        }
    }
}

/// Why something did not work, in words that are safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure, as far as the next step depends on it.
    pub kind: FaultKind,
    /// A lowercase fragment without a final period: ``token refused (HTTP 403)``. Never text from outside that has
    /// not been through the sanitiser, never a body, a header or the path of an address.
    pub what: String,
    /// One imperative line, best a command to paste.
    pub hint: Option<String>,
    /// How long the other side asked us to wait.
    pub retry_after: Option<TimeDelta>,
}

/// One finding of `check`: something an account may or may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `list projects of team acme`.
    pub what: String,
    /// `Ok` with a detail worth a line, or why it will not work.
    pub result: Result<String, Fault>,
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Network, rate limit, overload, not settled yet: the same call may work later.
    Passing,
    /// A clear no: wrong credential, missing permission, invalid request. Only a person helps.
    Refused,
    /// The thing that was asked for does not exist.
    Missing,
}

impl Fault {
    /// A failure that may pass by itself.
    pub fn passing(what: impl Into<String>) -> Self {
        Self::of(FaultKind::Passing, what)
    }

    /// A failure that only a person can mend.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::of(FaultKind::Refused, what)
    }

    /// Something that was asked for is not there.
    pub fn missing(what: impl Into<String>) -> Self {
        Self::of(FaultKind::Missing, what)
    }

    /// The same failure with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, said of something: `prefix: what`.
    #[must_use]
    pub fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    fn of(kind: FaultKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            hint: None,
            retry_after: None,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}
