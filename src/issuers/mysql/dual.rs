//! MySQL: the password of an account and the one before it, which `RETAIN CURRENT PASSWORD` lets in as well.
//!
//! Only reads and writes statements: what an account holds goes in, what is to be sent comes out.

use super::hash::Plugin;
use crate::model::{Fault, SecretValue};

/// What an account of MySQL holds.
pub(super) struct Dual {
    plugin: Plugin,
    present: Vec<u8>,
    old: Option<Vec<u8>>,
}

impl Dual {
    pub(super) fn new(plugin: &str, present: Vec<u8>, old: Option<Vec<u8>>) -> Result<Self, Fault> {
        let Some(known) = Plugin::of(plugin) else {
            let what = format!("logs in by `{plugin}`, and rotakey changes passwords only");
            return Err(Fault::refused(what)
                .hint("give it one: ALTER USER … IDENTIFIED WITH caching_sha2_password BY …"));
        };
        Ok(Self {
            plugin: known,
            present,
            // The two are the same where a removal died halfway: then there is one.
            old,
        })
    }

    pub(super) fn says(&self) -> &'static str {
        match self.another() {
            Some(_) => "has a password and an old one",
            None => "has one password",
        }
    }

    pub(super) fn has_two(&self) -> bool {
        self.another().is_some()
    }

    /// The old password, where it is not the present one over again.
    fn another(&self) -> Option<&[u8]> {
        let old = self.old.as_deref();
        old.filter(|old| *old != self.present.as_slice())
    }

    /// Nothing to send means that it is there.
    pub(super) fn add(
        &self,
        account: &str,
        password: &SecretValue,
        current: Option<&SecretValue>,
    ) -> Result<Vec<String>, Fault> {
        if self.present.is_empty() {
            return Err(super::account::empty());
        }
        if self.plugin.is_of(password, &self.present) {
            return Ok(Vec::new());
        }
        // RETAIN would put the present one in its place and so end a password that rotakey knows nothing of.
        if self.another().is_some() {
            return Err(
                Fault::refused("has an old password still, which a new one would end").hint(
                    format!("when nobody uses it: ALTER USER {account} DISCARD OLD PASSWORD"),
                ),
            );
        }
        if current.is_some_and(|current| !self.plugin.is_of(current, &self.present)) {
            return Err(super::account::strange());
        }
        let hash = self.plugin.hash(password, &self.present);
        Ok(vec![format!(
            "{} RETAIN CURRENT PASSWORD",
            self.identified(account, &hash)
        )])
    }

    /// Nothing to send means that it is gone.
    pub(super) fn remove(
        &self,
        account: &str,
        password: &SecretValue,
    ) -> Result<Vec<String>, Fault> {
        let discard = format!("ALTER USER {account} DISCARD OLD PASSWORD");
        let is = |hash: &[u8]| self.plugin.is_of(password, hash);
        match (is(&self.present), self.another()) {
            (false, Some(old)) if is(old) => Ok(vec![discard]),
            (false, None) if self.old.is_some() => Ok(vec![discard]),
            (false, _) => Ok(Vec::new()),
            // The old one stays: first it takes the place of the present one, and is there twice. It works throughout.
            (true, Some(old)) => Ok(vec![self.identified(account, old), discard]),
            (true, None) => Err(super::account::last_one(account)),
        }
    }

    fn identified(&self, account: &str, hash: &[u8]) -> String {
        // In hexadecimal: a salt that the server made may hold control characters.
        let hex: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let plugin = self.plugin.name();
        format!("ALTER USER {account} IDENTIFIED WITH {plugin} AS 0x{hex}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "`app`@`%`";

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text)
    }

    /// An account with native passwords, whose hashes have no salt.
    fn native(present: &str, old: Option<&str>) -> Dual {
        let hash = |text: &str| Plugin::Native.hash(&value(text), b"");
        Dual::new("mysql_native_password", hash(present), old.map(hash)).unwrap()
    }

    fn hex(text: &str) -> String {
        let hash = Plugin::Native.hash(&value(text), b"");
        hash.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn added(held: &Dual, password: &str) -> Result<Vec<String>, String> {
        let added = held.add(NAME, &value(password), Some(&value("now")));
        added.map_err(|fault| fault.what)
    }

    fn removed(held: &Dual, password: &str) -> Result<Vec<String>, String> {
        held.remove(NAME, &value(password))
            .map_err(|fault| fault.what)
    }

    #[test]
    fn a_new_password_retains_the_present_one_and_is_sent_as_its_hash() {
        let statement = format!(
            "ALTER USER `app`@`%` IDENTIFIED WITH mysql_native_password AS 0x{} RETAIN CURRENT PASSWORD",
            hex("new")
        );
        assert_eq!(added(&native("now", None), "new"), Ok(vec![statement]));
        // Asked for again after its reply was lost: nothing is left to do.
        assert_eq!(added(&native("new", Some("now")), "new"), Ok(vec![]));
        let sha2 = Plugin::CachingSha2.hash(&value("now"), b"");
        let held = Dual::new("caching_sha2_password", sha2, None).unwrap();
        let sent = added(&held, "new").unwrap().remove(0);
        let head = "ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 0x24412430303524";
        assert!(sent.starts_with(head), "{sent}");
        assert!(!sent.contains("new") && !sent.contains("6E6577"));
    }

    #[test]
    fn a_password_that_nobody_told_of_is_not_ended() {
        let strange = "has an old password still, which a new one would end";
        assert_eq!(
            added(&native("now", Some("older")), "new"),
            Err(strange.to_owned())
        );
        assert_eq!(removed(&native("now", Some("older")), "new"), Ok(vec![]));
        // Whoever stole the password may have changed it: it is not carried along.
        assert_eq!(
            added(&native("theirs", None), "new"),
            Err("holds a password that is not the current version's".to_owned())
        );
        let empty = Dual::new("caching_sha2_password", Vec::new(), None).unwrap();
        assert_eq!(
            added(&empty, "new"),
            Err("takes an empty password".to_owned())
        );
        let socket = Dual::new("auth_socket", Vec::new(), None).err().unwrap();
        assert_eq!(
            socket.what,
            "logs in by `auth_socket`, and rotakey changes passwords only"
        );
    }

    #[test]
    fn whichever_of_the_two_is_removed_the_other_one_stays() {
        let discard = "ALTER USER `app`@`%` DISCARD OLD PASSWORD".to_owned();
        let both = native("new", Some("now"));
        assert_eq!(removed(&both, "now"), Ok(vec![discard.clone()]));
        let back = format!(
            "ALTER USER `app`@`%` IDENTIFIED WITH mysql_native_password AS 0x{}",
            hex("now")
        );
        assert_eq!(removed(&both, "new"), Ok(vec![back, discard.clone()]));
        // It died between these two.
        let halfway = native("now", Some("now"));
        assert_eq!(removed(&halfway, "new"), Ok(vec![discard]));
        assert_eq!(halfway.says(), "has one password");
        let last = "is the only password of `app`@`%`, and nobody could log in any more";
        assert_eq!(removed(&native("now", None), "now"), Err(last.to_owned()));
    }
}
