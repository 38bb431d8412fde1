//! Reads what people answered to the notices of coming rotations, and postpones where a listed person says so.
//!
//! A channel that cannot be read may hold a `SKIP` that nobody has seen: rotations that it announced are held for a day,
//! then they go on, and the audit log says so.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::config::ChannelSetup;
use crate::error::Result;
use crate::ledger::{Event, LockedLedger, News, SecretState, State, Thread, Topic, What};
use crate::model::{Fault, Instant, SecretName, Span};
use crate::notify::{Reply, Rules, Verdict, judge};
use crate::rotation::{Course, Item, Move, Wait};
use crate::run::Run;

use super::joined::{Joined, record, refused};
use super::post::Postman;
use super::skip;

/// How long a rotation is held because its replies cannot be read.
const HOLD: TimeDelta = TimeDelta::hours(24);

/// How often in a row a reply can postpone. Who wants more uses `rotakey skip`, with a reason.
const IN_A_ROW: u32 = 3;

/// The rotations whose replies could not be read.
#[derive(Debug, Default)]
pub(super) struct Unheard(BTreeMap<SecretName, (Instant, String)>);

/// A reply that is to be answered.
struct Heard {
    thread: Thread,
    due: Instant,
    reply: Reply,
    asked: Verdict,
}

/// To when a rotation is put off.
struct Granted {
    until: Instant,
    /// Whether the policy allows less than was asked for.
    capped: bool,
}

/// Reads the replies and acts on them. Where no rotation was announced to a channel that is read, nothing is sent;
/// where nobody has replied, nothing is written.
pub(super) fn collect(run: &mut Run, joined: &Joined) -> Result<Unheard> {
    let reads = |setup: &ChannelSetup| !setup.config.approvers().is_empty();
    if !joined.hearing.channels.values().any(reads) {
        return Ok(Unheard::default());
    }
    let known = joined.read(run)?;
    let threads = announced(joined, known.state());
    let mut unheard = Unheard::default();
    let (mut heard, mut read) = (Vec::new(), BTreeSet::new());
    for (name, threads) in &threads {
        match listen(joined, name, threads) {
            Ok(replies) => {
                read.insert(name.clone());
                heard.extend(replies);
            }
            Err(fault) => {
                unread(run, name, &fault);
                let due = threads
                    .iter()
                    .map(|(thread, due)| (thread.secret.clone(), (*due, name.clone())));
                unheard.0.extend(due);
            }
        }
    }
    if !heard.is_empty() {
        let mut ledger = joined.lock(run)?;
        for one in heard {
            act(run, joined, &mut ledger, one)?;
        }
        ledger.commit().map_err(refused)?;
        let postman = Postman::new(run, joined, ledger.state());
        postman.finish(run, &mut ledger);
    }
    for name in &read {
        let settled = joined.channels.get(name).map(|channel| channel.settle());
        if let Some(Err(fault)) = settled {
            unread(run, name, &fault);
        }
    }
    Ok(unheard)
}

/// The notices of coming rotations that can be answered, by channel.
fn announced(joined: &Joined, state: &State) -> BTreeMap<String, Vec<(Thread, Instant)>> {
    let mut found: BTreeMap<String, Vec<(Thread, Instant)>> = BTreeMap::new();
    for thread in &state.outbox.threads {
        let Topic::Due(due) = thread.topic else {
            continue;
        };
        let read = joined.hearing.channels.get(&thread.channel);
        let coming = state
            .secret(&thread.secret)
            .is_some_and(|known| known.rotation.is_none() && known.warned == Some(due));
        let ours = joined.secrets.contains_key(&thread.secret);
        if ours && coming && read.is_some_and(|setup| !setup.config.approvers().is_empty()) {
            let threads = found.entry(thread.channel.clone()).or_default();
            threads.push((thread.clone(), due));
        }
    }
    found
}

/// The replies that count, or would have in time.
fn listen(joined: &Joined, name: &str, threads: &[(Thread, Instant)]) -> Result<Vec<Heard>, Fault> {
    let (Some(channel), Some(setup)) =
        (joined.channels.get(name), joined.hearing.channels.get(name))
    else {
        return Ok(Vec::new());
    };
    let roots: Vec<&str> = threads.iter().map(|(thread, _)| &*thread.root).collect();
    let mut replies = channel.replies(&roots)?;
    replies.sort_by_key(|reply| reply.order);
    let mut heard = Vec::new();
    for (thread, due) in threads {
        let rules = Rules {
            root: &thread.root,
            approvers: setup.config.approvers(),
            since: second(thread.since),
            deadline: *due,
            seen: thread.seen.as_ref().and_then(|seen| seen.parse().ok()),
        };
        for reply in &replies {
            match judge(reply, &rules) {
                Verdict::Ignored => {}
                asked => heard.push(Heard {
                    thread: thread.clone(),
                    due: *due,
                    reply: reply.clone(),
                    asked,
                }),
            }
        }
    }
    Ok(heard)
}

/// Channels date messages by the second, and some a little behind us.
fn second(at: Instant) -> Instant {
    at - TimeDelta::minutes(1)
}

/// Everything is looked at again under the lock: another run may have acted on the same reply.
fn act(run: &Run, joined: &Joined, ledger: &mut LockedLedger, heard: Heard) -> Result<()> {
    let Heard {
        thread,
        due,
        reply,
        asked,
    } = heard;
    let order = reply.order.to_string();
    let state = ledger.state();
    let now_known = state
        .outbox
        .thread(&thread.channel, &thread.secret, &thread.topic);
    let seen = now_known.and_then(|thread| thread.seen.as_ref());
    let is_news = seen.is_none_or(|seen| seen.parse().is_ok_and(|seen: u64| seen < reply.order));
    let known = state.secret(&thread.secret);
    if now_known.is_none() || !is_news || known.is_none_or(|known| known.rotation.is_some()) {
        return Ok(());
    }
    let words = match asked {
        Verdict::Ignored => return Ok(()),
        Verdict::Late => Some(late()),
        Verdict::Skip(span) => match granted(joined, &thread.secret, known, span, due, run.now) {
            Err(why) => Some(News::NotPostponed { why }),
            Ok(granted) if is_postponed(known, granted.until) => None,
            Ok(Granted { until, capped }) => {
                let what = What::Skipped {
                    until,
                    reason: format!("SKIP by {} on {}", reply.by, thread.channel),
                };
                record(run, ledger, thread.secret.clone(), what)?;
                Some(News::Postponed { until, capped })
            }
        },
    };
    ledger.answer(run.now, &thread, order, words);
    Ok(())
}

fn late() -> News {
    News::NotPostponed {
        why: "the reply came after the rotation was due".to_owned(),
    }
}

fn is_postponed(known: Option<&SecretState>, until: Instant) -> bool {
    let skip = known.and_then(|known| known.skip.as_ref());
    skip.is_some_and(|skip| skip.until >= until)
}

/// To when it is postponed, and whether that is less than was asked for. A reply never asks for more than one `skip`.
fn granted(
    joined: &Joined,
    name: &SecretName,
    known: Option<&SecretState>,
    asked: Option<Span>,
    due: Instant,
    now: Instant,
) -> Result<Granted, String> {
    let secret = joined
        .secrets
        .get(name)
        .ok_or("it is not configured any more")?;
    let times = known.and_then(|known| known.skip.as_ref());
    if times.is_some_and(|skip| skip.times >= IN_A_ROW) {
        return Err(format!(
            "it was postponed {IN_A_ROW} times in a row; `rotakey skip {name}` can do more"
        ));
    }
    let most = secret.policy.skip;
    let span = asked.map_or(most, |asked| asked.min(most));
    let until = skip::until(secret, known, Some(span), Some(due), now)
        .map_err(|_| "its policy allows no older key".to_owned())?;
    let wanted = due + asked.unwrap_or(most).delta();
    Ok(Granted {
        until,
        capped: until < wanted,
    })
}

fn unread(run: &mut Run, name: &str, fault: &Fault) {
    let line = format!("warning: channel `{name}`: replies cannot be read: {fault}");
    run.ui.insist(&line);
    if let Some(hint) = &fault.hint {
        run.ui.insist(&format!("  hint: {hint}"));
    }
}

impl Unheard {
    /// Holds what was to begin, for a while.
    pub(super) fn hold(&self, items: &mut [Item], now: Instant) {
        for item in items {
            let Some((due, channel)) = self.0.get(&item.secret) else {
                continue;
            };
            let until = *due + HOLD;
            if matches!(item.rotate, Some(Move::Begin(_))) && now < until {
                item.rotate = None;
                item.wait = Some(Wait {
                    why: format!("replies on `{channel}` cannot be read"),
                    until: Some(until),
                    course: Course::Trouble,
                });
            }
        }
    }

    /// Whether something that was to begin is held.
    pub(super) fn holds(&self, items: &[Item]) -> bool {
        let held = |item: &Item| {
            let held = item
                .wait
                .as_ref()
                .is_some_and(|wait| wait.course == Course::Trouble);
            item.rotate.is_none() && held && self.0.contains_key(&item.secret)
        };
        items.iter().any(held)
    }

    /// Writes down what begins although nobody could look for a reply.
    pub(super) fn note(&self, items: &[Item], ledger: &mut LockedLedger, now: Instant) {
        for item in items {
            let begins = matches!(item.rotate, Some(Move::Begin(_)));
            if let Some((_, channel)) = self.0.get(&item.secret).filter(|_| begins) {
                let note = "replies could not be read for 24 hours; it goes on";
                ledger.note(
                    now,
                    Event {
                        secret: Some(item.secret.clone()),
                        place: Some(channel.clone()),
                        note: Some(note.to_owned()),
                        ..Event::new("hold.over")
                    },
                );
            }
        }
    }
}
