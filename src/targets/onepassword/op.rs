//! Through the `op` command, version 2.23 or newer, for those who have no Connect server.
//!
//! **Who it is.** Unless the account has a `service_account_token`, `op` is what it is for the user who runs rotakey:
//! the app on the same machine unlocks it. An `OP_SESSION_…` of a shell is not handed on. `op` takes the token of a
//! service account in its environment (`OP_SERVICE_ACCOUNT_TOKEN`) and in no other way, so that is where it goes: the
//! same user and root can read it there while `op` runs. No value is ever in an environment or an argument.
//!
//! **Write.** `op item edit` takes field assignments as arguments, which everybody on the machine can read, or the whole
//! item as JSON on standard input. So the item is read, the value and a line in its notes are changed in it, and it goes
//! back whole; the notes say when and in which run. Between the reading and the writing somebody else's change of the
//! same item can be lost; it is found in the history of the item.
//!
//! **Passkeys** do not show here, and an item that goes back whole loses its passkey: logins are refused.
//!
//! **Failures.** `op` says what went wrong on standard error, in prose; nothing is read there. Names are looked up in
//! lists, so that a missing or doubled one is known without it. Whether a change was made shows in the item: unchanged
//! after `op` said no is tried again, because 1Password answers a change that met another one with a conflict (409),
//! and then not done. Caches are not used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::wire::{ITEM, Item, Named, VAULT, is_id};
use super::{Config, Place, Way};
use crate::exec::{Ending, Program};
use crate::model::{Account, Clock, Effect, Fault, RunId, SecretValue, sanitise};
use crate::targets::Written;
use crate::targets::note::{Signature, noted};
use crate::targets::sole::sole;
use crate::targets::whole::{Now, alone, settled};

/// As 1Password's own tools do when a change meets another one.
const TRIES: usize = 3;
const BETWEEN: TimeDelta = TimeDelta::seconds(2);
const NOTES: &str = "notesPlain";

/// How a person set `op` up: which account, where its files and the app are, and how to get out.
const ENVIRONMENT: [&str; 7] = [
    "OP_ACCOUNT",
    "OP_CONFIG_DIR",
    "OP_BIOMETRIC_UNLOCK_ENABLED",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The `op` command.
pub(super) struct Op {
    pub(super) command: String,
    pub(super) settings: Arc<Account>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) run: Option<RunId>,
    /// How long one call may take.
    pub(super) patience: Duration,
}

impl Op {
    fn program(&self, words: &[&str]) -> Result<Program, Fault> {
        let mut argv = vec![self.command.clone()];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(["--format=json", "--cache=false"].map(str::to_owned));
        let mut program = Program::new(argv);
        program.timeout = self.patience;
        program.env = ENVIRONMENT.map(str::to_owned).to_vec();
        if let Some(token) = self.settings.credential("service_account_token") {
            let token = token.value()?.clone();
            program.confided = BTreeMap::from([("OP_SERVICE_ACCOUNT_TOKEN", token)]);
        }
        Ok(program)
    }

    fn ask<Answer: DeserializeOwned>(&self, words: &[&str]) -> Result<Answer, Fault> {
        match self.program(words)?.run(b"") {
            Ending::Exited(0, output) => output.json().map_err(|fault| fault.at("`op`")),
            Ending::Exited(code, _) => Err(Fault::refused(format!("`op` failed (exit {code})"))
                .hint(format!(
                    "look for the reason as the same user, without a terminal: {} {}",
                    self.command,
                    words.join(" ")
                ))),
            Ending::NotStarted(fault) | Ending::Lost(fault) => Err(fault),
        }
    }

    fn item(&self, vault: &str, item: &str) -> Result<Value, Fault> {
        self.ask(&["item", "get", item, "--vault", vault])
    }

    /// The item as it is now, with the field in it.
    fn look(&self, place: &Place<'_>) -> Result<(Value, Item), Fault> {
        let whole = self.item(place.vault, place.item)?;
        let item = parsed(&whole)?;
        item.refuse_without(place.field)?;
        Ok((whole, item))
    }

    fn edit(&self, place: &Place<'_>, value: &SecretValue) -> Result<Effect<Written>, Fault> {
        let (mut whole, before) = self.look(place)?;
        if before.value(place.field) == Some(value) {
            return Ok(Effect::Done(written(&before)));
        }
        self.change(&mut whole, place.field, value);
        let body = serde_json::to_vec(&whole).map(Zeroizing::new);
        let body = body.map_err(|_| Fault::refused("the item cannot be written as JSON"))?;
        let words = ["item", "edit", place.item, "--vault", place.vault];
        let ending = self.program(&words)?.tell(&body);
        Ok(settled(ending, "`op item edit` changed nothing", || {
            let (_, after) = self.look(place)?;
            let now = match after.value(place.field) {
                Some(held) if held == value => Now::New,
                held if held == before.value(place.field) => Now::Old,
                _ => Now::Other,
            };
            Ok((now, written(&after)))
        }))
    }

    /// Puts the value into the field, and a line into the notes.
    fn change(&self, whole: &mut Value, field: &str, value: &SecretValue) {
        let Some(fields) = whole["fields"].as_array_mut() else {
            return;
        };
        let mut label = field.to_owned();
        for one in fields.iter_mut().filter(|one| one["id"] == field) {
            one["value"] = json!(value.expose());
            label = one["label"].as_str().unwrap_or(field).to_owned();
        }
        if field == NOTES {
            return;
        }
        let signature = Signature {
            at: self.clock.now(),
            run: self.run.clone(),
        };
        let noted = |notes: &Value| {
            json!(noted(
                notes.as_str().unwrap_or_default(),
                &label,
                &signature
            ))
        };
        match fields.iter_mut().find(|one| one["id"] == NOTES) {
            Some(notes) => notes["value"] = noted(&notes["value"]),
            None => fields.push(json!({"id": NOTES, "type": "STRING", "purpose": "NOTES",
                "label": NOTES, "value": noted(&Value::Null)})),
        }
    }
}

impl Way for Op {
    fn find(&self, config: &Config) -> Result<(String, Item), Fault> {
        let listed = |words: &[&str]| self.ask::<Vec<Named>>(words);
        let vault = match is_id(&config.vault) {
            true => config.vault.clone(),
            false => {
                let said = format!("vault `{}`", sanitise(&config.vault));
                let vaults = listed(&["vault", "list"])?;
                let fit = vaults.into_iter().filter(|one| one.is(&config.vault));
                sole(fit, &said, &VAULT)?.id
            }
        };
        if !is_id(&vault) {
            return Err(Fault::refused("the vault has an odd id"));
        }
        let item = match is_id(&config.item) {
            true => config.item.clone(),
            false => {
                let said = format!("item `{}`", sanitise(&config.item));
                let items = listed(&["item", "list", "--vault", &vault])?;
                let fit = items.into_iter().filter(|one| one.is(&config.item));
                sole(fit, &said, &ITEM)?.id
            }
        };
        if !is_id(&item) {
            return Err(Fault::refused("the item has an odd id"));
        }
        let item = parsed(&self.item(&vault, &item)?)?;
        Ok((vault, item))
    }

    fn store(&self, place: &Place<'_>, value: &SecretValue) -> Effect<Written> {
        let _alone = alone();
        for _ in 1..TRIES {
            match self.edit(place, value) {
                // It said no and nothing changed: perhaps a conflict, which is over by the next try.
                Ok(Effect::NotDone(_)) if !self.clock.stopping() => self.clock.wait(BETWEEN),
                Ok(effect) => return effect,
                Err(fault) => return Effect::NotDone(fault),
            }
        }
        self.edit(place, value).unwrap_or_else(Effect::NotDone)
    }
}

fn parsed(whole: &Value) -> Result<Item, Fault> {
    // What serde has to say may quote the item.
    let item: Item = serde_json::from_value(whole.clone())
        .map_err(|_| Fault::refused("`op`: the item cannot be understood"))?;
    if item.is_login() {
        return Err(Fault::refused(
            "the item is a login, and `op` would destroy a passkey in it unseen",
        )
        .hint("keep the key in an item of its own, of the category API Credential"));
    }
    Ok(item)
}

fn written(item: &Item) -> Written {
    Written {
        at: item.updated_at,
        marker: None,
    }
}

#[cfg(test)]
mod tests;
