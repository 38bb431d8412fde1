//! One life: a vendor, a platform, a ledger, and nights that go by.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use chrono::TimeDelta;

use crate::issuers::ValueBy;
use crate::ledger::{
    Actor, ActorKind, Alarm, Change, Facts, Guard, Ledger, LedgerError, LockedLedger, MemoryStore,
    NewVersion, Opening, Order, Phase, Revision, SecretState, Store, Way, What,
};
use crate::model::{
    Clock, Credential, Fault, Fields, Hint, Instant, Key, KeyId, Making, Policy, RunId, Schedule,
    SecretName, SecretValue, Span,
};

use super::super::*;
use super::double::{Death, Outside, Platform, Vendor};

const IDENTITY: &str = "AGE-SECRET-KEY-10W5X4PJCX83FXYVS59ZFT33U8WW8XUA4V7M0UYWA00YFPX3W03TQHK7UPP";
const RECIPIENT: &str = "age1k8zznwhecfczg4aa9fj0v9e5pr0277va3hudwd3atefqqy3nkypscywva6";
pub(super) const FIRST: &str = "sk-the-first-key-000000000000000000";

/// A store whose process dies at one commit, before or after it became durable.
#[derive(Clone)]
pub(super) struct Mortal {
    pub(super) store: MemoryStore,
    pub(super) commits: Arc<AtomicUsize>,
    pub(super) dies_at: Option<(usize, Moment)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

impl Store for Mortal {
    fn place(&self) -> &str {
        self.store.place()
    }
    fn load(&self) -> Result<Option<(Vec<u8>, Revision)>, LedgerError> {
        self.store.load()
    }
    fn revision(&self) -> Result<Option<Revision>, LedgerError> {
        self.store.revision()
    }
    fn replace(&self, expected: Option<&Revision>, bytes: &[u8]) -> Result<Revision, LedgerError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        if self.dies_at == Some((number, Moment::Before)) {
            std::panic::panic_any(Death);
        }
        let revision = self.store.replace(expected, bytes);
        if self.dies_at == Some((number, Moment::After)) {
            std::panic::panic_any(Death);
        }
        revision
    }
    fn put_segment(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.store.put_segment(name, bytes)
    }
    fn segments(&self) -> Result<Vec<String>, LedgerError> {
        self.store.segments()
    }
    fn segment(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.store.segment(name)
    }
    fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, LedgerError> {
        self.store.lock(holder)
    }
}

pub(super) struct Silent;

impl Progress for Silent {
    fn tell(&mut self, _news: News<'_>) {}
}

/// One life: a vendor, a platform, a ledger.
pub(super) struct Life {
    pub(super) outside: Outside,
    pub(super) store: Mortal,
    pub(super) secrets: BTreeMap<SecretName, Secret>,
    pub(super) side: PathBuf,
    pub(super) runs: usize,
    /// The key that a person hands over to the next run.
    pub(super) handed: Option<String>,
    /// The leak that the next run is told of.
    pub(super) leak: Option<Leak>,
    /// Which way a person goes on with a rollback that was given up: back, or forward after all.
    pub(super) goes: Way,
    _folder: tempfile::TempDir,
}

pub(super) fn name() -> SecretName {
    SecretName::new("api")
}

pub(super) fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

impl Life {
    /// The key that is live was taken over.
    pub(super) fn new(value: ValueBy) -> Self {
        let mut life = Self::unknown(value);
        life.adopt();
        life
    }

    /// The key that is live is not known to the ledger.
    pub(super) fn unknown(value: ValueBy) -> Self {
        hush();
        let outside = Outside::at(at("2024-01-19T09:00:00Z"));
        {
            let mut world = outside.world();
            world.seed(FIRST);
            world.add_site("web/key", "web", FIRST);
            world.add_site("docs/key", "docs", FIRST);
            world.add_site("docs/copy", "docs", FIRST);
        }
        let folder = folder();
        let store = Mortal {
            store: MemoryStore::default(),
            commits: Arc::default(),
            dies_at: None,
        };
        let policy = Policy {
            title: "API".to_owned(),
            every: Schedule::parse("30d").expect("a schedule"),
            warn: Span::days(7),
            grace: Span::hours(24),
            skip: Span::days(30),
            max_age: None,
            stages: Vec::new(),
            canary: None,
            soak: Span::ZERO,
            confirm_timeout: Span::minutes(20),
        };
        let render: Render = Box::new(|fields: &Fields| {
            fields
                .primary()
                .cloned()
                .ok_or_else(|| Fault::refused("empty"))
        });
        let target = Arc::new(Platform {
            outside: outside.clone(),
        });
        let secret = Secret {
            name: name(),
            policy,
            issuer: Arc::new(Vendor {
                outside: outside.clone(),
                value,
            }),
            destinations: vec![Destination {
                target,
                render,
                stage: None,
                probes: Vec::new(),
            }],
            proof: None,
        };
        let side = folder.path().to_owned();
        let secrets = BTreeMap::from([(name(), secret)]);
        let mut life = Self {
            outside,
            store,
            secrets,
            side,
            runs: 0,
            handed: None,
            leak: None,
            goes: Way::Back,
            _folder: folder,
        };
        let opening = life.opening();
        drop(Ledger::create(&opening, vec![RECIPIENT.to_owned()]).expect("a ledger"));
        life
    }

    /// Somebody says now that the key has leaked.
    pub(super) fn leaks(&mut self, order: Order) {
        self.leaks_because("it was in a log", order);
    }

    pub(super) fn leaks_because(&mut self, reason: &str, order: Order) {
        let raised_at = self.outside.now();
        self.leak = Some(Leak {
            reason: reason.to_owned(),
            alarm: Alarm { raised_at, order },
        });
    }

    pub(super) fn opening(&mut self) -> Opening {
        self.runs += 1;
        Opening {
            store: Arc::new(self.store.clone()),
            identity: Credential::new("test", || Ok(SecretValue::new(IDENTITY))),
            side: self.side.clone(),
            run: RunId::new(format!("run_{}", self.runs)),
            actor: Actor {
                kind: ActorKind::Auto,
                id: "test".to_owned(),
            },
            now: self.outside.now(),
            holder: "test".to_owned(),
        }
    }

    pub(super) fn adopt(&mut self) {
        let opening = self.opening();
        let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
        let value = SecretValue::new(FIRST);
        let hint = Hint::of(&value, Making::Machine);
        let key = Key {
            id: Some(KeyId::new("key_0")),
            ..Key::of(Fields::single(value))
        };
        let fingerprint = ledger.fingerprint(&key.fields);
        let version = NewVersion {
            key,
            hint,
            fingerprint,
            created_at: at("2023-12-20T09:00:00Z"),
        };
        record(&mut ledger, opening.now, What::Adopted(version));
    }

    /// Somebody else's run writes this to the ledger.
    pub(super) fn records(&mut self, what: What) {
        let opening = self.opening();
        let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
        record(&mut ledger, opening.now, what);
    }

    /// One cron line: `rotate && revoke`. `Err` when the process died.
    pub(super) fn night(&mut self, manner: Manner) -> Result<Vec<Outcome>, Died> {
        let opening = self.opening();
        let refuge = self.side.clone();
        let run = || {
            let mut ledger =
                LockedLedger::lock(&opening).expect("the ledger opens after every death");
            let ask = Ask {
                names: &[],
                now: self.outside.now(),
                manner,
                grace: Grace::Kept,
                frozen: None,
                most: 5,
            };
            let work = plan(&self.secrets, ledger.state(), &ask);
            let open = ledger
                .state()
                .secret(&name())
                .and_then(|secret| secret.rotation.as_ref());
            let undoing = open.is_some_and(|open| open.phase() == Ok(Phase::Undoing));
            let back = manner == Manner::ByHand && undoing && self.goes == Way::Back;
            let mut silent = Silent;
            let tools = self.tools(&mut ledger, &opening, &refuge, &mut silent);
            let mut outcomes = match back {
                true => rollback(tools, &name(), "a person goes on").expect("rollback"),
                false => rotate(tools, &work).expect("rotate"),
            };
            // A leak that was told in the middle of a rotation is answered by another one.
            let known = ledger.state().secret(&name());
            let left = known.is_some_and(|known| known.leak.is_some() && known.rotation.is_none());
            let failed = |outcome: &Outcome| {
                matches!(
                    outcome.result,
                    Ending::RolledBack { .. } | Ending::Failed { .. } | Ending::NeedsPerson { .. }
                )
            };
            if left && !outcomes.iter().any(failed) {
                let work = plan(&self.secrets, ledger.state(), &ask);
                let mut silent = Silent;
                let tools = self.tools(&mut ledger, &opening, &refuge, &mut silent);
                outcomes = rotate(tools, &work).expect("rotate");
            }
            let ask = Ask {
                now: self.outside.now(),
                ..ask
            };
            let work = plan(&self.secrets, ledger.state(), &ask);
            let mut silent = Silent;
            let tools = self.tools(&mut ledger, &opening, &refuge, &mut silent);
            outcomes.extend(revoke(tools, &work, Grace::Kept).expect("revoke"));
            outcomes
        };
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| match panic.downcast::<Death>() {
            Ok(_) => Died,
            Err(other) => resume_unwind(other),
        })
    }

    pub(super) fn tools<'a>(
        &'a self,
        ledger: &'a mut LockedLedger,
        opening: &Opening,
        refuge: &Path,
        progress: &'a mut dyn Progress,
    ) -> Tools<'a> {
        Tools {
            secrets: &self.secrets,
            ledger,
            clock: &self.outside,
            run: opening.run.clone(),
            workers: 1,
            supplied: self
                .handed
                .iter()
                .map(|value| {
                    (
                        name(),
                        Key::of(Fields::single(SecretValue::new(value.clone()))),
                    )
                })
                .collect(),
            reason: None,
            facts: Facts::new(),
            leak: self.leak.clone(),
            refuge: refuge.to_owned(),
            progress,
        }
    }

    /// One command of a person who names the secret.
    pub(super) fn types(&mut self, verb: &str) -> Vec<Outcome> {
        let opening = self.opening();
        let refuge = self.side.clone();
        let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
        let named = [name()];
        let ask = Ask {
            names: &named,
            now: self.outside.now(),
            manner: Manner::ByHand,
            grace: Grace::Kept,
            frozen: None,
            most: 5,
        };
        let work = plan(&self.secrets, ledger.state(), &ask);
        let mut silent = Silent;
        let tools = self.tools(&mut ledger, &opening, &refuge, &mut silent);
        match verb {
            "rotate" => rotate(tools, &work),
            "revoke" => revoke(tools, &work, Grace::Kept),
            "rollback" => rollback(tools, &name(), "a person asked for it"),
            other => panic!("no such verb: {other}"),
        }
        .expect("the ledger is written")
    }

    /// Goes on, night after night and in between, until nothing is open; deaths only cost time. Where rotakey says
    /// that only a person can go on, a person comes.
    pub(super) fn live_on(&mut self) {
        let mut state = self.state();
        for round in 0..16 {
            let manner = match state.rotation.is_some_and(|open| open.stuck.is_some()) {
                true => Manner::ByHand,
                false => Manner::Unattended,
            };
            drop(self.night(manner));
            let pause = if round < 9 {
                TimeDelta::minutes(11)
            } else {
                TimeDelta::hours(25)
            };
            self.outside.advance(pause);
            state = self.state();
            let due = due(&self.secrets[&name()], &state).expect("a due date");
            if state.rotation.is_none() && due > self.outside.now() {
                break;
            }
        }
    }

    /// Nights, each of which forgets the signal that ended the one before.
    pub(super) fn live_on_stopped(&mut self) {
        for _ in 0..3 {
            drop(self.night(Manner::Unattended));
            self.outside.world().stopping = false;
            self.outside.advance(TimeDelta::minutes(11));
        }
        self.live_on();
    }

    pub(super) fn state(&mut self) -> SecretState {
        let ledger = Ledger::open(&self.opening()).expect("the ledger opens");
        ledger
            .state()
            .secret(&name())
            .expect("the secret is known")
            .clone()
    }

    pub(super) fn check(&mut self, what: &str) {
        let state = self.state();
        let world = self.outside.world();
        let story = || format!("{what}\n{}", world.story());
        assert_eq!(world.outages, Vec::<String>::new(), "{}", story());
        let open = state.rotation.as_ref();
        assert!(open.is_none(), "still open: {open:?}\n{}", story());
        let current = state.current().and_then(|version| version.fields.clone());
        let current =
            current.and_then(|fields| fields.primary().map(|value| value.expose().to_owned()));
        let current = current.expect("a current value");
        assert_eq!(
            world.live_values(),
            std::slice::from_ref(&current),
            "one live key, the current one: {}",
            story()
        );
        assert!(
            world.stored().iter().all(|value| *value == current),
            "every site stores it: {}",
            story()
        );
        assert!(
            world.running().iter().all(|value| *value == current),
            "every service runs it: {}",
            story()
        );
    }
}

pub(super) fn record(ledger: &mut LockedLedger, now: Instant, what: What) {
    let secret = name();
    let recorded = ledger.record(now, Change { secret, what });
    recorded.expect("it may happen now");
    ledger.commit().expect("committed");
}

/// In memory where the system offers that: thousands of lives would each wait for a disk at every commit.
pub(super) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .expect("a folder")
}

#[derive(Debug)]
pub(super) struct Died;

/// The deaths of a test are not worth a backtrace each.
pub(super) fn hush() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Death>() {
                loud(info);
            }
        }));
    });
}
