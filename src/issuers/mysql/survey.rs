//! What is only looked at: log-ins that prove a version, and what `check` asks.

use chrono::DateTime;

use super::account::{Held, Name};
use super::connect::{Engine, Server, Session};
use super::{Seen, Verdict};
use crate::issuers::database::Closed;
use crate::model::{Fault, Finding, SecretValue, sanitise};

/// Logs in with the version.
pub(super) fn log_in(server: &Server, name: &Name, password: &SecretValue) -> Result<Seen, Fault> {
    const ASK: &str = "SELECT CURRENT_USER(), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
    let mut session = match server.open(&name.user, Some(password)) {
        Ok(session) => session,
        Err(Closed::WrongPassword) => {
            return Ok(Seen::undated(Verdict::Refused));
        }
        Err(Closed::Unreachable(fault)) => return Err(fault),
    };
    let row: Option<(String, i64)> = session.row(ASK, ())?;
    let (account, milliseconds) = row.unwrap_or_default();
    // A user may have an account for each host it comes from, each with passwords of its own.
    if account != format!("{}@{}", name.user, name.host) {
        let account = sanitise(&account);
        let what = format!("logs in from here as `{account}`, which is another account");
        return Err(Fault::refused(what).hint("name its host as `host`, or drop that account"));
    }
    Ok(Seen {
        verdict: Verdict::Works,
        date: DateTime::from_timestamp_millis(milliseconds),
    })
}

/// Everything `issue` and `revoke` will need. Changes nothing.
pub(super) fn findings(server: &Server, name: &Name) -> Vec<Finding> {
    let place = &server.place.host;
    let first = |result| Finding {
        what: format!("log in to mysql {place}"),
        result,
    };
    let mut session = match server.admin() {
        Ok(session) => session,
        Err(fault) => return vec![first(Err(fault))],
    };
    let version = session.version.clone();
    let mut all = vec![first(Ok(format!(
        "{version}, as {}",
        server.account_user()
    )))];
    let mut add = |what: String, result| all.push(Finding { what, result });
    add(
        format!("a second password for {}", name.quoted()),
        rotates(&mut session, name),
    );
    add(
        format!("only one account is `{}`", name.user),
        alone(&mut session, name),
    );
    add(
        "change accounts".to_owned(),
        granted(&mut session, &[&["CREATE USER"]]).map(|()| String::new()),
    );
    let needed = end_sessions(session.engine);
    add(
        "see and end sessions".to_owned(),
        granted(&mut session, &needed).map(|()| String::new()),
    );
    all
}

/// Whether a password could be added, without adding one.
fn rotates(session: &mut Session, name: &Name) -> Result<String, Fault> {
    let held = ready(session, name)?;
    let any = SecretValue::new("not a password; rotakey check asks whether one could be set");
    match held.add(&name.quoted(), &any, None) {
        // A rotation is under way, or somebody else's is; which of them, only the next rotation can tell.
        Err(_) if held.has_two() => Ok(held.says()),
        added => added.map(|_| held.says()),
    }
}

/// An account that can be given a password.
pub(super) fn ready(session: &mut Session, name: &Name) -> Result<Held, Fault> {
    let account = name.quoted();
    match name.held(session)? {
        None => Err(
            Fault::missing(format!("there is no account {account}")).hint(format!(
                "SELECT User, Host FROM mysql.user WHERE User = {}",
                super::account::text(&name.user)
            )),
        ),
        Some(held) if held.locked => Err(Fault::refused(format!("account {account} is locked"))),
        Some(held) => Ok(held),
    }
}

fn alone(session: &mut Session, name: &Name) -> Result<String, Fault> {
    let table = match session.engine {
        Engine::MySql => "user",
        Engine::MariaDb => "global_priv",
    };
    let ask = format!("SELECT Host FROM mysql.{table} WHERE User = ? AND Host <> ? ORDER BY Host");
    let hosts: Vec<String> = session.rows(&ask, (&name.user, &name.host))?;
    if hosts.is_empty() {
        return Ok(String::new());
    }
    let hosts: Vec<String> = hosts
        .iter()
        .map(|host| format!("`{}`", sanitise(host)))
        .collect();
    let what = format!(
        "the same user from {} has passwords of its own",
        hosts.join(", ")
    );
    Err(Fault::refused(what)
        .hint("make a secret for each of these accounts, or drop those that nobody needs"))
}

/// What ends the sessions of others; any of each row does.
pub(super) fn end_sessions(engine: Engine) -> [&'static [&'static str]; 2] {
    match engine {
        Engine::MySql => [&["PROCESS"], &["CONNECTION_ADMIN", "SUPER"]],
        Engine::MariaDb => [&["PROCESS"], &["CONNECTION ADMIN", "SUPER"]],
    }
}

/// Whether the account was granted one privilege of each row. What it has by a role is not looked at.
pub(super) fn granted(session: &mut Session, needed: &[&[&str]]) -> Result<(), Fault> {
    const ASK: &str =
        "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ?";
    let own: Option<String> = session.row("SELECT CURRENT_USER()", ())?;
    let own = own.unwrap_or_default();
    let (user, host) = own.rsplit_once('@').unwrap_or_default();
    let has: Vec<String> = session.rows(ASK, (format!("'{user}'@'{host}'"),))?;
    let missing: Vec<&str> = needed
        .iter()
        .filter(|any| !any.iter().any(|one| has.iter().any(|has| has == one)))
        .map(|any| any[0])
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    let what = format!("the account was not granted {missing} (by a role does not count)");
    Err(Fault::refused(what).hint(format!("GRANT {missing} ON *.* TO the account")))
}
