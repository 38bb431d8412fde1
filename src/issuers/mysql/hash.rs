//! The only form in which a password reaches the server: the hash that it would keep itself, computed here.
//!
//! The statement that sets it stands in the general log, in the binary log and with every proxy on the way. A password
//! of 48 random characters cannot be found again from its hash.

use rand::Rng as _;
use rand::distr::Alphanumeric;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use sha2::{Digest, Sha256};

use crate::model::SecretValue;

/// The kinds of password that rotakey can make and recognise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    /// `*` and SHA-1 of SHA-1, without a salt.
    Native,
    /// `$A$`, thousands of rounds, `$`, a salt of 20 bytes, and SHA-256 crypt.
    CachingSha2,
}

const HEAD: &[u8] = b"$A$";
const SALT: usize = 20;
const DIGEST: usize = 43;
/// Thousands of rounds where nothing says otherwise: what MySQL 8 does.
const ROUNDS: u32 = 5;
/// The largest number of thousands that the server itself would make.
const MOST_ROUNDS: u32 = 0xFFF;

impl Plugin {
    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Native, Self::CachingSha2]
            .into_iter()
            .find(|plugin| plugin.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
        }
    }

    /// The hash of a new password, as costly as the one there is.
    pub(super) fn hash(self, password: &SecretValue, present: &[u8]) -> Vec<u8> {
        match self {
            Self::Native => native(password),
            Self::CachingSha2 => {
                let salt: Vec<u8> = rand::rng().sample_iter(Alphanumeric).take(SALT).collect();
                let rounds = parts(present).map_or(ROUNDS, |(rounds, ..)| rounds);
                caching_sha2(password, rounds, &salt)
            }
        }
    }

    /// Whether this is a hash of the password.
    pub(super) fn is_of(self, password: &SecretValue, hash: &[u8]) -> bool {
        match self {
            Self::Native => native(password).eq_ignore_ascii_case(hash),
            Self::CachingSha2 => parts(hash)
                .is_some_and(|(rounds, salt, _)| caching_sha2(password, rounds, salt) == hash),
        }
    }
}

fn native(password: &SecretValue) -> Vec<u8> {
    let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
    let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
    let hex: String = twice.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    format!("*{hex}").into_bytes()
}

/// Thousands of rounds (in hexadecimal), salt, digest. A salt may hold any byte of seven bits but `$` and zero.
fn parts(hash: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (rounds, rest) = hash.strip_prefix(HEAD)?.split_at_checked(3)?;
    let rounds = u32::from_str_radix(std::str::from_utf8(rounds).ok()?, 16).ok()?;
    let (salt, digest) = rest.strip_prefix(b"$")?.split_at_checked(SALT)?;
    let known = (1..=MOST_ROUNDS).contains(&rounds) && digest.len() == DIGEST;
    known.then_some((rounds, salt, digest))
}

fn caching_sha2(password: &SecretValue, rounds: u32, salt: &[u8]) -> Vec<u8> {
    let crypt = sha256_crypt(password.expose().as_bytes(), salt, rounds * 1000);
    let mut hash = format!("$A${rounds:03X}$").into_bytes();
    hash.extend_from_slice(salt);
    hash.extend_from_slice(&encode(&crypt));
    hash
}

/// SHA-256 crypt (Drepper, "Unix crypt using SHA-256 and SHA-512", 2007, steps 1 to 21), with the whole salt. Crates
/// that offer it cut a salt to 16 bytes, as the specification says and MySQL does not.
fn sha256_crypt(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let mixed = Sha256::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password);
    let mixed = mixed.finalize();
    let mut first = Sha256::new().chain_update(password).chain_update(salt);
    first.update(stretch(&mixed, password.len()));
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 {
            &mixed[..]
        } else {
            password
        });
        length >>= 1;
    }
    let mut state: [u8; 32] = first.finalize().into();
    let password = {
        let mut all = Sha256::new();
        (0..password.len()).for_each(|_| all.update(password));
        stretch(&all.finalize(), password.len())
    };
    let salt = {
        let mut all = Sha256::new();
        (0..16 + usize::from(state[0])).for_each(|_| all.update(salt));
        stretch(&all.finalize(), salt.len())
    };
    for round in 0..rounds {
        let (odd, mut next) = (round % 2 == 1, Sha256::new());
        next.update(if odd { &password[..] } else { &state });
        if round % 3 != 0 {
            next.update(&salt);
        }
        if round % 7 != 0 {
            next.update(&password);
        }
        next.update(if odd { &state[..] } else { &password });
        state = next.finalize().into();
    }
    state
}

/// The bytes again and again, up to a length.
fn stretch(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

/// Step 22: groups of three bytes in an order of their own, six bits a character, the lowest first.
fn encode(state: &[u8; 32]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 10] = [
        [0, 10, 20],
        [21, 1, 11],
        [12, 22, 2],
        [3, 13, 23],
        [24, 4, 14],
        [15, 25, 5],
        [6, 16, 26],
        [27, 7, 17],
        [18, 28, 8],
        [9, 19, 29],
    ];
    let mut text = Vec::with_capacity(DIGEST);
    let mut put = |group: u32, characters: u32| {
        let shifts = (0..characters).map(|at| group >> (6 * at) & 0x3f);
        text.extend(shifts.map(|index| ALPHABET[index as usize]));
    };
    let byte = |at: usize| u32::from(state[at]);
    for [one, two, three] in ORDER {
        put(byte(one) << 16 | byte(two) << 8 | byte(three), 4);
    }
    put(byte(31) << 8 | byte(30), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text)
    }

    /// What MySQL 9.7 keeps of these passwords, in hexadecimal, for a salt may hold control characters.
    #[test]
    fn hashes_are_those_that_mysql_makes() {
        let made_by_mysql = [
            (
                "old",
                "2441243030412459500A1E41234B38253A456F0C4C345F39634F2A46475263535A362E58746549\
                 4B6961412E58436B6D7535514938356D7A6577485177546A6A646F6A4C7934",
            ),
            (
                "Zoë's \\ $pass$ word that is longer than thirty-two bytes, and then some",
                "244124303041245B1E4E7B560225715857021F4A41057946732C7A4F2F4868484D6E7969517747\
                 336F50316D666D6A6A6A3547586A7A6950332E713365515066615646465230",
            ),
            (
                "p",
                "244124303035247901436A253C5B41754B2B01097E4417275C100650427062506667526C426D55\
                 675939626A446E386946526B5073557466432E74484B4C4946726C78383830",
            ),
        ];
        for (password, hash) in made_by_mysql {
            let hash = bytes(hash);
            assert!(
                Plugin::CachingSha2.is_of(&value(password), &hash),
                "{password}"
            );
            assert!(!Plugin::CachingSha2.is_of(&value("other"), &hash));
            let mine = Plugin::CachingSha2.hash(&value(password), &hash);
            assert_eq!(mine[..7], hash[..7], "as many rounds as before");
            assert!(Plugin::CachingSha2.is_of(&value(password), &mine));
            assert!(mine.is_ascii() && mine.len() == hash.len() && mine != hash);
        }
    }

    /// What MariaDB 10.11 keeps of these passwords.
    #[test]
    fn native_hashes_are_those_that_mariadb_makes() {
        let old = b"*CD02AC33DE7D3D2AFEDF5F2BAB51B07CDB499E79";
        let new = b"*6FE2B845E049CDA9EFED8CFAF265CD29622FD852";
        assert_eq!(Plugin::Native.hash(&value("old"), new), old);
        assert!(Plugin::Native.is_of(&value("new"), new));
        assert!(Plugin::Native.is_of(&value("new"), &new.to_ascii_lowercase()));
        assert!(!Plugin::Native.is_of(&value("old"), new));
    }

    #[test]
    fn a_hash_of_another_form_is_of_nothing() {
        let good = Plugin::CachingSha2.hash(&value("p"), b"");
        assert!(good.starts_with(b"$A$005$"));
        let text = String::from_utf8(good).unwrap();
        for wrong in [
            String::new(),
            "$A$".to_owned(),
            text[..text.len() - 1].to_owned(),
            text.replacen("005", "000", 1),
            text.replacen("005", "xyz", 1),
            text.replacen("$A$", "$B$", 1),
            text.replacen("005$", "005.", 1),
        ] {
            assert!(
                !Plugin::CachingSha2.is_of(&value("p"), wrong.as_bytes()),
                "{wrong}"
            );
        }
    }
}
