//! Where the head of the log is held by others: a tag in a repository, a token of a time-stamping authority.

pub mod git;
pub mod timestamp;
