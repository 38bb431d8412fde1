//! MariaDB: the alternatives of an account (`IDENTIFIED VIA … OR …`), each of which lets in.
//!
//! Only reads and writes statements: what an account holds goes in, what is to be sent comes out.

use serde::Deserialize;

use super::hash::Plugin;
use crate::model::{Fault, SecretValue};

/// What an account of MariaDB holds, in the order in which the server tries them.
#[derive(Debug)]
pub(super) struct Alternatives(Vec<Alternative>);

/// One way in: a plugin, and what that plugin compares with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Alternative {
    plugin: String,
    #[serde(default, rename = "authentication_string")]
    hash: String,
}

/// The row of `mysql.global_priv`, as far as it is needed.
#[derive(Deserialize)]
struct Row {
    plugin: Option<String>,
    #[serde(default, rename = "authentication_string")]
    hash: String,
    /// All of them in order; an empty object stands for the one of the row itself.
    auth_or: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    plugin: Option<String>,
    #[serde(default, rename = "authentication_string")]
    hash: String,
}

/// The only kind of password of which an account can have several without harm.
const KIND: Plugin = Plugin::Native;

impl Alternatives {
    pub(super) fn parse(row: &str) -> Result<Self, Fault> {
        let strange = || Fault::refused("mysql.global_priv holds a form that is not known");
        let row: Row = serde_json::from_str(row).map_err(|_| strange())?;
        let own = Alternative {
            plugin: row.plugin.unwrap_or_else(|| KIND.name().to_owned()),
            hash: row.hash,
        };
        let all = match row.auth_or {
            None => vec![own],
            Some(entries) => entries
                .into_iter()
                .map(|entry| match entry.plugin {
                    None => own.clone(),
                    Some(plugin) => Alternative {
                        plugin,
                        hash: entry.hash,
                    },
                })
                .collect(),
        };
        let plain = |one: &Alternative| {
            let mut letters = one.plugin.bytes();
            !one.plugin.is_empty() && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        match !all.is_empty() && all.iter().all(plain) {
            true => Ok(Self(all)),
            false => Err(strange()),
        }
    }

    pub(super) fn says(&self) -> String {
        match self.passwords().count() {
            1 => "has one password".to_owned(),
            several => format!("has {several} passwords"),
        }
    }

    fn passwords(&self) -> impl Iterator<Item = &Alternative> {
        self.0.iter().filter(|one| one.is_password())
    }

    /// Nothing to send means that it is there.
    pub(super) fn add(&self, account: &str, password: &SecretValue) -> Result<Vec<String>, Fault> {
        let Some(first) = self.0.iter().position(Alternative::is_password) else {
            let plugin = &self.0[0].plugin;
            let what = format!("logs in by `{plugin}`, of which it cannot have two in turn");
            return Err(Fault::refused(what).hint(format!(
                "give it a password of `{}`; the page of this issuer says why",
                KIND.name()
            )));
        };
        // Also one that is not rotated: whoever knows the name gets in.
        if self.passwords().any(|one| one.hash.is_empty()) {
            return Err(Fault::refused("takes an empty password")
                .hint("give it one by hand, and to everybody who uses it"));
        }
        if self.passwords().any(|one| one.is_of(password)) {
            return Ok(Vec::new());
        }
        let hash = KIND.hash(password, b"");
        let new = Alternative {
            plugin: KIND.name().to_owned(),
            hash: String::from_utf8_lossy(&hash).into_owned(),
        };
        // Beside another one of its kind, so that the client is asked once and every client can answer.
        let mut all = self.0.clone();
        all.insert(first, new);
        Ok(vec![identified(account, &all)])
    }

    /// Nothing to send means that it is gone.
    pub(super) fn remove(
        &self,
        account: &str,
        password: &SecretValue,
    ) -> Result<Vec<String>, Fault> {
        let mut all = self.0.clone();
        all.retain(|one| !one.is_of(password));
        if all.len() == self.0.len() {
            return Ok(Vec::new());
        }
        match all.iter().any(Alternative::is_password) {
            true => Ok(vec![identified(account, &all)]),
            false => Err(super::account::last_one(account)),
        }
    }
}

impl Alternative {
    /// `invalid` is what MariaDB itself writes where no password is to match.
    fn is_password(&self) -> bool {
        self.plugin == KIND.name() && self.hash != "invalid"
    }

    fn is_of(&self, password: &SecretValue) -> bool {
        self.is_password() && KIND.is_of(password, self.hash.as_bytes())
    }
}

fn identified(account: &str, all: &[Alternative]) -> String {
    let one = |alternative: &Alternative| match alternative.hash.as_str() {
        "" => alternative.plugin.clone(),
        hash => format!(
            "{} USING {}",
            alternative.plugin,
            super::account::text(hash)
        ),
    };
    let all: Vec<String> = all.iter().map(one).collect();
    format!("ALTER USER {account} IDENTIFIED VIA {}", all.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "`app`@`%`";
    const OLD: &str = "*CD02AC33DE7D3D2AFEDF5F2BAB51B07CDB499E79";
    const NEW: &str = "*6FE2B845E049CDA9EFED8CFAF265CD29622FD852";

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text)
    }

    fn held(row: &str) -> Alternatives {
        Alternatives::parse(&row.replace("OLD", OLD).replace("NEW", NEW)).unwrap()
    }

    fn said(statements: Result<Vec<String>, Fault>) -> Result<String, String> {
        let all = statements.map_err(|fault| fault.what)?.join("; ");
        Ok(all.replace(OLD, "OLD").replace(NEW, "NEW"))
    }

    /// As MariaDB 10.11 writes it.
    const ONE: &str = r#"{"access":0,"version_id":101119,"plugin":"mysql_native_password",
        "authentication_string":"OLD","password_last_changed":1795453589}"#;
    const BOTH: &str = r#"{"access":0,"plugin":"mysql_native_password","authentication_string":"NEW",
        "auth_or":[{},{"plugin":"mysql_native_password","authentication_string":"OLD"}]}"#;
    const MIXED: &str = r#"{"access":0,"plugin":"mysql_native_password","authentication_string":"OLD",
        "auth_or":[{"plugin":"unix_socket"},{},{"plugin":"ed25519","authentication_string":"/C1SE'\\x"}],
        "max_user_connections":7}"#;

    #[test]
    fn a_new_password_stands_beside_what_is_there() {
        let add = |row, password| said(held(row).add(NAME, &value(password)));
        let head = "ALTER USER `app`@`%` IDENTIFIED VIA";
        let native = "mysql_native_password USING";
        assert_eq!(
            add(ONE, "new"),
            Ok(format!("{head} {native} 'NEW' OR {native} 'OLD'"))
        );
        assert_eq!(
            add(MIXED, "new"),
            Ok(format!(
                r"{head} unix_socket OR {native} 'NEW' OR {native} 'OLD' OR ed25519 USING '/C1SE''\\x'"
            ))
        );
        // Asked for again after its reply was lost: nothing is left to do.
        assert_eq!(add(BOTH, "new"), Ok(String::new()));
        assert_eq!(add(BOTH, "old"), Ok(String::new()));
    }

    #[test]
    fn only_the_one_that_is_meant_is_removed() {
        let remove = |row, password| said(held(row).remove(NAME, &value(password)));
        let head = "ALTER USER `app`@`%` IDENTIFIED VIA";
        let native = "mysql_native_password USING";
        assert_eq!(remove(BOTH, "old"), Ok(format!("{head} {native} 'NEW'")));
        assert_eq!(remove(BOTH, "new"), Ok(format!("{head} {native} 'OLD'")));
        assert_eq!(remove(BOTH, "another"), Ok(String::new()));
        let last = "is the only password of `app`@`%`, and nobody could log in any more";
        assert_eq!(remove(ONE, "old"), Err(last.to_owned()));
        assert_eq!(remove(MIXED, "old"), Err(last.to_owned()));
    }

    #[test]
    fn accounts_that_cannot_have_two_are_refused() {
        let add = |row: &str| said(held(row).add(NAME, &value("new"))).unwrap_err();
        assert_eq!(
            add(r#"{"plugin":"ed25519","authentication_string":"x"}"#),
            "logs in by `ed25519`, of which it cannot have two in turn"
        );
        // How MariaDB sets its own root up.
        assert_eq!(
            add(
                r#"{"plugin":"mysql_native_password","authentication_string":"invalid","auth_or":[{},{"plugin":"unix_socket"}]}"#
            ),
            "logs in by `mysql_native_password`, of which it cannot have two in turn"
        );
        assert_eq!(add(r#"{"access":0}"#), "takes an empty password");
        for row in ["", "[]", r#"{"plugin":"a b"}"#, r#"{"auth_or":[]}"#] {
            assert!(Alternatives::parse(row).is_err(), "{row}");
        }
        assert_eq!(held(BOTH).says(), "has 2 passwords");
        assert_eq!(held(MIXED).says(), "has one password");
    }
}
