//! The only clock of the world. Deploys, expiry, propagation and drain are functions of it, so a test decides what time it is.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use chrono::{DateTime, TimeDelta, Utc};

/// Someone who wants to know that time has passed.
pub(super) trait Watcher: Send + Sync {
    fn time_passed(&self);
}

/// A shared handle on the simulated time. Clones show the same time.
#[derive(Clone)]
pub(crate) struct Calendar {
    now: Arc<Mutex<DateTime<Utc>>>,
    watchers: Arc<Mutex<Vec<Weak<dyn Watcher>>>>,
}

impl Calendar {
    /// Starts a calendar at an RFC 3339 time.
    pub(crate) fn at(start: &str) -> Self {
        Self {
            now: Arc::new(Mutex::new(parse(start))),
            watchers: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on, then lets every world that hangs on this calendar catch up.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.nudge(by);
        self.announce();
    }

    /// Jumps to an RFC 3339 time. A jump back undoes nothing that has already happened.
    pub(crate) fn set(&self, to: &str) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = parse(to);
        self.announce();
    }

    /// Moves on without telling anyone: for a world that is itself in the middle of a request.
    pub(super) fn nudge(&self, by: TimeDelta) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    pub(super) fn watch(&self, watcher: Weak<dyn Watcher>) {
        self.watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(watcher);
    }

    fn announce(&self) {
        // Copied out first: a watcher may itself look at the calendar.
        let watchers: Vec<_> = self
            .watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for watcher in watchers {
            watcher.time_passed();
        }
    }
}

/// Reads an RFC 3339 time as tests write it.
pub(super) fn parse(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .expect("a time such as 2024-01-19T09:00:00Z")
        .to_utc()
}

/// The form of the HTTP `Date` and `Retry-After` headers (RFC 7231, section 7.1.1.1).
pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
