//! rotakey from the outside: whole runs against the simulated world.

#[path = "../support"]
mod support {
    pub(crate) mod child;
    pub(crate) mod cron;
    pub(crate) mod mail;
    pub(crate) mod mortal;
    pub(crate) mod oracle;
    pub(crate) mod people;
    pub(crate) mod sandbox;
    pub(crate) mod shop;
    pub(crate) mod trouble;
    pub(crate) mod world;
}

#[cfg(feature = "mysql")]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests of the database issuers, which do more with it"
)]
#[path = "../databases/mysql_server.rs"]
mod mysql_server;
#[cfg(feature = "postgres")]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests of the database issuers, which do more with it"
)]
#[path = "../databases/postgres_server.rs"]
mod postgres_server;
#[cfg(feature = "redis")]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests of the database issuers, which do more with it"
)]
#[path = "../databases/redis_server.rs"]
mod redis_server;
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests of the database issuers, which do more with it"
)]
#[path = "../databases/server.rs"]
mod server;

mod assisted;
mod audit;
mod check;
mod conformance;
mod crash;
mod cron;
mod edges;
mod emergency;
mod evidence;
mod examples;
mod fleet;
mod forgotten;
mod layering;
mod life;
mod looks;
mod mail;
mod managers;
mod people;
mod real;
mod refused;
mod secrecy;
mod stock;
mod trouble;
mod twice;
