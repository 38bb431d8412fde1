//! rotakey
pub mod audit;
pub mod issuers;
pub mod ledger;
pub mod model;
pub mod rotation;
pub mod targets;
