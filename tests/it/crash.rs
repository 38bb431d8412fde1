//! Something goes wrong at every single request and at every single commit of a whole life, and cron simply runs again.
//!
//! Loops over what a good life really sends, never over a hand-picked step.

use std::collections::BTreeSet;

use crate::support::mortal::Life;
use crate::support::oracle::{End, live_on};
use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::trouble::{Trouble, spoil};
use crate::support::world::Moment;

use Trouble::*;

/// The length of a good life in requests and in commits.
fn length() -> (u64, u64) {
    let (sandbox, _) = shop::corner();
    let before = sandbox.world.requests().len();
    let life = Life::until(None);
    let end = live_on(&sandbox, |line| sandbox.live(line, "", &life));
    assert_eq!(end, Ok(End::Done));
    let requests = sandbox.world.requests().len() - before;
    (requests as u64, life.commits())
}

/// Lives on with a life that may end, and with a new one after that.
fn lives(sandbox: &Sandbox, lives: Vec<Life>) -> Result<End, String> {
    let mut lives = lives.into_iter();
    let mut life = lives.next().unwrap_or_else(|| Life::until(None));
    live_on(sandbox, |line| {
        let ran = sandbox.live(line, "", &life);
        if ran.exit.is_none() {
            life = lives.next().unwrap_or_else(|| Life::until(None));
        }
        ran
    })
}

/// What the n-th request after the adoptions was.
fn label(sandbox: &Sandbox, n: u64) -> String {
    let requests = sandbox.world.requests().into_iter();
    let adoptions = 2;
    let mut rest = requests.skip(adoptions + n as usize - 1);
    rest.next()
        .map_or_else(|| "never sent".to_owned(), |entry| entry.what)
}

#[track_caller]
fn none(broken: &[String]) {
    let (count, all) = (broken.len(), broken.join("\n"));
    assert!(broken.is_empty(), "{count} broken:\n{all}");
}

/// Every trouble at every request. A person may be needed only at these.
#[track_caller]
fn at_every_request(troubles: &[Trouble], people_at: &[&str]) {
    let (requests, _) = length();
    let mut people = BTreeSet::new();
    let mut broken = Vec::new();
    for n in 1..=requests {
        for trouble in troubles {
            let (sandbox, _) = shop::corner();
            let life = Life::until(None);
            spoil(&sandbox, n, *trouble, &life);
            let end = lives(&sandbox, vec![life]);
            let label = label(&sandbox, n);
            match end {
                Ok(End::Done) => {}
                Ok(End::Person) => drop(people.insert(format!("{trouble:?} {label}"))),
                Err(why) => broken.push(format!("{trouble:?} at {n}, {label}: {why}")),
            }
        }
    }
    none(&broken);
    assert_eq!(
        people.iter().map(String::as_str).collect::<Vec<_>>(),
        people_at
    );
}

#[test]
fn killed_at_any_request() {
    at_every_request(&[KilledBefore, KilledAfter, KilledLate], &[]);
}

#[test]
fn any_request_or_reply_is_lost_or_late() {
    at_every_request(&[RequestLost, ReplyLost, ActsLate], &[]);
}

#[test]
fn any_request_is_refused() {
    // A delete that is clearly refused is not tried again every night.
    at_every_request(
        &[Forbidden, TooMany, TooManySoon, TooManyForLong],
        &["Forbidden openai.delete_key"],
    );
}

#[test]
fn any_request_meets_a_broken_vendor() {
    at_every_request(
        &[ErrorBefore, ErrorAfter, Redirect],
        &["Redirect openai.delete_key"],
    );
}

#[test]
fn any_reply_is_rubbish() {
    at_every_request(
        &[Hostile, Huge, Html, HalfJson],
        &["Hostile openai.delete_key"],
    );
}

#[test]
fn killed_at_any_commit() {
    let (_, commits) = length();
    let mut broken = Vec::new();
    for k in 1..=commits {
        for moment in [Moment::Before, Moment::After] {
            let (sandbox, _) = shop::corner();
            if let Err(why) = lives(&sandbox, vec![Life::until(Some((k, moment)))]) {
                broken.push(format!("{moment:?} commit {k}: {why}"));
            }
        }
    }
    none(&broken);
}

#[test]
fn killed_at_any_commit_and_again_in_the_recovery() {
    let (_, commits) = length();
    let mut broken = Vec::new();
    for k in 1..=commits {
        // Dense enough to meet every pair of phases: every third commit of the recovery, shifted by one each time.
        for again in (1..=8).filter(|again| (again + k) % 3 == 0) {
            let (sandbox, _) = shop::corner();
            let two = vec![
                Life::until(Some((k, Moment::After))),
                Life::until(Some((again, Moment::Before))),
            ];
            if let Err(why) = lives(&sandbox, two) {
                broken.push(format!("commit {k}, then {again}: {why}"));
            }
        }
    }
    none(&broken);
}

#[test]
fn killed_while_a_request_is_under_way_and_again_in_the_recovery() {
    let (requests, _) = length();
    let mut broken = Vec::new();
    for n in 1..=requests {
        let (sandbox, _) = shop::corner();
        let (first, second) = (
            Life::until(None),
            Life::until(Some((1 + n % 5, Moment::After))),
        );
        spoil(&sandbox, n, KilledLate, &first);
        if let Err(why) = lives(&sandbox, vec![first, second]) {
            broken.push(format!("request {n}: {why}"));
        }
    }
    none(&broken);
}
