//! rotakey
pub mod cli;
pub mod commands;
pub mod exec;
pub mod exit;
pub mod http;
pub mod issuers;
pub mod ledger;
pub mod model;
pub mod notify;
pub mod rotation;
pub mod run;
pub mod targets;
pub mod ui;
