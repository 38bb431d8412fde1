//! What is typed: the text of `rotations.yaml` as a tree that knows where everything stands.

mod reader;

use std::borrow::Cow;

use super::complaint::Mark;
use super::say::quoted;
pub(super) use reader::read;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) at: Mark,
    pub(super) value: Value<'t>,
}

/// A value as it was typed; what type it has is decided by who reads it.
#[derive(Debug)]
pub(super) enum Value<'t> {
    /// A word without quotes, or nothing at all.
    Plain(Cow<'t, str>),
    /// A text in quotes, or a block of text.
    Quoted(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

/// A key, where it stands, and its value.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) at: Mark,
    pub(super) node: Node<'t>,
}

impl<'t> Node<'t> {
    /// The entry of that key, where this is a map.
    pub(super) fn get(&self, key: &str) -> Option<&Entry<'t>> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The entries under a key, taken out, where a map stands there.
    pub(super) fn take_entries(&mut self, key: &str) -> Vec<Entry<'t>> {
        let Value::Map(entries) = &mut self.value else {
            return Vec::new();
        };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(Entry { node, .. }) => match &mut node.value {
                Value::Map(entries) => std::mem::take(entries),
                Value::Plain(_) | Value::Quoted(_) | Value::List(_) => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(_) if self.is_nothing() => None,
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether no value stands here.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Plain(text) if matches!(&**text, "" | "~" | "null"))
    }

    /// What stands here, for messages.
    pub(super) fn found(&self) -> String {
        match &self.value {
            _ if self.is_nothing() => "nothing".to_owned(),
            Value::Plain(text) | Value::Quoted(text) => quoted(text),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}
