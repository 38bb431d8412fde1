//! What people are told, apart from where: the messages.

mod message;

pub use message::{Action, Message, Postpone};
