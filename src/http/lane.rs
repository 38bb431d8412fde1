//! The lane of one account: how many requests are under way, and the pause that one 429 imposes on all of them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::model::{Clock, Instant};

/// The longest single wait. What takes longer is left to a later run: a vendor may ask for hours, and the ledger's
/// lock is held meanwhile.
pub(super) const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);

/// The most that one call waits in all its tries together.
pub(super) const WAIT_BUDGET: TimeDelta = TimeDelta::minutes(5);

pub(super) struct Lane {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    free: usize,
    paused_until: Option<Instant>,
}

/// A place in the lane, given back when dropped.
#[must_use = "the place is given back when this is dropped"]
pub(super) struct Slot<'a>(&'a Lane);

/// Why a call may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// The wait would be longer than a run should take.
    TooLong(TimeDelta),
    /// The run has been asked to stop.
    Stopping,
}

/// What one call has waited so far.
#[derive(Default)]
pub(super) struct Patience {
    waited: TimeDelta,
}

impl Lane {
    pub(super) fn new(in_flight: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free: in_flight.max(1),
                paused_until: None,
            }),
            freed: Condvar::new(),
        }
    }

    /// Waits until no pause is on and a place is free.
    pub(super) fn enter(
        &self,
        clock: &dyn Clock,
        patience: &mut Patience,
    ) -> Result<Slot<'_>, Blocked> {
        loop {
            let mut state = self.lock();
            let left = state
                .paused_until
                .map_or(TimeDelta::zero(), |until| until - clock.now());
            if left > TimeDelta::zero() {
                drop(state);
                patience.wait(clock, left)?;
                continue;
            }
            if state.free > 0 {
                state.free -= 1;
                return Ok(Slot(self));
            }
            // A freed place does not end a pause that began meanwhile, so everything is looked at again.
            drop(
                self.freed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    /// Lets no call of this account start for this long.
    pub(super) fn pause(&self, clock: &dyn Clock, span: TimeDelta) {
        let until = clock.now() + span;
        let mut state = self.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.freed.notify_one();
    }
}

impl Patience {
    /// Waits, unless that would be too long or the run is stopping.
    pub(super) fn wait(&mut self, clock: &dyn Clock, span: TimeDelta) -> Result<(), Blocked> {
        if span > LONGEST_WAIT || self.waited + span > WAIT_BUDGET {
            return Err(Blocked::TooLong(span));
        }
        if clock.stopping() {
            return Err(Blocked::Stopping);
        }
        self.waited += span;
        clock.wait(span);
        if clock.stopping() {
            return Err(Blocked::Stopping);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Blocked, Lane, Patience};
    use crate::http::testing::JumpingClock;

    #[test]
    fn no_more_calls_are_under_way_than_the_account_allows() {
        let lane = Lane::new(2);
        let clock = JumpingClock::new();
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let slot = lane
                        .enter(&*clock, &mut Patience::default())
                        .expect("no pause is on");
                    most.fetch_max(
                        under_way.fetch_add(1, Ordering::SeqCst) + 1,
                        Ordering::SeqCst,
                    );
                    std::thread::sleep(Duration::from_millis(5));
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn patience_ends_after_five_minutes_in_all() {
        let clock = JumpingClock::new();
        let mut patience = Patience::default();
        let minute = chrono::TimeDelta::seconds(60);
        for _ in 0..5 {
            assert_eq!(patience.wait(&*clock, minute), Ok(()));
        }
        assert_eq!(
            patience.wait(&*clock, minute),
            Err(Blocked::TooLong(minute))
        );
    }
}
