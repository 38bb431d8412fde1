//! The heart: what each secret needs, and doing it so that no moment of dying in between can cause an outage or lose
//! a key.
//!
//! It never prints, reads the clock or the environment, or notifies. It sees issuers and targets as traits.

mod activate;
mod confirm;
mod crew;
mod deliver;
mod drive;
mod guard;
mod issue;
mod live;
mod lost;
mod observe;
mod outcome;
mod plan;
mod progress;
mod promote;
mod reach;
mod revoke;
mod secret;
#[cfg(test)]
mod tests;
mod turn;
mod undo;

pub use drive::{Grace, Leak, Tools, revoke, rollback, rotate};
pub use guard::{QUIET, Wait, clock_went_back};
pub use live::sentence;
pub use outcome::{Course, Ending, Outcome};
pub use plan::{
    Ask, Errand, Item, Manner, Move, PATIENCE, Planned, Standing, age, due, plan, steps,
};
pub use progress::{Happening, News, Progress};
pub use reach::{Calls, Reach, Spot, reach, redeploys, spot};
pub use secret::{Destination, Probe, Proof, Render, Secret};
