//! The only form in which a password reaches the server: a SCRAM-SHA-256 verifier, computed here.
//!
//! The statement that sets it stands in the server's log, in `pg_stat_statements` and with every proxy on the way. A
//! verifier lets its holder check guesses and pose as the server, and not log in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postgres_protocol::password::scram_sha_256;

use crate::model::{Fault, SecretValue};

/// `SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>`, proven to be one.
pub(super) struct Verifier(String);

impl Verifier {
    /// With a salt of its own; two of the same password differ.
    pub(super) fn of(password: &SecretValue) -> Result<Self, Fault> {
        let text = scram_sha_256(password.expose().as_bytes());
        // A malformed one would be taken for a password in the clear: PostgreSQL hashes whatever it does not recognise,
        // and says nothing.
        match is_verifier(&text) {
            true => Ok(Self(text)),
            false => Err(Fault::refused(
                "the SCRAM verifier of the new password came out malformed",
            )),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether PostgreSQL takes the text for a verifier (`get_password_type`, `parse_scram_secret`).
fn is_verifier(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("SCRAM-SHA-256$") else {
        return false;
    };
    let parts = || {
        let (first, keys) = rest.split_once('$')?;
        let (iterations, salt) = first.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        Some((iterations, salt, stored, server))
    };
    let Some((iterations, salt, stored, server)) = parts() else {
        return false;
    };
    let bytes = |text: &str| STANDARD.decode(text).map_or(0, |bytes| bytes.len());
    iterations.parse::<u32>().is_ok_and(|count| count >= 4096)
        && bytes(salt) >= 16
        && bytes(stored) == 32
        && bytes(server) == 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 section 3, in the form in which PostgreSQL keeps it.
    const PUBLISHED: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
        $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn a_verifier_has_a_form_that_the_server_recognises() {
        assert!(is_verifier(PUBLISHED));
        let made = Verifier::of(&SecretValue::new("pencil")).unwrap();
        assert!(is_verifier(made.as_str()));
        assert!(!made.as_str().contains("pencil"));
    }

    #[test]
    fn what_the_server_would_take_for_a_password_is_no_verifier() {
        for wrong in [
            "pencil".to_owned(),
            PUBLISHED.replace("SHA-256", "SHA-1"),
            PUBLISHED.replace("4096", "many"),
            PUBLISHED.replace("4096", "1"),
            PUBLISHED.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "W22"),
            PUBLISHED.replace("WG5d", ""),
            PUBLISHED.replace(":wfPL", ""),
            PUBLISHED.replace("wfPL", "wf PL"),
        ] {
            assert!(!is_verifier(&wrong), "{wrong}");
        }
    }
}
