//! What serde did not like about a kind's keys, with its place, and how that is put.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::complaint::{Complaints, Mark};
use super::fields::unknown_key;
use super::file::Node;
use super::say::{may_be_said, meant, quoted};

/// What serde did not like, as data.
#[derive(Debug)]
pub(super) struct Wrong {
    at: Option<Mark>,
    key: Option<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    UnknownKey(String, &'static [&'static str]),
    UnknownWord(String, &'static [&'static str]),
    Missing(&'static str),
    Twice(&'static str),
    Unfit { expected: String, found: String },
    Said(String),
}

impl Wrong {
    fn of(what: What) -> Self {
        Self {
            at: None,
            key: None,
            what,
        }
    }

    /// The key itself is wrong.
    pub(super) fn at_key(self, at: Mark) -> Self {
        Self {
            at: Some(at),
            ..self
        }
    }

    /// The value of this key is wrong, unless a key further in is to blame.
    pub(super) fn under(self, key: &str) -> Self {
        let key = self.key.or_else(|| Some(key.to_owned()));
        Self { key, ..self }
    }

    /// Settles the place, unless something further in did, and tells what was found there.
    pub(super) fn at(mut self, node: &Node<'_>) -> Self {
        if self.at.is_some() {
            return self;
        }
        self.at = Some(node.at);
        match &mut self.what {
            What::Unfit { found, .. } => *found = node.found(),
            What::Said(why) => {
                // Whoever wrote the message may have repeated the text, and the text may be a secret.
                if let Some(text) = node.text().filter(|text| !may_be_said(why, text)) {
                    *why = format!("{} does not belong here", quoted(text));
                }
            }
            _ => {}
        }
        self
    }
}

impl Wrong {
    /// Puts it into words. `place` is where the map stands, `known` the keys that every kind takes.
    pub(super) fn complain(
        self,
        of: &str,
        place: Mark,
        known: &[&'static str],
        complaints: &Complaints<'_>,
    ) {
        let at = self.at.unwrap_or(place);
        let key = self
            .key
            .map_or_else(String::new, |key| format!(" {}:", quoted(&key)));
        match self.what {
            What::UnknownKey(word, expected) => {
                let known: Vec<&str> = expected.iter().chain(known).copied().collect();
                unknown_key(of, at, &word, &known, complaints);
            }
            What::UnknownWord(word, known) => {
                let what = format!("{of}:{key} unknown word {}", quoted(&word));
                complaints.advise(at, what, meant(&word, known));
            }
            What::Missing(word) => complaints.add(at, format!("{of}:{key} `{word}` is missing")),
            What::Twice(word) => complaints.add(at, format!("{of}:{key} `{word}` stands twice")),
            What::Unfit { expected, found } => {
                complaints.add(at, format!("{of}:{key} expected {expected}, found {found}"));
            }
            What::Said(why) => complaints.add(at, format!("{of}:{key} {why}")),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::of(What::Said(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(What::Unfit {
            expected: in_words(expected.to_string()),
            found: "something else".to_owned(),
        })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = in_words(expected.to_string());
        Self::of(What::Said(format!("expected {expected}, found {length}")))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::of(What::UnknownWord(word.to_owned(), known))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::of(What::UnknownKey(key.to_owned(), known))
    }

    fn missing_field(key: &'static str) -> Self {
        Self::of(What::Missing(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::of(What::Twice(key))
    }
}

/// What serde calls a type, as people call it.
fn in_words(expected: String) -> String {
    let words = match expected.as_str() {
        "a string" | "string" => "a text",
        "a boolean" | "bool" => "`true` or `false`",
        "a sequence" => "a list",
        "path string" => "a path",
        "u8" => "a whole number up to 255",
        "u16" => "a whole number up to 65535",
        "u32" | "u64" | "usize" => "a whole number",
        "i8" | "i16" | "i32" | "i64" => "a whole number, which may be negative",
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "a map",
        other if other.starts_with("enum ") => "a word",
        _ => return expected,
    };
    words.to_owned()
}
