//! Keys for tests.

use age::secrecy::ExposeSecret;

pub(crate) fn fresh_identity() -> String {
    let identity = age::x25519::Identity::generate();
    identity.to_string().expose_secret().to_owned()
}

pub(crate) fn recipient(identity: &str) -> String {
    let identity: age::x25519::Identity = identity.parse().expect("an identity of a test");
    identity.to_public().to_string()
}
