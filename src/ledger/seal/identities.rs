//! What opens the ledger.
//!
//! A run under cron can answer no question, so identities that need a passphrase are refused when they are read, not
//! when the first key has already been issued.

use std::cell::Cell;
use std::io::Read;
use std::str::FromStr;

use age::armor::ArmoredReader;
use age::plugin::IdentityPluginV1;
use age::{DecryptError, Decryptor, NoCallbacks};
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use crate::ledger::LedgerError;
use crate::model::Credential;

use super::{ARMOR_BEGIN, ARMOR_END, Form, Recipients, Tally};

/// No ledger is this large; what claims to be is a bomb.
const LARGEST: u64 = 256 << 20;

/// The secret keys of this run.
pub(in crate::ledger) struct Identities {
    source: String,
    keys: Vec<Key>,
}

enum Key {
    Native(age::x25519::Identity),
    Ssh(Box<age::ssh::Identity>),
    Plugin(age::plugin::Identity),
}

/// An opened file.
pub(in crate::ledger) struct Opened {
    /// What was inside.
    pub(in crate::ledger) plain: Zeroizing<Vec<u8>>,
    tally: Tally,
}

impl Opened {
    /// Whether the file can have been sealed to exactly these.
    pub(in crate::ledger) fn is_sealed_to(&self, recipients: &Recipients) -> bool {
        recipients.fit(self.tally)
    }
}

impl Identities {
    /// Reads age secret keys, plugin identities, or one OpenSSH ed25519 private key.
    pub(in crate::ledger) fn load(credential: &Credential) -> Result<Self, LedgerError> {
        let source = credential.source().to_owned();
        let unusable = |why: &str| LedgerError::Identity {
            source: credential.source().to_owned(),
            why: why.to_owned(),
            hint: None,
        };
        let text = credential.value().map_err(|fault| LedgerError::Identity {
            source: source.clone(),
            why: fault.what,
            hint: fault.hint,
        })?;
        let text = text.expose();
        if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
            let keys = vec![ssh(text).map_err(unusable)?];
            return Ok(Self { source, keys });
        }
        if text.contains("-----BEGIN AGE ENCRYPTED FILE-----")
            || text.starts_with("age-encryption.org/")
        {
            return Err(unusable(
                "it is protected by a passphrase, which a run under cron cannot be asked for",
            ));
        }
        let keys = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                key(line).ok_or_else(|| unusable(&format!("line {number} is not an age identity")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(unusable("it holds no identity"));
        }
        Ok(Self { source, keys })
    }

    /// Opens a whole file before anyone looks at a byte of it: age streams, and a cut file begins with valid text.
    pub(in crate::ledger) fn open(
        &self,
        place: &str,
        sealed: &[u8],
        form: Form,
    ) -> Result<Opened, LedgerError> {
        let corrupt = |why: &str| LedgerError::Corrupt {
            place: place.to_owned(),
            why: why.to_owned(),
        };
        let armored = sealed.starts_with(ARMOR_BEGIN);
        match form {
            Form::Armored if !armored => return Err(corrupt("it is not an armored age file")),
            Form::Armored if !sealed.ends_with(ARMOR_END) => {
                return Err(corrupt("its last line is missing"));
            }
            Form::Binary if armored => return Err(corrupt("it is not a binary age file")),
            Form::Armored | Form::Binary => {}
        }
        match form {
            // Base64: four letters for three bytes.
            Form::Armored => self.decrypt(place, ArmoredReader::new(sealed), sealed.len() / 4 * 3),
            Form::Binary => self.decrypt(place, sealed, sealed.len()),
        }
    }

    fn decrypt(
        &self,
        place: &str,
        sealed: impl Read,
        length: usize,
    ) -> Result<Opened, LedgerError> {
        let corrupt = |why: &str| LedgerError::Corrupt {
            place: place.to_owned(),
            why: why.to_owned(),
        };
        let decryptor = Decryptor::new(sealed).map_err(|error| self.cause(place, error))?;
        if decryptor.is_scrypt() {
            return Err(corrupt("it is sealed with a passphrase, not to a key"));
        }
        let witness = Witness {
            keys: &self.keys,
            tally: Cell::default(),
        };
        let reader = decryptor
            .decrypt(std::iter::once(&witness as &dyn age::Identity))
            .map_err(|error| self.cause(place, error))?;
        // As large as what is sealed at once: a vector that grows leaves copies behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(length + 1));
        let read = reader.take(LARGEST + 1).read_to_end(&mut plain);
        match read {
            Ok(length) if length as u64 <= LARGEST => Ok(Opened {
                plain,
                tally: witness.tally.get(),
            }),
            Ok(_) => Err(corrupt("it is larger than any ledger")),
            Err(_) => Err(corrupt("it was cut short or changed")),
        }
    }

    fn cause(&self, place: &str, error: DecryptError) -> LedgerError {
        let corrupt = |why: String| LedgerError::Corrupt {
            place: place.to_owned(),
            why,
        };
        match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => {
                LedgerError::WrongIdentity {
                    place: place.to_owned(),
                    source: self.source.clone(),
                }
            }
            DecryptError::Io(_) | DecryptError::InvalidHeader => {
                corrupt("it is not an age file, or was cut short".to_owned())
            }
            DecryptError::InvalidMac => corrupt("its header was changed".to_owned()),
            DecryptError::UnknownFormat => {
                corrupt("it is of a format that this build does not know".to_owned())
            }
            DecryptError::Plugin(_) | DecryptError::PluginResolve(_) => LedgerError::Identity {
                source: self.source.clone(),
                why: plain_text(&error.to_string()),
                hint: None,
            },
            other => corrupt(plain_text(&other.to_string())),
        }
    }
}

fn key(line: &str) -> Option<Key> {
    if let Ok(key) = age::x25519::Identity::from_str(line) {
        return Some(Key::Native(key));
    }
    age::plugin::Identity::from_str(line).ok().map(Key::Plugin)
}

fn ssh(text: &str) -> Result<Key, &'static str> {
    use age::ssh::{Identity, Recipient};
    let key = Identity::from_buffer(text.as_bytes(), None)
        .map_err(|_| "it is not an OpenSSH private key")?;
    match key {
        Identity::Unencrypted(_) => {}
        Identity::Encrypted(_) => {
            return Err(
                "it is protected by a passphrase, which a run under cron cannot be asked for",
            );
        }
        Identity::Unsupported(_) => return Err("of the SSH keys only ed25519 is taken"),
    }
    match Recipient::try_from(key.clone()) {
        Ok(Recipient::SshEd25519(..)) => Ok(Key::Ssh(Box::new(key))),
        Ok(Recipient::SshRsa(..)) | Err(_) => Err("of the SSH keys only ed25519 is taken"),
    }
}

/// Tries the keys of this run, and remembers which kinds of recipients the header names.
struct Witness<'a> {
    keys: &'a [Key],
    tally: Cell<Tally>,
}

impl age::Identity for Witness<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let mut tally = Tally::default();
        for stanza in stanzas {
            match stanza.tag.as_str() {
                "X25519" => tally.native += 1,
                "ssh-ed25519" => tally.ssh += 1,
                // Random stanzas that age writers add so that readers stay tolerant.
                tag if tag.ends_with("-grease") => {}
                _ => tally.plugin += 1,
            }
        }
        self.tally.set(tally);
        self.keys.iter().find_map(|key| match key {
            Key::Native(key) => key.unwrap_stanzas(stanzas),
            Key::Ssh(key) => key.unwrap_stanzas(stanzas),
            Key::Plugin(key) => {
                let keys = std::slice::from_ref(key);
                match IdentityPluginV1::new(key.plugin(), keys, NoCallbacks) {
                    Ok(plugin) => plugin.unwrap_stanzas(stanzas),
                    Err(error) => Some(Err(DecryptError::PluginResolve(error))),
                }
            }
        })
    }
}

/// age marks the names in its messages with direction isolates; a log has no use for them.
pub(super) fn plain_text(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{2066}'..='\u{2069}'))
        .take(200)
        .collect()
}
