//! Reading a map key by key, so that everything that is wrong in it is found in one go.

use std::str::FromStr;

use crate::model::Span;

use super::complaint::{Complaints, Mark};
use super::file::{Entry, Node, Value};
use super::say::{may_be_said, meant, nearest, quoted};

/// A map that is being read. Keys nobody asks for are unknown keys.
pub(super) struct Fields<'n, 't> {
    entries: Vec<&'n Entry<'t>>,
    known: Vec<&'static str>,
    /// Where the map stands.
    pub(super) at: Mark,
    /// What the map describes: ``secret `openai` ``.
    pub(super) of: String,
    pub(super) complaints: &'n Complaints<'n>,
}

impl<'n, 't> Fields<'n, 't> {
    /// Begins to read a map. Anything else is complained of.
    pub(super) fn of(
        of: impl Into<String>,
        node: &'n Node<'t>,
        complaints: &'n Complaints<'n>,
    ) -> Option<Self> {
        let of = of.into();
        let Value::Map(entries) = &node.value else {
            complaints.add(
                node.at,
                format!("{of}: expected a map, found {}", node.found()),
            );
            return None;
        };
        Some(Self {
            entries: entries.iter().collect(),
            known: Vec::new(),
            at: node.at,
            of,
            complaints,
        })
    }

    /// The value of a key. A key without a value is complained of.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Node<'t>> {
        self.take_entry(key).map(|entry| &entry.node)
    }

    /// The key and its value.
    pub(super) fn take_entry(&mut self, key: &'static str) -> Option<&'n Entry<'t>> {
        self.known.push(key);
        let found = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(found);
        if entry.node.is_nothing() {
            let what = format!("{}: `{key}` has no value", self.of);
            self.complaints
                .advise(entry.at, what, "give it a value or remove the line");
            return None;
        }
        Some(entry)
    }

    /// Whether the key was typed and nobody has asked for it yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'n str> {
        let node = self.take(key)?;
        let text = node.text();
        if text.is_none() {
            self.expected(key, "a text", node);
        }
        text
    }

    /// Something that is read from a text, with a message of its own when it cannot be.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(T, Mark)> {
        let node = self.take(key)?;
        let Some(text) = node.text() else {
            self.expected(key, "a text", node);
            return None;
        };
        match parse(text) {
            Ok(parsed) => Some((parsed, node.at)),
            Err(why) => {
                // The message repeats the text, which may have been pasted by mistake.
                let why = if may_be_said(&why, text) {
                    why
                } else {
                    format!("{} does not belong here", quoted(text))
                };
                self.complaints
                    .add(node.at, format!("{}: `{key}`: {why}", self.of));
                None
            }
        }
    }

    /// The same where it must be there; `hint` says what to write.
    pub(super) fn needed_with<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        hint: &str,
    ) -> Option<(T, Mark)> {
        if !self.has(key) {
            self.missing(key, hint);
        }
        self.parsed(key, parse)
    }

    /// A duration.
    pub(super) fn span(&mut self, key: &'static str) -> Option<(Span, Mark)> {
        self.parsed(key, |text| Span::parse(text).map_err(|why| why.to_string()))
    }

    /// A whole number of at least one.
    pub(super) fn count(&mut self, key: &'static str) -> Option<usize> {
        let node = self.take(key)?;
        let number = match &node.value {
            Value::Plain(text) => usize::from_str(text).ok().filter(|number| *number > 0),
            _ => None,
        };
        if number.is_none() {
            self.expected(key, "a whole number from 1", node);
        }
        number
    }

    /// A list.
    pub(super) fn list(&mut self, key: &'static str) -> Option<&'n [Node<'t>]> {
        let node = self.take(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.expected(key, "a list", node);
                None
            }
        }
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<(&'n str, Mark)>> {
        let items = self.list(key)?;
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.text() {
                Some(text) => texts.push((text, item.at)),
                None => self.expected(key, "a list of texts", item),
            }
        }
        Some(texts)
    }

    /// Complains that a key is not there, unless a slip of the finger explains it: that is told as an unknown key.
    pub(super) fn missing(&self, key: &str, hint: &str) {
        let almost = |entry: &&Entry<'_>| nearest(&entry.key, &[key]).is_some();
        if self.entries.iter().any(almost) {
            return;
        }
        let what = format!("{}: `{key}` is missing", self.of);
        self.complaints.advise(self.at, what, hint);
    }

    /// Complains of a value.
    pub(super) fn expected(&self, key: &str, expected: &str, node: &Node<'_>) {
        let found = node.found();
        let what = format!("{}: `{key}`: expected {expected}, found {found}", self.of);
        self.complaints.add(node.at, what);
    }

    /// What nobody asked for so far, for whoever reads the rest, and the keys that were asked for.
    pub(super) fn rest(self) -> (Vec<&'n Entry<'t>>, Vec<&'static str>) {
        (self.entries, self.known)
    }

    /// Ends the reading: what nobody asked for is unknown.
    pub(super) fn close(self) {
        for entry in &self.entries {
            if self.complaints.are_many() {
                return;
            }
            unknown_key(&self.of, entry.at, &entry.key, &self.known, self.complaints);
        }
    }
}

/// Complains of a key nobody knows, and says which was meant.
pub(super) fn unknown_key(
    of: &str,
    at: Mark,
    key: &str,
    known: &[&str],
    complaints: &Complaints<'_>,
) {
    let what = format!("{of}: unknown key {}", quoted(key));
    complaints.advise(at, what, meant(key, known));
}
