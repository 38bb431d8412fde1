//! The `bw` command: how it is called, and what it says.
//!
//! With `--response`, `bw` answers with one JSON document also where it fails: `{"success": false, "message": …}`. Of
//! the messages only those are understood that are named here; none is shown, because some repeat what was asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

use super::item::Item;
use crate::exec::{Ending, Output, Program};
use crate::model::{Account, Effect, Fault, SecretValue};
use crate::targets::Written;
use crate::targets::whole::{Now, settled};

/// How a person set `bw` up, and how it gets out.
const ENVIRONMENT: [&str; 5] = [
    "BITWARDENCLI_APPDATA_DIR",
    "XDG_CONFIG_HOME",
    "NODE_EXTRA_CA_CERTS",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The command of one account.
pub(super) struct Bw {
    pub(super) settings: Arc<Account>,
    /// How long one call may take.
    pub(super) patience: Duration,
}

/// What `bw --response` answers.
#[derive(Deserialize)]
struct Answer<T> {
    success: bool,
    message: Option<String>,
    data: Option<T>,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Item>,
}

impl Bw {
    pub(super) fn new(settings: Arc<Account>) -> Self {
        Self {
            settings,
            patience: Duration::from_secs(60),
        }
    }

    fn program(&self, words: &[&str]) -> Result<Program, Fault> {
        let mut argv = Vec::new();
        if let Some(place) = self.settings.setting("data_dir") {
            // Our own environment stays as it is.
            argv.extend([
                "env".to_owned(),
                format!("BITWARDENCLI_APPDATA_DIR={place}"),
            ]);
        }
        let command = self.settings.setting("command").unwrap_or("bw");
        argv.extend([command, "--nointeraction", "--response"].map(str::to_owned));
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        let mut program = Program::new(argv);
        program.timeout = self.patience;
        program.env = ENVIRONMENT.map(str::to_owned).to_vec();
        let session: &SecretValue = self.settings.needed("session")?.value()?;
        program.confided = BTreeMap::from([("BW_SESSION", session.clone())]);
        Ok(program)
    }

    fn ask<T: DeserializeOwned>(&self, words: &[&str]) -> Result<T, Fault> {
        match self.program(words)?.run(b"") {
            Ending::Exited(code, output) => answer(code, &output),
            Ending::NotStarted(fault) | Ending::Lost(fault) => Err(fault),
        }
    }

    /// Makes the copy of the vault new.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        self.ask::<IgnoredAny>(&["sync"]).map(drop)
    }

    /// The item of that id.
    pub(super) fn item(&self, id: &str) -> Result<Item, Fault> {
        self.ask(&["get", "item", id])
    }

    /// The items that have to do with a name.
    pub(super) fn search(&self, name: &str) -> Result<Vec<Item>, Fault> {
        // As one argument, so that a name with a dash in front is no option.
        let search = format!("--search={name}");
        Ok(self.ask::<List>(&["list", "items", &search])?.data)
    }

    /// Puts an item in the place of the one of that id; `look` says what is there then.
    pub(super) fn edit(
        &self,
        id: &str,
        item: &Item,
        look: impl FnOnce() -> Result<(Now, Written), Fault>,
    ) -> Result<Effect<Written>, Fault> {
        let body = Zeroizing::new(STANDARD.encode(&*item.json()?));
        let ending = self.program(&["edit", "item", id])?.run(body.as_bytes());
        let said = match &ending {
            Ending::Exited(code, output) => answer::<IgnoredAny>(*code, output).err(),
            Ending::NotStarted(_) | Ending::Lost(_) => None,
        };
        let effect = settled(ending, "`bw edit` changed nothing", look);
        Ok(match (effect, said) {
            // Nothing changed, and why is known better.
            (Effect::NotDone(_), Some(said)) => Effect::NotDone(said),
            (effect, _) => effect,
        })
    }
}

/// What `bw` has to say: its data, or why not.
fn answer<T: DeserializeOwned>(code: i32, output: &Output) -> Result<T, Fault> {
    let failed = || {
        Fault::refused(format!("`bw` failed (exit {code})")).hint(
            "look for the reason as the same user, without a terminal: bw --nointeraction status",
        )
    };
    if code != 0 {
        let answer = output.json::<Answer<IgnoredAny>>().map_err(|_| failed())?;
        return Err(known(answer.message.as_deref().unwrap_or_default()).unwrap_or_else(failed));
    }
    let answer: Answer<T> = output.json().map_err(|fault| fault.at("`bw`"))?;
    match answer.data {
        Some(data) if answer.success => Ok(data),
        _ => Err(failed()),
    }
}

fn known(message: &str) -> Option<Fault> {
    if message.starts_with("Vault is locked") {
        let fault = Fault::refused("the vault is locked: the session key opens it no more");
        return Some(fault.hint("give the account a `session:` that unlocks it, such as {command: [bw, unlock, --raw, …]}"));
    }
    if message.starts_with("You are not logged in") {
        let fault = Fault::refused("`bw` is not logged in");
        return Some(fault.hint("as the same user, once by hand: bw login"));
    }
    if message.starts_with("Not found") {
        return Some(Fault::missing("the vault has no such item"));
    }
    // The whole of it: "The client copy of this cipher is out of date. Resync the client and try again."
    if message.contains("out of date") {
        return Some(Fault::passing(
            "somebody else changed the item in the same moment",
        ));
    }
    None
}
