//! The account at the server: what it is called in a statement, and what it holds now.

use super::alternatives::Alternatives;
use super::connect::{Engine, Session};
use super::dual::Dual;
use crate::model::{Fault, SecretValue};

/// A user and the hosts it may come from, as statements name them.
pub(super) struct Name {
    pub(super) user: String,
    pub(super) host: String,
}

/// What an account is now.
pub(super) struct Held {
    pub(super) locked: bool,
    passwords: Passwords,
}

enum Passwords {
    Dual(Dual),
    Alternatives(Alternatives),
}

impl Name {
    /// `` `app`@`%` ``
    pub(super) fn quoted(&self) -> String {
        let [user, host] = [&self.user, &self.host].map(|name| name.replace('`', "``"));
        format!("`{user}`@`{host}`")
    }

    /// What the account holds; `None` if there is none.
    pub(super) fn held(&self, session: &mut Session) -> Result<Option<Held>, Fault> {
        match session.engine {
            Engine::MySql => self.held_by_mysql(session),
            Engine::MariaDb => self.held_by_mariadb(session),
        }
        .map_err(|fault| fault.at("read the account"))
    }

    fn held_by_mysql(&self, session: &mut Session) -> Result<Option<Held>, Fault> {
        const ASK: &str = "SELECT plugin, CAST(authentication_string AS BINARY), \
            CAST(JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password')) AS BINARY), \
            account_locked = 'Y' FROM mysql.user WHERE User = ? AND Host = ?";
        type Row = (String, Option<Vec<u8>>, Option<Vec<u8>>, bool);
        let row: Option<Row> = session.row(ASK, (&self.user, &self.host))?;
        let held = |(plugin, present, old, locked): Row| {
            let dual = Dual::new(&plugin, present.unwrap_or_default(), old)?;
            Ok(Held {
                locked,
                passwords: Passwords::Dual(dual),
            })
        };
        row.map(held).transpose()
    }

    fn held_by_mariadb(&self, session: &mut Session) -> Result<Option<Held>, Fault> {
        const ASK: &str = "SELECT Priv FROM mysql.global_priv \
            WHERE User = ? AND Host = ? AND json_value(Priv, '$.is_role') IS NULL";
        let row: Option<String> = session.row(ASK, (&self.user, &self.host))?;
        let held = |row: String| {
            let (all, locked) = Alternatives::parse(&row)?;
            Ok(Held {
                locked,
                passwords: Passwords::Alternatives(all),
            })
        };
        row.map(held).transpose()
    }
}

impl Held {
    /// Whether there is an old password beside the present one.
    pub(super) fn has_two(&self) -> bool {
        match &self.passwords {
            Passwords::Dual(dual) => dual.has_two(),
            Passwords::Alternatives(all) => all.has_two(),
        }
    }

    pub(super) fn says(&self) -> String {
        match &self.passwords {
            Passwords::Dual(dual) => dual.says().to_owned(),
            Passwords::Alternatives(all) => all.says(),
        }
    }

    /// What is to be sent, so that the password is let in as well; nothing, if it is so already.
    /// What there is must be the current version, where there is one.
    pub(super) fn add(
        &self,
        account: &str,
        password: &SecretValue,
        current: Option<&SecretValue>,
    ) -> Result<Vec<String>, Fault> {
        match &self.passwords {
            Passwords::Dual(dual) => dual.add(account, password, current),
            Passwords::Alternatives(all) => all.add(account, password, current),
        }
    }

    /// What is to be sent, in this order, so that only the others are let in; nothing, if it is so already.
    pub(super) fn remove(
        &self,
        account: &str,
        password: &SecretValue,
    ) -> Result<Vec<String>, Fault> {
        match &self.passwords {
            Passwords::Dual(dual) => dual.remove(account, password),
            Passwords::Alternatives(all) => all.remove(account, password),
        }
    }
}

/// A text in a statement, in a session whose `sql_mode` is empty.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

/// The refusal to rotate what is no secret.
pub(super) fn empty() -> Fault {
    Fault::refused("takes an empty password")
        .hint("give it one by hand, and to everybody who uses it")
}

/// The refusal to carry a password along that somebody else has set: it would stay behind for good.
pub(super) fn strange() -> Fault {
    Fault::refused("holds a password that is not the current version's")
        .hint("find out who changed it; then set one by hand and run `rotakey adopt`")
}

/// The refusal to lock everybody out.
pub(super) fn last_one(account: &str) -> Fault {
    Fault::refused(format!(
        "is the only password of {account}, and nobody could log in any more"
    ))
    .hint(format!(
        "ALTER USER {account} ACCOUNT LOCK ends it, with whoever uses it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted() {
        let name = Name {
            user: "a`'b\\".to_owned(),
            host: "10.0.%".to_owned(),
        };
        assert_eq!(name.quoted(), "`a``'b\\`@`10.0.%`");
        assert_eq!(text(r"*6F'\ OR"), r"'*6F''\\ OR'");
    }
}
