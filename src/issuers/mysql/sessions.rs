//! Ending what was opened with a password that is gone.
//!
//! The server does not say which password a session was opened with. It numbers its connections, though, and one that
//! is opened after the password died has a higher number than every session that could have used it.

use std::time::Duration;

use mysql::Error;

use super::codes::NO_SUCH_THREAD;
use super::connect::{Server, Session, fault};
use super::survey;
use crate::model::{Effect, Fault};

/// How often the sessions are looked at until they are gone, and how long between.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// Asked before anything is changed: a password that is gone while its sessions go on is worse than one that is not.
pub(super) fn may_end(session: &mut Session) -> Result<(), Fault> {
    survey::granted(session, &survey::end_sessions(session.engine)).map(drop)
}

/// Ends every session of the user that is older than a connection made now, and looks until there is none.
pub(super) fn end(server: &Server, user: &str) -> Effect<()> {
    let left = |fault: Fault| Effect::Uncertain(fault.at("end the sessions of the old password"));
    let mut session = match server.admin() {
        Ok(session) => session,
        Err(fault) => return left(fault),
    };
    for _ in 0..LOOKS {
        match end_older(&mut session, user) {
            Ok(0) => return Effect::Done(()),
            Ok(_) => std::thread::sleep(BETWEEN),
            Err(fault) => return left(fault),
        }
    }
    left(Fault::passing("some are still there"))
}

/// How many there were.
fn end_older(session: &mut Session, user: &str) -> Result<usize, Fault> {
    const ASK: &str =
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ? AND ID < CONNECTION_ID()";
    let older: Vec<u64> = session.rows(ASK, (user,))?;
    for id in &older {
        match session.run(&format!("KILL {id}")) {
            Err(Error::MySqlError(said)) if said.code == NO_SUCH_THREAD => {}
            killed => killed.map_err(|error| fault(&error).at("KILL"))?,
        }
    }
    Ok(older.len())
}
