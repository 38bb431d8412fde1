//! What is meant: the whole configuration, checked as far as that is possible without asking anybody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger;
use crate::model::{Account, AccountName, Credential, Freeze, SecretName};

use super::accounts::Accounts;
use super::anchors::Anchors;
use super::complaint::{Complaints, ConfigErrors, Mark};
use super::crossing::{refuse_shared_places, settle_draws};
use super::defaults::Defaults;
use super::fields::Fields;
use super::file::{self, Entry, Node, Value};
use super::notify::{Hearers, Hearing};
use super::say::{looks_like_a_key, quoted};
use super::secrets::{self, SecretConfig};
use super::source::{Source, Surroundings};

/// Everything that `rotations.yaml` says.
#[derive(Debug)]
pub struct Config {
    /// The file, as messages call it.
    pub file: String,
    /// How many secrets an unattended run rotates at most, so that a missed month is not caught up in one night.
    pub max_per_run: usize,
    /// When no rotation begins, unless a key has leaked.
    pub freezes: Vec<Freeze>,
    /// Where the ledger is and who may read it.
    pub ledger: LedgerConfig,
    /// What rotakey itself needs to talk to vendors.
    pub accounts: BTreeMap<AccountName, Arc<Account>>,
    /// Where the head of the audit log is held by others.
    pub anchors: Anchors,
    /// What is rotated.
    pub secrets: BTreeMap<SecretName, SecretConfig>,
    /// Who hears of it.
    pub hearing: Hearing,
}

/// Where the ledger is and who may read it.
#[derive(Debug)]
pub struct LedgerConfig {
    /// The file, from the directory of `rotations.yaml` if relative.
    pub path: PathBuf,
    /// What opens it.
    pub identity: Option<Credential>,
    /// Who may open it, as `age` writes recipients. Empty: whoever can now.
    pub recipients: Vec<String>,
}

/// Reads a configuration. `file` is how messages call it. Loads no credential.
///
/// Everything that is wrong is reported together, as far as it can be told apart.
pub fn resolve(text: &str, file: &str, around: &Surroundings) -> Result<Config, ConfigErrors> {
    let complaints = Complaints::about(file);
    let config = file::read(text, &complaints).and_then(|mut root| {
        let secrets = root.take_entries("secrets");
        let config = read((&root, secrets), file, around, &complaints);
        refuse_keys(&root, &complaints);
        config
    });
    if config.is_none() && complaints.are_none() {
        complaints.add(Mark::START, "the file cannot be read");
    }
    complaints.settle()?;
    Ok(config.expect("what cannot be read has been complained of"))
}

fn read(
    (root, entries): (&Node<'_>, Vec<Entry<'_>>),
    file: &str,
    around: &Surroundings,
    complaints: &Complaints<'_>,
) -> Option<Config> {
    let mut fields = Fields::of("the file", root, complaints)?;
    let defaults = fields
        .take("defaults")
        .map_or_else(Defaults::default, |node| Defaults::read(node, complaints));
    let accounts = fields
        .take("accounts")
        .map_or_else(Accounts::default, |node| {
            Accounts::read(node, around, complaints)
        });
    let ledger = match fields.take("ledger") {
        Some(node) => ledger(node, around, complaints),
        None => Some(LedgerConfig::usual(around)),
    };
    let freezes = fields.list("freeze").unwrap_or_default();
    let freezes = super::freezes::read(freezes, complaints);
    let anchors = fields
        .take("anchors")
        .map_or_else(Anchors::default, |node| {
            Anchors::read(node, around, complaints)
        });
    let secrets = fields.take("secrets");
    if root.get("secrets").is_none() {
        fields.missing("secrets", "write what is rotated: `secrets: { NAME: … }`");
    }
    let typed: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
    let hearers = Hearers {
        around,
        secrets: &typed,
        complaints,
    };
    let hearing = hearers.read(&mut fields);
    fields.close();
    Some(Config {
        file: file.to_owned(),
        max_per_run: defaults.max_per_run,
        freezes,
        secrets: all_secrets((secrets?, entries), &defaults, &accounts, complaints)?,
        accounts: accounts.by_name,
        hearing,
        anchors,
        ledger: ledger?,
    })
}

/// Each entry is given up as soon as it is read: ten thousand secrets are not held twice.
fn all_secrets(
    (node, entries): (&Node<'_>, Vec<Entry<'_>>),
    defaults: &Defaults,
    accounts: &Accounts,
    complaints: &Complaints<'_>,
) -> Option<BTreeMap<SecretName, SecretConfig>> {
    if !matches!(node.value, Value::Map(_)) {
        let what = format!("`secrets`: expected a map, found {}", node.found());
        complaints.add(node.at, what);
        return None;
    }
    let typed: Vec<Box<str>> = entries.iter().map(|entry| (*entry.key).into()).collect();
    let mut claims = Vec::new();
    let mut all = BTreeMap::new();
    for entry in entries {
        if let Some(name) = super::names::secret(&entry, complaints) {
            let read = secrets::read(&name, &entry, (defaults, accounts), &mut claims, complaints);
            all.extend(read.map(|secret| (name, secret)));
        }
        refuse_keys_in(&entry, complaints);
    }
    refuse_shared_places(&claims, complaints);
    settle_draws(accounts, &typed, &mut all, complaints);
    Some(all)
}

fn ledger(
    node: &Node<'_>,
    around: &Surroundings,
    complaints: &Complaints<'_>,
) -> Option<LedgerConfig> {
    let mut fields = Fields::of("`ledger`", node, complaints)?;
    let mut config = LedgerConfig::usual(around);
    if let Some(path) = fields.text("path") {
        config.path = around.dir.join(path);
    }
    let identity = fields.take_entry("identity");
    let identity = identity.and_then(|entry| {
        Source::read("`ledger`", entry, "ROTAKEY_IDENTITY", complaints).map(|it| (it, entry))
    });
    match identity {
        Some((Source::Secret(_), entry)) => {
            let what = "`ledger`: `identity`: a secret of the ledger cannot open the ledger";
            complaints.advise(entry.node.at, what, "write `identity: { file: PATH }`");
        }
        Some((source, _)) => config.identity = Some(source.credential(around)),
        None => {}
    }
    for (recipient, at) in fields.texts("recipients").unwrap_or_default() {
        if recipient.starts_with("AGE-SECRET-KEY-") || recipient.contains("PRIVATE KEY") {
            complaints.add(
                at,
                "`ledger`: `recipients`: an identity stands here, not a recipient",
            );
        } else if let Err(error) = ledger::recipient(recipient) {
            complaints.add(at, format!("`ledger`: `recipients`: {error}"));
        }
        config.recipients.push(recipient.to_owned());
    }
    fields.close();
    Some(config)
}

impl LedgerConfig {
    /// The file's usual name. Stock `age` opens it.
    pub const FILE: &'static str = "ledger.json.age";

    fn usual(around: &Surroundings) -> Self {
        Self {
            path: around.dir.join(Self::FILE),
            identity: None,
            recipients: Vec::new(),
        }
    }
}

/// Refuses well-known keys wherever they stand.
fn refuse_keys(node: &Node<'_>, complaints: &Complaints<'_>) {
    match &node.value {
        Value::Plain(text) | Value::Quoted(text) => suspect(text, node.at, complaints),
        Value::List(items) => items.iter().for_each(|item| refuse_keys(item, complaints)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| refuse_keys_in(entry, complaints)),
    }
}

fn refuse_keys_in(entry: &Entry<'_>, complaints: &Complaints<'_>) {
    suspect(&entry.key, entry.at, complaints);
    refuse_keys(&entry.node, complaints);
}

fn suspect(text: &str, at: Mark, complaints: &Complaints<'_>) {
    // Whoever read the place may have said so already, and knew better what belongs there.
    if looks_like_a_key(text) && !complaints.are_at(at) {
        let found = quoted(text);
        let what = format!("{found} that looks like a key; this file never holds a secret");
        let hint = "take it out, name where it comes from, such as `{ env: NAME }`, and replace the key if others have \
                    seen the file";
        complaints.advise(at, what, hint);
    }
}
