//! Independent calls side by side; what they bring is taken in on the calling thread, in the order of arrival.
//!
//! With one worker everything runs on the calling thread in order, so that a simulation replays a run exactly.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::ledger::{Claim, LedgerError};
use crate::model::Clock;

/// What the calls of one step share.
pub(super) struct Crew<'a> {
    pub(super) claim: Claim,
    pub(super) clock: &'a dyn Clock,
    pub(super) workers: usize,
}

impl Crew<'_> {
    /// Runs `act` for every job that is an outside effect. The claim on the ledger is checked right before each (G6):
    /// a run that lost it sends nothing more. `done` sees every result, also after an error. Gives back the jobs that a
    /// signal kept from being sent, so that the log does not announce what never left.
    pub(super) fn effects<'j, J: Sync, R: Send>(
        &self,
        jobs: &'j [J],
        act: impl Fn(&J) -> R + Sync,
        mut done: impl FnMut(&J, R) -> Result<(), LedgerError>,
    ) -> Result<Vec<&'j J>, LedgerError> {
        let places: Vec<usize> = (0..jobs.len()).collect();
        let mut unsent: BTreeSet<usize> = places.iter().copied().collect();
        self.each(
            &places,
            |at| self.claim.check().map(|()| act(&jobs[*at])),
            |at, result| {
                unsent.remove(at);
                done(&jobs[*at], result)
            },
        )?;
        Ok(unsent.into_iter().map(|at| &jobs[at]).collect())
    }

    /// Runs `act` for every job that only looks.
    pub(super) fn looks<J: Sync, R: Send>(
        &self,
        jobs: &[J],
        act: impl Fn(&J) -> R + Sync,
        done: impl FnMut(&J, R) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.each(jobs, |job| Ok(act(job)), done)
    }

    fn each<J: Sync, R: Send>(
        &self,
        jobs: &[J],
        act: impl Fn(&J) -> Result<R, LedgerError> + Sync,
        mut done: impl FnMut(&J, R) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let halted = AtomicBool::new(false);
        let mut first_error = Ok(());
        let mut take = |job: &J, result: Result<R, LedgerError>| {
            if let Err(error) = result.and_then(|result| done(job, result)) {
                halted.store(true, Ordering::Relaxed);
                if first_error.is_ok() {
                    first_error = Err(error);
                }
            }
        };
        let going = || !halted.load(Ordering::Relaxed) && !self.clock.stopping();
        if self.workers <= 1 || jobs.len() <= 1 {
            for job in jobs {
                if !going() {
                    break;
                }
                take(job, act(job));
            }
            return first_error;
        }
        let next = AtomicUsize::new(0);
        let (sender, results) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.workers.min(jobs.len()) {
                let (sender, next, going, act) = (sender.clone(), &next, &going, &act);
                scope.spawn(move || {
                    while going() {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(at) else { break };
                        // The receiver lives as long as this scope, so a failed send cannot happen.
                        if sender.send((at, act(job))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            for (at, result) in results {
                take(&jobs[at], result);
            }
        });
        first_error
    }
}
