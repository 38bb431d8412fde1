//! How the configuration is joined with what it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::config::{self, Environment, SecretConfig, Surroundings, TargetSetup};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::{self, ValueBy};
use crate::model::{Account, AccountName, Clock, Fault, Fields, Finding, RunId, SecretName};
use crate::rotation::{Destination, Probe, Proof, Secret};
use crate::run::Run;
use crate::targets::{self, Connections};

use super::about::About;
use super::current::Current;
use super::{Joined, channels};

/// The largest configuration that is read. The parser has a cap of its own; this one keeps the file out of memory.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What the joining needs of a run.
#[derive(Clone)]
pub(super) struct Ground {
    path: PathBuf,
    environment: Environment,
    clock: Arc<dyn Clock>,
    workers: usize,
    run: RunId,
}

impl Ground {
    pub(super) fn of(run: &Run) -> Self {
        Self {
            path: run.config_path(),
            environment: Arc::clone(&run.environment),
            clock: Arc::clone(&run.clock),
            workers: run.workers,
            run: run.id.clone(),
        }
    }

    pub(super) fn join(self, current: Current) -> Result<Joined> {
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
        let (digest, config) = {
            let text = read(path)?;
            (digest(&text), config::resolve(&text, &file, &around)?)
        };
        let connections = Connections::new(Arc::clone(&self.clock), self.workers)
            .beside(&around.dir)
            .in_run(self.run.clone());
        let mut secrets = Vec::with_capacity(config.secrets.len());
        let mut about = Vec::with_capacity(config.secrets.len());
        // Each is given up as soon as it is built: ten thousand secrets are not held twice.
        for (name, secret) in config.secrets {
            about.push((name.clone(), About::of(&secret)));
            let own = (!secret.used_by.is_empty()).then(|| secret.used_by.clone());
            let mut secret = build(&name, secret, &config.file, &self.clock, &connections)?;
            secret.proof = own.map(|accounts| self.proof(&name, accounts, &current));
            secrets.push((name, secret));
        }
        // A map that is made of a list in order is full; one that grows in order stays half empty.
        let secrets: BTreeMap<SecretName, Secret> = secrets.into_iter().collect();
        let channels = channels::open(&config.hearing, &self.clock, &around.dir)?;
        let by_hand = secrets.values().filter(|secret| made_by_hand(secret));
        let by_hand = by_hand.map(|secret| secret.name.clone()).collect();
        let audience = channels::audience(&config.hearing, by_hand);
        Ok(Joined {
            max_per_run: config.max_per_run,
            freezes: config.freezes,
            secrets,
            about: about.into_iter().collect(),
            hearing: config.hearing,
            channels,
            anchors: config.anchors,
            audience,
            ledger: config.ledger,
            path: self.path,
            digest: format!("sha256:{digest}"),
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
    let destinations: Result<Vec<_>> = config.targets.into_iter().map(open).collect();
    let mut destinations = destinations?;
    // The list takes over the place of the one it is made of, whose items are three times as large.
    destinations.shrink_to_fit();
    Ok(Secret {
        name: name.clone(),
        policy,
        issuer,
        destinations,
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
