//! What a rotation will touch and cost: the second half of `rotakey check`, target by target, looked at just now.

use std::collections::BTreeSet;

use serde_json::json;

use crate::error::Error;
use crate::exit::Exit;
use crate::model::when::counted;
use crate::model::{Fault, SecretName};
use crate::rotation::{self, Calls, Spot};
use crate::run::Run;
use crate::ui::{Ink, Manner, Table};

use super::check::{Shut, because_of};
use super::joined::Joined;
use crate::ledger::State;

/// As many places are named where a person reads; `--json` names all.
const FEW: usize = 8;

/// One target of one secret.
struct Row<'a> {
    secret: &'a SecretName,
    target: String,
    /// Whether anybody is called at all: a file is not.
    place: Place,
    /// `None`: the check of the target has failed already, and said why.
    spot: Option<Result<Spot, Fault>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Elsewhere,
}

/// Shows for each secret and target which sites hold it, which services would be redeployed, and about how many calls
/// that makes.
pub(super) fn show(run: &mut Run, joined: &Joined, state: &State, shut: &Shut) -> Exit {
    let rows = look(joined, state, shut);
    let mut exit = Exit::Done;
    for row in &rows {
        if let Some(Err(fault)) = &row.spot {
            let error = Error::from(fault.clone()).context(format!("secret `{}`", row.secret));
            run.ui.error(&error);
            exit = exit.merge(because_of(fault));
        }
    }
    let text = match run.ui.manner() {
        Manner::Json => machines(&rows),
        Manner::People | Manner::Quiet if rows.is_empty() => String::new(),
        Manner::People | Manner::Quiet => {
            run.ui.data("\n");
            table(&rows).print(&mut run.ui);
            rows.iter().map(places).collect::<String>() + &total(&rows)
        }
    };
    run.ui.data(&text);
    exit
}

fn look<'a>(joined: &'a Joined, state: &State, shut: &Shut) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for secret in joined.secrets.values() {
        // In the middle of a rotation sites hold what they should of two keys.
        let known = state.secret(&secret.name);
        let at_rest = known.filter(|known| known.rotation.is_none());
        let current = at_rest.and_then(|known| known.current()?.fields.as_ref());
        for (number, destination) in secret.destinations.iter().enumerate() {
            let open = !shut.contains(&(secret.name.clone(), number));
            rows.push(Row {
                secret: &secret.name,
                target: destination.target.label(),
                place: match joined.about[&secret.name].targets[number] {
                    Some(_) => Place::Elsewhere,
                    None => Place::Here,
                },
                spot: open.then(|| rotation::spot(destination, current)),
            });
        }
    }
    rows
}

impl Row<'_> {
    fn found(&self) -> Option<&Spot> {
        self.spot.as_ref()?.as_ref().ok()
    }

    fn calls(&self) -> Option<Calls> {
        let spot = self.found().filter(|_| self.place == Place::Elsewhere)?;
        Some(spot.calls())
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new([
        "SECRET",
        "TARGET",
        "HOLD IT",
        "WOULD GET IT",
        "REDEPLOYS",
        "CALLS",
    ]);
    for row in rows {
        let unknown = || (Ink::Bad, "unknown".to_owned());
        let calls = row.calls().map(|calls| format!("about {}", calls.all()));
        let calls = calls.unwrap_or_else(|| "-".to_owned());
        let counts = row.found().map(|spot| {
            let holds = match spot.sites() {
                0 => Ink::Warning,
                _ => Ink::Plain,
            };
            [
                (holds, spot.holds.len().to_string()),
                (Ink::Plain, spot.would_get.len().to_string()),
                (Ink::Plain, spot.services.len().to_string()),
                (Ink::Plain, calls),
            ]
        });
        let begin = [
            (Ink::Plain, row.secret.to_string()),
            (Ink::Plain, row.target.clone()),
        ];
        let counts = counts.unwrap_or_else(|| [unknown(), unknown(), unknown(), unknown()]);
        table.row(begin.into_iter().chain(counts));
    }
    table
}

/// The places by name, where they are few.
fn places(row: &Row<'_>) -> String {
    let Some(spot) = row.found() else {
        return String::new();
    };
    let mut text = format!("\n{} at {}\n", row.secret, row.target);
    if spot.sites() == 0 {
        text += "  no place has it; a rotation would change nothing here\n";
    }
    let services: Vec<&String> = spot.services.values().collect();
    for (verb, places) in [
        ("write", spot.holds.iter().collect()),
        ("add", spot.would_get.iter().collect()),
        ("redeploy", services),
        ("DRIFT", spot.drifted.iter().collect()),
    ] {
        if places.len() > FEW {
            text += &format!("  {verb:<9}{} places; `--json` names them\n", places.len());
            continue;
        }
        for place in places {
            text += &format!("  {verb:<9}{place}\n");
        }
    }
    if !spot.drifted.is_empty() {
        text += "  DRIFT: holds something else than the current key; a rotation overwrites it\n";
    }
    text
}

/// All of it together. A service that several secrets share is redeployed once in a run.
struct Sum {
    sites: usize,
    redeploys: usize,
    calls: usize,
}

fn sum(rows: &[Row<'_>]) -> Sum {
    let found = || rows.iter().filter_map(Row::found);
    let services: BTreeSet<_> = found().flat_map(|spot| spot.services.keys()).collect();
    Sum {
        sites: found().map(Spot::sites).sum(),
        redeploys: services.len(),
        calls: rows.iter().filter_map(Row::calls).map(Calls::all).sum(),
    }
}

fn total(rows: &[Row<'_>]) -> String {
    let sum = sum(rows);
    format!(
        "\nIf all were rotated in one run: {}, {}, about {}.\n",
        counted(sum.sites as i64, "site"),
        counted(sum.redeploys as i64, "redeploy"),
        counted(sum.calls as i64, "call"),
    )
}

/// One object for each secret and target, and one for all. The field names are stable; what could not be asked is null.
fn machines(rows: &[Row<'_>]) -> String {
    let one = |row: &Row<'_>| {
        let spot = row.found();
        let calls = row.calls().map(|calls| {
            json!({
                "writes": calls.writes, "redeploys": calls.redeploys, "looks": calls.looks, "about": calls.all(),
            })
        });
        json!({
            "type": "reach",
            "secret": row.secret,
            "target": row.target,
            "holds": spot.map(|spot| &spot.holds),
            "would_get": spot.map(|spot| &spot.would_get),
            "drifted": spot.map(|spot| &spot.drifted),
            "redeploys": spot.map(|spot| spot.services.values().collect::<Vec<_>>()),
            "calls": calls,
        })
    };
    let sum = sum(rows);
    let all = json!({
        "type": "reach_total", "sites": sum.sites, "redeploys": sum.redeploys, "calls": sum.calls,
    });
    let lines = rows.iter().map(one).chain([all]);
    lines.map(|line| line.to_string() + "\n").collect()
}
