//! Whether two roles may do the same. A role that is woken with fewer rights than the live one breaks the application,
//! and every check that only logs in would call it healthy.

use std::collections::BTreeSet;

use postgres::GenericClient;

use super::connect::fault;
use crate::model::{Fault, sanitise};

/// What a role is and has, a line each. Privileges and ownership in every database of the server are read from the
/// shared catalog of dependencies, which says on what they are, though not which.
const TRAITS: &str = "\
    WITH r AS (SELECT * FROM pg_roles WHERE rolname = $1::text) \
    SELECT format('attribute %s', a.name) FROM r, LATERAL (VALUES \
        (rolsuper, 'SUPERUSER'), (NOT rolinherit, 'NOINHERIT'), (rolcreaterole, 'CREATEROLE'), \
        (rolcreatedb, 'CREATEDB'), (rolreplication, 'REPLICATION'), (rolbypassrls, 'BYPASSRLS'), \
        (rolconnlimit >= 0, 'CONNECTION LIMIT ' || rolconnlimit)) AS a (has, name) WHERE a.has \
    UNION ALL SELECT format('membership in %s', g.rolname) \
        FROM r JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid \
    UNION ALL SELECT format('setting %s%s', split_part(c, '=', 1), ' in database ' || d.datname) \
        || CASE WHEN split_part(c, '=', 1) = 'role' THEN ' to ' || split_part(c, '=', 2) ELSE '' END \
        || format(' (%s)', left(md5(c), 6)) \
        FROM r JOIN pg_db_role_setting s ON s.setrole = r.oid LEFT JOIN pg_database d ON d.oid = s.setdatabase, \
        LATERAL unnest(s.setconfig) AS c \
    UNION ALL SELECT format('%s %s %s%s', CASE deptype WHEN 'o' THEN 'owns' WHEN 'r' THEN 'policy on' \
        ELSE 'privilege on' END, classid::regclass, CASE WHEN s.dbid IN (0, (SELECT oid FROM pg_database \
        WHERE datname = current_database())) THEN coalesce((pg_identify_object(classid, objid, objsubid)).identity, \
        objid::text) ELSE objid::text END, ' in database ' || d.datname) \
        FROM r JOIN pg_shdepend s ON s.refobjid = r.oid AND s.refclassid = 'pg_authid'::regclass \
        LEFT JOIN pg_database d ON d.oid = s.dbid";

/// How many differences are told.
const TOLD: usize = 3;

/// Refuses a role that is not what the live one is.
pub(super) fn compare(
    client: &mut impl GenericClient,
    live: &str,
    resting: &str,
) -> Result<(), Fault> {
    let mut traits = |role: &str| -> Result<BTreeSet<String>, Fault> {
        let rows = client
            .query(TRAITS, &[&role])
            .map_err(|error| fault(&error))?;
        Ok(rows.iter().map(|row| sanitise(row.get(0))).collect())
    };
    let (one, other) = (traits(live)?, traits(resting)?);
    let only = |role: &str, mine: &BTreeSet<String>, theirs: &BTreeSet<String>| -> Vec<String> {
        let mine = mine.difference(theirs);
        mine.map(|what| format!("only `{role}`: {what}")).collect()
    };
    let mut differences = only(live, &one, &other);
    differences.extend(only(resting, &other, &one));
    if differences.is_empty() {
        return Ok(());
    }
    let more = differences.len().saturating_sub(TOLD);
    differences.truncate(TOLD);
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    let what = format!(
        "the roles may not do the same: {}{more}",
        differences.join("; ")
    );
    Err(Fault::refused(what).hint(
        "grant to `owner` and never to a login role; move what one owns with REASSIGN OWNED BY … TO owner",
    ))
}
