//! Loops over the real list of steps: whatever goes wrong at whichever call or commit, and again in the recovery, no
//! customer ever meets a dead key, no key is lost, and later runs finish.

mod assisted;
mod canary;
mod double;
mod emergency;
mod held;
mod leak;
mod lost;
mod person;
mod stopped;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};

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

use super::*;
use double::{Death, Mishap, Outside, Platform, Vendor};

const IDENTITY: &str = "AGE-SECRET-KEY-10W5X4PJCX83FXYVS59ZFT33U8WW8XUA4V7M0UYWA00YFPX3W03TQHK7UPP";
const RECIPIENT: &str = "age1k8zznwhecfczg4aa9fj0v9e5pr0277va3hudwd3atefqqy3nkypscywva6";
const FIRST: &str = "sk-the-first-key-000000000000000000";

/// A store whose process dies at one commit, before or after it became durable.
#[derive(Clone)]
struct Mortal {
    store: MemoryStore,
    commits: Arc<AtomicUsize>,
    dies_at: Option<(usize, Moment)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
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

struct Silent;

impl Progress for Silent {
    fn tell(&mut self, _news: News<'_>) {}
}

/// One life: a vendor, a platform, a ledger.
struct Life {
    outside: Outside,
    store: Mortal,
    secrets: BTreeMap<SecretName, Secret>,
    side: PathBuf,
    runs: usize,
    /// The key that a person hands over to the next run.
    handed: Option<String>,
    /// The leak that the next run is told of.
    leak: Option<Leak>,
    /// Which way a person goes on with a rollback that was given up: back, or forward after all.
    goes: Way,
    _folder: tempfile::TempDir,
}

fn name() -> SecretName {
    SecretName::new("api")
}

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

impl Life {
    fn new(value: ValueBy) -> Self {
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
        life.adopt();
        life
    }

    /// Somebody says now that the key has leaked.
    fn leaks(&mut self, order: Order) {
        let raised_at = self.outside.now();
        self.leak = Some(Leak {
            reason: "it was in a log".to_owned(),
            alarm: Alarm { raised_at, order },
        });
    }

    fn opening(&mut self) -> Opening {
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

    fn adopt(&mut self) {
        let opening = self.opening();
        let mut ledger = Ledger::create(&opening, vec![RECIPIENT.to_owned()]).expect("a ledger");
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
    fn records(&mut self, what: What) {
        let opening = self.opening();
        let mut ledger = LockedLedger::lock(&opening).expect("the ledger opens");
        record(&mut ledger, opening.now, what);
    }

    /// One cron line: `rotate && revoke`. `Err` when the process died.
    fn night(&mut self, manner: Manner) -> Result<Vec<Outcome>, Died> {
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
            if known.is_some_and(|known| known.leak.is_some() && known.rotation.is_none()) {
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

    fn tools<'a>(
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

    /// Goes on, night after night and in between, until nothing is open; deaths only cost time. Where rotakey says
    /// that only a person can go on, a person comes.
    fn live_on(&mut self) {
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
    fn live_on_stopped(&mut self) {
        for _ in 0..3 {
            drop(self.night(Manner::Unattended));
            self.outside.world().stopping = false;
            self.outside.advance(TimeDelta::minutes(11));
        }
        self.live_on();
    }

    fn state(&mut self) -> SecretState {
        let ledger = Ledger::open(&self.opening()).expect("the ledger opens");
        ledger
            .state()
            .secret(&name())
            .expect("the secret is known")
            .clone()
    }

    fn check(&mut self, what: &str) {
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

fn record(ledger: &mut LockedLedger, now: Instant, what: What) {
    let secret = name();
    let recorded = ledger.record(now, Change { secret, what });
    recorded.expect("it may happen now");
    ledger.commit().expect("committed");
}

/// In memory where the system offers that: thousands of lives would each wait for a disk at every commit.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .expect("a folder")
}

#[derive(Debug)]
struct Died;

/// The deaths of a test are not worth a backtrace each.
fn hush() {
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

fn clean_run(value: ValueBy) -> (usize, usize) {
    let mut life = Life::new(value);
    let before = life.store.commits.load(Ordering::Relaxed);
    life.live_on();
    life.check("clean");
    let acts = life.outside.world().acts();
    (acts, life.store.commits.load(Ordering::Relaxed) - before)
}

#[test]
fn a_rotation_that_meets_no_trouble_sends_each_request_once() {
    let mut life = Life::new(ValueBy::Issuer);
    life.live_on();
    life.check("clean");
    // One key made, three sites written, two services redeployed, one key removed.
    assert_eq!(
        life.outside.world().acts(),
        7,
        "{}",
        life.outside.world().story()
    );
}

#[test]
fn whatever_happens_to_any_request_nobody_is_harmed_and_later_runs_finish() {
    for value in [ValueBy::Issuer, ValueBy::Rotakey] {
        let (acts, _) = clean_run(value);
        for act in 0..acts {
            for mishap in Mishap::ALL {
                let mut life = Life::new(value);
                life.outside.world().mishaps.insert(act, mishap);
                life.live_on();
                life.check(&format!("{value:?}: {mishap:?} at act {act}"));
            }
        }
    }
}

/// What a life sent to end keys, in order.
fn revoked(life: &Life) -> Vec<String> {
    let story = life.outside.world().story();
    let ends = story.lines().filter(|act| act.starts_with("Revoke"));
    ends.map(str::to_owned).collect()
}

#[test]
fn a_key_that_one_request_made_twice_loses_its_twin_before_the_old_key_ends() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.insert(0, Mishap::ActsTwice);
    drop(life.night(Manner::Unattended).expect("no death"));
    // Nothing is removed while a request may still land.
    assert_eq!(life.outside.world().live_values().len(), 3);
    assert_eq!(revoked(&life), [""; 0]);
    life.live_on();
    life.check("made twice");
    let [twin, old] = [r#"Revoke { id: "key_2" }"#, r#"Revoke { id: "key_0" }"#];
    assert_eq!(revoked(&life), [twin, old]);
}

#[test]
fn the_old_key_is_kept_while_a_twin_of_the_new_one_cannot_be_removed() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.insert(0, Mishap::ActsTwice);
    drop(life.night(Manner::Unattended).expect("no death"));
    let next = life.outside.world().acts();
    life.outside.world().mishaps.insert(next, Mishap::Refused);
    life.outside.advance(TimeDelta::hours(25));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(
        matches!(&outcomes[..], [Outcome { result: Ending::NeedsPerson { why, .. }, .. }]
            if why.contains("HTTP 403")),
        "{outcomes:?}"
    );
    assert_eq!(revoked(&life), [r#"Revoke { id: "key_2" }"#]);
    let alive = life.outside.world().live_values();
    assert!(alive.contains(&FIRST.to_owned()), "{alive:?}");
    life.live_on();
    life.check("a twin that could not be removed at first");
}

#[test]
fn a_second_mishap_in_the_recovery_changes_nothing_of_that() {
    let (acts, _) = clean_run(ValueBy::Issuer);
    let firsts = (0..acts).flat_map(|act| Mishap::ALL.map(|mishap| (act, mishap)));
    side_by_side(firsts.collect(), |(first, one)| {
        // The recovery has as many calls as it needs, so that is how many a second mishap can meet.
        let calls = life_with(&[(first, one)]);
        for second in first + 1..calls {
            for other in Mishap::ALL {
                life_with(&[(first, one), (second, other)]);
            }
        }
    });
}

/// Lives one life with these mishaps, and tells how many calls it made.
fn life_with(mishaps: &[(usize, Mishap)]) -> usize {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().mishaps.extend(mishaps.iter().copied());
    life.live_on();
    life.check(&format!("{mishaps:?}"));
    life.outside.world().acts()
}

/// Does it for each, on two threads.
fn side_by_side<Job: Send>(jobs: Vec<Job>, work: impl Fn(Job) + Sync) {
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().expect("taking the next one cannot fail").next();
    let worker = || {
        while let Some(job) = next() {
            work(job);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        worker();
    });
}

#[test]
fn a_death_at_any_commit_and_again_in_the_recovery_is_survived() {
    let (_, commits) = clean_run(ValueBy::Issuer);
    for first in 0..commits {
        for again in [None, Some(1), Some(2), Some(3), Some(4)] {
            for moment in [Moment::Before, Moment::After] {
                let mut life = Life::new(ValueBy::Issuer);
                let base = life.store.commits.load(Ordering::Relaxed);
                life.store.dies_at = Some((base + first, moment));
                drop(life.night(Manner::Unattended));
                life.store.dies_at =
                    again.map(|later| (life.store.commits.load(Ordering::Relaxed) + later, moment));
                life.outside.advance(TimeDelta::minutes(11));
                drop(life.night(Manner::Unattended));
                life.outside.advance(TimeDelta::minutes(11));
                life.live_on();
                life.check(&format!(
                    "died {moment:?} commit {first}, then {again:?} commits later"
                ));
            }
        }
    }
}

#[test]
fn a_key_in_use_whose_id_is_not_known_is_never_taken_for_its_own_twin() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().nameless = true;
    life.live_on();
    life.check("nameless");
}

#[test]
fn an_old_key_that_a_stranger_still_uses_is_kept_until_it_was_left_alone_for_a_day() {
    let mut life = Life::new(ValueBy::Issuer);
    drop(life.night(Manner::Unattended).expect("no death"));
    life.outside.advance(TimeDelta::hours(25));
    let used = life.outside.now() - TimeDelta::hours(1);
    life.outside.world().used = Some(used);
    let outcomes = life.night(Manner::Unattended).expect("no death");
    let Ending::NeedsPerson { why, .. } = &outcomes[0].result else {
        panic!("{outcomes:?}");
    };
    assert_eq!(
        why,
        "the old key is kept: something that is not configured used it at 2024-01-20 09:00 UTC"
    );
    life.outside.advance(TimeDelta::hours(22));
    let outcomes = life.night(Manner::Unattended).expect("no death");
    assert!(matches!(outcomes[0].result, Ending::NeedsPerson { .. }));
    life.outside.advance(TimeDelta::hours(2));
    drop(life.night(Manner::Unattended).expect("no death"));
    life.check("left alone");
}

#[test]
fn what_is_taken_back_again_and_again_is_tried_less_and_less_often_and_then_a_person_is_asked() {
    let mut life = Life::new(ValueBy::Issuer);
    life.outside.world().only_well_with = Some(FIRST.to_owned());
    let mut tried = Vec::new();
    for night in 0..30 {
        let before = life.state().setback.map_or(0, |setback| setback.times);
        drop(life.night(Manner::Unattended).expect("no death"));
        life.outside.advance(TimeDelta::minutes(11));
        if life.state().rotation.is_some() {
            drop(life.night(Manner::ByHand).expect("no death"));
        }
        if life.state().setback.map_or(0, |setback| setback.times) > before {
            tried.push(night);
        }
        let morning = at("2024-01-20T09:00:00Z") + TimeDelta::days(night);
        life.outside.advance(morning - life.outside.now());
    }
    assert_eq!(tried, [0, 1, 3, 7, 15]);
}

#[test]
fn a_service_that_is_unwell_with_the_new_key_takes_everything_back() {
    let ends = (0..14).flat_map(|act| [(act, None), (act, Some(act + 3))]);
    let jobs = ends.flat_map(|(first, second)| Mishap::ALL.map(|mishap| (first, second, mishap)));
    side_by_side(jobs.collect(), |(first, second, mishap)| {
        let mut life = Life::new(ValueBy::Issuer);
        life.goes = if first % 2 == 0 {
            Way::Forward
        } else {
            Way::Back
        };
        {
            let mut world = life.outside.world();
            world.only_well_with = Some(FIRST.to_owned());
            world.mishaps.insert(first, mishap);
            world.mishaps.extend(second.map(|second| (second, mishap)));
        }
        // Every night it is due, tried and taken back. Then somebody heals the service.
        for _ in 0..4 {
            drop(life.night(Manner::Unattended));
            life.outside.advance(TimeDelta::minutes(11));
        }
        life.outside.world().only_well_with = None;
        for _ in 0..3 {
            life.live_on();
        }
        life.check(&format!("unwell, {mishap:?} at act {first} and {second:?}"));
    });
}
