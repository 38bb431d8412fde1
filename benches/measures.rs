//! What the design promises, each figure beside its bar: `cargo bench --bench measures`, on Linux.
//!
//! What a user waits for is measured on the program itself, started as cron starts it: the median wall time of many runs,
//! and the most memory that any of a few other runs held (`VmHWM`, proc(5)). Ledgers stand under the target directory, so
//! the disk is the one that builds run on. The row of the 318 projects runs the whole of `rotate` against the simulated
//! vendors of the tests, each call to them taking 50 ms of real time. A missed bar is said and does not fail the run: a
//! busy machine misses any. Without `--bench`, as `cargo test --all-targets` starts it, everything is a hundred times
//! smaller.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "support/rotated.rs"]
mod rotated;
mod support;
#[path = "../tests/support/world/mod.rs"]
mod world;

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use chrono::{TimeDelta, Utc};
use rotakey::exit::Exit;
use rotakey::ledger::{Change, FileStore, LockedLedger, NewVersion, What};
use rotakey::model::{Fields, Hint, Key, KeyId, Making, SecretName, SecretValue};
use rotakey::run::{Account, Host, Input, Signals, SystemClock};
use rotakey::ui::Outlet;

use support::kept::{self, EVENTS, Kept};
use world::{Calendar, World};

const PROJECTS: usize = 318;
const LATENCY: Duration = Duration::from_millis(50);
const WORKERS: usize = 10;

/// The lines of the table.
#[derive(Default)]
struct Table(String);

fn main() {
    let mut table = Table::default();
    let scale = if std::env::args().any(|word| word == "--bench") {
        1
    } else {
        100
    };
    let young = Kept::new("young", 0);
    plan_of_four(&young, &mut table);
    nothing_due(1_000 / scale, &mut table);
    let events = EVENTS / scale as u64;
    let old = Kept::new("old", events);
    commits(&young, &old, &mut table);
    export(&old, events, &mut table);
    bundle(events / 10, &mut table);
    plan_of_ten_thousand(&old, 10_000 / scale, &mut table);
    many_projects(PROJECTS / scale, &mut table);
    println!("{}", table.0);
}

impl Table {
    fn row(&mut self, what: &str, figure: &str, bar: &str, keeps: bool) {
        let verdict = if keeps { "" } else { "MISSED" };
        writeln!(self.0, "{what:<52} {figure:>24}   {bar:<28} {verdict}").expect(ROOM);
        println!("{what}: {figure}");
    }

    fn time(&mut self, what: &str, took: Duration, bar: Duration) {
        let (figure, limit) = (format!("{took:.1?}"), format!("at most {bar:?}"));
        self.row(what, &figure, &limit, took <= bar);
    }

    fn memory(&mut self, what: &str, bytes: u64, bar: u64) {
        let figure = format!("{:.1} MB", bytes as f64 / 1e6);
        let limit = format!("at most {bar} MB");
        self.row(what, &figure, &limit, bytes <= bar * 1_000_000);
    }

    fn process(&mut self, what: &str, command: &dyn Fn() -> Command, runs: usize, bar: (u64, u64)) {
        let took = median((0..runs).map(|_| wall(command())));
        self.time(what, took, Duration::from_millis(bar.0));
        let most = (0..5).map(|_| peak(command())).max().unwrap_or_default();
        self.memory("  its memory", most, bar.1);
    }
}

const ROOM: &str = "a string takes everything";

fn plan_of_four(young: &Kept, table: &mut Table) {
    configure(young, &four());
    let command = || rotakey(young, &["plan"]);
    table.process("plan, 4 secrets", &command, 101, (10, 15));
}

fn nothing_due(secrets: usize, table: &mut Table) {
    let kept = Kept::new("thousand", 0);
    grown_old(&kept, &services(secrets));
    let command = || rotakey(&kept, &["rotate"]);
    let what = "rotate with nothing due, 1,000 secrets";
    table.process(what, &command, 51, (25, 20));
}

fn plan_of_ten_thousand(old: &Kept, secrets: usize, table: &mut Table) {
    grown_old(old, &services(secrets));
    let command = || rotakey(old, &["plan"]);
    let what = "plan, 10,000 secrets and 1,000,000 events";
    table.process(what, &command, 11, (250, 60));
}

/// The whole log as a table, written to nowhere.
fn export(old: &Kept, events: u64, table: &mut Table) {
    configure(old, &four());
    let from = kept::start().format("%Y-%m-%d").to_string();
    let to = (Utc::now() + TimeDelta::days(2))
        .format("%Y-%m-%d")
        .to_string();
    let command = || {
        rotakey(
            old,
            &["audit", "export", "--csv", "--from", &from, "--to", &to],
        )
    };
    let took = median((0..3).map(|_| wall(command())));
    let rate = events as f64 / took.as_secs_f64();
    let what = "audit export, 1,000,000 events";
    table.row(
        what,
        &format!("{rate:.0} events/s"),
        "at least 500000 events/s",
        rate >= 500_000.0,
    );
    let most = peak(command());
    // A segment in plain text, the next one, and what the program needs anyway.
    table.memory("  its memory, flat", most, 32);
}

/// One month of 100,000 events, with everything an auditor is handed.
fn bundle(events: u64, table: &mut Table) {
    let kept = Kept::new("month", events);
    configure(&kept, &four());
    for (what, form) in [
        (
            "audit export --bundle, 100,000 events",
            ["--bundle", "evidence"],
        ),
        ("audit export --html, 100,000 events", ["--html", "--out=."]),
    ] {
        let command = || rotakey(&kept, &[&["audit", "export"], &form[..]].concat());
        let took = median((0..3).map(|_| wall(command())));
        table.time(what, took, Duration::from_secs(1));
        table.memory("  its memory, flat", peak(command()), 32);
    }
}

/// Commits to each in turn, so that both meet the same moods of the disk.
fn commits(young: &Kept, old: &Kept, table: &mut Table) {
    let mut locked: [LockedLedger; 2] = [young.lock(), old.lock()];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..100 {
        for (locked, times) in locked.iter_mut().zip(&mut times) {
            locked.note(kept::start() + kept::five_years(), kept::event(1, 4));
            let clock = Stopwatch::now();
            locked.commit().expect("a commit");
            times.push(clock.elapsed());
        }
    }
    let [young, old] = times.map(|times| median(times.into_iter()));
    let figure = format!("{young:.1?}, {old:.1?}");
    let what = "durable commit, young ledger and 1,000,000 events";
    table.row(
        what,
        &figure,
        "the same, within 1.5 times",
        old <= young * 3 / 2,
    );
}

fn many_projects(projects: usize, table: &mut Table) {
    let calendar = Calendar::at(&Utc::now().to_rfc3339());
    let world = World::new(&calendar);
    let key = world.seed_key("first", &(Utc::now() - TimeDelta::days(40)).to_rfc3339());
    let names: Vec<String> = (0..projects)
        .map(|number| format!("site-{number:03}"))
        .collect();
    world.add_projects(
        names.iter().map(String::as_str),
        &[("OPENAI_API_KEY", &key.value)],
    );
    world.set(|settings| {
        settings.latency = LATENCY;
        // With ten in flight, as much as really passes.
        settings.request_takes = TimeDelta::milliseconds(5);
        settings.vercel_build = TimeDelta::zero();
        settings.vercel_alias = TimeDelta::zero();
    });
    let kept = Kept::empty("projects");
    let value = SecretValue::new(key.value.as_str());
    let version = NewVersion {
        hint: Hint::of(&value, Making::Machine),
        key: Key {
            id: Some(KeyId::new(key.id.as_str())),
            ..Key::of(Fields::single(value))
        },
        fingerprint: "fp1_00000000000000000000".to_owned(),
        created_at: Utc::now() - TimeDelta::days(40),
    };
    let mut locked = kept.lock();
    let what = What::Adopted(version);
    locked
        .record(
            Utc::now(),
            Change {
                secret: SecretName::new("openai"),
                what,
            },
        )
        .expect("a live key");
    locked.commit().expect("a commit");
    drop(locked);
    let config = format!(
        "accounts:\n  openai: {{ admin_key: {{ env: OPENAI_ADMIN_KEY }}, base_url: \"{}\" }}\n  \
         vercel: {{ token: {{ env: VERCEL_TOKEN }}, base_url: \"{}\", team: {} }}\n\
         secrets:\n  openai:\n    every: 30d\n    issuer: {{ kind: openai, project: {} }}\n    \
         targets: [{{ kind: vercel, projects: all, variable: OPENAI_API_KEY }}]\n",
        world.openai_url(),
        world.vercel_url(),
        world.vercel_team(),
        world.openai_project(),
    );
    fs::write(kept.home.path().join("rotations.yaml"), config).expect("a configuration");
    let host = host(&kept, &world);
    let clock = Stopwatch::now();
    let exit = rotakey::invoke(host, ["rotakey", "rotate"].map(Into::into));
    let took = clock.elapsed();
    assert_eq!(exit, Exit::Done, "{}", world.dump());
    let mut kinds: std::collections::BTreeMap<String, usize> = Default::default();
    for (label, count) in world.counts() {
        *kinds
            .entry(label.split(' ').next().unwrap_or_default().to_owned())
            .or_default() += count;
    }
    println!("{kinds:?}");
    let calls = world.requests().len();
    let each = calls as f64 / projects as f64;
    let what = "one secret to 318 projects, calls a project";
    table.row(what, &format!("{each:.2}"), "at most 4", each <= 4.0);
    let ideal = LATENCY * u32::try_from(calls / WORKERS).expect("a few thousand");
    table.time(
        "  its time, 50 ms a call, 10 in flight",
        took,
        ideal * 6 / 5,
    );
}

fn host(kept: &Kept, world: &World) -> Host {
    let home = kept.home.path().to_owned();
    let (admin_key, token) = (world.openai_admin_key(), world.vercel_token());
    let identity = home.join("identity.txt").display().to_string();
    let state = home.join("state").display().to_string();
    let signals = Signals::default();
    Host {
        environment: Arc::new(move |name| match name {
            "OPENAI_ADMIN_KEY" => Some(admin_key.clone()),
            "VERCEL_TOKEN" => Some(token.clone()),
            "ROTAKEY_IDENTITY" => Some(identity.clone()),
            "XDG_STATE_HOME" => Some(state.clone()),
            _ => None,
        }),
        directory: home,
        clock: Arc::new(SystemClock::new(signals.clone())),
        random: Arc::new(rand::random),
        signals,
        input: Input::piped(std::io::empty()),
        stdout: Outlet::plain(std::io::sink()),
        stderr: Outlet::plain(std::io::stderr()),
        account: Account {
            user: "ada".to_owned(),
            host: "vault".to_owned(),
        },
        open_store: Arc::new(|path| Ok(Arc::new(FileStore::at(path)?))),
        workers: WORKERS,
    }
}

fn four() -> [String; 4] {
    ["openai", "stripe", "github", "database"].map(str::to_owned)
}

fn services(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("service-{number}"))
        .collect()
}

/// As it is after years: every one of them was rotated again and again.
fn grown_old(kept: &Kept, names: &[String]) {
    let mut locked = kept.lock();
    rotated::rotated(&mut locked, names);
    drop(locked);
    configure(kept, names);
}

/// A file with these secrets, each for two targets.
fn configure(kept: &Kept, names: &[String]) {
    let mut text = "accounts:\n  vercel: { token: { env: VERCEL_TOKEN } }\nsecrets:\n".to_owned();
    for name in names {
        let variable = name.to_uppercase().replace('-', "_");
        write!(
            text,
            "  {name}:\n    every: 30d\n    issuer: {{ kind: generated, length: 40 }}\n    targets:\n      \
             - {{ kind: vercel, projects: all, variable: {variable} }}\n      \
             - {{ kind: dotenv, path: .env, variable: {variable} }}\n"
        )
        .expect(ROOM);
    }
    fs::write(kept.home.path().join("rotations.yaml"), text).expect("a configuration");
}

fn rotakey(kept: &Kept, words: &[&str]) -> Command {
    let home = kept.home.path();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rotakey"));
    command
        .args(words)
        .current_dir(home)
        .env_clear()
        .env("VERCEL_TOKEN", "none is called")
        .env("XDG_STATE_HOME", home.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn wall(mut command: Command) -> Duration {
    let clock = Stopwatch::now();
    let status = command.status().expect("the program");
    let took = clock.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// The most memory it was seen to hold. Its peak only grows, and the last look is moments before its end.
fn peak(mut command: Command) -> u64 {
    let mut child: Child = command.spawn().expect("the program");
    let path = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while let Ok(status) = fs::read_to_string(&path) {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(kibibytes) =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        else {
            break;
        };
        most = most.max(kibibytes * 1024);
    }
    child.wait().expect("the program");
    most
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}
