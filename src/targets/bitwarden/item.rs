//! An item as `bw` shows it. It goes back whole, so everything in it is kept, known here or not.

use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::model::{Fault, SecretValue, sanitise};
use crate::targets::Written;
use crate::targets::note::{Signature, noted};
use crate::targets::sole::{Advice, sole};

const PASSWORD: &str = "password";
const LOGIN: u64 = 1;
/// Custom fields of text: shown and hidden. The others hold a tick, or point to another field.
const TEXTS: [u64; 2] = [0, 1];

const ADVICE: Advice = Advice {
    absent: "add the field by hand, or correct `field:`",
    several: "give the fields of the item different names",
};

/// A whole item.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Item(Value);

/// Where a value stands in an item.
enum Spot {
    Password,
    Custom(usize),
}

impl Item {
    pub(super) fn id(&self) -> Result<&str, Fault> {
        let id = self.0["id"].as_str().filter(|id| is_id(id));
        id.ok_or_else(|| Fault::refused("the item has an odd id"))
    }

    /// Whether this is its name, letter by letter.
    pub(super) fn is(&self, name: &str) -> bool {
        self.0["name"] == name
    }

    pub(super) fn written(&self) -> Written {
        Written {
            at: self.0["revisionDate"]
                .as_str()
                .and_then(|at| at.parse().ok()),
            marker: None,
        }
    }

    /// Refuses an item in the trash, and one that a change could harm.
    pub(super) fn refuse_unfit(&self) -> Result<(), Fault> {
        if !self.0["deletedDate"].is_null() {
            return Err(Fault::missing("the item is in the trash").hint("restore it in Bitwarden"));
        }
        let passkeys = self.0["login"]["fido2Credentials"].as_array();
        if passkeys.is_some_and(|passkeys| !passkeys.is_empty()) {
            return Err(
                Fault::refused("the item holds a passkey, which a change could destroy")
                    .hint("keep the key in an item of its own"),
            );
        }
        Ok(())
    }

    fn spot(&self, field: &str) -> Result<Spot, Fault> {
        let login = self.0["type"] == LOGIN && field == PASSWORD;
        let password = login.then_some(Spot::Password);
        let custom = self.0["fields"].as_array().map_or(&[][..], Vec::as_slice);
        let named = custom.iter().enumerate();
        let named = named.filter(|(_, one)| one["name"] == field);
        let fit = password
            .into_iter()
            .chain(named.map(|(at, _)| Spot::Custom(at)));
        let said = format!("field `{}` in the item", sanitise(field));
        let spot = sole(fit, &said, &ADVICE)?;
        match spot {
            Spot::Custom(at) if !TEXTS.iter().any(|kind| custom[at]["type"] == *kind) => {
                Err(Fault::refused(format!("{said}: holds no text")))
            }
            spot => Ok(spot),
        }
    }

    /// What the field holds; one that is empty holds the empty text.
    pub(super) fn value(&self, field: &str) -> Result<SecretValue, Fault> {
        let held = match self.spot(field)? {
            Spot::Password => &self.0["login"][PASSWORD],
            Spot::Custom(at) => &self.0["fields"][at]["value"],
        };
        Ok(SecretValue::new(held.as_str().unwrap_or_default()))
    }

    /// The item with the value in the field, and a line about it in the notes.
    pub(super) fn changed(
        &self,
        field: &str,
        value: &SecretValue,
        signature: &Signature,
    ) -> Result<Self, Fault> {
        let spot = self.spot(field)?;
        let mut whole = self.0.clone();
        let held = match spot {
            Spot::Password => &mut whole["login"][PASSWORD],
            Spot::Custom(at) => &mut whole["fields"][at]["value"],
        };
        *held = json!(value.expose());
        let notes = self.0["notes"].as_str().unwrap_or_default();
        whole["notes"] = json!(noted(notes, field, signature));
        Ok(Self(whole))
    }

    pub(super) fn json(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let json = serde_json::to_vec(&self.0).map(Zeroizing::new);
        json.map_err(|_| Fault::refused("the item cannot be written as JSON"))
    }
}

/// Whether the text is an id and cannot be meant as a name: `99ee88d2-6046-4ea7-92c2-acac464b1412`.
pub(super) fn is_id(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq(lengths) && text.split('-').all(hex)
}
