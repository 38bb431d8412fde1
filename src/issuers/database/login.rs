//! Versions that are a user with a password, and what comes of logging in.

use crate::issuers::generated::{self, Generated};
use crate::issuers::{Issuer, Trust};
use crate::model::{Fault, FieldName, Fields, Key, SecretValue};

/// The fields of every version.
pub(in crate::issuers) const USER: &str = "user";
pub(in crate::issuers) const PASSWORD: &str = "password";

/// The names of the fields of every version.
pub(in crate::issuers) fn login_fields() -> Vec<FieldName> {
    vec![FieldName::new(USER), FieldName::new(PASSWORD)]
}

/// One field of a version.
pub(in crate::issuers) fn field<'k>(key: &'k Key, name: &str) -> Result<&'k SecretValue, Fault> {
    let field = key.fields.field(&FieldName::new(name));
    field.ok_or_else(|| Fault::refused(format!("the version has no field `{name}`")))
}

/// The user with a password that nobody has seen.
pub(in crate::issuers) fn made_up(user: &str, trust: Trust) -> Result<Fields, Fault> {
    let made = Generated::new(&generated::Config::default()).propose(None, trust)?;
    let password = made.as_ref().and_then(|key| key.fields.primary());
    let password = password.ok_or_else(|| Fault::refused("no password could be made up"))?;
    let fields = [(USER, SecretValue::new(user)), (PASSWORD, password.clone())];
    let fields = fields.map(|(name, value)| (FieldName::new(name), value));
    Ok(fields.into_iter().collect())
}

/// Why somebody could not log in.
pub(in crate::issuers) enum Closed {
    /// User or password are wrong.
    WrongPassword,
    /// Anything else.
    Unreachable(Fault),
}

impl Closed {
    /// What it means where it was the account that logged in; `code` is the server's own word for a wrong password.
    pub(in crate::issuers) fn account(self, user: &str, code: &str) -> Fault {
        let fault = match self {
            Self::WrongPassword => Fault::refused(format!("user or password are refused ({code})")),
            Self::Unreachable(fault) => fault,
        };
        fault.at(format!("log in as `{user}`"))
    }
}
