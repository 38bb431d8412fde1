//! `rotakey plan`: what would the next run do?

use crate::error::Result;
use crate::exit::Exit;
use crate::ledger::{Phase, State, What};
use crate::model::{Instant, SecretName, when};
use crate::notify::{Message, Postpone};
use crate::rotation::{self, Ask, Grace, Item, Manner, Move, Planned, Secret, Standing};
use crate::run::Run;
use crate::ui::{self, Ink, Table};

use super::joined::{Joined, join, record, refused};
use super::post::{self, Postman};
use super::{replies, report, typed, using, vital, words};

/// Show what is due, and what the next run would do
///
/// Changes nothing. Prints for each secret its state, its age, its due date and the exact steps ahead. The same function feeds `plan`, `rotate` and `revoke`, so that what is printed is what is done.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Only these secrets
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Send each notice that is due, once, and take up replies; a quiet night prints nothing
    #[arg(long)]
    pub warn: bool,

    /// Ask about another time: `2024-02-18` or `2024-02-18T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = typed::instant, conflicts_with = "warn")]
    pub at: Option<Instant>,

    /// What it would take to replace every secret that this kind, account or site has seen; asks the targets
    #[arg(long, value_name = "KIND|ACCOUNT|SITE", conflicts_with_all = ["names", "warn", "at"])]
    pub using: Option<String>,

    /// Exit with 10 when something is due
    #[arg(long)]
    pub exit_code: bool,
}

/// Prints the plan, or sends the notices that are due.
pub fn plan(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    joined.known(&args.names)?;
    if !args.warn {
        return look(run, &joined, args);
    }
    vital::around(run, &joined, "plan", |run| {
        replies::collect(run, &joined)?;
        look(run, &joined, args)
    })
}

fn look(run: &mut Run, joined: &Joined, args: &Args) -> Result<Exit> {
    let ledger = joined.read(run)?;
    let wanted = joined.recipients();
    if !args.warn && !wanted.is_empty() && !ledger.circle(wanted).is_unchanged() {
        run.ui.insist(
            "warning: others can open the ledger than `ledger: recipients:` names; `rotakey recipients` seals it anew",
        );
    }
    if let Some(place) = &args.using {
        let exposed = using::exposed(run, joined, place)?;
        let shown = using::show(run, joined, ledger.state(), &exposed.names)?;
        return Ok(shown.merge(exposed.exit));
    }
    let now = args.at.unwrap_or(run.now);
    let most = joined.max_per_run;
    let ask = Ask {
        names: &args.names,
        now,
        manner: Manner::Unattended,
        grace: Grace::Kept,
        frozen: joined.frozen(now),
        most,
    };
    let items = rotation::plan(&joined.secrets, ledger.state(), &ask);
    let due = items
        .iter()
        .any(|item| item.rotate.is_some() || item.revoke.is_some() || item.person.is_some());
    if args.warn {
        warn(run, joined, ledger.state(), &items)?;
    } else {
        show(run, joined, ledger.state(), &items, now);
    }
    let forgotten = match args.names.is_empty() && !args.warn {
        true => report::forgotten(run, joined, ledger.state()),
        false => Exit::Done,
    };
    Ok(if args.exit_code && due {
        Exit::Due
    } else {
        forgotten
    })
}

/// Warns of each due date once. What was said is recorded first: a warning that is said twice is worse than one that a
/// crash swallowed, for the next run rotates all the same and says so.
fn warn(run: &mut Run, joined: &Joined, state: &State, items: &[Item]) -> Result<()> {
    let news = |item: &&Item| {
        let warned = state.secret(&item.secret).and_then(|secret| secret.warned);
        // What was postponed is announced again before its new day.
        let near = match item.standing {
            Standing::Soon | Standing::Due => item.due.is_some(),
            Standing::Skipped => is_near(joined, item, run.now),
            Standing::NotAdopted | Standing::Fresh | Standing::Open(_) => false,
        };
        near && warned != item.due
    };
    let news: Vec<&Item> = items.iter().filter(news).collect();
    if news.is_empty() {
        post::leftovers(run, joined, state);
        return Ok(());
    }
    let mut ledger = joined.lock(run)?;
    for item in &news {
        if let Some(due) = item.due {
            let what = What::Warned { due };
            record(run, &mut ledger, item.secret.clone(), what)?;
        }
    }
    ledger.commit().map_err(refused)?;
    for item in news {
        let secret = joined.secret(&item.secret)?;
        if let Some(due) = item.due {
            run.ui.message(&upcoming(item, secret, due, run.now));
        }
    }
    if !ledger.state().outbox.is_empty() {
        let postman = Postman::new(run, joined, ledger.state());
        postman.finish(run, &mut ledger);
    }
    Ok(())
}

fn is_near(joined: &Joined, item: &Item, now: Instant) -> bool {
    let secret = joined.secrets.get(&item.secret);
    let warn = secret.map(|secret| secret.policy.warn.delta());
    warn.zip(item.due)
        .is_some_and(|(warn, due)| due - warn <= now)
}

fn upcoming(item: &Item, secret: &Secret, due: Instant, now: Instant) -> Message {
    Message::Upcoming {
        title: item.title.clone(),
        current: item.current.clone(),
        due,
        now,
        action: words::action(secret),
        postpone: Some(Postpone::Command(item.secret.clone(), secret.policy.skip)),
    }
}

/// Shows what would be done: a table, then the steps; or one JSON object for each secret.
pub(super) fn show(run: &mut Run, joined: &Joined, state: &State, items: &[Item], now: Instant) {
    if run.ui.manner() == ui::Manner::Json {
        let objects = items
            .iter()
            .map(|item| object(joined, state, item).to_string() + "\n");
        let text: String = objects.collect();
        return run.ui.data(&text);
    }
    let mut table = Table::new(["SECRET", "STATE", "KEY", "AGE", "DUE"]);
    for item in items {
        let (ink, state) = standing(item);
        let key = item
            .current
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string);
        let age = item
            .since
            .map_or("-".to_owned(), |since| when::age(since, now));
        let due = item.due.map_or("-".to_owned(), |due| {
            format!("{} ({})", when::date(due), when::distance(due, now))
        });
        table.row([
            (Ink::Plain, item.secret.to_string()),
            (ink, state.to_owned()),
            (Ink::Plain, key),
            (Ink::Plain, age),
            (Ink::Plain, due),
        ]);
    }
    table.print(&mut run.ui);
    for item in items {
        let text = details(joined, state, item);
        if !text.is_empty() {
            run.ui.data(&format!("\n{}\n{text}", item.secret));
        }
    }
}

fn details(joined: &Joined, state: &State, item: &Item) -> String {
    let mut lines = Vec::new();
    for (verb, step) in [("rotate", item.rotate), ("revoke", item.revoke)] {
        let Some(step) = step else { continue };
        lines.push(format!("  rotakey {verb} would:"));
        lines.extend(
            planned(joined, state, item, step)
                .iter()
                .map(|step| format!("    {:<9}{}", step.step, step.place)),
        );
    }
    if matches!(item.standing, Standing::Open(_)) {
        lines.push(format!(
            "  live: {}",
            rotation::sentence(state.secret(&item.secret))
        ));
    }
    if let Some(wait) = &item.wait {
        let until = wait
            .until
            .map(|until| format!(", until {}", when::moment(until)))
            .unwrap_or_default();
        lines.push(format!("  waiting: {}{until}", wait.why));
    }
    if let Some(errand) = &item.person {
        lines.push(format!("  a person is needed: {}", errand.why));
        lines.push(format!("  do: {}", errand.hint));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn planned(joined: &Joined, state: &State, item: &Item, step: Move) -> Vec<Planned> {
    let secret = joined.secrets.get(&item.secret);
    secret
        .map(|secret| rotation::steps(secret, state.secret(&item.secret), step))
        .unwrap_or_default()
}

fn standing(item: &Item) -> (Ink, &'static str) {
    match item.standing {
        _ if item.person.is_some() && item.standing != Standing::NotAdopted => {
            (Ink::Bad, "person needed")
        }
        Standing::NotAdopted => (Ink::Warning, "not adopted"),
        Standing::Fresh => (Ink::Good, "ok"),
        Standing::Soon => (Ink::Warning, "due soon"),
        Standing::Due => (Ink::Bad, "due"),
        Standing::Skipped => (Ink::Warning, "postponed"),
        // Nothing is waited for; the next `revoke` ends it.
        Standing::Open(Phase::Grace) if item.revoke == Some(Move::Revoke) => {
            (Ink::Warning, "to be revoked")
        }
        Standing::Open(phase) => (Ink::Warning, in_words(phase)),
    }
}

/// Where an open rotation stands, in the words of the table and of `--json`.
fn in_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Unbegun | Phase::Issuing => "issuing",
        Phase::Issued => "issued",
        Phase::Delivering => "delivering",
        Phase::Grace => "in grace",
        Phase::Revoking => "revoking",
        Phase::Undoing => "rolling back",
        Phase::Discarding => "rolled back, cleaning up",
        Phase::Finished | Phase::RolledBack | Phase::Abandoned | Phase::Lost => "ended",
    }
}

/// One secret for machines. The field names are stable; times are RFC 3339, UTC.
fn object(joined: &Joined, state: &State, item: &Item) -> serde_json::Value {
    let moment = |at: Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let steps = |step: Option<Move>| {
        let steps = step
            .map(|step| planned(joined, state, item, step))
            .unwrap_or_default();
        let line =
            |step: &Planned| serde_json::json!({ "step": step.step.verb(), "place": step.place });
        steps.iter().map(line).collect::<Vec<_>>()
    };
    serde_json::json!({
        "type": "plan",
        "secret": item.secret,
        "title": item.title,
        "state": standing(item).1,
        "key": item.current,
        "rotated_at": item.since.map(moment),
        "due": item.due.map(moment),
        "rotate": steps(item.rotate),
        "revoke": steps(item.revoke),
        "waiting": item.wait.as_ref().map(|wait| serde_json::json!({ "why": wait.why, "until": wait.until.map(moment) })),
        "person": item.person.as_ref().map(|errand| serde_json::json!({ "why": errand.why, "do": errand.hint })),
        "live": rotation::sentence(state.secret(&item.secret)),
    })
}
