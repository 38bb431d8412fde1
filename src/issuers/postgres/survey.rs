//! What is only looked at: log-ins that prove a version, open sessions, and what `check` asks.

use chrono::DateTime;
use postgres::GenericClient;

use super::connect::{Server, fault};
use super::{Config, PASSWORD, Seen, USER, Verdict, parity, roles};
use crate::issuers::database::{Closed, field};
use crate::model::{Fault, Finding, Instant, Key, SecretValue};

/// Logs in with the version.
pub(super) fn log_in(server: &Server, config: &Config, key: &Key) -> Result<Seen, Fault> {
    const ASK: &str = "SELECT current_user::text, extract(epoch FROM now())::float8";
    let (user, password) = (field(key, USER)?, field(key, PASSWORD)?);
    let mut client = match server.open(user.expose(), Some(password)) {
        Ok(client) => client,
        Err(Closed::WrongPassword) => {
            return Ok(Seen::undated(Verdict::Refused));
        }
        Err(Closed::Unreachable(fault)) => return Err(fault),
    };
    let row = client.query_one(ASK, &[]).map_err(|error| fault(&error))?;
    // A role that could not become the owner gets a warning, a session, and none of the owner's rights.
    let acts_as: &str = row.get(0);
    if config.roles.iter().any(|role| role == user.expose()) && acts_as != config.owner {
        let what = format!(
            "`{}` logs in and does not become `{}`",
            user.expose(),
            config.owner
        );
        let [role, owner] =
            [user.expose(), &config.owner].map(postgres_protocol::escape::escape_identifier);
        return Err(Fault::refused(what).hint(format!(
            "GRANT {owner} TO {role}; ALTER ROLE {role} SET ROLE {owner}"
        )));
    }
    Ok(Seen {
        verdict: Verdict::Works,
        date: instant(row.get(1)),
    })
}

fn instant(seconds: f64) -> Option<Instant> {
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

/// When the youngest session of the role that is still open was opened.
pub(super) fn last_log_in(server: &Server, role: &str) -> Result<Option<Instant>, Fault> {
    const ASK: &str = "SELECT count(*) FILTER (WHERE backend_start IS NULL), \
        extract(epoch FROM max(backend_start))::float8 FROM pg_stat_activity WHERE usename = $1::text";
    let row = server
        .admin()?
        .query_one(ASK, &[&role])
        .map_err(|error| fault(&error))?;
    if row.get::<_, i64>(0) > 0 {
        return Err(Fault::refused(format!(
            "may not see when the sessions of role `{role}` began"
        ))
        .hint("GRANT pg_read_all_stats TO the role of the account"));
    }
    Ok(row.get::<_, Option<f64>>(1).and_then(instant))
}

/// Everything `issue` and `revoke` will need. Changes nothing.
pub(super) fn findings(server: &Server, config: &Config) -> Vec<Finding> {
    let place = format!("postgres {}/{}", server.place.host, config.database);
    let mut client = match server.admin() {
        Ok(client) => client,
        Err(fault) => {
            return vec![Finding {
                what: format!("log in to {place}"),
                result: Err(fault),
            }];
        }
    };
    let mut all = vec![Finding {
        what: format!("log in to {place}"),
        result: Ok(format!("as {}", server.account_role())),
    }];
    let mut add = |what: String, result| all.push(Finding { what, result });
    let owner = &config.owner;
    add(format!("role `{owner}` rests"), rests(&mut client, owner));
    add("change roles".to_owned(), may_change(&mut client, config));
    add("see and end sessions".to_owned(), may_see(&mut client));
    if let [one, other] = config.roles.as_slice() {
        let what = format!("`{one}` and `{other}` may do the same");
        add(what, same(&mut client, one, other));
    }
    add("passwords are asked for".to_owned(), asks(server, config));
    all
}

fn rests(client: &mut impl GenericClient, owner: &str) -> Result<String, Fault> {
    match roles::role(client, owner)? {
        None => Err(Fault::missing(format!("role `{owner}` does not exist"))),
        Some(is) if is.may_log_in => Err(Fault::refused(format!("role `{owner}` may log in"))
            .hint(
                "the owner is a role that nobody logs in as; let the login roles be its members",
            )),
        Some(is) if is.superuser => Err(Fault::refused(format!("role `{owner}` is a superuser"))),
        Some(_) => Ok(String::new()),
    }
}

fn may_change(client: &mut impl GenericClient, config: &Config) -> Result<String, Fault> {
    const ASK: &str = "SELECT rolsuper, rolcreaterole, current_setting('server_version_num')::int \
        FROM pg_roles WHERE rolname = session_user";
    const ADMIN: &str = "SELECT pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') FROM pg_roles WHERE rolname = $1::text";
    let row = client.query_one(ASK, &[]).map_err(|error| fault(&error))?;
    let (superuser, creates, version): (bool, bool, i32) = (row.get(0), row.get(1), row.get(2));
    if superuser {
        return Ok("as a superuser; CREATEROLE would do".to_owned());
    }
    if !creates {
        return Err(Fault::refused("the account may not change roles")
            .hint("ALTER ROLE … CREATEROLE, for the role of the account"));
    }
    // Up to 15, CREATEROLE is enough for all roles that are not superusers.
    let needed = if version >= 160_000 {
        config.roles.as_slice()
    } else {
        &[]
    };
    for role in needed.iter().chain([&config.owner]) {
        let row = client
            .query_opt(ADMIN, &[role])
            .map_err(|error| fault(&error))?;
        if version >= 160_000 && row.is_some_and(|row| !row.get::<_, bool>(0)) {
            return Err(
                Fault::refused(format!("the account may not administer role `{role}`")).hint(
                    format!("GRANT {role} TO the role of the account WITH ADMIN OPTION"),
                ),
            );
        }
    }
    Ok(String::new())
}

fn may_see(client: &mut impl GenericClient) -> Result<String, Fault> {
    const ASK: &str = "SELECT pg_has_role('pg_read_all_stats', 'USAGE'), pg_has_role('pg_signal_backend', 'USAGE')";
    let row = client.query_one(ASK, &[]).map_err(|error| fault(&error))?;
    match row.get::<_, bool>(0) && row.get(1) {
        true => Ok(String::new()),
        false => Err(
            Fault::refused("the account may not see or end the sessions of others")
                .hint("GRANT pg_read_all_stats, pg_signal_backend TO the role of the account"),
        ),
    }
}

fn same(client: &mut impl GenericClient, one: &str, other: &str) -> Result<String, Fault> {
    for role in [one, other] {
        if roles::role(client, role)?.is_none() {
            return Ok(format!("`{role}` will be created"));
        }
    }
    parity::compare(client, one, other).map(|()| String::new())
}

/// Whether a wrong password is refused. Tried with the roles that may log in now.
fn asks(server: &Server, config: &Config) -> Result<String, Fault> {
    let wrong = SecretValue::new("not the password; rotakey check asks whether any is accepted");
    for role in &config.roles {
        match server.open(role, Some(&wrong)) {
            Err(Closed::WrongPassword) => {}
            Err(Closed::Unreachable(fault)) => return Err(fault.at(format!("role `{role}`"))),
            Ok(_) => {
                return Err(
                    Fault::refused(format!("role `{role}` gets in with any password"))
                        .hint("let pg_hba.conf say `scram-sha-256` for these roles"),
                );
            }
        }
    }
    Ok(String::new())
}
