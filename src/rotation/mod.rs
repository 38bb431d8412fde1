//! The heart: what is due, and how one version follows another.

mod outcome;
mod progress;

pub use outcome::{Course, Ending, Outcome};
pub use progress::{Happening, News, Progress};
