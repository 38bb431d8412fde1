//! Identities as `init` needs them: a new one, and the public half of one that is there.

use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;

use crate::model::{Instant, SecretValue};

/// The text of a new identity file, laid out as `age-keygen` does it.
pub fn new_identity(now: Instant) -> SecretValue {
    let identity = Identity::generate();
    let (recipient, secret) = (identity.to_public(), identity.to_string());
    let created = now.format("%Y-%m-%dT%H:%M:%SZ");
    SecretValue::new(format!(
        "# created: {created}\n# public key: {recipient}\n{}\n",
        secret.expose_secret()
    ))
}

/// The recipient (`age1…`) of the first X25519 identity in an identity file, if there is one.
pub fn recipient_of(file: &SecretValue) -> Option<String> {
    file.expose()
        .lines()
        .find_map(|line| Identity::from_str(line.trim()).ok())
        .map(|identity| identity.to_public().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_identity_names_its_own_recipient() {
        let now = "2024-02-18T09:00:00Z".parse().expect("an instant");
        let file = new_identity(now);
        let lines: Vec<&str> = file.expose().lines().collect();
        assert_eq!(lines[0], "# created: 2024-02-18T09:00:00Z");
        let recipient = recipient_of(&file).expect("a recipient");
        assert_eq!(lines[1], format!("# public key: {recipient}"));
        assert!(lines[2].starts_with("AGE-SECRET-KEY-1"));
    }

    #[test]
    fn what_is_no_identity_has_no_recipient() {
        assert_eq!(
            recipient_of(&SecretValue::new("# nothing here\nage1abc\n")),
            None
        );
    }
}
