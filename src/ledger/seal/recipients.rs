//! Who can open the ledger.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

use age::armor::{ArmoredWriter, Format};
use age::plugin::RecipientPluginV1;
use age::{EncryptError, Encryptor, NoCallbacks};

use crate::ledger::LedgerError;

use super::{Form, Tally};

/// The public keys a ledger is sealed to.
pub(in crate::ledger) struct Recipients(Vec<Recipient>);

enum Recipient {
    Native(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
    Plugin(age::plugin::Recipient),
}

impl Recipients {
    /// Reads `age1…`, `ssh-ed25519 …` and `age1name1…`.
    pub(in crate::ledger) fn parse(texts: &[String]) -> Result<Self, LedgerError> {
        if texts.is_empty() {
            return Err(LedgerError::Recipient {
                text: String::new(),
                why: "a ledger without a recipient could never be opened again".to_owned(),
            });
        }
        texts
            .iter()
            .map(|text| parse(text))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Seals to all of them.
    pub(in crate::ledger) fn seal(&self, plain: &[u8], form: Form) -> Result<Vec<u8>, LedgerError> {
        let keys = self.keys()?;
        let keys = keys.iter().map(|key| &**key as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(keys).map_err(|error| unsealed(&error))?;
        written(encryptor, plain, form).map_err(|error| unsealed(&EncryptError::Io(error)))
    }

    /// Whether a file with that header can have been sealed to exactly these. Headers are anonymous, so only kinds
    /// and counts can be compared; a plugin may write any number of stanzas.
    pub(super) fn fit(&self, found: Tally) -> bool {
        let mut own = Tally::default();
        for recipient in &self.0 {
            match recipient {
                Recipient::Native(_) => own.native += 1,
                Recipient::Ssh(_) => own.ssh += 1,
                Recipient::Plugin(_) => own.plugin += 1,
            }
        }
        (found.native, found.ssh) == (own.native, own.ssh)
            && (found.plugin == 0) == (own.plugin == 0)
    }

    /// The keys as age wants them. Plugins are looked for only now: opening a ledger does not need them.
    fn keys(&self) -> Result<Vec<Box<dyn age::Recipient>>, LedgerError> {
        let mut keys: Vec<Box<dyn age::Recipient>> = Vec::new();
        let mut plugins: BTreeMap<&str, Vec<age::plugin::Recipient>> = BTreeMap::new();
        for recipient in &self.0 {
            match recipient {
                Recipient::Native(key) => keys.push(Box::new(key.clone())),
                Recipient::Ssh(key) => keys.push(Box::new(key.clone())),
                Recipient::Plugin(key) => {
                    plugins.entry(key.plugin()).or_default().push(key.clone());
                }
            }
        }
        for (name, recipients) in plugins {
            let plugin = RecipientPluginV1::new(name, &recipients, &[], NoCallbacks)
                .map_err(|error| unsealed(&EncryptError::PluginResolve(error)))?;
            keys.push(Box::new(plugin));
        }
        Ok(keys)
    }
}

fn parse(text: &str) -> Result<Recipient, LedgerError> {
    let refused = |why: &str| LedgerError::Recipient {
        text: text.to_owned(),
        why: why.to_owned(),
    };
    if let Ok(key) = age::x25519::Recipient::from_str(text) {
        return Ok(Recipient::Native(key));
    }
    if text.starts_with("ssh-") {
        return match age::ssh::Recipient::from_str(text) {
            Ok(key @ age::ssh::Recipient::SshEd25519(..)) => Ok(Recipient::Ssh(key)),
            Ok(age::ssh::Recipient::SshRsa(..)) => Err(refused("RSA keys are not taken")),
            Err(_) => Err(refused("of the SSH keys only ssh-ed25519 is taken")),
        };
    }
    age::plugin::Recipient::from_str(text)
        .map(Recipient::Plugin)
        .map_err(|_| refused("it is neither `age1…`, `ssh-ed25519 …` nor a plugin's `age1name1…`"))
}

fn written(encryptor: Encryptor, plain: &[u8], form: Form) -> io::Result<Vec<u8>> {
    // A third more for the armor, and some for the header.
    let out = Vec::with_capacity(plain.len() / 2 * 3 + 4096);
    let format = match form {
        Form::Armored => Format::AsciiArmor,
        Form::Binary => Format::Binary,
    };
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(out, format)?)?;
    writer.write_all(plain)?;
    writer.finish()?.finish()
}

fn unsealed(error: &EncryptError) -> LedgerError {
    LedgerError::Unsealed {
        why: super::identities::plain_text(&error.to_string()),
    }
}
