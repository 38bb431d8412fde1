//! Makes ids and secret values: realistic to look at, the same in every run, and all secrets remembered, so that a
//! test can look for them where they must not be.

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A generator seeded by a counter: value *n* is the same in every world.
#[derive(Default)]
pub(super) struct Mint {
    made: u64,
    secrets: Vec<String>,
}

impl Mint {
    /// A public id.
    pub(super) fn id(&mut self, prefix: &str, length: usize) -> String {
        self.made += 1;
        format!("{prefix}{}", letters(self.made, length))
    }

    /// A secret value.
    pub(super) fn secret(&mut self, prefix: &str, length: usize) -> String {
        let value = self.id(prefix, length);
        self.secrets.push(value.clone());
        value
    }

    /// A secret value that has a name instead of a number: adding one changes no other value of the world.
    pub(super) fn named_secret(&mut self, name: &str, prefix: &str, length: usize) -> String {
        let seed = name.bytes().fold(GAMMA, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let value = format!("{prefix}{}", letters(seed, length));
        self.secrets.push(value.clone());
        value
    }

    /// Remembers a secret that was made elsewhere, such as a generated password written by the client. Short values are
    /// taken for plain settings: looking for `3000` everywhere would find it.
    pub(super) fn remember(&mut self, value: &str) {
        if value.len() >= 12 && !self.secrets.iter().any(|known| known == value) {
            self.secrets.push(value.to_owned());
        }
    }

    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

fn letters(seed: u64, length: usize) -> String {
    // The seed is mixed once before use: consecutive raw seeds would give the same letters, shifted by one.
    let mut state = mixed(seed);
    (0..length)
        .map(|_| {
            state = state.wrapping_add(GAMMA);
            char::from(BASE62[(mixed(state) % 62) as usize])
        })
        .collect()
}

/// The finisher of SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The last four characters, as logs and failures name a secret.
pub(crate) fn last4(value: &str) -> String {
    let skip = value.chars().count().saturating_sub(4);
    value.chars().skip(skip).collect()
}
