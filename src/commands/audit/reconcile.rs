//! `rotakey audit reconcile`: are these all of them?

use std::collections::BTreeMap;

use serde_json::json;

use crate::commands::joined::{Joined, join, refused};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::Held;
use crate::ledger::{Ledger, LedgerError, Stage};
use crate::model::sanitise;
use crate::model::when::{counted, date};
use crate::run::Run;
use crate::ui::{Ink, Manner, Table};

/// Compare what issuers list with what rotakey manages
///
/// Asks every issuer that can list its keys, and shows those that nobody manages; and the secrets that were never
/// rotated. Changes nothing. Exits with 3 where it found a key that nobody manages, or a secret whose live key is not
/// known.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// What was found.
#[derive(Default)]
struct Found {
    /// Places and how many keys each lists; `None` where it cannot.
    places: BTreeMap<String, Option<usize>>,
    strangers: Vec<Stranger>,
    never: Vec<Never>,
}

/// A key that nobody manages.
struct Stranger {
    place: String,
    key: Held,
    why: &'static str,
}

/// A secret that was never rotated.
struct Never {
    secret: String,
    why: &'static str,
    adopted: bool,
}

/// Asks and compares.
pub fn reconcile(run: &mut Run, _: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    let mut found = Found {
        never: never_rotated(&joined, &ledger),
        ..Found::default()
    };
    let known = known(&ledger).map_err(refused)?;
    let exit = ask(run, &joined, &known, &mut found);
    match run.ui.manner() {
        Manner::Json => found.lines(run),
        _ => found.tables(run),
    }
    let unknown = !found.strangers.is_empty() || found.never.iter().any(|never| !never.adopted);
    Ok(exit.merge(if unknown {
        Exit::PersonNeeded
    } else {
        Exit::Done
    }))
}

/// Each place once, however many secrets are made there.
fn ask(run: &mut Run, joined: &Joined, known: &BTreeMap<String, Life>, found: &mut Found) -> Exit {
    let mut exit = Exit::Done;
    for secret in joined.secrets.values() {
        let place = secret.issuer.place();
        if found.places.contains_key(&place) {
            continue;
        }
        let listed = match secret.issuer.inventory() {
            Ok(listed) => listed,
            Err(fault) => {
                let error = Error::from(fault).context(format!("list the keys of {place}"));
                exit = exit.merge(error.exit());
                run.ui.error(&error);
                continue;
            }
        };
        found
            .places
            .insert(place.clone(), listed.as_ref().map(Vec::len));
        for key in listed.into_iter().flatten() {
            let why = match known.get(key.id.as_str()) {
                Some(Life::Ended) => "rotakey saw it refused, and it is listed again",
                Some(Life::Alive) => continue,
                None if key.name.starts_with("rotakey") => "rotakey's mark, and not in this ledger",
                None => "nobody manages it",
            };
            let place = place.clone();
            found.strangers.push(Stranger { place, key, why });
        }
    }
    exit
}

/// Whether a key lives, as far as rotakey knows.
#[derive(Clone, Copy, PartialEq)]
enum Life {
    Alive,
    Ended,
}

/// The ids of all keys that the ledger has ever seen: the log remembers those that are forgotten elsewhere.
fn known(ledger: &Ledger) -> Result<BTreeMap<String, Life>, LedgerError> {
    let mut known = BTreeMap::new();
    let mut events = ledger.events();
    while let Some(event) = events.next_entry()? {
        let marks = [event.old, event.new].into_iter().flatten();
        let ids = marks.filter_map(|mark| mark.id);
        known.extend(ids.map(|id| (id.to_string(), Life::Ended)));
    }
    let versions = ledger.state().secrets.values();
    let versions = versions.flat_map(|secret| &secret.versions);
    let alive = versions.filter(|version| version.stage != Stage::Revoked);
    let ids = alive.filter_map(|version| version.key_id.as_ref());
    known.extend(ids.map(|id| (id.to_string(), Life::Alive)));
    Ok(known)
}

fn never_rotated(joined: &Joined, ledger: &Ledger) -> Vec<Never> {
    let standing = |name| {
        let state = ledger.state().secret(name);
        let adopted = state.is_some_and(|state| state.current().is_some());
        // The first version was taken over; a rotation that was completed has brought a later one.
        let rotated = state
            .and_then(|state| state.current())
            .is_some_and(|current| current.tag.is_some());
        (adopted, rotated)
    };
    let all = joined.secrets.keys().filter_map(|name| {
        let why = match standing(name) {
            (_, true) => return None,
            (true, false) => "adopted, not rotated yet",
            (false, false) => "the key that is live today is not known",
        };
        Some(Never {
            secret: name.to_string(),
            why,
            adopted: standing(name).0,
        })
    });
    all.collect()
}

impl Found {
    fn tables(&self, run: &mut Run) {
        for (place, keys) in &self.places {
            let line = match keys {
                Some(keys) => format!("{place}: lists {}", counted(*keys as i64, "key")),
                None => format!("{place}: cannot list its keys"),
            };
            run.ui.say(&line);
        }
        if !self.strangers.is_empty() {
            let mut table = Table::new(["ISSUER", "KEY", "NAME", "MADE", "LAST USED", "WHY"]);
            for Stranger { place, key, why } in &self.strangers {
                let on = |at: Option<_>| at.map_or_else(|| "unknown".to_owned(), date);
                table.row([
                    (Ink::Plain, place.clone()),
                    (Ink::Warning, sanitise(key.id.as_str())),
                    (Ink::Plain, sanitise(&key.name)),
                    (Ink::Plain, on(key.created_at)),
                    (Ink::Plain, on(key.last_used)),
                    (Ink::Warning, (*why).to_owned()),
                ]);
            }
            table.print(&mut run.ui);
        }
        if !self.never.is_empty() {
            let mut table = Table::new(["SECRET", "NEVER ROTATED"]);
            for never in &self.never {
                let ink = if never.adopted {
                    Ink::Plain
                } else {
                    Ink::Warning
                };
                table.row([
                    (Ink::Plain, never.secret.clone()),
                    (ink, never.why.to_owned()),
                ]);
            }
            table.print(&mut run.ui);
        }
    }

    fn lines(&self, run: &mut Run) {
        for (place, keys) in &self.places {
            let line = json!({"record": "issuer", "issuer": place, "keys": keys});
            run.ui.data(&format!("{line}\n"));
        }
        for Stranger { place, key, why } in &self.strangers {
            let line = json!({
                "record": "unmanaged", "issuer": place, "key": sanitise(key.id.as_str()), "name": sanitise(&key.name),
                "created_at": key.created_at, "last_used": key.last_used, "why": why,
            });
            run.ui.data(&format!("{line}\n"));
        }
        for never in &self.never {
            let line = json!({"record": "never_rotated", "secret": never.secret, "why": never.why});
            run.ui.data(&format!("{line}\n"));
        }
    }
}
