//! Waking a role and putting it to rest, each in one transaction, and the line in a role's comment that says which
//! version it holds.

use std::time::Duration;

use postgres::{GenericClient, Transaction};
use postgres_protocol::escape::{escape_identifier, escape_literal};

use super::connect::{Server, fault};
use super::parity;
use super::verifier::Verifier;
use crate::model::{Effect, Fault, Tag};

/// What the line in a role's comment starts with.
const MARK: &str = "rotakey: ";
/// How often the sessions of a role are looked at until they are gone, and how long between.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// What a role is now.
pub(super) struct Role {
    pub(super) may_log_in: bool,
    pub(super) superuser: bool,
    /// The version it holds, if rotakey issued that.
    pub(super) tag: Option<String>,
    /// What people wrote on it.
    words: String,
}

/// The roles that take turns, as far as one change needs them.
pub(super) struct Pair<'a> {
    pub(super) owner: &'a str,
    /// The role of the live version.
    pub(super) live: Option<&'a str>,
    /// Whether the live role itself gets the new password.
    pub(super) shared: bool,
}

/// A role that is to be given a password.
pub(super) struct Wake<'a> {
    pub(super) role: &'a str,
    pub(super) verifier: &'a Verifier,
    pub(super) tag: &'a Tag,
}

/// Which role was put to rest.
pub(super) enum Rest {
    /// The one that was meant.
    Now,
    /// None: the version is gone, for the role does not exist or holds another one.
    Elsewhere,
}

/// Looks a role up.
pub(super) fn role(client: &mut impl GenericClient, name: &str) -> Result<Option<Role>, Fault> {
    const ASK: &str = "SELECT rolcanlogin, rolsuper, coalesce(shobj_description(oid, 'pg_authid'), '') \
        FROM pg_roles WHERE rolname = $1::text";
    let row = client
        .query_opt(ASK, &[&name])
        .map_err(|error| fault(&error))?;
    Ok(row.map(|row| {
        let (tag, words) = read(row.get(2));
        Role {
            may_log_in: row.get(0),
            superuser: row.get(1),
            tag,
            words,
        }
    }))
}

/// Tells rotakey's line from what people wrote.
fn read(comment: &str) -> (Option<String>, String) {
    let (mine, words): (Vec<&str>, Vec<&str>) =
        comment.lines().partition(|line| line.starts_with(MARK));
    let tag = mine.last().and_then(|line| line.strip_prefix(MARK));
    (tag.map(str::to_owned), words.join("\n"))
}

fn written(words: &str, tag: &Tag) -> String {
    match words.is_empty() {
        true => format!("{MARK}{tag}"),
        false => format!("{words}\n{MARK}{tag}"),
    }
}

impl Pair<'_> {
    /// Gives the role its password and lets it log in. With the same tag it may be done again.
    pub(super) fn wake(&self, with: &mut Transaction<'_>, wake: &Wake<'_>) -> Result<(), Fault> {
        self.lock(with)?;
        let name = wake.role;
        if role(with, self.owner)?.is_none() {
            let fault = Fault::missing(format!("role `{}` does not exist", self.owner));
            let owner = escape_identifier(self.owner);
            return Err(fault.hint(format!(
                "CREATE ROLE {owner} NOLOGIN; then let it own the tables"
            )));
        }
        let words = match role(with, name)? {
            None => {
                run(
                    with,
                    &format!("CREATE ROLE {} NOLOGIN", escape_identifier(name)),
                )?;
                String::new()
            }
            Some(is) => {
                self.refuse_strangers(&is, wake)?;
                is.words
            }
        };
        self.join(with, name)?;
        if let Some(live) = self.live.filter(|live| *live != name) {
            parity::compare(with, live, name)?;
        }
        // One statement: there is no moment in which the role may log in with another password.
        let role = escape_identifier(name);
        let verifier = escape_literal(wake.verifier.as_str());
        let comment = escape_literal(&written(&words, wake.tag));
        run(
            with,
            &format!("ALTER ROLE {role} LOGIN PASSWORD {verifier} VALID UNTIL 'infinity'"),
        )?;
        run(with, &format!("COMMENT ON ROLE {role} IS {comment}"))
    }

    /// A role that may log in is in somebody's hands, unless it is this very version, asked for again.
    fn refuse_strangers(&self, is: &Role, wake: &Wake<'_>) -> Result<(), Fault> {
        let name = wake.role;
        if is.superuser {
            return Err(
                Fault::refused(format!("role `{name}` is a superuser")).hint(format!(
                    "ALTER ROLE {} NOSUPERUSER",
                    escape_identifier(name)
                )),
            );
        }
        let this = is.tag.as_deref() == Some(wake.tag.as_str());
        let taken_over = self.shared && self.live == Some(name);
        if !is.may_log_in || this || taken_over {
            return Ok(());
        }
        Err(Fault::refused(format!(
            "role `{name}` may log in already, and not as this version"
        ))
        .hint(format!(
            "adopt its password if it is the live one; else end it with ALTER ROLE {} NOLOGIN",
            escape_identifier(name)
        )))
    }

    /// Makes the role a member of the owner that becomes the owner as it logs in.
    fn join(&self, with: &mut Transaction<'_>, name: &str) -> Result<(), Fault> {
        let (role, owner) = (escape_identifier(name), escape_identifier(self.owner));
        const ASK: &str = "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid \
            JOIN pg_roles r ON r.oid = m.member WHERE o.rolname = $1::text AND r.rolname = $2::text)";
        let row = with
            .query_one(ASK, &[&self.owner, &name])
            .map_err(|error| fault(&error))?;
        if !row.get::<_, bool>(0) {
            run(with, &format!("GRANT {owner} TO {role}"))?;
        }
        let becomes = escape_literal(self.owner);
        run(with, &format!("ALTER ROLE {role} SET role TO {becomes}"))
    }

    /// Takes password and log-in away, if the role still holds the version.
    pub(super) fn rest(
        &self,
        with: &mut Transaction<'_>,
        name: &str,
        tag: Option<&str>,
    ) -> Result<Rest, Fault> {
        self.lock(with)?;
        let Some(is) = role(with, name)? else {
            return Ok(Rest::Elsewhere);
        };
        match (is.tag.as_deref(), tag) {
            (Some(holds), meant) if Some(holds) != meant => return Ok(Rest::Elsewhere),
            (None, Some(_)) => {
                let what =
                    format!("the comment on role `{name}` no longer says which version it holds");
                let hint = format!(
                    "if the old password still works: ALTER ROLE {} NOLOGIN",
                    escape_identifier(name)
                );
                return Err(Fault::refused(what).hint(hint));
            }
            _ => {}
        }
        may_end_sessions(with, name)?;
        run(
            with,
            &format!(
                "ALTER ROLE {} NOLOGIN PASSWORD NULL",
                escape_identifier(name)
            ),
        )?;
        Ok(Rest::Now)
    }

    /// One change of these roles at a time. A request that was taken for lost and lands late finds what the next one
    /// did, and not half of it.
    fn lock(&self, with: &mut Transaction<'_>) -> Result<(), Fault> {
        const LOCK: &str =
            "SELECT pg_advisory_xact_lock(hashtextextended('rotakey/' || $1::text, 0))";
        with.execute(LOCK, &[&self.owner])
            .map(drop)
            .map_err(|error| fault(&error))
    }
}

fn run(with: &mut Transaction<'_>, statement: &str) -> Result<(), Fault> {
    with.batch_execute(statement).map_err(|error| {
        let verb: Vec<&str> = statement.split(' ').take(2).collect();
        fault(&error).at(verb.join(" "))
    })
}

/// Asked before anything is changed: a role that is put to rest and goes on working is worse than one that was not.
fn may_end_sessions(with: &mut Transaction<'_>, name: &str) -> Result<(), Fault> {
    const ASK: &str = "SELECT $1::text = session_user, \
        pg_has_role('pg_signal_backend', 'USAGE') OR pg_has_role($1::name, 'USAGE'), \
        EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1::text)";
    let row = with
        .query_one(ASK, &[&name])
        .map_err(|error| fault(&error))?;
    let (own, may, any): (bool, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if own {
        return Err(Fault::refused(format!(
            "`{name}` is the role that rotakey itself logs in as"
        )));
    }
    if any && !may {
        return Err(
            Fault::refused(format!("may not end the sessions of role `{name}`"))
                .hint("GRANT pg_signal_backend TO the role of the account"),
        );
    }
    Ok(())
}

/// Ends the sessions of a role whose old password is gone, and looks until there is none. Whoever logs in after this
/// connection had another password, and stays, unless nobody may see when he did.
pub(super) fn end_sessions(server: &Server, name: &str) -> Effect<()> {
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1::text \
        AND coalesce(backend_start < (SELECT backend_start FROM pg_stat_activity \
        WHERE pid = pg_backend_pid()), true)";
    let left = |fault: Fault| Effect::Uncertain(fault.at("end the sessions of the old role"));
    let mut client = match server.admin() {
        Ok(client) => client,
        Err(fault) => return left(fault),
    };
    for _ in 0..LOOKS {
        match client.query_one(END, &[&name]) {
            Ok(row) if row.get::<_, i64>(0) == 0 => return Effect::Done(()),
            Ok(_) => std::thread::sleep(BETWEEN),
            Err(error) => return left(fault(&error)),
        }
    }
    left(Fault::passing("some are still there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_on_a_role_stays() {
        let tag = Tag::new("rk-1");
        assert_eq!(written("", &tag), "rotakey: rk-1");
        assert_eq!(read(""), (None, String::new()));
        assert_eq!(read("rotakey: rk-1"), (Some("rk-1".into()), String::new()));
        let both = written("the shop\nask Zoë", &tag);
        assert_eq!(both, "the shop\nask Zoë\nrotakey: rk-1");
        assert_eq!(
            read(&both),
            (Some("rk-1".into()), "the shop\nask Zoë".into())
        );
        let (_, words) = read(&both);
        assert_eq!(
            written(&words, &Tag::new("rk-2")),
            "the shop\nask Zoë\nrotakey: rk-2"
        );
    }
}
