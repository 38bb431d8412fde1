//! What goes wrong on purpose. A fault has two independent halves, because that is how requests fail: what becomes of
//! the **act**, and what becomes of the **reply**.

use std::time::Duration;

use chrono::TimeDelta;

/// Which request a fault or a hook is for.
#[derive(Clone, Debug)]
pub(crate) enum At {
    /// The *n*-th of the world's life, as in the log.
    Request(u64),
    /// A label of the log: `openai.create_key`, `vercel.patch_env web`; without its subject it means every subject.
    Label(String),
    /// Every request.
    Any,
}

impl At {
    /// Requests with this label.
    pub(crate) fn label(label: &str) -> Self {
        Self::Label(label.to_owned())
    }

    fn fits(&self, n: u64, label: &str) -> bool {
        match self {
            Self::Request(wanted) => *wanted == n,
            Self::Label(wanted) => label
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')),
            Self::Any => true,
        }
    }
}

impl From<u64> for At {
    fn from(n: u64) -> Self {
        Self::Request(n)
    }
}

impl From<&str> for At {
    fn from(label: &str) -> Self {
        Self::label(label)
    }
}

/// What becomes of the act.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Once,
    Never,
    Twice,
    Late(TimeDelta),
}

/// The `Retry-After` of a 429.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfter {
    Absent,
    Seconds(u64),
    /// As an HTTP date this far ahead on the calendar.
    Date(TimeDelta),
}

/// What becomes of the reply.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Honest,
    Lost,
    Status(u16),
    TooMany(RetryAfter),
    Redirect(u16),
    Hostile(u16),
    Huge,
    Html(u16),
    HalfJson,
    CutOff,
}

/// One thing that goes wrong, once unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(super) act: Act,
    pub(super) outcome: Outcome,
    pub(super) delay: Duration,
    skip: u64,
    left: u64,
}

impl Fault {
    fn new(act: Act, outcome: Outcome) -> Self {
        Self {
            act,
            outcome,
            delay: Duration::ZERO,
            skip: 0,
            left: 1,
        }
    }

    /// An error status in the vendor's shape; nothing is done. For 4xx, and for a 5xx before acting.
    pub(crate) fn refuse(status: u16) -> Self {
        Self::new(Act::Never, Outcome::Status(status))
    }

    /// The vendor acts, then answers with an error.
    pub(crate) fn error_after_acting(status: u16) -> Self {
        Self::new(Act::Once, Outcome::Status(status))
    }

    /// 429; nothing is done.
    pub(crate) fn too_many(retry_after: RetryAfter) -> Self {
        Self::new(Act::Never, Outcome::TooMany(retry_after))
    }

    /// The connection closes; nothing is done.
    pub(crate) fn request_lost() -> Self {
        Self::new(Act::Never, Outcome::Lost)
    }

    /// The vendor acts, then the connection closes.
    pub(crate) fn reply_lost() -> Self {
        Self::new(Act::Once, Outcome::Lost)
    }

    /// The connection closes, and the vendor acts when the calendar has moved on by `delay`, whatever happened meanwhile.
    pub(crate) fn acts_late(delay: TimeDelta) -> Self {
        Self::new(Act::Late(delay), Outcome::Lost)
    }

    /// The vendor acts twice; the client gets the first answer.
    pub(crate) fn acts_twice() -> Self {
        Self::new(Act::Twice, Outcome::Honest)
    }

    /// A redirect (302, 307) to another listener, where nobody must ever arrive; nothing is done.
    pub(crate) fn redirect(status: u16) -> Self {
        Self::new(Act::Never, Outcome::Redirect(status))
    }

    /// An error body that echoes the request with its credentials, wrapped in terminal and bidi controls; nothing is done.
    pub(crate) fn hostile(status: u16) -> Self {
        Self::new(Act::Never, Outcome::Hostile(status))
    }

    /// The vendor acts; its honest body comes after 2 MB of white space.
    pub(crate) fn huge() -> Self {
        Self::new(Act::Once, Outcome::Huge)
    }

    /// The vendor acts; some proxy replaces its answer by an HTML page.
    pub(crate) fn html(status: u16) -> Self {
        Self::new(Act::Once, Outcome::Html(status))
    }

    /// The vendor acts; the reply is complete HTTP around half of the JSON.
    pub(crate) fn half_json() -> Self {
        Self::new(Act::Once, Outcome::HalfJson)
    }

    /// The vendor acts; the connection closes in the middle of the body.
    pub(crate) fn cut_off() -> Self {
        Self::new(Act::Once, Outcome::CutOff)
    }

    /// The vendor acts; the reply is late by real time.
    pub(crate) fn slow(delay: Duration) -> Self {
        Self::new(Act::Once, Outcome::Honest).after(delay)
    }

    /// The same fault without the act: an HTML page from a proxy that never asked the vendor.
    pub(crate) fn without_acting(mut self) -> Self {
        self.act = Act::Never;
        self
    }

    /// Real time that passes between the act and the reply.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How many matching requests it spoils.
    pub(crate) fn times(mut self, times: u64) -> Self {
        self.left = times;
        self
    }

    /// It spoils every matching request until `clear_faults`.
    pub(crate) fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// How many matching requests it lets pass first.
    pub(crate) fn skipping(mut self, passed: u64) -> Self {
        self.skip = passed;
        self
    }
}

/// The moment of a hook: while the request is on its way, or while its reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

type Hook = Box<dyn FnMut() + Send>;

/// The faults and hooks that wait for their request.
#[derive(Default)]
pub(super) struct Faults {
    faults: Vec<(At, Fault)>,
    hooks: Vec<(At, Moment, Option<Hook>)>,
}

impl Faults {
    pub(super) fn add(&mut self, at: At, fault: Fault) {
        self.faults.push((at, fault));
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.hooks.clear();
    }

    /// The fault of this request: the first that fits and is not used up.
    pub(super) fn take(&mut self, n: u64, label: &str) -> Option<Fault> {
        for (at, fault) in &mut self.faults {
            if !at.fits(n, label) || fault.left == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.left -= 1;
            return Some(fault.clone());
        }
        None
    }

    pub(super) fn hook(&mut self, at: At, moment: Moment, hook: Hook) {
        self.hooks.push((at, moment, Some(hook)));
    }

    /// Lends the fitting hooks out, so that they run without the world's lock and may look at the world.
    pub(super) fn lend(&mut self, n: u64, label: &str, moment: Moment) -> Vec<(usize, Hook)> {
        self.hooks
            .iter_mut()
            .enumerate()
            .filter(|(_, (at, when, _))| *when == moment && at.fits(n, label))
            .filter_map(|(index, (.., hook))| Some((index, hook.take()?)))
            .collect()
    }

    pub(super) fn give_back(&mut self, lent: Vec<(usize, Hook)>) {
        for (index, hook) in lent {
            if let Some((.., place)) = self.hooks.get_mut(index) {
                *place = Some(hook);
            }
        }
    }
}
