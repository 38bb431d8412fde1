//! Keys in JSON (RFC 7517), with the members RFC 7518 and RFC 8037 name, and their thumbprints (RFC 7638).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::Fault;

/// The curve of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    Ed25519,
    P256,
}

/// A key pair in JSON.
pub(super) struct Pair {
    pub(super) private: Zeroizing<String>,
    pub(super) public: String,
    pub(super) thumbprint: String,
}

/// A symmetric key. It bears no `kid`: a thumbprint of it would be a digest of the secret.
pub(super) fn oct(bytes: &[u8; 32]) -> Zeroizing<String> {
    let k = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
    Zeroizing::new(format!(
        r#"{{"kty":"oct","alg":"HS256","use":"sig","k":"{}"}}"#,
        k.as_str()
    ))
}

/// A new key pair.
pub(super) fn pair(
    curve: Curve,
    chance: impl Fn(&mut [u8]) -> Result<(), Fault>,
) -> Result<Pair, Fault> {
    let mut seed = Zeroizing::new([0; 32]);
    loop {
        chance(&mut *seed)?;
        // Not every number is a private key on P-256; one in 2^32 is drawn again.
        if let Some(members) = members(curve, &seed) {
            return Ok(assembled(curve, &members, &seed));
        }
    }
}

/// The members that make the public key, in the order a thumbprint takes them: by name.
fn members(curve: Curve, seed: &[u8; 32]) -> Option<String> {
    match curve {
        Curve::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            Some(format!(r#""crv":"Ed25519","kty":"OKP","x":"{x}""#))
        }
        Curve::P256 => {
            let secret = p256::SecretKey::from_slice(seed).ok()?;
            let point = secret.public_key().to_encoded_point(false);
            let x = URL_SAFE_NO_PAD.encode(point.x()?);
            let y = URL_SAFE_NO_PAD.encode(point.y()?);
            Some(format!(r#""crv":"P-256","kty":"EC","x":"{x}","y":"{y}""#))
        }
    }
}

fn assembled(curve: Curve, members: &str, seed: &[u8; 32]) -> Pair {
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{{{members}}}")));
    let alg = match curve {
        Curve::Ed25519 => "EdDSA",
        Curve::P256 => "ES256",
    };
    let public = format!(r#"{members},"alg":"{alg}","use":"sig","kid":"{thumbprint}""#);
    let d = Zeroizing::new(URL_SAFE_NO_PAD.encode(seed));
    Pair {
        private: Zeroizing::new(format!(r#"{{{public},"d":"{}"}}"#, d.as_str())),
        public: format!("{{{public}}}"),
        thumbprint,
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ed25519 => "ed25519",
            Self::P256 => "p256",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(text: &str) -> [u8; 32] {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        bytes.try_into().unwrap()
    }

    #[test]
    fn an_ed25519_pair_is_the_one_of_rfc_8037() {
        // Appendix A.1 to A.3.
        let seed = seed("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let pair = pair(Curve::Ed25519, |bytes| {
            bytes.copy_from_slice(&seed);
            Ok(())
        })
        .unwrap();
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        let public = format!(
            r#""crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","use":"sig","kid":"{thumbprint}""#
        );
        assert_eq!(pair.thumbprint, thumbprint);
        assert_eq!(pair.public, format!("{{{public}}}"));
        let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        assert_eq!(*pair.private, format!(r#"{{{public},"d":"{d}"}}"#));
    }

    #[test]
    fn a_p256_pair_is_the_one_of_rfc_7517() {
        // Appendix A.2.
        let seed = seed("870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE");
        assert_eq!(
            members(Curve::P256, &seed).unwrap(),
            concat!(
                r#""crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","#,
                r#""y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#
            )
        );
    }

    #[test]
    fn a_number_that_is_no_private_key_is_drawn_again() {
        let count = std::cell::Cell::new(0);
        let made = pair(Curve::P256, |bytes| {
            bytes.fill([0xff, 0x00, 0x01][count.replace(count.get() + 1)]);
            Ok(())
        })
        .unwrap();
        assert_eq!(count.get(), 3);
        assert!(made.private.contains(r#""d":"AQEBAQ"#));
    }

    #[test]
    fn a_symmetric_key_shows_no_digest_of_itself() {
        assert_eq!(
            *oct(&[0xff; 32]),
            r#"{"kty":"oct","alg":"HS256","use":"sig","k":"__________________________________________8"}"#
        );
    }
}
