//! The configuration joined with what it names: accounts, issuers, targets, the ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use crate::config::{self, Config, SecretConfig, Surroundings, TargetSetup, private_file};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::{self, Issuer, ValueBy};
use crate::ledger::{Audience, Ledger, LedgerError, LockedLedger, News, Opening};
use crate::model::{Clock, Fault, Fields, SecretName, SecretValue};
use crate::rotation::{Destination, Probe, Secret};
use crate::run::Run;
use crate::targets::{self, Connections};
use crate::ui::Spoken;

use super::channels::{self, Channels};

/// The largest configuration that is read. The parser has a cap of its own; this one keeps the file out of memory.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Everything a verb works with.
pub(super) struct Joined {
    pub(super) config: Config,
    pub(super) secrets: BTreeMap<SecretName, Secret>,
    pub(super) channels: Channels,
    audience: Audience,
    path: PathBuf,
    current: Current,
}

/// The live values, for credentials of rotakey's own that it rotates itself. Known once the ledger is open.
#[derive(Clone, Default)]
struct Current(Arc<Mutex<BTreeMap<SecretName, SecretValue>>>);

/// Reads the configuration and opens what it names. Sends nothing and loads no credential.
pub(super) fn join(run: &Run) -> Result<Joined> {
    let path = run.config_path();
    let text = read(&path)?;
    let current = Current::default();
    let lookup = current.clone();
    let around = Surroundings {
        dir: path.parent().unwrap_or(Path::new("/")).to_owned(),
        env: Arc::clone(&run.environment),
        secret: Arc::new(move |name| lookup.value(name)),
    };
    let file = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let mut config = config::resolve(&text, &file, &around)?;
    let connections = Connections::new(Arc::clone(&run.clock), run.workers).beside(&around.dir);
    let mut secrets = BTreeMap::new();
    for name in config.secrets.keys().cloned().collect::<Vec<_>>() {
        let issuer = issuer(&name, &config.secrets[&name], run)?;
        config.settle_grace(&name, issuer.capabilities().overlap)?;
        let secret = build(&name, &config.secrets[&name], issuer, &connections)?;
        secrets.insert(name, secret);
    }
    let channels = channels::open(&config.hearing, &run.clock, &around.dir)?;
    let by_hand = secrets.values().filter(|secret| made_by_hand(secret));
    let by_hand = by_hand.map(|secret| secret.name.clone()).collect();
    let audience = channels::audience(&config.hearing, by_hand);
    Ok(Joined {
        config,
        secrets,
        channels,
        audience,
        path,
        current,
    })
}

impl Joined {
    /// The secret of that name, or the nearest one as a hint.
    pub(super) fn secret(&self, name: &SecretName) -> Result<&Secret> {
        self.secrets.get(name).ok_or_else(|| self.unknown(name))
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
        self.current.learn(&ledger);
        Ok(ledger)
    }

    /// Takes the ledger to write it. Writes nothing yet.
    pub(super) fn lock(&self, run: &Run) -> Result<LockedLedger> {
        let mut ledger = run.lock(&self.opening(run)?).map_err(refused)?;
        self.current.learn(&ledger);
        ledger.tell(Arc::clone(&self.audience));
        Ok(ledger)
    }

    /// Whether any channel is told when a person is needed for that secret.
    pub(super) fn is_heard(&self, secret: &SecretName) -> bool {
        let news = News::PersonNeeded { why: String::new() };
        !(self.audience)(secret, &news).is_empty()
    }

    fn opening(&self, run: &Run) -> Result<Opening> {
        let place = run
            .ledger_named()
            .unwrap_or_else(|| self.config.ledger.path.clone());
        let identity = match (run.identity_named(), self.config.ledger.identity.clone()) {
            (Some(named), _) => private_file(named),
            (None, Some(configured)) => configured,
            (None, None) => private_file(self.path.with_file_name("identity.txt")),
        };
        let store = run.store(&place).map_err(refused)?;
        Ok(run.opening(store, identity))
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

impl Current {
    fn learn(&self, ledger: &Ledger) {
        let live = ledger.state().secrets.iter().filter_map(|(name, state)| {
            let value = state.current()?.fields.as_ref()?.primary()?.clone();
            Some((name.clone(), value))
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = live.collect();
    }

    fn value(&self, name: &SecretName) -> Result<SecretValue, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned().ok_or_else(|| {
            Fault::refused("the ledger holds no live value of it")
                .hint(format!("rotakey adopt {name}"))
        })
    }
}

fn made_by_hand(secret: &Secret) -> bool {
    secret.issuer.capabilities().value == ValueBy::Person
}

fn read(path: &Path) -> Result<String> {
    let metadata = std::fs::metadata(path)
        .with_context(|| format!("read {}", path.display()))
        .map_err(|error| {
            Error::new(Exit::Usage, error)
                .hint("run `rotakey init`, or name another file with `--config`")
        })?;
    if metadata.len() > LARGEST {
        return Err(Error::says(
            Exit::Usage,
            format!("{} is too large to be a configuration", path.display()),
        ));
    }
    std::fs::read_to_string(path)
        .with_context(|| format!("read {}", path.display()))
        .map_err(|error| Error::new(Exit::Usage, error))
}

fn issuer(name: &SecretName, secret: &SecretConfig, run: &Run) -> Result<Arc<dyn Issuer>> {
    let setup = &secret.issuer;
    issuers::build(
        setup.config.clone(),
        name,
        setup.account.as_ref(),
        &run.clock,
    )
    .map_err(|fault| misconfigured(name, fault))
}

fn build(
    name: &SecretName,
    secret: &SecretConfig,
    issuer: Arc<dyn Issuer>,
    connections: &Connections,
) -> Result<Secret> {
    let open =
        |target| destination(target, connections).map_err(|fault| misconfigured(name, fault));
    Ok(Secret {
        name: name.clone(),
        policy: secret.policy.clone(),
        issuer,
        destinations: secret.targets.iter().map(open).collect::<Result<_>>()?,
    })
}

fn misconfigured(name: &SecretName, fault: Fault) -> Error {
    Error::from(fault)
        .with_exit(Exit::Usage)
        .context(format!("secret `{name}`"))
}

fn destination(setup: &TargetSetup, connections: &Connections) -> Result<Destination, Fault> {
    let target = targets::build(setup.config.clone(), setup.account.as_ref(), connections)?;
    let probe = |health: targets::HealthConfig| -> Probe {
        Box::new(move |clock: &dyn Clock| health.probe(clock))
    };
    let content = setup.content.clone();
    Ok(Destination {
        target,
        render: Box::new(move |fields: &Fields| content.render(fields)),
        stage: setup.stage.clone(),
        probes: setup.health.clone().map(probe).into_iter().collect(),
    })
}

/// A ledger error with its exit code and its advice.
pub(super) fn refused(error: LedgerError) -> Error {
    let exit = if error.is_busy() {
        Exit::TryLater
    } else {
        Exit::LedgerRefused
    };
    let hint = error.hint();
    let error = Error::new(exit, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
