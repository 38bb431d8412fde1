//! A vault, an item and a field, as a Connect server and `op` tell of them, as far as it is used.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::model::{Fault, Instant, SecretValue, sanitise};
use crate::targets::sole::{Advice, sole};

pub(super) const VAULT: Advice = Advice {
    absent: "correct the name, or let the token see the vault",
    several: "write its id instead of its name",
};
pub(super) const ITEM: Advice = Advice {
    absent: "correct the title, or let the token see the vault",
    several: "write its id instead of its title",
};
const FIELD: Advice = Advice {
    absent: "add the field by hand, or correct `field:` and `section:`",
    several: "name the `section:`, or write the id of the field",
};

/// A vault, or the summary of an item.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
    #[serde(alias = "title")]
    name: String,
    state: Option<String>,
}

impl Named {
    /// Whether this is the name, letter by letter, of something that is neither archived nor deleted.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name && self.state.is_none()
    }
}

/// A whole item.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) id: String,
    category: Option<String>,
    state: Option<String>,
    #[serde(alias = "updated_at")]
    pub(super) updated_at: Option<Instant>,
    #[serde(default)]
    sections: Vec<Section>,
    #[serde(default)]
    pub(super) fields: Vec<Field>,
    passkey: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Section {
    id: Option<String>,
    label: Option<String>,
}

/// One field of an item.
#[derive(Clone, Deserialize)]
pub(super) struct Field {
    pub(super) id: String,
    label: Option<String>,
    #[serde(rename = "type", default)]
    kind: String,
    section: Option<InSection>,
    #[serde(default = "nothing", deserialize_with = "secret")]
    pub(super) value: SecretValue,
}

#[derive(Clone, Deserialize)]
struct InSection {
    id: Option<String>,
}

fn nothing() -> SecretValue {
    SecretValue::new("")
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(SecretValue::new(text.unwrap_or_default()))
}

impl Item {
    pub(super) fn is_login(&self) -> bool {
        self.category.as_deref() == Some("LOGIN")
    }

    /// Refuses an item in which a passkey shows: of its own, or as a field.
    pub(super) fn refuse_passkey(&self) -> Result<(), Fault> {
        let field = |field: &Field| field.kind.eq_ignore_ascii_case("passkey");
        match self.passkey.is_some() || self.fields.iter().any(field) {
            false => Ok(()),
            true => Err(
                Fault::refused("the item holds a passkey, which a change could destroy")
                    .hint("keep the key in an item of its own, of the category API Credential"),
            ),
        }
    }

    /// What the field of that id holds.
    pub(super) fn value(&self, id: &str) -> Option<&SecretValue> {
        let mut fields = self.fields.iter();
        let field = fields.find(|field| field.id == id);
        field.map(|field| &field.value)
    }

    /// Refuses an item that has lost the field of that id since it was found.
    pub(super) fn refuse_without(&self, id: &str) -> Result<(), Fault> {
        match self.state.is_none() && self.fields.iter().any(|field| field.id == id) {
            true => Ok(()),
            false => Err(Fault::missing("the item, or the field in it, is gone")),
        }
    }

    /// The one field with that label or id, in that section if one is named.
    pub(super) fn field(&self, name: &str, section: Option<&str>) -> Result<&Field, Fault> {
        if self.state.is_some() {
            return Err(Fault::missing("the item is archived or deleted"));
        }
        let here = |field: &&Field| section.is_none_or(|wanted| self.is_in(field, wanted));
        let named = |field: &&Field| field.id == name || field.label.as_deref() == Some(name);
        let said = sanitise(name);
        let fit = self.fields.iter().filter(named).filter(here);
        let field = sole(fit, &format!("field `{said}` in the item"), &FIELD)?;
        if field.kind.eq_ignore_ascii_case("totp") || field.kind.eq_ignore_ascii_case("otp") {
            return Err(Fault::refused(format!(
                "field `{said}` makes one-time codes and holds no key"
            )));
        }
        // A slash would lead elsewhere in a JSON Pointer, and ids have none.
        match field.id.contains('/') {
            true => Err(Fault::refused(format!("field `{said}` has an odd id"))),
            false => Ok(field),
        }
    }

    fn is_in(&self, field: &Field, wanted: &str) -> bool {
        let Some(id) = field
            .section
            .as_ref()
            .and_then(|section| section.id.as_deref())
        else {
            return false;
        };
        let labelled = |section: &Section| {
            section.id.as_deref() == Some(id) && section.label.as_deref() == Some(wanted)
        };
        id == wanted || self.sections.iter().any(labelled)
    }
}

/// Whether the text is an id and cannot be meant as a name: 26 small letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() == 26 && text.bytes().all(plain)
}
