//! What a target's configuration names: projects and services by name or pattern, and the variable that holds the value.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// Which projects or services are meant: `all`, one name, or a list of names. A `*` in a name stands for any text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) enum Names {
    /// Every one.
    #[default]
    All,
    /// Those whose name matches one of these, or whose id is one of these.
    Some(Vec<String>),
}

impl Names {
    /// Whether the thing with that name and id is meant.
    pub(super) fn take(&self, name: &str, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => names
                .iter()
                .any(|wanted| wanted == id || fits(wanted, name)),
        }
    }

    /// The first plain name that none of these things has. A pattern may match nothing; a name that does is a mistake.
    pub(super) fn unknown<'a>(
        &self,
        known: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Option<&str> {
        let Self::Some(names) = self else {
            return None;
        };
        names
            .iter()
            .filter(|wanted| !wanted.contains('*'))
            .find(|wanted| {
                !known
                    .clone()
                    .any(|(name, id)| *wanted == name || *wanted == id)
            })
            .map(String::as_str)
    }
}

/// Whether the text is the pattern with something, or nothing, in place of every `*`.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`all`, a name, or a list of names")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Names, E> {
        match text {
            "" => Err(E::custom("a name is empty")),
            "all" => Ok(Names::All),
            name => Ok(Names::Some(vec![name.to_owned()])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element::<String>()? {
            if name.is_empty() {
                return Err(A::Error::custom("a name is empty"));
            }
            names.push(name);
        }
        if names.is_empty() {
            return Err(A::Error::custom(
                "the list is empty; leave it out to mean all",
            ));
        }
        Ok(Names::Some(names))
    }
}

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Variable(String);

impl Variable {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Variable {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        if starts && plain && text.len() <= 256 {
            Ok(Self(text))
        } else {
            Err("a variable is named with letters, digits and `_`, such as `OPENAI_API_KEY`")
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, Variable};

    fn names(json: &str) -> Result<Names, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("web", "web", true),
            ("web", "web-2", false),
            ("web*", "web-2", true),
            ("*web", "old-web", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(super::fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn names_are_typed_in_three_ways() {
        assert_eq!(names("\"all\""), Ok(Names::All));
        assert_eq!(names("\"web\""), Ok(Names::Some(vec!["web".into()])));
        assert_eq!(
            names("[\"web\", \"api-*\"]"),
            Ok(Names::Some(vec!["web".into(), "api-*".into()]))
        );
        assert!(names("[]").is_err_and(|error| error.starts_with("the list is empty")));
        assert!(names("3").is_err_and(|error| error.contains("`all`, a name, or a list of names")));
    }

    #[test]
    fn a_plain_name_must_exist_and_a_pattern_need_not() {
        let wanted = names("[\"prj_1\", \"api\", \"old-*\", \"wbe\"]").expect("a list");
        let known = [("web", "prj_1"), ("api", "prj_2")];
        assert_eq!(wanted.unknown(known.iter().copied()), Some("wbe"));
        assert!(wanted.take("web", "prj_1"));
        assert!(!wanted.take("shop", "prj_3"));
    }

    #[test]
    fn variables_are_named_like_variables() {
        assert!(Variable::try_from("OPENAI_API_KEY".to_owned()).is_ok());
        for text in ["", "1A", "A B", "A/../B", "Ä"] {
            assert!(Variable::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
