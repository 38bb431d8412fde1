//! What people see: the one owner of stdout and stderr.
//!
//! stdout is data, stderr is talk. Nothing here panics when either is closed or full: what could not be said on stderr
//! is lost, what could not be written to stdout is remembered and fails the run (`Printer::finish`).

mod fit;
mod ink;
mod outlet;
mod printer;
mod progress;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub use ink::Ink;
pub use outlet::{Outlet, Size};
pub use printer::{Manner, Printer};
pub use progress::{Checklist, Spoken};
pub use table::Table;
