//! The text of an entry: the password in the first line, `key: value` lines below it.

use std::fmt;

use zeroize::Zeroizing;

use crate::model::{Fault, SecretValue, sanitise};

/// Which line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The first, which holds the password.
    First,
    /// The one that begins with this key and a colon, below the first.
    Keyed(String),
}

impl Line {
    pub(super) fn keyed(key: &str) -> Result<Self, Fault> {
        let odd = |c: char| c == ':' || c.is_control();
        if key.is_empty() || key.trim() != key || key.contains(odd) {
            return Err(Fault::refused(format!(
                "`{}` is not the key of a line",
                sanitise(key)
            )));
        }
        Ok(Self::Keyed(key.to_owned()))
    }

    /// What the line holds.
    pub(super) fn value(&self, text: &str) -> Result<SecretValue, Fault> {
        let place = self.place(text)?;
        Ok(SecretValue::new(&text[place]))
    }

    /// The entry with another value in that line, and nothing else changed.
    pub(super) fn replaced(
        &self,
        text: &str,
        value: &SecretValue,
    ) -> Result<Zeroizing<String>, Fault> {
        let value = value.expose();
        if value.contains(['\n', '\r']) {
            return Err(Fault::refused(
                "the value has several lines, and an entry has one for it",
            ));
        }
        if *self != Self::First && value.trim() != value {
            return Err(Fault::refused(
                "the value begins or ends with a space, which readers of such a line cut off",
            ));
        }
        let place = self.place(text)?;
        // Room at once: a text that grows leaves copies behind that nobody wipes.
        let mut new = Zeroizing::new(String::with_capacity(text.len() + value.len()));
        new.push_str(&text[..place.start]);
        new.push_str(value);
        new.push_str(&text[place.end..]);
        Ok(new)
    }

    fn place(&self, text: &str) -> Result<std::ops::Range<usize>, Fault> {
        let Self::Keyed(key) = self else {
            return Ok(0..end_of_line(text, 0));
        };
        let mut found = None;
        let mut start = next_line(text, 0);
        while start < text.len() {
            let end = end_of_line(text, start);
            let rest = text[start..end].strip_prefix(key.as_str());
            if let Some(value) = rest.and_then(|rest| rest.strip_prefix(':')) {
                if found.is_some() {
                    return Err(Fault::refused(format!(
                        "the entry has several lines {self}"
                    )));
                }
                found = Some(end - value.trim_start().len()..end);
            }
            start = next_line(text, start);
        }
        found.ok_or_else(|| {
            Fault::missing(format!("the entry has no line {self}"))
                .hint("add it by hand with `pass edit`")
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::First => out.write_str("first line"),
            Line::Keyed(key) => write!(out, "`{}:`", sanitise(key)),
        }
    }
}

/// Where the line that begins there ends, before its line break of either kind.
fn end_of_line(text: &str, start: usize) -> usize {
    let line = text[start..].split('\n').next().unwrap_or_default();
    start + line.strip_suffix('\r').unwrap_or(line).len()
}

fn next_line(text: &str, start: usize) -> usize {
    text[start..]
        .find('\n')
        .map_or(text.len(), |at| start + at + 1)
}

/// Whether this is what `pass show` prints of a folder: its name, then a tree.
pub(super) fn is_folder(text: &str, name: &str) -> bool {
    let Some(rest) = text.strip_prefix(name) else {
        return false;
    };
    match rest.strip_prefix('\n') {
        Some(tree) => tree.is_empty() || tree.starts_with(['├', '└', '|', '`', '\u{1b}']),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(line: &Line, text: &str, value: &str) -> Result<String, String> {
        let new = line.replaced(text, &SecretValue::new(value));
        new.map(|new| new.to_string()).map_err(|fault| fault.what)
    }

    fn keyed(key: &str) -> Line {
        Line::keyed(key).unwrap()
    }

    #[test]
    fn one_line_changes_and_every_other_byte_stays() {
        let entry = "old\r\nuser: bot\ntoken:\t old2 \n\nurl: https://x\nno end";
        assert_eq!(
            replaced(&Line::First, entry, "n e w").unwrap(),
            "n e w\r\nuser: bot\ntoken:\t old2 \n\nurl: https://x\nno end"
        );
        assert_eq!(
            replaced(&keyed("token"), entry, "$2`\"'").unwrap(),
            "old\r\nuser: bot\ntoken:\t $2`\"'\n\nurl: https://x\nno end"
        );
        assert_eq!(replaced(&Line::First, "old", "new").unwrap(), "new");
        assert_eq!(replaced(&Line::First, "", "new").unwrap(), "new");
        assert_eq!(replaced(&keyed("a"), "x\na:", "new").unwrap(), "x\na:new");
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for value in ["sk-new", "a: b", "x y", "", "ü#$\\"] {
            for line in [Line::First, keyed("token")] {
                let new = replaced(&line, "old\ntoken: old\n", value).unwrap();
                assert_eq!(line.value(&new).unwrap().expose(), value);
            }
        }
    }

    #[test]
    fn a_value_that_a_line_cannot_hold_is_refused() {
        assert_eq!(
            replaced(&Line::First, "old\n", "a\nb").unwrap_err(),
            "the value has several lines, and an entry has one for it"
        );
        assert_eq!(
            replaced(&keyed("token"), "old\ntoken: x\n", " a").unwrap_err(),
            "the value begins or ends with a space, which readers of such a line cut off"
        );
    }

    #[test]
    fn the_line_must_be_there_once_and_below_the_first() {
        let why = |text| replaced(&keyed("token"), text, "x").unwrap_err();
        assert_eq!(why("token: first\n"), "the entry has no line `token:`");
        assert_eq!(why("p\ntokens: x\n"), "the entry has no line `token:`");
        assert_eq!(
            why("p\ntoken: x\ntoken: y\n"),
            "the entry has several lines `token:`"
        );
        for key in ["", " a", "a:b", "a\nb"] {
            assert!(Line::keyed(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_folder_is_told_from_an_entry() {
        assert!(is_folder("api\n├── openai\n", "api"));
        assert!(is_folder("api\n\u{1b}[01;34m└── x", "api"));
        assert!(is_folder("api\n", "api"));
        assert!(!is_folder("api\nuser: bot\n", "api"));
        assert!(!is_folder("sk-live\n", "api"));
    }
}
