//! The database issuers against real servers: throw-away instances on loopback, run by an unprivileged user.
//!
//! `tests/servers.sh` installs the servers. Without one its tests say so and pass, unless `ROTAKEY_SERVERS=required`.

#[cfg(test)]
#[allow(
    dead_code,
    reason = "shared with the demo and the conformance suite, which do more with it"
)]
#[path = "databases/server.rs"]
mod server;

#[cfg(test)]
#[path = "databases/issuer.rs"]
mod issuer;
#[cfg(test)]
#[path = "databases/load.rs"]
mod load;
#[cfg(test)]
#[path = "databases/proxy.rs"]
mod proxy;

#[cfg(test)]
#[cfg(feature = "mysql")]
#[path = "databases/mysql.rs"]
mod mysql_accounts;
#[cfg(test)]
#[cfg(feature = "mysql")]
#[path = "databases/mysql_load.rs"]
mod mysql_load;
#[cfg(test)]
#[cfg(feature = "mysql")]
#[allow(
    dead_code,
    reason = "shared with the conformance suite, which does more with it"
)]
#[path = "databases/mysql_server.rs"]
mod mysql_server;

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "databases/postgres_load.rs"]
mod postgres_load;
#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "databases/postgres.rs"]
mod postgres_roles;
#[cfg(test)]
#[cfg(feature = "postgres")]
#[allow(
    dead_code,
    reason = "shared with the demo and the conformance suite, which do more with it"
)]
#[path = "databases/postgres_server.rs"]
mod postgres_server;

#[cfg(test)]
#[cfg(feature = "redis")]
#[path = "databases/redis_load.rs"]
mod redis_load;
#[cfg(test)]
#[cfg(feature = "redis")]
#[allow(
    dead_code,
    reason = "shared with the demo and the conformance suite, which do more with it"
)]
#[path = "databases/redis_server.rs"]
mod redis_server;
#[cfg(test)]
#[cfg(feature = "redis")]
#[path = "databases/redis.rs"]
mod redis_users;
