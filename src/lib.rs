//! rotakey
pub mod audit;
pub mod config;
pub mod error;
pub mod exec;
pub mod exit;
pub mod http;
pub mod issuers;
pub mod ledger;
pub mod model;
pub mod rotation;
pub mod targets;
