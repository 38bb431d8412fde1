//! `rotakey check --policy`: whether every key is as young as the policy wants, from the configuration and the ledger
//! alone. Sends nothing.

use chrono::TimeDelta;
use serde_json::json;

use crate::exit::Exit;
use crate::ledger::State;
use crate::model::{Instant, when};
use crate::rotation::{self, Ask, Grace, Item, Manner as How, Standing};
use crate::run::Run;
use crate::ui::{Ink, Manner, Table};

use super::joined::Joined;

/// How long a rotation may be due before that is an exception: the next night's run has had its chance.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Compares each secret with its policy. Fails if there is an exception.
pub(super) fn check(run: &mut Run, joined: &Joined, state: &State) -> Exit {
    let ask = Ask {
        names: &[],
        now: run.now,
        manner: How::Unattended,
        grace: Grace::Kept,
        frozen: joined.frozen(run.now),
        most: usize::MAX,
    };
    let items = rotation::plan(&joined.secrets, state, &ask);
    let verdicts: Vec<(&Item, Option<String>)> = items
        .iter()
        .map(|item| (item, exception(joined, item, &ask)))
        .collect();
    match run.ui.manner() {
        Manner::Json => {
            let line = |(item, why): &(&Item, Option<String>)| {
                object(joined, item, why.as_deref(), ask.now).to_string() + "\n"
            };
            let text: String = verdicts.iter().map(line).collect();
            run.ui.data(&text);
        }
        Manner::People | Manner::Quiet => table(joined, &verdicts, ask.now).print(&mut run.ui),
    }
    match verdicts.iter().any(|(_, why)| why.is_some()) {
        true => Exit::Failed,
        false => Exit::Done,
    }
}

/// Why a secret is an exception, if it is one. What was postponed or frozen within its `max_age`, and what is being
/// rotated, is none.
fn exception(joined: &Joined, item: &Item, ask: &Ask<'_>) -> Option<String> {
    if item.current.is_none() && item.standing == Standing::NotAdopted {
        return Some("never adopted".to_owned());
    }
    let policy = &joined.secrets.get(&item.secret)?.policy;
    let age = item.since.map(|since| ask.now - since);
    if let Some((max_age, _)) = policy
        .max_age
        .zip(age)
        .filter(|(max_age, age)| *age > max_age.delta())
    {
        return Some(format!("older than its max_age of {max_age}"));
    }
    let late = item.due.map(|due| ask.now - due)?;
    let excused = item.standing != Standing::Due || ask.frozen.is_some();
    (late > PATIENCE && !excused)
        .then(|| format!("due for {}", when::counted(late.num_days(), "day")))
}

fn table(joined: &Joined, verdicts: &[(&Item, Option<String>)], now: Instant) -> Table {
    let mut table = Table::new(["SECRET", "AGE", "MAX AGE", "DUE", "POLICY"]);
    let dash = || "-".to_owned();
    for (item, why) in verdicts {
        let secret = joined.secrets.get(&item.secret);
        let max_age = secret.and_then(|secret| secret.policy.max_age);
        let due = item.due.map_or_else(dash, |due| {
            format!("{} ({})", when::date(due), when::distance(due, now))
        });
        let (ink, verdict) = match why {
            Some(why) => (Ink::Bad, format!("exception: {why}")),
            None => (Ink::Good, "ok".to_owned()),
        };
        table.row([
            (Ink::Plain, item.secret.to_string()),
            (
                Ink::Plain,
                item.since.map_or_else(dash, |since| when::age(since, now)),
            ),
            (
                Ink::Plain,
                max_age.map_or_else(dash, |span| span.to_string()),
            ),
            (Ink::Plain, due),
            (ink, verdict),
        ]);
    }
    table
}

/// One secret for machines. The field names are stable.
fn object(joined: &Joined, item: &Item, why: Option<&str>, now: Instant) -> serde_json::Value {
    let moment = |at: Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let secret = joined.secrets.get(&item.secret);
    let max_age = secret.and_then(|secret| secret.policy.max_age);
    json!({
        "type": "policy",
        "secret": item.secret,
        "age_seconds": item.since.map(|since| rotation::age(since, now).num_seconds()),
        "max_age_seconds": max_age.map(|span| span.delta().num_seconds()),
        "due": item.due.map(moment),
        "exception": why,
    })
}
