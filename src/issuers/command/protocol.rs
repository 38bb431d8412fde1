//! The documents that go to the program and come back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exec::Confided;
use crate::model::{
    Fault, FieldName, Fields, Finding, Instant, Key, KeyId, SecretName, Tag, sanitise,
};

use super::super::{Found, Seen, Verdict};

/// The longest public id that is believed.
const LONGEST_ID: usize = 512;

#[derive(Serialize)]
pub(super) struct Question<'a> {
    protocol: u8,
    operation: &'a str,
    secret: &'a str,
    settings: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<Told<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proposal: Option<Told<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Told<'a>>,
}

/// A key on its way out.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    id: Option<&'a str>,
    fields: BTreeMap<&'a str, &'a str>,
    notes: &'a BTreeMap<String, String>,
}

impl<'a> Question<'a> {
    pub(super) fn new(
        operation: &'a str,
        secret: &'a SecretName,
        settings: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            protocol: 1,
            operation,
            secret: secret.as_str(),
            settings,
            tag: None,
            current: None,
            proposal: None,
            key: None,
        }
    }

    pub(super) fn tagged(mut self, tag: &'a Tag) -> Self {
        self.tag = Some(tag.as_str());
        self
    }

    pub(super) fn about(mut self, key: &'a Key) -> Self {
        self.key = Some(Told::of(key));
        self
    }
}

impl<'a> Told<'a> {
    pub(super) fn of(key: &'a Key) -> Self {
        let fields = key.fields.iter();
        Self {
            id: key.id.as_ref().map(KeyId::as_str),
            fields: fields
                .map(|(name, value)| (name.as_str(), value.expose()))
                .collect(),
            notes: &key.notes,
        }
    }
}

/// An answer that says nothing but that it was done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issued {
    key: Option<Made>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    id: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Confided>,
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<String>,
    #[serde(default)]
    notes: BTreeMap<String, String>,
    created_at: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verified {
    verdict: Word,
    date: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Works,
    Denied,
    Refused,
    Unknown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Used {
    pub(super) at: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checked {
    findings: Vec<Looked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Looked {
    what: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

impl Issued {
    pub(super) fn key(self) -> Result<Option<Key>, Fault> {
        let Some(made) = self.key else {
            return Ok(None);
        };
        let fields: Fields = made
            .fields
            .into_iter()
            .map(|(name, Confided(value))| (FieldName::new(name), value))
            .collect();
        Ok(Some(Key {
            id: made.id.map(public_id).transpose()?,
            fields,
            notes: made.notes,
        }))
    }
}

impl Listed {
    pub(super) fn found(self) -> Result<Vec<Found>, Fault> {
        let found = |entry: Entry| {
            Ok(Found {
                key: Key {
                    id: entry.id.map(public_id).transpose()?,
                    fields: Fields::default(),
                    notes: entry.notes,
                },
                created_at: entry.created_at,
            })
        };
        self.keys.into_iter().map(found).collect()
    }
}

impl Verified {
    pub(super) fn seen(self) -> Seen {
        let verdict = match self.verdict {
            Word::Works => Verdict::Works,
            Word::Denied => Verdict::Denied,
            Word::Refused => Verdict::Refused,
            Word::Unknown => Verdict::Unknown(Fault::passing("the program could not tell")),
        };
        Seen {
            verdict,
            date: self.date,
        }
    }
}

impl Checked {
    pub(super) fn findings(self) -> Vec<Finding> {
        let finding = |looked: Looked| {
            let detail = sanitise(&looked.detail);
            Finding {
                what: sanitise(&looked.what),
                result: match looked.ok {
                    true => Ok(detail),
                    false => Err(Fault::refused(detail)),
                },
            }
        };
        self.findings.into_iter().map(finding).collect()
    }
}

/// An id is printed and sent back, so it must be the same in both places.
fn public_id(id: String) -> Result<KeyId, Fault> {
    let printable = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
    match printable && id.len() <= LONGEST_ID {
        true => Ok(KeyId::new(id)),
        false => Err(Fault::refused(
            "the id of the key is not 1 to 512 printable ASCII characters",
        )),
    }
}
