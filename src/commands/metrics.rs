//! The metrics a run leaves: a file for node_exporter's textfile collector.
//!
//! Source of the format: prometheus.io, "Exposition formats", text format 0.0.4, looked at on 2026-11-23. The collector
//! reads `*.prom` at any moment, so the file is written beside and put in place by a rename.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::exit::Exit;
use crate::ledger::{Phase, SecretState, State};
use crate::model::Instant;
use crate::rotation::{self, Ask, Grace, Item, Manner, Standing};
use crate::run::Run;

use super::joined::Joined;

/// The states a secret can be in, so that a query finds each of them.
const STATES: [&str; 8] = [
    "not_adopted",
    "ok",
    "due_soon",
    "due",
    "postponed",
    "rotating",
    "in_grace",
    "person_needed",
];

/// Writes the file, if one is wanted.
pub(super) fn write(run: &mut Run, joined: &Joined, verb: &str, exit: Exit) {
    let Some(path) = joined.hearing.metrics.clone() else {
        return;
    };
    let known = joined.read(run).ok();
    let state = known.as_ref().map(|ledger| ledger.state());
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let text = text(joined, state, (verb, exit, run.now), &before);
    if let Err(error) = put(&path, &text) {
        let why = format!(
            "warning: metrics: {} cannot be written: {}",
            path.display(),
            error.kind()
        );
        run.ui.insist(&why);
    }
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new()
        .prefix(".rotakey-")
        .suffix(".tmp")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    // The collector runs as somebody else, whatever our umask.
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}

/// The whole file. What other verbs have left of their last runs is kept.
fn text(
    joined: &Joined,
    state: Option<&State>,
    (verb, exit, now): (&str, Exit, Instant),
    before: &str,
) -> String {
    let mut out = Family::default();
    let empty = State::default();
    let known = state.unwrap_or(&empty);
    let ask = Ask {
        names: &[],
        now,
        manner: Manner::Unattended,
        grace: Grace::Kept,
        frozen: None,
        most: usize::MAX,
    };
    let items = rotation::plan(&joined.secrets, known, &ask);
    out.start("ledger_readable", "Whether the ledger could be read.");
    out.put("ledger_readable", &[], i64::from(state.is_some()));
    let ended = Ended {
        verb,
        exit,
        at: now,
    };
    runs(&mut out, &ended, before);
    if state.is_some() {
        secrets(&mut out, &items, known, now);
        out.start("notices_unsent", "Messages that wait for a channel.");
        let unsent: usize = known
            .outbox
            .notices
            .iter()
            .map(|notice| notice.owed.len())
            .sum();
        out.put("notices_unsent", &[], unsent as i64);
    }
    out.0
}

/// The run that is told of.
struct Ended<'a> {
    verb: &'a str,
    exit: Exit,
    at: Instant,
}

/// This run, and what was known of the last one of every other verb.
fn runs(out: &mut Family, ended: &Ended<'_>, before: &str) {
    let facts = [
        (
            "last_run_timestamp_seconds",
            "When the verb was last run.",
            ended.at.timestamp(),
        ),
        (
            "last_run_exit_code",
            "What the verb's last run ended with.",
            ended.exit.code().into(),
        ),
    ];
    for (name, help, value) in facts {
        out.start(name, help);
        let other = |line: &&str| {
            line.strip_prefix(&format!("rotakey_{name}{{verb=\""))
                .and_then(|rest| rest.split_once("\"} "))
                .is_some_and(|(other, value)| {
                    other != ended.verb
                        && other.chars().all(|c| c.is_ascii_lowercase())
                        && value.parse::<i64>().is_ok()
                })
        };
        for line in before.lines().filter(other) {
            out.0.push_str(line);
            out.0.push('\n');
        }
        out.put(name, &[("verb", ended.verb)], value);
    }
}

fn secrets(out: &mut Family, items: &[Item], state: &State, now: Instant) {
    type Fact = fn(&Item, Option<&SecretState>, Instant) -> Option<i64>;
    let facts: [(&str, &str, Fact); 5] = [
        (
            "secret_rotated_timestamp_seconds",
            "When the current key came to life.",
            |item, _, _| item.since.map(|since| since.timestamp()),
        ),
        (
            "secret_age_seconds",
            "How old the current key was at the last run.",
            |item, _, now| {
                item.since
                    .map(|since| rotation::age(since, now).num_seconds())
            },
        ),
        (
            "secret_due_timestamp_seconds",
            "When the next rotation is due.",
            |item, _, _| item.due.map(|due| due.timestamp()),
        ),
        (
            "rotation_failures",
            "Runs in a row in which the open rotation got no further; a stopped one counts as one at least.",
            |_, known, _| {
                let open = known.and_then(|known| known.rotation.as_ref());
                let stuck = |open: &crate::ledger::Rotation| u32::from(open.stuck.is_some());
                Some(open.map_or(0, |open| open.attempts.max(stuck(open))).into())
            },
        ),
        (
            "orphans",
            "Keys that may exist at the issuer and that nothing uses.",
            |_, known, _| {
                let phase = known
                    .and_then(|known| known.rotation.as_ref())
                    .and_then(|open| open.phase().ok());
                let unused = matches!(phase, Some(Phase::Issuing | Phase::Discarding));
                Some(unused.into())
            },
        ),
    ];
    for (name, help, fact) in facts {
        out.start(name, help);
        for item in items {
            if let Some(value) = fact(item, state.secret(&item.secret), now) {
                out.put(name, &[("secret", item.secret.as_str())], value);
            }
        }
    }
    out.start("secret_state", "1 for the state the secret is in.");
    for item in items {
        for word in STATES {
            let labels = [("secret", item.secret.as_str()), ("state", word)];
            out.put("secret_state", &labels, i64::from(word == standing(item)));
        }
    }
}

fn standing(item: &Item) -> &'static str {
    match item.standing {
        Standing::NotAdopted => "not_adopted",
        _ if item.person.is_some() => "person_needed",
        Standing::Fresh => "ok",
        Standing::Soon => "due_soon",
        Standing::Due => "due",
        Standing::Skipped => "postponed",
        Standing::Open(Phase::Grace | Phase::Revoking) => "in_grace",
        Standing::Open(_) => "rotating",
    }
}

/// The text, metric by metric. All of them are gauges.
#[derive(Default)]
struct Family(String);

impl Family {
    fn start(&mut self, name: &str, help: &str) {
        // Writing to memory does not fail.
        let _: std::fmt::Result = writeln!(
            self.0,
            "# HELP rotakey_{name} {help}\n# TYPE rotakey_{name} gauge"
        );
    }

    fn put(&mut self, name: &str, labels: &[(&str, &str)], value: i64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _: std::fmt::Result = writeln!(self.0, "rotakey_{name}{labels} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
