//! What a site holds of a version: one field as it is, or a text with fields put in.
//!
//! ```yaml
//! field: password                                          # one field
//! value: "postgres://{user}:{password}@db.internal/app"    # a text with fields in it
//! value: "{value},{previous}"                              # two values, for a receiver that takes a list
//! ```
//!
//! Substitution is all there is: no conditions, no functions. `{{` and `}}` stand for the braces themselves. A template
//! that begins with a scheme (`postgres://`, `https://`) is an address, and every field that lands in it is
//! percent-encoded: all but `A-Z a-z 0-9 - . _ ~` (RFC 3986, section 2.3). Anywhere else a field is put in as it is, so
//! a password with a quote in it breaks a JSON text around it: issue values from a plain alphabet for such a place.

use std::fmt;

use zeroize::Zeroizing;

use super::{Fault, FieldName, Fields, SecretValue};

/// How a site's text is made from the fields of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Primary,
    Field(FieldName),
    Text { parts: Vec<Part>, landing: Landing },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(FieldName),
}

/// What surrounds the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Landing {
    Text,
    Address,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError(String);

impl Template {
    /// The field a person means who names none: see [`Fields::primary`].
    pub const fn primary() -> Self {
        Self(Shape::Primary)
    }

    /// One field as it is.
    pub fn field(name: FieldName) -> Self {
        Self(Shape::Field(name))
    }

    /// Reads a text with fields in braces. A text without any field is refused: every version would look the same.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let named = after.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = named else {
                return Err(TemplateError::new(format!(
                    "a `{brace}` stands alone; write `{brace}{brace}` for the brace itself"
                )));
            };
            if !is_name(name) {
                return Err(TemplateError::new(format!(
                    "`{{{}}}` is not the name of a field",
                    name.escape_debug()
                )));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Field(FieldName::new(name)));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if !parts.iter().any(|part| matches!(part, Part::Field(_))) {
            return Err(TemplateError::new(
                "no field stands in it; write `{value}` where the secret goes".to_owned(),
            ));
        }
        let landing = landing(&parts);
        Ok(Self(Shape::Text { parts, landing }))
    }

    /// The fields it names, in order of appearance, to be compared with those an issuer gives.
    pub fn names(&self) -> impl Iterator<Item = &FieldName> {
        let (one, parts) = match &self.0 {
            Shape::Primary => (None, [].as_slice()),
            Shape::Field(name) => (Some(name), [].as_slice()),
            Shape::Text { parts, .. } => (None, parts.as_slice()),
        };
        one.into_iter()
            .chain(parts.iter().filter_map(|part| match part {
                Part::Field(name) => Some(name),
                Part::Literal(_) => None,
            }))
    }

    /// What a site holds of a version with these fields.
    pub fn render(&self, fields: &Fields) -> Result<SecretValue, Fault> {
        match &self.0 {
            Shape::Primary => fields.primary().cloned().ok_or_else(|| {
                Fault::refused("the version has several fields and the target names none")
                    .hint("say `field:` or `value:` at the target")
            }),
            Shape::Field(name) => wanted(fields, name).cloned(),
            Shape::Text { parts, landing } => put_together(parts, *landing, fields),
        }
    }
}

impl TemplateError {
    fn new(what: String) -> Self {
        Self(what)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for TemplateError {}

fn put_together(parts: &[Part], landing: Landing, fields: &Fields) -> Result<SecretValue, Fault> {
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        pieces.push(match part {
            Part::Literal(text) => (text.as_str(), Landing::Text),
            Part::Field(name) => (wanted(fields, name)?.expose(), landing),
        });
    }
    // Room for the worst case at once: a text that grows leaves copies behind that nobody wipes.
    let room = pieces.iter().map(|(text, _)| text.len() * 3).sum();
    let mut whole = Zeroizing::new(String::with_capacity(room));
    for (text, landing) in pieces {
        match landing {
            Landing::Text => whole.push_str(text),
            Landing::Address => push_encoded(&mut whole, text),
        }
    }
    Ok(SecretValue::new(std::mem::take(&mut *whole)))
}

fn wanted<'a>(fields: &'a Fields, name: &FieldName) -> Result<&'a SecretValue, Fault> {
    fields.field(name).ok_or_else(|| {
        Fault::refused(format!(
            "the version has no field `{}`",
            name.as_str().escape_debug()
        ))
    })
}

fn push_encoded(whole: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                whole.push(char::from(byte));
            }
            _ => {
                whole.push('%');
                whole.push(char::from(HEX[usize::from(byte >> 4)]));
                whole.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// An address begins with a scheme as RFC 3986, section 3.1, has it.
fn landing(parts: &[Part]) -> Landing {
    let Some(Part::Literal(text)) = parts.first() else {
        return Landing::Text;
    };
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match begins && scheme.chars().all(goes_on) {
        true => Landing::Address,
        false => Landing::Text,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests;
