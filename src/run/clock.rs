//! The real clock.

use std::time::{Duration, Instant as Monotonic};

use chrono::{SubsecRound, TimeDelta, Utc};

use crate::model::{Clock, Instant};

use super::Signals;

/// The clock of this machine, which a signal wakes.
#[derive(Debug)]
pub struct SystemClock {
    signals: Signals,
}

impl SystemClock {
    /// A clock whose waits end when one of these signals comes.
    pub fn new(signals: Signals) -> Self {
        Self { signals }
    }
}

impl Clock for SystemClock {
    /// To the millisecond, as all of it is recorded.
    fn now(&self) -> Instant {
        Utc::now().trunc_subsecs(3)
    }

    /// Waits by the monotonic clock: a wall clock that is set back must not make a run wait for hours.
    fn wait(&self, span: TimeDelta) {
        // A signal handler can store a number and little else, so the number is looked at ten times a second.
        const GLANCE: Duration = Duration::from_millis(100);
        let span = span.to_std().unwrap_or_default();
        let started = Monotonic::now();
        while !self.stopping() {
            let left = span.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }

    fn stopping(&self) -> bool {
        self.signals.stopped().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_signal_ends_a_wait_early() {
        let signals = Signals::default();
        let clock = SystemClock::new(signals.clone());
        let started = Monotonic::now();
        let waiting = std::thread::spawn(move || clock.wait(TimeDelta::hours(1)));
        signals.raise(Exit::Terminated);
        waiting.join().expect("the waiting thread");
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_wait_of_no_time_or_less_returns() {
        let clock = SystemClock::new(Signals::default());
        clock.wait(TimeDelta::zero());
        clock.wait(TimeDelta::hours(-1));
    }
}
