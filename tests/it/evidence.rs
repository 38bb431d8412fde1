//! I11: what the vendors saw and what the audit log says agree one to one, also after a death at any moment.
//!
//! Every request that can change something belongs to an effect whose `sent` event is on disk as the request arrives,
//! one event for one request, and an outcome stands after it in the end. An event without its request is the trace of a
//! death between the two, and there are no more of them than deaths.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::support::mortal::Life;
use crate::support::oracle::{End, live_on};
use crate::support::sandbox::{Sandbox, ledger_at};
use crate::support::shop;
use crate::support::trouble::{Trouble, spoil};
use crate::support::world::{At, Moment};

/// An effect: which steps can be the reason of a request, and where it lands.
fn effect(label: &str) -> (&'static [&'static str], String) {
    let (what, subject) = label.split_once(' ').unwrap_or((label, ""));
    match what {
        "openai.create_key" => (&["issue"], "openai".to_owned()),
        "openai.update_key" => (&["expire"], "openai".to_owned()),
        "openai.delete_key" => (&["revoke"], "openai".to_owned()),
        "vercel.patch_env" => (&["deliver", "restore"], format!("vercel/{subject}")),
        "render.put_env" => (&["deliver", "restore"], format!("render/{subject}")),
        "vercel.redeploy" => (&["activate"], format!("vercel/{subject}")),
        "render.deploy" => (&["activate"], format!("render/{subject}")),
        other => panic!("{other} belongs to no step"),
    }
}

/// Of which effect an event tells, if it tells of one at a simulated vendor, and what it tells.
fn told(event: &Value) -> Option<(String, String)> {
    let (step, outcome) = event["kind"].as_str()?.split_once('.')?;
    let step = match step {
        "restore" => "deliver",
        step => step,
    };
    if event["secret"] != "openai"
        || !["issue", "expire", "revoke", "deliver", "activate"].contains(&step)
    {
        return None;
    }
    let place = match event["place"].as_str() {
        Some(place) if matches!(step, "deliver" | "activate") => place.split(' ').next()?,
        _ => "openai",
    };
    Some((format!("{step} {place}"), outcome.to_owned()))
}

fn name(label: &str) -> String {
    let (steps, place) = effect(label);
    format!("{} {place}", steps[0])
}

fn events(ledger: &Value) -> Vec<Value> {
    ledger["audit"]["tail"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn sent(ledger: &Value) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (effect, outcome) in events(ledger).iter().filter_map(told) {
        if outcome == "sent" {
            *counts.entry(effect).or_default() += 1;
        }
    }
    counts
}

/// What was wrong as a request arrived.
type Wrong = Arc<Mutex<Vec<String>>>;

/// Looks at the ledger on the disk as each request arrives: its `sent` event must be there.
fn watch(sandbox: &Sandbox) -> Wrong {
    let wrong = Wrong::default();
    let (world, noted) = (sandbox.world.clone(), Arc::clone(&wrong));
    let place = sandbox.directory.path().to_owned();
    sandbox.world.on_request(At::Any, Moment::Before, move || {
        let requests = world.requests();
        let Some(last) = requests.last().filter(|entry| entry.writes()) else {
            return;
        };
        let effect = name(&last.what);
        let arrived = requests.iter().filter(|entry| entry.writes());
        let arrived = arrived.filter(|entry| name(&entry.what) == effect).count();
        let announced = sent(&ledger_at(&place)).get(&effect).copied().unwrap_or(0);
        if arrived > announced {
            let line = last.line();
            let mut wrong = noted.lock().unwrap_or_else(PoisonError::into_inner);
            wrong.push(format!("{arrived} requests, {announced} events: {line}"));
        }
    });
    wrong
}

/// What does not agree in the end, after so many deaths.
fn differences(sandbox: &Sandbox, wrong: &Wrong, deaths: usize) -> Vec<String> {
    let mut found = wrong.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let ledger = sandbox.ledger();
    let mut bare = 0;
    for (effect, announced) in sent(&ledger) {
        let requests = sandbox.world.requests();
        let requests = requests
            .iter()
            .filter(|entry| entry.writes() && name(&entry.what) == effect);
        bare += announced - requests.count().min(announced);
    }
    // A death may leave all that was announced in one commit without a request: at most three sites or services here.
    if bare > 3 * deaths {
        found.push(format!("{bare} events without a request"));
    }
    let all: Vec<(String, String)> = events(&ledger).iter().filter_map(told).collect();
    for (at, (effect, outcome)) in all.iter().enumerate() {
        let mut later = all[at + 1..].iter().filter(|(other, _)| other == effect);
        if outcome == "sent" && later.next().is_none() {
            found.push(format!(
                "{effect} was sent, and nothing is said of what became of it"
            ));
        }
    }
    found
}

/// Lives a whole life that ends once, there, and compares.
fn compare(lay: impl FnOnce(&Sandbox, &Life), life: Life, deaths: usize) -> Result<(), String> {
    let (sandbox, _) = shop::corner();
    let wrong = watch(&sandbox);
    lay(&sandbox, &life);
    let mut lives = Some(life);
    let end = live_on(&sandbox, |line| {
        let life = lives.clone().unwrap_or_else(|| Life::until(None));
        let ran = sandbox.live(line, "", &life);
        if ran.exit.is_none() {
            lives = None;
        }
        ran
    });
    let found = differences(&sandbox, &wrong, deaths);
    match (end, found.is_empty()) {
        (Ok(End::Done), true) => Ok(()),
        (end, _) => Err(format!("{end:?} {}", found.join("; "))),
    }
}

#[test]
fn every_request_has_its_event_before_it_and_every_event_its_request() {
    let nowhere = |_: &Sandbox, _: &Life| ();
    assert_eq!(compare(nowhere, Life::until(None), 0), Ok(()));
}

#[test]
fn the_log_of_the_vendors_and_the_audit_log_agree_after_a_death_at_any_request_or_commit() {
    let mut broken = Vec::new();
    // The length of a good life in this scene: requests, then commits.
    for n in 1..=REQUESTS {
        for trouble in [Trouble::KilledBefore, Trouble::KilledAfter] {
            let lay = |sandbox: &Sandbox, life: &Life| spoil(sandbox, n, trouble, life);
            if let Err(why) = compare(lay, Life::until(None), 1) {
                broken.push(format!("{trouble:?} at {n}: {why}"));
            }
        }
    }
    for k in 1..=COMMITS {
        let life = Life::until(Some((k, Moment::After)));
        if let Err(why) = compare(|_, _| (), life, 1) {
            broken.push(format!("commit {k}: {why}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_loop_over_deaths_is_as_long_as_a_life() {
    let (sandbox, _) = shop::corner();
    let before = sandbox.world.requests().len();
    let life = Life::until(None);
    let end = live_on(&sandbox, |line| sandbox.live(line, "", &life));
    assert_eq!(end, Ok(End::Done));
    let length = sandbox.world.requests().len() - before;
    assert_eq!((length as u64, life.commits()), (REQUESTS, COMMITS));
}

const REQUESTS: u64 = 49;
const COMMITS: u64 = 19;
