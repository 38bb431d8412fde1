//! One change of an account: what it holds is asked for under a lock, what can be refused is refused, and only then
//! something is sent.

use mysql::Error;
use sha2::{Digest, Sha256};

use super::account::Name;
use super::codes::{self, CANNOT};
use super::connect::{Server, Session, fault};
use super::{Sessions, sessions, survey};
use crate::model::{Effect, Fault, FaultKind, SecretValue};

/// What a change is to come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// Lets a password in beside the current one.
    Add { current: Option<&'a SecretValue> },
    /// Lets a password in no more.
    Remove(Sessions),
}

/// Changes the account, unless it is so already.
pub(super) fn send(
    server: &Server,
    name: &Name,
    change: Change<'_>,
    password: &SecretValue,
) -> Effect<()> {
    let look = || {
        let mut session = server.admin()?;
        lock(&mut session, name)?;
        let statements = statements(&mut session, name, change, password)?;
        Ok((session, statements))
    };
    let (mut session, statements) = match look() {
        Ok(ready) => ready,
        Err(fault) => return Effect::NotDone(fault),
    };
    for (number, statement) in statements.iter().enumerate() {
        if let Err(error) = session.run(statement) {
            let fault = reason(&mut session, &error).at("ALTER USER");
            return match (number, fault.kind) {
                (0, FaultKind::Refused | FaultKind::Missing) => Effect::NotDone(fault),
                _ => Effect::Uncertain(fault),
            };
        }
    }
    match change {
        Change::Remove(Sessions::Ended) => sessions::end(server, &name.user),
        Change::Remove(Sessions::Kept) | Change::Add { .. } => Effect::Done(()),
    }
}

/// MariaDB says that it cannot alter the account (1396), and why not in a warning.
fn reason(session: &mut Session, error: &Error) -> Fault {
    let vague = |code: u16| code == CANNOT;
    if let Error::MySqlError(said) = error
        && vague(said.code)
        && let Ok(warnings) = session.rows::<(String, u16, String)>("SHOW WARNINGS", ())
        && let Some((_, code, _)) = warnings.into_iter().find(|(_, code, _)| !vague(*code))
    {
        return match code {
            // A server that is read-only says so at once; here it is `strict_password_validation` that forbids.
            codes::FORBIDDEN => codes::fault(codes::NO_HASHES),
            code => codes::fault(code),
        };
    }
    fault(error)
}

/// One change of this account at a time, for as long as the session lasts. A request that was taken for lost and lands
/// late finds what the next one did, and not half of it.
fn lock(session: &mut Session, name: &Name) -> Result<(), Fault> {
    let digest = Sha256::digest(name.quoted());
    let digest: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
    let locked: Option<Option<bool>> =
        session.row("SELECT GET_LOCK(?, 10)", (format!("rotakey/{digest}"),))?;
    match locked {
        Some(Some(true)) => Ok(()),
        _ => Err(Fault::passing("somebody else is changing the same")),
    }
}

/// What is to be sent. Everything that can be refused is refused here.
fn statements(
    session: &mut Session,
    name: &Name,
    change: Change<'_>,
    password: &SecretValue,
) -> Result<Vec<String>, Fault> {
    let account = name.quoted();
    let statements = match change {
        Change::Add { current } => survey::ready(session, name)?.add(&account, password, current),
        Change::Remove(ending) => {
            if ending == Sessions::Ended {
                sessions::may_end(session)?;
            }
            // An account that is gone has no password.
            let held = name.held(session)?;
            held.map_or(Ok(Vec::new()), |held| held.remove(&account, password))
        }
    };
    statements.map_err(|fault| fault.at(account))
}
