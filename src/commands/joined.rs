//! The configuration joined with what it names: accounts, issuers, targets, the ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::config::{
    self, Environment, Hearing, LedgerConfig, SecretConfig, Surroundings, TargetSetup, private_file,
};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::{self, ValueBy};
use crate::ledger::{Audience, Ledger, LedgerError, LockedLedger, News, Opening};
use crate::model::{
    Account, AccountName, Clock, Fault, FieldName, Fields, Finding, Freeze, Instant, RunId,
    SecretName, SecretValue,
};
use crate::rotation::{Destination, Probe, Proof, Secret};
use crate::run::Run;
use crate::targets::{self, Connections};
use crate::ui::Spoken;

use super::channels::{self, Channels};
use super::declaration;

/// The largest configuration that is read. The parser has a cap of its own; this one keeps the file out of memory.
const LARGEST: u64 = 8 * 1024 * 1024;

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

/// What is said of a secret beside how it is rotated.
pub(super) struct About {
    /// Who answers for it, and by what policy.
    pub(super) said: config::About,
    /// The fields a version has.
    pub(super) fields: Vec<FieldName>,
    /// The kind of its issuer.
    pub(super) kind: &'static str,
    /// The account of its issuer.
    pub(super) issuer: Option<Arc<Account>>,
    /// The accounts of its targets, in their order.
    pub(super) targets: Vec<Option<Arc<Account>>>,
    /// The accounts of rotakey itself that use it as their credential.
    pub(super) used_by: Vec<AccountName>,
}

/// The live values, for credentials of rotakey's own that it rotates itself. Known once the ledger is open.
#[derive(Clone, Default)]
struct Current(Arc<Mutex<BTreeMap<SecretName, SecretValue>>>);

/// What the joining needs of a run.
#[derive(Clone)]
struct Ground {
    path: PathBuf,
    environment: Environment,
    clock: Arc<dyn Clock>,
    workers: usize,
    run: RunId,
}

/// Reads the configuration and opens what it names. Sends nothing and loads no credential.
pub(super) fn join(run: &Run) -> Result<Joined> {
    let ground = Ground {
        path: run.config_path(),
        environment: Arc::clone(&run.environment),
        clock: Arc::clone(&run.clock),
        workers: run.workers,
        run: run.id.clone(),
    };
    ground.join(Current::default())
}

impl Ground {
    fn join(self, current: Current) -> Result<Joined> {
        let path = &self.path;
        let lookup = current.clone();
        let around = Surroundings {
            dir: path.parent().unwrap_or(Path::new("/")).to_owned(),
            env: Arc::clone(&self.environment),
            secret: Arc::new(move |name| lookup.value(name)),
        };
        let file = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let text = read(path)?;
        let config = config::resolve(&text, &file, &around)?;
        let connections = Connections::new(Arc::clone(&self.clock), self.workers)
            .beside(&around.dir)
            .in_run(self.run.clone());
        let mut secrets = BTreeMap::new();
        let mut about = BTreeMap::new();
        // Each is given up as soon as it is built: ten thousand secrets are not held twice.
        for (name, secret) in config.secrets {
            about.insert(name.clone(), About::of(&secret));
            let own = (!secret.used_by.is_empty()).then(|| secret.used_by.clone());
            let mut secret = build(&name, secret, &config.file, &self.clock, &connections)?;
            secret.proof = own.map(|accounts| self.proof(&name, accounts, &current));
            secrets.insert(name, secret);
        }
        let channels = channels::open(&config.hearing, &self.clock, &around.dir)?;
        let by_hand = secrets.values().filter(|secret| made_by_hand(secret));
        let by_hand = by_hand.map(|secret| secret.name.clone()).collect();
        let audience = channels::audience(&config.hearing, by_hand);
        Ok(Joined {
            max_per_run: config.max_per_run,
            freezes: config.freezes,
            secrets,
            about,
            hearing: config.hearing,
            channels,
            anchors: config.anchors,
            audience,
            ledger: config.ledger,
            path: self.path,
            digest: format!("sha256:{}", digest(&text)),
            current,
        })
    }

    /// Asks everything that goes through these accounts of rotakey's own whether it may still do what is needed, with
    /// another value for their secret. Joined anew, because a credential is loaded once.
    fn proof(&self, name: &SecretName, accounts: Vec<AccountName>, current: &Current) -> Proof {
        let (ground, name, current) = (self.clone(), name.clone(), current.clone());
        Box::new(move |fields| {
            let value = fields
                .primary()
                .ok_or_else(|| Fault::refused("the new version has no value for it"))?;
            let current = current.with(&name, value.clone());
            let joined = ground.clone().join(current);
            let joined = joined.map_err(|error| Fault::refused(error.to_string()))?;
            let through = |account: &Option<Arc<Account>>| {
                account
                    .as_ref()
                    .is_some_and(|account| accounts.contains(account.name()))
            };
            for (name, secret) in &joined.secrets {
                let about = &joined.about[name];
                if through(&about.issuer) {
                    passed(secret.issuer.check())?;
                }
                let targets = secret.destinations.iter().zip(&about.targets);
                for (destination, _) in targets.filter(|(_, account)| through(account)) {
                    passed(destination.target.check())?;
                }
            }
            Ok(())
        })
    }
}

fn passed(findings: Vec<Finding>) -> Result<(), Fault> {
    let mut all = findings.into_iter();
    all.try_for_each(|finding| finding.result.map(drop))
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
        self.current.learn(&ledger);
        Ok(ledger)
    }

    /// Takes the ledger to write it. Writes nothing yet.
    pub(super) fn lock(&self, run: &Run) -> Result<LockedLedger> {
        let mut ledger = run.lock(&self.opening(run)?).map_err(refused)?;
        ledger.declare(declaration::of(self));
        self.current.learn(&ledger);
        ledger.tell(Arc::clone(&self.audience));
        Ok(ledger)
    }

    /// Joins anew with what the ledger says now: credentials that rotakey has just rotated for itself are loaded again.
    pub(super) fn again(&self, run: &Run, ledger: &Ledger) -> Result<Joined> {
        let joined = join(run)?;
        joined.current.learn(ledger);
        Ok(joined)
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

    fn opening(&self, run: &Run) -> Result<Opening> {
        let place = self.ledger_path(run);
        let identity = match (run.identity_named(), self.ledger.identity.clone()) {
            (Some(named), _) => private_file(named),
            (None, Some(configured)) => configured,
            (None, None) => private_file(self.path.with_file_name("identity.txt")),
        };
        let store = run.store(&place).map_err(refused)?;
        Ok(run.opening(store, identity))
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

impl Current {
    /// The same with another value for one secret.
    fn with(&self, name: &SecretName, value: SecretValue) -> Self {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = known.clone();
        drop(known.insert(name.clone(), value));
        Self(Arc::new(Mutex::new(known)))
    }

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

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

impl About {
    fn of(secret: &SecretConfig) -> Self {
        let targets = secret.targets.iter();
        Self {
            said: secret.about.clone(),
            fields: secret.issuer.config.fields(),
            kind: secret.issuer.kind,
            issuer: secret.issuer.account.clone(),
            targets: targets.map(|target| target.account.clone()).collect(),
            used_by: secret.used_by.clone(),
        }
    }

    /// Every account that sees it.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Account> {
        let targets = self.targets.iter().flatten();
        self.issuer.iter().chain(targets).map(Arc::as_ref)
    }
}

fn build(
    name: &SecretName,
    config: SecretConfig,
    file: &str,
    clock: &Arc<dyn Clock>,
    connections: &Connections,
) -> Result<Secret> {
    let (setup, mut policy) = (config.issuer, config.policy);
    let issuer = issuers::build(setup.config, name, setup.account.as_ref(), clock);
    let issuer = issuer.map_err(|fault| misconfigured(name, fault))?;
    let overlap = issuer.capabilities().overlap;
    config
        .grace_from
        .settle(&mut policy, overlap, (name, file))?;
    let open =
        |target| destination(target, connections).map_err(|fault| misconfigured(name, fault));
    Ok(Secret {
        name: name.clone(),
        policy,
        issuer,
        destinations: config
            .targets
            .into_iter()
            .map(open)
            .collect::<Result<_>>()?,
        proof: None,
    })
}

fn misconfigured(name: &SecretName, fault: Fault) -> Error {
    Error::from(fault)
        .with_exit(Exit::Usage)
        .context(format!("secret `{name}`"))
}

fn destination(setup: TargetSetup, connections: &Connections) -> Result<Destination, Fault> {
    let target = targets::build(setup.config, setup.account.as_ref(), connections)?;
    let probe = |health: targets::HealthConfig| -> Probe {
        Box::new(move |clock: &dyn Clock| health.probe(clock))
    };
    let content = setup.content;
    Ok(Destination {
        target,
        render: Box::new(move |fields: &Fields| content.render(fields)),
        stage: setup.stage,
        probes: setup.health.map(probe).into_iter().collect(),
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
