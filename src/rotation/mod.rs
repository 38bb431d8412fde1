//! The heart: what each secret needs, and doing it so that no moment of dying in between can cause an outage or lose
//! a key.
//!
//! It never prints, reads the clock or the environment, or notifies. It sees issuers and targets as traits.
//!
//! | to read | the file |
//! | --- | --- |
//! | what each secret needs, purely | `plan`, `due`, `steps` |
//! | the waves | `drive`, then one file a wave: `begin`, `issue`, `deliver`, `activate`, `confirm`, `promote`, `revoke` |
//! | the way back | `undo`, `discard`; and where neither way leads on, `lost` |
//! | what was left in doubt | `settle` |
//! | what must hold before an effect | `guard`, `observe`, `survey`, `clearance` |
//! | a leaked key | `leak` |
//! | what a fault does | `fault` |

mod activate;
mod begin;
mod clearance;
mod confirm;
mod crew;
mod deliver;
mod discard;
mod drive;
mod due;
mod fault;
mod guard;
mod issue;
mod kill;
mod leak;
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
mod settle;
mod steps;
mod survey;
#[cfg(test)]
mod tests;
mod turn;
mod undo;
mod write;

pub use drive::{Grace, Leak, Tools, revoke, rollback, rotate};
pub use due::{age, due};
pub use guard::{QUIET, Wait, clock_went_back};
pub use live::sentence;
pub use outcome::{Course, Ending, Outcome};
pub use plan::{Ask, Errand, Item, Manner, Move, PATIENCE, Standing, plan};
pub use progress::{Happening, News, Progress};
pub use reach::{Calls, Reach, Spot, reach, redeploys, spot};
pub use secret::{Destination, Probe, Proof, Render, Secret};
pub use steps::{Planned, steps};
