//! The database issuers against real servers: throw-away instances on loopback, run by an unprivileged user.
//!
//! `tests/servers.sh` installs the servers. Without one its tests say so and pass, unless `ROTAKEY_SERVERS=required`.

#[path = "databases/server.rs"]
mod server;

#[path = "databases/issuer.rs"]
mod issuer;
#[path = "databases/load.rs"]
mod load;
#[path = "databases/proxy.rs"]
mod proxy;

#[cfg(feature = "postgres")]
#[path = "databases/postgres_load.rs"]
mod postgres_load;
#[cfg(feature = "postgres")]
#[path = "databases/postgres.rs"]
mod postgres_roles;
#[cfg(feature = "postgres")]
#[path = "databases/postgres_server.rs"]
mod postgres_server;

#[cfg(feature = "redis")]
#[path = "databases/redis.rs"]
mod redis_users;
