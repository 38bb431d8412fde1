//! The verbs, a file each: what a person may type after it, and the function that joins the parts to do it.

mod ask;
mod channels;
mod declaration;
mod drive;
mod emergency;
mod extent;
mod joined;
mod metrics;
mod policy;
mod post;
mod replies;
mod report;
mod starter;
mod teller;
mod told;
mod vital;
mod words;

pub mod adopt;
pub mod audit;
pub mod check;
pub mod completions;
pub mod init;
pub mod man;
pub mod plan;
pub mod recipients;
pub mod revoke;
pub mod rollback;
pub mod rotate;
pub mod schema;
pub mod skip;
pub mod typed;
mod using;

#[cfg(test)]
mod tests;
