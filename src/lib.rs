//! rotakey
pub mod exit;
pub mod issuers;
pub mod ledger;
pub mod model;
pub mod targets;
