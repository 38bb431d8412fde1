//! An entry as it stands in a file: borrowed, so that a million of them can be read without a million allocations.
//!
//! The fields stand in the order of their names. That is the canonical order, so the derived `Serialize` writes the bytes
//! that are hashed; a test compares it with an independent sort.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StringDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Hint, Instant};

use super::chain::{ActorKind, Digest, Entry, LedgerId, link};
use super::event::{Facts, KeyMark};
use super::state::Trigger;

/// One line of the audit log, borrowed from where it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRef<'a> {
    /// Who.
    #[serde(borrow)]
    pub actor: ActorRef<'a>,
    /// When, by our clock.
    pub at: Instant,
    /// What else an auditor asks about, by ASCII names.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// The hash over this and all before; absent in the bytes it is computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Digest>,
    /// The step and what came of it: `deliver.sent`, `deliver.done`.
    pub kind: Text<'a>,
    /// The new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<MarkRef<'a>>,
    /// How it was verified, why it failed, what a person gave as the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text<'a>>,
    /// The old key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<MarkRef<'a>>,
    /// The site, service or issuer that was touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Text<'a>>,
    /// In which rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Text<'a>>,
    /// In which run.
    pub run: Text<'a>,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text<'a>>,
    /// Counted from 1 without a gap.
    pub seq: u64,
    /// What set the rotation off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// A date the event sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

/// Who acts, borrowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorRef<'a> {
    /// `cron`, `user@host`, or the run of a CI system.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Of which kind.
    pub kind: ActorKind,
}

/// How a key appears in evidence, borrowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkRef<'a> {
    /// The keyed digest.
    #[serde(borrow)]
    pub fingerprint: Text<'a>,
    /// The last four characters, where they may be shown.
    pub hint: Text<'a>,
    /// The issuer's public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
}

impl Entry {
    /// The entry as it is written.
    pub fn as_ref(&self) -> EntryRef<'_> {
        let event = &self.event;
        EntryRef {
            actor: ActorRef {
                id: Text::from(self.actor.id.as_str()),
                kind: self.actor.kind,
            },
            at: self.at,
            facts: facts(&event.facts),
            hash: Some(self.hash),
            kind: Text::from(event.kind.as_str()),
            new: event.new.as_ref().map(mark),
            note: event.note.as_deref().map(Text::from),
            old: event.old.as_ref().map(mark),
            place: event.place.as_deref().map(Text::from),
            rotation: event.rotation.as_ref().map(|id| Text::from(id.as_str())),
            run: Text::from(self.run.as_str()),
            secret: event.secret.as_ref().map(|name| Text::from(name.as_str())),
            seq: self.seq,
            trigger: event.trigger,
            until: event.until,
        }
    }
}

fn facts(facts: &Facts) -> Option<BTreeMap<Text<'_>, Text<'_>>> {
    (!facts.is_empty()).then(|| {
        let both = facts.iter();
        both.map(|(name, fact)| (Text::from(name.as_str()), Text::from(fact.as_str())))
            .collect()
    })
}

fn mark(mark: &KeyMark) -> MarkRef<'_> {
    MarkRef {
        fingerprint: Text::from(mark.fingerprint.as_str()),
        hint: Text::from(mark.hint.as_str()),
        id: mark.id.as_deref().map(Text::from),
    }
}

impl EntryRef<'_> {
    /// The fact of that name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts
            .as_ref()?
            .iter()
            .find_map(|(known, fact)| (&**known == name).then_some(&**fact))
    }

    /// What to say of it when it does not fit as the event of that number.
    pub fn misplaced(&self, seq: u64) -> String {
        if self.seq != seq {
            return format!("event {} stands where event {seq} belongs", self.seq);
        }
        let of = self.secret.as_ref();
        let of = of.map(|name| format!(" of `{name}`")).unwrap_or_default();
        let kind = &self.kind;
        format!("event {seq} (`{kind}`{of}) is not the one that was recorded")
    }

    /// The hash this entry must carry after `before`.
    pub fn expected_hash(&self, ledger: LedgerId, before: Digest) -> Digest {
        let bare = EntryRef {
            hash: None,
            ..self.clone()
        };
        let canonical = serde_json::to_vec(&bare)
            .expect("an entry has string keys and no value that JSON cannot hold");
        link(ledger, self.seq, before, [&canonical, &[]])
    }
}

/// A text, borrowed where the JSON has no escapes in it. (`Option<Cow<str>>` would always be owned.)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// A hint that was recorded. Only the model makes hints of values; here one comes back as it was.
    pub(super) fn into_hint(self) -> Hint {
        let text = StringDeserializer::<serde::de::value::Error>::new(self.0.into_owned());
        Hint::deserialize(text).expect("a hint is a text")
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.0.into_owned()
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> serde::de::Visitor<'de> for Borrowing {
            type Value = Text<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        from.deserialize_str(Borrowing)
    }
}
