//! What may be typed: which roles take turns, and what is refused before anything runs.

use serde::Deserialize;

use crate::issuers::Overlap;
use crate::issuers::database::login_fields;
use crate::model::{Fault, FieldName};

/// PostgreSQL cuts longer names off without an error (NAMEDATALEN).
const LONGEST_NAME: usize = 63;

/// The keys of `kind: postgres`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(super) database: String,
    pub(super) owner: String,
    pub(super) roles: Vec<String>,
    downtime: Option<Downtime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Downtime {
    Accepted,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        login_fields()
    }

    /// Two roles take turns, or one has downtime; refuses everything else.
    pub(super) fn overlap(&self) -> Result<Overlap, Fault> {
        let names = || self.roles.iter().chain([&self.owner, &self.database]);
        if names().any(|name| name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0')) {
            return Err(Fault::refused(
                "names of roles and databases have 1 to 63 bytes",
            ));
        }
        if self.roles.contains(&self.owner) {
            return Err(Fault::refused(
                "`owner` is a role of its own, which nobody logs in as",
            ));
        }
        match (self.roles.as_slice(), self.downtime) {
            ([one, other], None) if one != other => Ok(Overlap::Two),
            ([_], Some(Downtime::Accepted)) => Ok(Overlap::None),
            ([_], None) => Err(Fault::refused(
                "with one role the old password ends as the new one is set, and services fail until they have it",
            )
            .hint("name a second one, as in `roles: [app_a, app_b]`, or say `downtime: accepted`")),
            ([_, _], Some(_)) => Err(Fault::refused("with two roles there is no `downtime` to accept")),
            _ => Err(Fault::refused("`roles` names two different roles that take turns")),
        }
    }
}
