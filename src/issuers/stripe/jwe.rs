//! What Stripe seals a new key in: a compact JWE (RFC 7516) for an RSA key that was made for the one call.
//!
//! The key of the content is wrapped with RSA-OAEP, over SHA-256 or SHA-1 (RFC 7518, section 4.3); the content is
//! sealed with AES-256-GCM, and the header with it. Stripe does not publish which of the two it uses, so both are
//! taken and nothing else. SHA-1 does no harm in OAEP, which needs no collision resistance.
//!
//! `rsa` is known to take a time that depends on the private key (RUSTSEC-2023-0071). To learn anything from that one
//! must have many messages opened with one key and watch the clock; this key opens one message, and is gone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::{Oaep, RsaPrivateKey};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::{Fault, SecretValue};

/// The least that Stripe takes, and enough for a key that lives as long as one call.
const BITS: usize = 2048;

/// A key pair for one call.
pub(super) struct Pair(RsaPrivateKey);

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
}

impl Pair {
    pub(super) fn make() -> Result<Self, Fault> {
        let made = RsaPrivateKey::new(&mut OsRng, BITS);
        made.map(Self)
            .map_err(|_| Fault::refused("no key pair can be made on this machine"))
    }

    /// The public half, as the body of the call has it.
    pub(super) fn pem(&self) -> Result<String, Fault> {
        let pem = self.0.to_public_key().to_public_key_pem(LineEnding::LF);
        pem.map_err(|_| Fault::refused("the public key cannot be written"))
    }

    /// Opens what was sealed for this pair, which is used up by that.
    pub(super) fn open(self, sealed: &str) -> Result<SecretValue, Fault> {
        let parts: Vec<&str> = sealed.split('.').collect();
        let [header, wrapped, nonce, content, tag] = parts[..] else {
            return Err(Fault::refused("the new key is sealed in an unknown form"));
        };
        let padding = padding(header)?;
        let key = self
            .0
            .decrypt_blinded(&mut OsRng, padding, &decoded(wrapped)?);
        let key = key.map(Zeroizing::new).map_err(|_| unopened())?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| unopened())?;
        let nonce = decoded(nonce)?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| unopened())?;
        let mut content = Zeroizing::new(decoded(content)?);
        content.extend(decoded(tag)?);
        let opened =
            LessSafeKey::new(key).open_in_place(nonce, Aad::from(header.as_bytes()), &mut content);
        let opened = opened.map_err(|_| unopened())?;
        let text = std::str::from_utf8(opened).map_err(|_| unopened())?;
        Ok(SecretValue::new(text))
    }
}

fn padding(header: &str) -> Result<Oaep, Fault> {
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| unopened())?;
    match (header.alg.as_str(), header.enc.as_str()) {
        ("RSA-OAEP-256", "A256GCM") => Ok(Oaep::new::<Sha256>()),
        ("RSA-OAEP", "A256GCM") => Ok(Oaep::new::<Sha1>()),
        _ => Err(Fault::refused(
            "the new key is sealed with an unknown algorithm",
        )),
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| unopened())
}

fn unopened() -> Fault {
    Fault::refused("the new key cannot be unsealed")
}

/// Seals as Stripe does, for tests.
#[cfg(test)]
pub(super) mod testing {
    use ring::rand::{SecureRandom, SystemRandom};
    use rsa::RsaPublicKey;
    use rsa::pkcs8::DecodePublicKey;
    use serde_json::json;

    use super::*;

    pub(in super::super) fn seal(alg: &str, pem: &str, text: &str) -> String {
        let public = RsaPublicKey::from_public_key_pem(pem).expect("a public key");
        let mut bytes = [0; 44];
        SystemRandom::new().fill(&mut bytes).expect("chance");
        let (key, nonce) = bytes.split_at(32);
        let padding = match alg {
            "RSA-OAEP" => Oaep::new::<Sha1>(),
            _ => Oaep::new::<Sha256>(),
        };
        let wrapped = public.encrypt(&mut OsRng, padding, key).expect("it fits");
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({"alg": alg, "enc": "A256GCM", "kid": "k"}).to_string();
        let header = encode(header.as_bytes());
        let mut content = text.as_bytes().to_vec();
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"));
        let tag = sealing
            .seal_in_place_separate_tag(
                Nonce::try_assume_unique_for_key(nonce).expect("12 bytes"),
                Aad::from(header.as_bytes()),
                &mut content,
            )
            .expect("sealed");
        let rest = [&wrapped, nonce, &content, tag.as_ref()].map(encode);
        format!("{header}.{}", rest.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::seal;
    use super::*;

    #[test]
    fn what_is_sealed_in_either_way_is_opened() {
        for alg in ["RSA-OAEP-256", "RSA-OAEP"] {
            let pair = Pair::make().unwrap();
            let sealed = seal(alg, &pair.pem().unwrap(), "rk_live_new");
            assert_eq!(pair.open(&sealed).unwrap(), SecretValue::new("rk_live_new"));
        }
    }

    #[test]
    fn what_was_sealed_for_another_or_changed_on_its_way_is_not_opened() {
        let pair = || Pair::make().unwrap();
        let why = |pair: Pair, sealed: &str| pair.open(sealed).unwrap_err().what;
        let ours = pair();
        let sealed = seal("RSA-OAEP-256", &ours.pem().unwrap(), "rk_live_new");
        assert_eq!(why(pair(), &sealed), "the new key cannot be unsealed");
        // The header is sealed with the rest: the same words in another order are another header.
        let header = URL_SAFE_NO_PAD.encode(r#"{"enc":"A256GCM","alg":"RSA-OAEP-256"}"#);
        let (_, rest) = sealed.split_once('.').unwrap();
        let swapped = format!("{header}.{rest}");
        assert_eq!(why(ours, &swapped), "the new key cannot be unsealed");
    }

    #[test]
    fn forms_and_algorithms_that_nobody_named_are_refused() {
        let header = |alg: &str, enc: &str| {
            let text = format!(r#"{{"alg":"{alg}","enc":"{enc}"}}"#);
            URL_SAFE_NO_PAD.encode(text)
        };
        let why = |sealed: &str| padding(sealed).unwrap_err().what;
        let unknown = "the new key is sealed with an unknown algorithm";
        assert_eq!(why(&header("RSA1_5", "A256GCM")), unknown);
        assert_eq!(why(&header("dir", "A256GCM")), unknown);
        assert_eq!(why(&header("RSA-OAEP", "A128CBC-HS256")), unknown);
        let form = Pair::make().unwrap().open("a.b.c.d").unwrap_err();
        assert_eq!(form.what, "the new key is sealed in an unknown form");
    }
}
