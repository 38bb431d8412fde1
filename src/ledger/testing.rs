//! A ledger in a temporary directory, for the tests of this folder.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::model::{
    Credential, Fields, Hint, Instant, Key, Making, RotationId, RunId, SecretName, SecretValue, Tag,
};

pub(crate) use super::seal::testing::{fresh_identity, recipient};
use super::{
    Actor, ActorKind, Begun, Change, Facts, FileStore, Ledger, LockedLedger, NewVersion, Opening,
    Store, Trigger, What,
};

pub(crate) struct Sandbox {
    pub(crate) home: tempfile::TempDir,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: String,
    pub(crate) now: Instant,
    pub(crate) run: String,
}

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Arc::new(FileStore::at(&home.path().join("ledger.json.age")).unwrap());
        Self {
            home,
            store,
            identity: fresh_identity(),
            now: instant("2024-02-18T09:00:00Z"),
            run: "run-1".to_owned(),
        }
    }

    /// With a ledger in it.
    pub(crate) fn with_ledger() -> Self {
        let sandbox = Self::new();
        drop(sandbox.create().unwrap());
        sandbox
    }

    pub(crate) fn create(&self) -> Result<LockedLedger, super::LedgerError> {
        Ledger::create(&self.opening(), vec![recipient(&self.identity)])
    }

    pub(crate) fn opening(&self) -> Opening {
        let identity = self.identity.clone();
        Opening {
            store: Arc::clone(&self.store),
            identity: Credential::new("a test", move || Ok(SecretValue::new(identity.clone()))),
            side: self.side(),
            run: RunId::new(self.run.clone()),
            actor: Actor {
                kind: ActorKind::Auto,
                id: "cron".to_owned(),
            },
            now: self.now,
            holder: format!("{} of pid 7", self.run),
        }
    }

    pub(crate) fn side(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.home.path().join("ledger.json.age")
    }

    pub(crate) fn open(&self) -> Result<Ledger, super::LedgerError> {
        Ledger::open(&self.opening())
    }

    pub(crate) fn lock(&self) -> Result<LockedLedger, super::LedgerError> {
        LockedLedger::lock(&self.opening())
    }

    /// Everything in the directory of the ledger but the ledger of events, by name.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn later(&mut self, by: TimeDelta) {
        self.now += by;
    }
}

pub(crate) fn adopted(name: &str, value: &str) -> Change {
    Change {
        secret: SecretName::new(name),
        what: What::Adopted(version(value)),
    }
}

pub(crate) fn begun(name: &str, number: u32) -> Change {
    Change {
        secret: SecretName::new(name),
        what: What::Begun(Begun {
            alarm: None,
            rotation: RotationId::new(format!("rot_{number}")),
            trigger: Trigger::Scheduled,
            reason: None,
            tag: Tag::new(format!("rotakey-{number}")),
            proposal: None,
            run: RunId::new("run-1"),
            facts: Facts::new(),
        }),
    }
}

pub(crate) fn change(name: &str, what: What) -> Change {
    Change {
        secret: SecretName::new(name),
        what,
    }
}

pub(crate) fn version(value: &str) -> NewVersion {
    let secret = SecretValue::new(value);
    NewVersion {
        hint: Hint::of(&secret, Making::Machine),
        key: Key::of(Fields::single(secret)),
        fingerprint: format!("fp1_{}", value.len()),
        created_at: instant("2024-01-01T00:00:00Z"),
    }
}
