//! The configuration joined with what it names: accounts, issuers, targets, the ledger.

mod about;
mod current;
mod ground;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Hearing, LedgerConfig, private_file};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{
    Audience, Change, Ledger, LedgerError, LockedLedger, News, Opening, State, What,
};
use crate::model::{Freeze, Instant, SecretName};
use crate::rotation::Secret;
use crate::run::Run;
use crate::ui::Spoken;

use super::channels::{self, Channels};
use super::declaration;

pub(super) use about::About;
use current::Current;
use ground::Ground;

/// Everything a verb works with.
pub(super) struct Joined {
    pub(super) max_per_run: usize,
    freezes: Vec<Freeze>,
    pub(super) secrets: BTreeMap<SecretName, Secret>,
    /// What the verbs know of each secret and its rotation need not.
    pub(super) about: BTreeMap<SecretName, About>,
    /// Who hears of it, and how.
    pub(super) hearing: Hearing,
    pub(super) channels: Channels,
    /// Where the head of the audit log is held by others.
    pub(super) anchors: config::Anchors,
    audience: Audience,
    ledger: LedgerConfig,
    path: PathBuf,
    /// SHA-256 of the file.
    digest: String,
    current: Current,
}

/// Reads the configuration and opens what it names. Sends nothing and loads no credential.
pub(super) fn join(run: &Run) -> Result<Joined> {
    Ground::of(run).join(Current::default())
}

impl Joined {
    /// The secret of that name, or the nearest one as a hint.
    pub(super) fn secret(&self, name: &SecretName) -> Result<&Secret> {
        self.secrets.get(name).ok_or_else(|| self.unknown(name))
    }

    /// Until when no rotation begins, where that is so at this time.
    pub(super) fn frozen(&self, now: Instant) -> Option<Instant> {
        let until = self.freezes.iter().filter_map(|freeze| freeze.until(now));
        until.max()
    }

    /// Refuses names that no secret has.
    pub(super) fn known(&self, names: &[SecretName]) -> Result<()> {
        names
            .iter()
            .try_for_each(|name| self.secret(name).map(drop))
    }

    fn unknown(&self, name: &SecretName) -> Error {
        let names: Vec<&str> = self.secrets.keys().map(SecretName::as_str).collect();
        let error = Error::says(
            Exit::Usage,
            format!("there is no secret `{name}` in {}", self.path.display()),
        );
        error.hint(config::meant(name.as_str(), &names))
    }

    /// Opens the ledger to read it.
    pub(super) fn read(&self, run: &Run) -> Result<Ledger> {
        let ledger = Ledger::open(&self.opening(run)?).map_err(refused)?;
        self.learn(ledger.state());
        Ok(ledger)
    }

    /// Takes the ledger to write it. Writes nothing yet.
    pub(super) fn lock(&self, run: &Run) -> Result<LockedLedger> {
        let mut ledger = run.lock(&self.opening(run)?).map_err(refused)?;
        ledger.declare(declaration::of(self));
        self.learn(ledger.state());
        ledger.tell(Arc::clone(&self.audience));
        Ok(ledger)
    }

    /// Joins anew with what the ledger says now: credentials that rotakey has just rotated for itself are loaded again.
    pub(super) fn again(&self, run: &Run, ledger: &Ledger) -> Result<Joined> {
        let joined = join(run)?;
        joined.learn(ledger.state());
        Ok(joined)
    }

    fn learn(&self, state: &State) {
        let own = self.about.iter();
        let own = own.filter(|(_, about)| !about.used_by.is_empty());
        self.current.learn(state, own.map(|(name, _)| name));
    }

    /// Whether any channel is told when a person is needed for that secret.
    pub(super) fn is_heard(&self, secret: &SecretName) -> bool {
        let news = News::PersonNeeded { why: String::new() };
        !(self.audience)(secret, &news).is_empty()
    }

    /// Where the ledger is: as named for this run, else as configured.
    pub(super) fn ledger_path(&self, run: &Run) -> PathBuf {
        run.ledger_named()
            .unwrap_or_else(|| self.ledger.path.clone())
    }

    /// Who is to be able to open the ledger, as configured; empty where that is not said.
    pub(super) fn recipients(&self) -> &[String] {
        &self.ledger.recipients
    }

    fn opening(&self, run: &Run) -> Result<Opening> {
        let place = self.ledger_path(run);
        let identity = match (run.identity_named(), self.ledger.identity.clone()) {
            (Some(named), _) => private_file(named),
            (None, Some(configured)) => configured,
            (None, None) => private_file(self.path.with_file_name("identity.txt")),
        };
        let store = run.store(&place).map_err(refused)?;
        run.opening(store, identity).map_err(refused)
    }

    /// SHA-256 of the configuration file: `sha256:` and 64 digits.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Where a ledger is put that could not be committed: beside the configuration, which is not the full disk's fault
    /// as often as the ledger's own directory.
    pub(super) fn refuge(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).to_owned()
    }

    /// How people call the targets. Two teams at one vendor are told apart by their labels.
    pub(super) fn spoken(&self) -> Spoken {
        let targets = self
            .secrets
            .values()
            .flat_map(|secret| &secret.destinations);
        let spoken: Spoken = targets
            .map(|destination| (destination.target.label(), destination.target.spoken()))
            .collect();
        let shared = |said: &String| spoken.values().filter(|other| *other == said).count() > 1;
        let told_apart = |(label, said): (&String, &String)| match shared(said) {
            true => (label.clone(), format!("{said} ({label})")),
            false => (label.clone(), said.clone()),
        };
        spoken.iter().map(told_apart).collect()
    }
}

/// Takes down what happened to a secret. It is not durable before the ledger is committed.
pub(super) fn record(
    run: &Run,
    ledger: &mut LockedLedger,
    secret: SecretName,
    what: What,
) -> Result<()> {
    ledger
        .record(run.now, Change { secret, what })
        .map_err(refused)
}

/// A ledger error with its exit code and its advice.
pub(super) fn refused(error: LedgerError) -> Error {
    let exit = match &error {
        error if error.may_pass() => Exit::TryLater,
        LedgerError::NoStateHome => Exit::Usage,
        _ => Exit::LedgerRefused,
    };
    let hint = error.hint();
    let error = Error::new(exit, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
