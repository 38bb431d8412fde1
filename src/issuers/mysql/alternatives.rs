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
    #[serde(default)]
    account_locked: bool,
}

#[derive(Deserialize)]
struct Entry {
    plugin: Option<String>,
    #[serde(default, rename = "authentication_string")]
    hash: String,
}

/// The only kind of password of which an account can have two without harm.
const KIND: Plugin = Plugin::Native;

impl Alternatives {
    /// Those of an account, and whether it is locked.
    pub(super) fn parse(row: &str) -> Result<(Self, bool), Fault> {
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
            true => Ok((Self(all), row.account_locked)),
            false => Err(strange()),
        }
    }

    pub(super) fn says(&self) -> String {
        match self.passwords().count() {
            1 => "has one password".to_owned(),
            several => format!("has {several} passwords"),
        }
    }

    pub(super) fn has_two(&self) -> bool {
        self.0.len() == 2 && self.0.iter().all(Alternative::is_password)
    }

    fn passwords(&self) -> impl Iterator<Item = &Alternative> {
        self.0.iter().filter(|one| one.is_password())
    }

    /// Nothing to send means that it is there.
    pub(super) fn add(
        &self,
        account: &str,
        password: &SecretValue,
        current: Option<&SecretValue>,
    ) -> Result<Vec<String>, Fault> {
        if self.passwords().any(|one| one.is_of(password)) {
            return Ok(Vec::new());
        }
        let present = match self.0.as_slice() {
            [one] if one.hash.is_empty() && one.is_password() => {
                return Err(super::account::empty());
            }
            [one] if one.is_password() && current.is_some_and(|current| !one.is_of(current)) => {
                return Err(super::account::strange());
            }
            [one] if one.is_password() => one.clone(),
            others => return Err(not_two(others)),
        };
        let hash = KIND.hash(password, b"");
        let new = Alternative {
            plugin: KIND.name().to_owned(),
            hash: String::from_utf8_lossy(&hash).into_owned(),
        };
        // The present one stays first: whoever uses it notices nothing.
        Ok(vec![identified(account, &[present, new])])
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

/// An account that cannot have a second password without harm.
fn not_two(others: &[Alternative]) -> Fault {
    let plugins: Vec<String> = others
        .iter()
        .map(|one| format!("`{}`", one.plugin))
        .collect();
    let plugins = plugins.join(", ");
    let what = match others.len() {
        1 => format!("logs in by {plugins}, of which not every client can try two"),
        _ => format!("has several ways in already ({plugins}), and not every client tries a third"),
    };
    Fault::refused(what).hint(format!(
        "leave it one password of `{}`; the page of this issuer says why",
        KIND.name()
    ))
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
        Alternatives::parse(&row.replace("OLD", OLD).replace("NEW", NEW))
            .unwrap()
            .0
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
        "auth_or":[{"plugin":"unix_socket"},{},{"plugin":"mysql_native_password","authentication_string":"NEW"},
        {"plugin":"ed25519","authentication_string":"/C1SE'\\x"}],
        "max_user_connections":7}"#;

    #[test]
    fn a_new_password_stands_beside_the_present_one() {
        let add = |row, password| said(held(row).add(NAME, &value(password), Some(&value("old"))));
        let native = "mysql_native_password USING";
        assert_eq!(
            add(ONE, "new"),
            Ok(format!(
                "ALTER USER `app`@`%` IDENTIFIED VIA {native} 'OLD' OR {native} 'NEW'"
            ))
        );
        // Asked for again after its reply was lost: nothing is left to do.
        assert_eq!(add(BOTH, "new"), Ok(String::new()));
        assert_eq!(add(BOTH, "old"), Ok(String::new()));
    }

    #[test]
    fn a_password_that_nobody_told_of_is_not_carried_along() {
        let add = |current: Option<&SecretValue>| said(held(ONE).add(NAME, &value("new"), current));
        assert_eq!(
            add(Some(&value("stolen"))),
            Err("holds a password that is not the current version's".to_owned())
        );
        assert!(add(None).is_ok(), "nothing was adopted");
    }

    #[test]
    fn only_the_one_that_is_meant_is_removed() {
        let remove = |row, password| said(held(row).remove(NAME, &value(password)));
        let head = "ALTER USER `app`@`%` IDENTIFIED VIA";
        let native = "mysql_native_password USING";
        assert_eq!(remove(BOTH, "old"), Ok(format!("{head} {native} 'NEW'")));
        assert_eq!(remove(BOTH, "new"), Ok(format!("{head} {native} 'OLD'")));
        assert_eq!(remove(BOTH, "another"), Ok(String::new()));
        assert_eq!(
            remove(MIXED, "new"),
            Ok(format!(
                r"{head} unix_socket OR {native} 'OLD' OR ed25519 USING '/C1SE''\\x'"
            ))
        );
        let last = "is the only password of `app`@`%`, and nobody could log in any more";
        assert_eq!(remove(ONE, "old"), Err(last.to_owned()));
    }

    #[test]
    fn accounts_that_cannot_have_two_are_refused() {
        let add = |row: &str| said(held(row).add(NAME, &value("another"), None)).unwrap_err();
        assert_eq!(
            add(r#"{"plugin":"ed25519","authentication_string":"x"}"#),
            "logs in by `ed25519`, of which not every client can try two"
        );
        // How MariaDB sets its own root up.
        let root = r#"{"plugin":"mysql_native_password","authentication_string":"invalid",
            "auth_or":[{},{"plugin":"unix_socket"}]}"#;
        assert_eq!(
            add(root),
            "has several ways in already (`mysql_native_password`, `unix_socket`), and not every client tries a third"
        );
        assert!(add(BOTH).starts_with("has several ways in already"));
        assert_eq!(add(r#"{"access":0}"#), "takes an empty password");
        for row in ["", "[]", r#"{"plugin":"a b"}"#, r#"{"auth_or":[]}"#] {
            assert!(Alternatives::parse(row).is_err(), "{row}");
        }
        let locked = r#"{"plugin":"x","account_locked":true}"#;
        assert!(Alternatives::parse(locked).unwrap().1 && !Alternatives::parse(ONE).unwrap().1);
        assert!(held(BOTH).has_two() && !held(ONE).has_two() && !held(MIXED).has_two());
        assert_eq!(held(BOTH).says(), "has 2 passwords");
        assert_eq!(held(MIXED).says(), "has 2 passwords");
    }
}
