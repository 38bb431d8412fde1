//! What a row has to bring: a secret that is due, roads on which things can go wrong, and ways to look at the outside.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rotakey::exit::Exit;
use serde_json::{Value, json};

use crate::support::mortal::Life;
use crate::support::oracle::{End, Watch, none, secrets_of};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trouble::{Trouble, spoil};

/// What a row is handed to: it gives the suite a way to make its scene again and again.
pub(super) trait Conforms {
    /// Every trouble at every request, and a death at every commit.
    fn all(&mut self, scenes: &dyn Fn() -> Scene);
    /// A death at every commit only, where requests are files and processes that nothing comes between.
    fn commits(&mut self, scenes: &dyn Fn() -> Scene);
}

/// A way from rotakey to the outside, on which requests are counted.
pub(super) trait Road {
    /// How many were sent so far.
    fn sent(&self, sandbox: &Sandbox) -> u64;
    /// What can go wrong with the n-th of a life.
    fn troubles(&self, sandbox: &Sandbox, n: u64) -> Vec<Trouble>;
    /// Lets it go wrong there, counted from now.
    fn spoil(&self, sandbox: &Sandbox, n: u64, trouble: Trouble, life: &Life);
}

type Look<T> = Box<dyn Fn(&Sandbox) -> T>;
type LetsIn = Box<dyn Fn(&Sandbox, &str) -> bool>;
type Deed = Box<dyn Fn(&Sandbox, &Ran) -> Option<(String, String)>>;

/// One secret of the kind that a row is about, adopted and due.
pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) roads: Vec<Box<dyn Road>>,
    /// The values that are stored or run anywhere now.
    pub(super) used: Look<Vec<String>>,
    /// Whether the issuer lets a value in.
    pub(super) works: LetsIn,
    /// What lives at the issuer, each by something that stands in the ledger when rotakey knows it.
    pub(super) live: Look<Vec<String>>,
    /// What a person does who is told to: a command line and what they pipe into it, where there is one.
    pub(super) person: Deed,
}

impl Scene {
    /// A scene of the simulated vendors, in which nobody has to do anything.
    pub(super) fn new(sandbox: Sandbox) -> Self {
        Self {
            sandbox,
            roads: vec![Box::new(Vendors)],
            used: Box::new(|_| Vec::new()),
            works: Box::new(|_, _| true),
            live: Box::new(|_| Vec::new()),
            person: Box::new(|_, _| None),
        }
    }

    /// Lives on with lives that may end, one after the other, and with one that does not.
    pub(super) fn live_on(&self, lives: Vec<Life>) -> Result<End, String> {
        let before = (self.used)(&self.sandbox);
        let mut lives = lives.into_iter();
        let life = RefCell::new(lives.next().unwrap_or_else(|| Life::until(None)));
        let mut run = |line: &str, stdin: &str| {
            let ran = self.sandbox.live(line, stdin, &life.borrow());
            if ran.exit.is_none() {
                *life.borrow_mut() = lives.next().unwrap_or_else(|| Life::until(None));
            }
            ran
        };
        let watch = Watch {
            sandbox: &self.sandbox,
            examine: &|| self.examine(),
            finished: &|| self.finished(&before),
        };
        watch.live_on(|line| {
            let ran = run(line, "");
            let errand = (self.person)(&self.sandbox, &ran);
            errand.map_or(ran, |(line, stdin)| run(&line, &stdin))
        })
    }

    /// What is wrong with an end, after that trouble. A clear refusal may end in a person's hands, as a refused delete
    /// does.
    pub(super) fn complaint(&self, end: Result<End, String>, trouble: Trouble) -> Option<String> {
        match end {
            Ok(End::Done) => None,
            Ok(End::Person) if trouble == Trouble::Forbidden => None,
            Ok(End::Person) => Some(format!(
                "a person is needed: {:?}",
                self.sandbox.transcripts().last()
            )),
            Err(why) => Some(why),
        }
    }

    /// I1, I2, I3 and I4.
    fn examine(&self) -> Result<(), String> {
        let world = &self.sandbox.world;
        none("a service was refused", world.failures())?;
        none("a careful client never does that", world.violations())?;
        none("a dead key is in use", world.uses_dead_key())?;
        let used = (self.used)(&self.sandbox);
        let dead = used
            .iter()
            .filter(|value| !(self.works)(&self.sandbox, value));
        none("a dead value is in use", dead.collect())?;
        let ledger = secrets_of(&self.sandbox.ledger()).to_string();
        let unknown = used.iter().filter(|value| !knows(&ledger, value));
        none("in use and not in the ledger", unknown.collect())?;
        let live = (self.live)(&self.sandbox);
        let orphans: Vec<_> = live.iter().filter(|mark| !knows(&ledger, mark)).collect();
        match orphans.len() {
            0 | 1 => Ok(()),
            _ => Err(format!("more than one orphan: {orphans:?}")),
        }
    }

    /// A new version lives and no other, everything is on it, and nothing is open.
    fn finished(&self, before: &[String]) -> bool {
        let ledger = self.sandbox.ledger();
        let Some(secret) = secrets_of(&ledger)
            .as_object()
            .and_then(|all| all.values().next())
        else {
            return false;
        };
        let used: BTreeSet<String> = (self.used)(&self.sandbox).into_iter().collect();
        let live = (self.live)(&self.sandbox);
        let text = secret.to_string();
        let known = used.iter().chain(&live).all(|one| knows(&text, one));
        let new = used.iter().all(|value| !before.contains(value));
        secret["rotation"].is_null() && new && used.len() == 1 && live.len() <= 1 && known
    }
}

/// Whether a text stands in the ledger, as JSON writes it.
fn knows(ledger: &str, text: &str) -> bool {
    let written = json!(text).to_string();
    ledger.contains(written.trim_matches('"'))
}

/// What the ledger holds of the version with that field: another field of it.
pub(super) fn field_beside(sandbox: &Sandbox, known: (&str, &str), wanted: &str) -> Option<String> {
    fn search<'v>(known: (&str, &str), wanted: &str, tree: &'v Value) -> Option<&'v str> {
        match tree {
            Value::Object(map) if map.get(known.0).is_some_and(|found| found == known.1) => {
                map.get(wanted).and_then(Value::as_str)
            }
            Value::Object(map) => map.values().find_map(|tree| search(known, wanted, tree)),
            Value::Array(items) => items.iter().find_map(|tree| search(known, wanted, tree)),
            _ => None,
        }
    }
    search(known, wanted, &sandbox.ledger()).map(str::to_owned)
}

/// Writes the configuration and adopts what is live.
pub(super) fn due(sandbox: &Sandbox, config: &str, live: &str) {
    due_as(sandbox, config, live, "");
}

/// The same, with more words for `adopt`.
pub(super) fn due_as(sandbox: &Sandbox, config: &str, live: &str, more: &str) {
    sandbox.write("rotations.yaml", config);
    let line = format!("adopt it --created 2023-01-01 {more}");
    sandbox.pipe(&line, live).exits(Exit::Done);
}

/// The road to the simulated vendors.
struct Vendors;

/// All that a request over HTTP can suffer, but for rubbish in replies, which `crash.rs` sends.
const OVER_HTTP: [Trouble; 9] = [
    Trouble::KilledBefore,
    Trouble::KilledAfter,
    Trouble::KilledLate,
    Trouble::RequestLost,
    Trouble::ReplyLost,
    Trouble::ActsLate,
    Trouble::ActsTwice,
    Trouble::Forbidden,
    Trouble::ErrorAfter,
];

impl Road for Vendors {
    fn sent(&self, sandbox: &Sandbox) -> u64 {
        sandbox.world.requests().len() as u64
    }

    fn troubles(&self, _: &Sandbox, _: u64) -> Vec<Trouble> {
        OVER_HTTP.to_vec()
    }

    fn spoil(&self, sandbox: &Sandbox, n: u64, trouble: Trouble, life: &Life) {
        spoil(sandbox, n, trouble, life);
    }
}
