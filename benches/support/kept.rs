//! A ledger as a benchmark needs it: young, or with the events of five years.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, LazyLock};

use age::secrecy::ExposeSecret;
use chrono::{SubsecRound, TimeDelta, Utc};

use rotakey::ledger::{
    Actor, ActorKind, Change, Event, FileStore, KeyMark, Ledger, LockedLedger, NewVersion, Opening,
    Trigger, What,
};
use rotakey::model::{
    Credential, Fields, Hint, Instant, Key, Making, RunId, SecretName, SecretValue,
};

/// How many events a ledger holds after five years of a large company.
pub(crate) const EVENTS: u64 = 1_000_000;

/// A ledger with its directory and the identity that opens it.
pub(crate) struct Kept {
    pub(crate) home: tempfile::TempDir,
    identity: String,
}

impl Kept {
    /// Four secrets and so many events; where there are events, each secret has had sixty versions.
    pub(crate) fn new(name: &str, events: u64) -> Self {
        let kept = Self::empty(name);
        let mut locked = kept.lock();
        let versions = if events == 0 { 1 } else { 60 };
        for secret in ["openai", "stripe", "github", "database"] {
            for version in 0..versions {
                locked
                    .record(start(), adopted(secret, version))
                    .expect("a live key");
            }
        }
        locked.commit().expect("a commit");
        grow(&mut locked, events);
        drop(locked);
        kept
    }

    /// A new ledger, and its identity beside it.
    pub(crate) fn empty(name: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix(name)
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a directory under target");
        let identity = age::x25519::Identity::generate();
        let kept = Self {
            home,
            identity: identity.to_string().expose_secret().to_owned(),
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(kept.home.path().join("identity.txt"))
            .expect("a file");
        writeln!(file, "{}", kept.identity).expect("an identity");
        let recipients = vec![identity.to_public().to_string()];
        drop(Ledger::create(&kept.opening(), recipients).expect("a new ledger"));
        kept
    }

    pub(crate) fn lock(&self) -> LockedLedger {
        LockedLedger::lock(&self.opening()).expect("the lock")
    }

    pub(crate) fn opening(&self) -> Opening {
        let identity = self.identity.clone();
        let path = self.home.path().join("ledger.json.age");
        Opening {
            store: Arc::new(FileStore::at(&path).expect("a path")),
            identity: Credential::new("a benchmark", move || {
                Ok(SecretValue::new(identity.clone()))
            }),
            side: self.home.path().join("state/rotakey"),
            run: RunId::new("run_0123456789abcdef"),
            actor: Actor {
                kind: ActorKind::Auto,
                id: "cron".to_owned(),
            },
            now: start() + five_years(),
            holder: "a benchmark".to_owned(),
        }
    }
}

/// When the oldest event happened: the ledgers end now, so that nothing in them is due.
pub(crate) fn start() -> Instant {
    static START: LazyLock<Instant> =
        LazyLock::new(|| (Utc::now() - five_years()).trunc_subsecs(3));
    *START
}

pub(crate) fn five_years() -> TimeDelta {
    TimeDelta::days(5 * 365)
}

/// One of these keys, as a person would have taken it over ten days ago.
pub(crate) fn adopted(secret: &str, version: u32) -> Change {
    let value = SecretValue::new(format!("sk-{secret}-0123456789-0123456789-{version:04}"));
    Change {
        secret: SecretName::new(secret),
        what: What::Adopted(NewVersion {
            hint: Hint::of(&value, Making::Machine),
            key: Key::of(Fields::single(value)),
            fingerprint: format!("fp1_{version:020x}"),
            created_at: start() + five_years() - TimeDelta::days(10),
        }),
    }
}

/// Rotations of thirty events each, spread over five years.
fn grow(locked: &mut LockedLedger, events: u64) {
    let step = five_years() / i32::try_from(events.max(1)).expect("a million");
    for number in 0..events {
        let at = start() + step * i32::try_from(number).expect("a million");
        locked.note(at, event(number / 30, number % 30));
        if number % 500 == 499 {
            locked.commit().expect("a commit");
        }
    }
    locked.commit().expect("a commit");
}

pub(crate) fn event(rotation: u64, step: u64) -> Event {
    let mark = |number: u64| KeyMark {
        hint: Hint::of(
            &SecretValue::new(format!("sk-0123456789-0123456789-{number:04}")),
            Making::Machine,
        ),
        fingerprint: format!("fp1_{number:020x}"),
        id: Some(format!("key_{number:016x}")),
    };
    let kinds = [
        "deliver.sent",
        "deliver.done",
        "activate.sent",
        "activate.done",
        "confirm.done",
    ];
    let site = step.saturating_sub(3) / 5;
    let (kind, place, note) = match step {
        0 => ("rotation.begun", None, None),
        1 => (
            "issue.sent",
            None,
            Some("rotakey/0123456789abcdef".to_owned()),
        ),
        2 => ("issue.done", None, None),
        3..28 => (
            kinds[usize::try_from(step - 3).expect("small") % 5],
            Some(format!(
                "vercel/project-{site}: OPENAI_API_KEY (production)"
            )),
            Some(format!(
                "deployment dpl_{rotation:016x} serves and is healthy"
            )),
        ),
        28 => (
            "revoke.done",
            None,
            Some("refused with HTTP 401".to_owned()),
        ),
        _ => (
            "rotation.finished",
            None,
            Some("refused with HTTP 401".to_owned()),
        ),
    };
    Event {
        secret: Some(SecretName::new("openai")),
        rotation: Some(format!("rot_{rotation:016x}").as_str().into()),
        trigger: Some(Trigger::Scheduled),
        place,
        old: Some(mark(rotation)),
        new: (step > 1).then(|| mark(rotation + 1)),
        note,
        ..Event::new(kind)
    }
}
