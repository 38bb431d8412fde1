//! Time as something that is handed in, so that a test can live through a month in a second.

use chrono::TimeDelta;

use super::Instant;

/// The one source of "now" and the one way to wait.
pub trait Clock: Send + Sync {
    /// This instant.
    fn now(&self) -> Instant;

    /// Returns when `span` has passed, or earlier when the run has been asked to stop.
    fn wait(&self, span: TimeDelta);

    /// Whether the run has been asked to stop (SIGINT, SIGTERM, SIGHUP). Looked at between steps, never inside one.
    fn stopping(&self) -> bool;
}
