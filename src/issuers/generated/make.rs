//! Making a value by its recipe.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::recipe::{Encoding, Recipe};
use super::{PUBLIC, VALUE, jwk};
use crate::model::{Fault, KeyId, SecretValue};

/// A value that was made, with its public id where it has one.
pub(super) struct Made {
    pub(super) id: Option<KeyId>,
    pub(super) fields: Vec<(&'static str, SecretValue)>,
}

impl Recipe {
    pub(super) fn make(&self) -> Result<Made, Fault> {
        let plain = |text: Zeroizing<String>| Made {
            id: None,
            fields: vec![(VALUE, secret(text))],
        };
        Ok(match self {
            Self::Characters {
                prefix,
                length,
                characters,
            } => plain(drawn(prefix, *length, characters, chance)?),
            Self::Bytes {
                prefix,
                bytes,
                encoding,
            } => {
                let mut random = Zeroizing::new(vec![0; *bytes]);
                chance(&mut random)?;
                plain(encoding.written(prefix, &random))
            }
            Self::Oct => {
                let mut random = Zeroizing::new([0; 32]);
                chance(&mut *random)?;
                plain(jwk::oct(&random))
            }
            Self::Pair(curve) => {
                let pair = jwk::pair(*curve, chance)?;
                Made {
                    id: Some(KeyId::new(pair.thumbprint)),
                    fields: vec![
                        (VALUE, secret(pair.private)),
                        (PUBLIC, SecretValue::new(pair.public)),
                    ],
                }
            }
        })
    }
}

impl Encoding {
    pub(super) fn written(self, prefix: &str, random: &[u8]) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + random.len() * 2 + 4));
        text.push_str(prefix);
        match self {
            Self::Base64 => STANDARD.encode_string(random, &mut text),
            Self::Base64url => URL_SAFE_NO_PAD.encode_string(random, &mut text),
            Self::Hex => text.extend(random.iter().flat_map(|byte| {
                [byte >> 4, byte & 15]
                    .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
            })),
        }
        text
    }
}

fn secret(mut text: Zeroizing<String>) -> SecretValue {
    SecretValue::new(std::mem::take(&mut *text))
}

/// The operating system's random bytes.
fn chance(bytes: &mut [u8]) -> Result<(), Fault> {
    OsRng
        .try_fill_bytes(bytes)
        .map_err(|_| Fault::passing("the system gives no random bytes"))
}

/// Draws characters, all equally likely: a byte beyond the largest multiple of their number is thrown away.
pub(super) fn drawn(
    prefix: &str,
    length: usize,
    characters: &[u8],
    chance: impl Fn(&mut [u8]) -> Result<(), Fault>,
) -> Result<Zeroizing<String>, Fault> {
    let fair = 256 - 256 % characters.len();
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + length));
    text.push_str(prefix);
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < prefix.len() + length {
        chance(&mut *bytes)?;
        let missing = prefix.len() + length - text.len();
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < fair);
        text.extend(
            fair.take(missing)
                .map(|byte| char::from(characters[usize::from(*byte) % characters.len()])),
        );
    }
    Ok(text)
}
