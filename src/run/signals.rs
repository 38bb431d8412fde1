//! Signals that ask the run to stop.
//!
//! The handler only stores a number. The first signal lets the run end after the step it is in; a second SIGINT is a
//! person who will not wait, and ends the process at once. Nothing is lost by that: an intent is durable before it is
//! acted on, and the next run goes on from there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

/// Which signal has asked the run to stop, if any.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    seen: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts to listen to SIGINT, SIGTERM and SIGHUP.
    pub fn listen() -> io::Result<Self> {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal == SIGINT {
                // Before the flag is raised, so that the first one does not end the process.
                flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&again))?;
            }
            flag::register(signal, Arc::clone(&again))?;
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&signals.seen), number)?;
        }
        Ok(signals)
    }

    /// Says that a signal has come, for tests and the demo.
    pub fn raise(&self, stopped: Exit) {
        let number = match stopped {
            Exit::Interrupted => SIGINT,
            _ => SIGTERM,
        };
        self.seen.store(
            usize::try_from(number).unwrap_or_default(),
            Ordering::SeqCst,
        );
    }

    /// What the run says to the one who started it, if a signal has come. A closed terminal counts as SIGTERM.
    pub fn stopped(&self) -> Option<Exit> {
        match i32::try_from(self.seen.load(Ordering::SeqCst)) {
            Ok(0) => None,
            Ok(SIGINT) => Some(Exit::Interrupted),
            _ => Some(Exit::Terminated),
        }
    }
}
