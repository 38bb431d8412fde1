//! Names that people choose in the file.

use crate::model::{AccountName, SecretName};

use super::complaint::Complaints;
use super::file::Entry;
use super::say::{looks_like_a_key, quoted};

/// The longest name. It becomes part of tags and file names.
const LONGEST: usize = 63;

/// The name of a secret.
pub(super) fn secret(entry: &Entry<'_>, complaints: &Complaints<'_>) -> Option<SecretName> {
    checked("secret", entry, complaints).map(SecretName::new)
}

/// The name of an account.
pub(super) fn account(entry: &Entry<'_>, complaints: &Complaints<'_>) -> Option<AccountName> {
    checked("account", entry, complaints).map(AccountName::new)
}

/// The name of a channel.
pub(super) fn channel<'n>(entry: &'n Entry<'_>, complaints: &Complaints<'_>) -> Option<&'n str> {
    checked("channel", entry, complaints)
}

fn checked<'n>(of: &str, entry: &'n Entry<'_>, complaints: &Complaints<'_>) -> Option<&'n str> {
    if is_plain(&entry.key) {
        return Some(&entry.key);
    }
    let what = format!(
        "{} is not the name of {} {of}",
        quoted(&entry.key),
        article(of)
    );
    let hint = format!(
        "up to {LONGEST} of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit"
    );
    complaints.advise(entry.at, what, hint);
    None
}

/// Whether a name is safe everywhere it goes: file names, tags at vendors, command lines, messages.
pub(super) fn is_plain(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= LONGEST
        && !looks_like_a_key(name)
        && name.starts_with(word)
        && name
            .chars()
            .all(|c| word(c) || matches!(c, '.' | '_' | '-'))
}

fn article(of: &str) -> &'static str {
    if of.starts_with('a') { "an" } else { "a" }
}
