//! What a generated value is made of, read from the configuration.

use std::fmt;

use serde::Deserialize;

use super::super::Overlap;
use super::jwk::Curve;

/// Below this a value can be guessed by whoever has the machines for it.
const FEWEST_BITS: f64 = 128.0;
/// Characters of a value, unless said.
const LENGTH: usize = 48;
/// More helps nobody and some receivers choke on it.
const LONGEST: usize = 4096;

/// The keys of `kind: generated`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Keys")]
pub struct Config {
    pub(super) recipe: Recipe,
    overlap: Two,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    length: Option<usize>,
    alphabet: Option<Alphabet>,
    characters: Option<String>,
    bytes: Option<usize>,
    encoding: Option<Encoding>,
    prefix: Option<String>,
    jwk: Option<Jwk>,
    #[serde(default)]
    overlap: Two,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Two {
    #[default]
    None,
    Two,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Alphabet {
    #[default]
    Base62,
    Base36,
    Base64url,
    Hex,
}

/// How random bytes are written down.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    Base64,
    Base64url,
    Hex,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Jwk {
    Oct,
    Ed25519,
    P256,
}

/// How a value is made.
#[derive(Clone, Debug)]
pub(super) enum Recipe {
    Characters {
        prefix: String,
        length: usize,
        characters: Vec<u8>,
    },
    Bytes {
        prefix: String,
        bytes: usize,
        encoding: Encoding,
    },
    Oct,
    Pair(Curve),
}

impl Config {
    pub(super) fn overlap(&self) -> Overlap {
        match self.overlap {
            Two::None => Overlap::None,
            Two::Two => Overlap::Two,
        }
    }
}

impl Default for Config {
    /// 48 characters of `base62`.
    fn default() -> Self {
        Self {
            recipe: Recipe::Characters {
                prefix: String::new(),
                length: LENGTH,
                characters: Alphabet::Base62.characters(),
            },
            overlap: Two::None,
        }
    }
}

impl TryFrom<Keys> for Config {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let overlap = keys.overlap;
        let recipe = match (&keys.jwk, &keys.bytes) {
            (Some(_), _) => keys.pair()?,
            (None, Some(_)) => keys.bytes()?,
            (None, None) => keys.characters()?,
        };
        Ok(Self { recipe, overlap })
    }
}

impl Keys {
    fn characters(self) -> Result<Recipe, String> {
        if self.encoding.is_some() {
            return Err("`encoding` belongs to `bytes`".to_owned());
        }
        let characters = match (self.characters, self.alphabet) {
            (Some(_), Some(_)) => return Err("say `alphabet` or `characters`, not both".to_owned()),
            (Some(own), None) => own_characters(&own)?,
            (None, alphabet) => alphabet.unwrap_or_default().characters(),
        };
        let length = self.length.unwrap_or(LENGTH);
        // Exact enough: no alphabet of printable ASCII comes closer to a whole number of bits than this can tell.
        let bits = (characters.len() as f64).log2() * length as f64;
        let needed = (FEWEST_BITS / (characters.len() as f64).log2()).ceil();
        enough(bits, || format!("take a `length` of at least {needed}"))?;
        Ok(Recipe::Characters {
            prefix: prefix(self.prefix, length)?,
            length,
            characters,
        })
    }

    fn bytes(self) -> Result<Recipe, String> {
        if self.length.is_some() || self.alphabet.is_some() || self.characters.is_some() {
            return Err("`bytes` goes with `encoding` only, not with characters".to_owned());
        }
        let bytes = self.bytes.unwrap_or_default();
        enough(bytes as f64 * 8.0, || "take at least 16 `bytes`".to_owned())?;
        Ok(Recipe::Bytes {
            prefix: prefix(self.prefix, bytes)?,
            bytes,
            encoding: self.encoding.unwrap_or(Encoding::Base64),
        })
    }

    fn pair(self) -> Result<Recipe, String> {
        let shaped = self.length.is_some()
            || self.alphabet.is_some()
            || self.characters.is_some()
            || self.bytes.is_some()
            || self.encoding.is_some()
            || self.prefix.is_some();
        if shaped {
            return Err("`jwk` says all there is to say of the value".to_owned());
        }
        Ok(match self.jwk {
            None | Some(Jwk::Oct) => Recipe::Oct,
            Some(Jwk::Ed25519) => Recipe::Pair(Curve::Ed25519),
            Some(Jwk::P256) => Recipe::Pair(Curve::P256),
        })
    }
}

impl Alphabet {
    fn characters(self) -> Vec<u8> {
        let digits = b'0'..=b'9';
        match self {
            Self::Base62 => digits.chain(b'A'..=b'Z').chain(b'a'..=b'z').collect(),
            Self::Base36 => digits.chain(b'a'..=b'z').collect(),
            Self::Base64url => Self::Base62
                .characters()
                .into_iter()
                .chain(*b"-_")
                .collect(),
            Self::Hex => digits.chain(b'a'..=b'f').collect(),
        }
    }
}

fn own_characters(own: &str) -> Result<Vec<u8>, String> {
    let mut characters = own.as_bytes().to_vec();
    if !characters.iter().all(u8::is_ascii_graphic) {
        return Err("`characters` takes printable ASCII without spaces".to_owned());
    }
    characters.sort_unstable();
    characters.dedup();
    if characters.len() != own.len() {
        return Err("`characters` names one twice, which would make it likelier".to_owned());
    }
    if characters.len() < 2 {
        return Err("`characters` takes at least two".to_owned());
    }
    Ok(characters)
}

fn enough(bits: f64, advice: impl FnOnce() -> String) -> Result<(), String> {
    // Half a bit is forgiven, or 32 hexadecimal digits could fail by a rounding.
    if bits + 0.5 < FEWEST_BITS {
        let bits = bits.floor();
        return Err(format!("{bits} bits of chance are too few; {}", advice()));
    }
    Ok(())
}

fn prefix(prefix: Option<String>, length: usize) -> Result<String, String> {
    let prefix = prefix.unwrap_or_default();
    if !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("`prefix` takes printable ASCII without spaces".to_owned());
    }
    if length > LONGEST {
        return Err(format!("more than {LONGEST} characters help nobody"));
    }
    Ok(prefix)
}

impl fmt::Display for Recipe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters { length, .. } => write!(out, "{length} characters"),
            Self::Bytes { bytes, .. } => write!(out, "{bytes} bytes"),
            Self::Oct => out.write_str("JWK oct"),
            Self::Pair(curve) => write!(out, "JWK {curve}"),
        }
    }
}

#[cfg(test)]
mod tests;
