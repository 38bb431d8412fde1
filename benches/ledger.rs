//! What a ledger costs: a durable commit when it is young and when it holds a million events, and how fast those events
//! become evidence.
//!
//! `cargo bench --bench ledger` prints each figure beside its bar, then divan's distribution of the commits. The ledgers
//! are made under the target directory, so that the disk is the one that builds run on. Linux tells the peak memory.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant as Stopwatch};

use age::secrecy::ExposeSecret;
use chrono::TimeDelta;

use rotakey::audit::{Period, csv, verify};
use rotakey::ledger::{
    Actor, ActorKind, Change, Event, FileStore, KeyMark, Ledger, LockedLedger, NewVersion, Opening,
    Trigger, What,
};
use rotakey::model::{
    Credential, Fields, Hint, Instant, Key, Making, RunId, SecretName, SecretValue,
};

const EVENTS: u64 = 1_000_000;
const COMMITS: u32 = 100;

static YOUNG: LazyLock<Kept> = LazyLock::new(|| Kept::new("young", 0));
static OLD: LazyLock<Kept> = LazyLock::new(|| Kept::new("old", EVENTS));

fn main() {
    bars();
    divan::main();
    for kept in [&YOUNG, &OLD] {
        // A static is never dropped, and half a gigabyte is not to be left behind.
        fs::remove_dir_all(kept.home.path()).expect("our own directory");
    }
}

/// A ledger with its directory and the identity that opens it.
struct Kept {
    home: tempfile::TempDir,
    identity: String,
    locked: Mutex<()>,
}

impl Kept {
    fn new(name: &str, events: u64) -> Self {
        let home = tempfile::Builder::new()
            .prefix(name)
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a directory under target");
        let identity = age::x25519::Identity::generate();
        let kept = Self {
            home,
            identity: identity.to_string().expose_secret().to_owned(),
            locked: Mutex::new(()),
        };
        let recipients = vec![identity.to_public().to_string()];
        let mut locked = Ledger::create(&kept.opening(), recipients).expect("a new ledger");
        // Four secrets; the old ledger remembers sixty versions of each.
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

    fn opening(&self) -> Opening {
        let identity = self.identity.clone();
        let path = self.home.path().join("ledger.json.age");
        Opening {
            store: Arc::new(FileStore::at(&path).expect("a path")),
            identity: Credential::new("a benchmark", move || {
                Ok(SecretValue::new(identity.clone()))
            }),
            side: self.home.path().join("state"),
            run: RunId::new("run_0123456789abcdef"),
            actor: Actor {
                kind: ActorKind::Auto,
                id: "cron".to_owned(),
            },
            now: start() + five_years(),
            holder: "a benchmark".to_owned(),
        }
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.opening()).expect("the ledger")
    }
}

fn start() -> Instant {
    "2019-01-01T00:00:00Z".parse().expect("an instant")
}

fn five_years() -> TimeDelta {
    TimeDelta::days(5 * 365)
}

fn adopted(secret: &str, version: u32) -> Change {
    let value = SecretValue::new(format!("sk-{secret}-0123456789-0123456789-{version:04}"));
    Change {
        secret: SecretName::new(secret),
        what: What::Adopted(NewVersion {
            hint: Hint::of(&value, Making::Machine),
            key: Key::of(Fields::single(value)),
            fingerprint: format!("fp1_{version:020x}"),
            created_at: start(),
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

fn event(rotation: u64, step: u64) -> Event {
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

fn bars() {
    let [young, old] = medians([&YOUNG, &OLD]);
    println!("durable commit, young ledger          {young:>12.2?}");
    println!("durable commit, {EVENTS} events       {old:>12.2?}   bar: independent of age");
    let size: u64 = fs::read_dir(OLD.home.path().join("ledger.audit"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|about| about.len())
        .sum();
    println!(
        "audit log on disk                     {:>9} MiB",
        size >> 20
    );

    let clock = Stopwatch::now();
    black_box(OLD.open());
    println!(
        "open                                  {:>12.2?}",
        clock.elapsed()
    );

    let rate = |name: &str, work: &dyn Fn()| {
        forget_peak();
        let clock = Stopwatch::now();
        work();
        let rate = EVENTS as f64 / clock.elapsed().as_secs_f64();
        println!("{name:<37} {rate:>10.0}/s   bar: 500,000 events/s");
        println!(
            "  peak memory                         {:>9} KiB   bar: flat",
            peak()
        );
    };
    rate("audit verify", &|| {
        let ledger = OLD.open();
        let verdict = verify::chain(ledger.events()).expect("a whole log");
        assert!(verdict.events > EVENTS);
    });
    rate("audit export --csv, all", &|| {
        let ledger = OLD.open();
        let period = Period {
            from: start(),
            to: start() + five_years() * 2,
        };
        let rows = csv::export(ledger.events(), period, std::io::sink()).expect("a table");
        assert!(rows > EVENTS / 31);
    });
    rate("audit export --csv, one month", &|| {
        let ledger = OLD.open();
        let period = Period::month(2021, 6).expect("June");
        csv::export(ledger.events(), period, std::io::sink()).expect("a table");
    });
}

/// Commits to each in turn, so that both meet the same moods of the disk.
fn medians<const N: usize>(ledgers: [&Kept; N]) -> [Duration; N] {
    let mut locked = ledgers.map(|kept| LockedLedger::lock(&kept.opening()).expect("the lock"));
    let mut times = [const { Vec::new() }; N];
    for _ in 0..COMMITS {
        for (locked, times) in locked.iter_mut().zip(&mut times) {
            locked.note(start() + five_years(), event(1, 4));
            let clock = Stopwatch::now();
            locked.commit().expect("a commit");
            times.push(clock.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

#[divan::bench(args = ["young", "five years"], sample_count = 100)]
fn commit(bencher: divan::Bencher<'_, '_>, age: &str) {
    let kept: &Kept = if age == "young" { &YOUNG } else { &OLD };
    let one_at_a_time = kept.locked.lock().expect("no benchmark panicked");
    let mut locked = LockedLedger::lock(&kept.opening()).expect("the lock");
    bencher.bench_local(|| {
        locked.note(start() + five_years(), event(1, 4));
        locked.commit().expect("a commit");
    });
    drop(one_at_a_time);
}

/// Makes the kernel forget the peak of the setup (proc(5), `clear_refs`).
fn forget_peak() {
    drop(fs::write(Path::new("/proc/self/clear_refs"), "5"));
}

fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map_or_else(
            || "?".to_owned(),
            |rest| rest.trim().trim_end_matches(" kB").to_owned(),
        )
}
