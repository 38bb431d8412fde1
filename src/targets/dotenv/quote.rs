//! Quoting that every reader of such a file takes the same way, and the refusal of what none can express.
//!
//! There is no standard. What is used here was tried on 2026-11-23 with dash, bash, Node's `dotenv` 18 with and without
//! `dotenv-expand`, Node 20's own parser, `python-dotenv` 1.2, docker compose 2.40 and systemd 252 (whose
//! `EnvironmentFile=` parser also reads `os-release`):
//!
//! | form | all agree on |
//! | --- | --- |
//! | bare | letters, digits and `_ . / : @ % + , = -` |
//! | `'…'` | everything printable but `'`, `\` and `$` |
//! | `"…"` | everything printable but `"`, `\`, `$` and the backtick |
//!
//! Why not more: `dotenv-expand` (Next.js, Vite) replaces `$name` whatever the quotes, and python-dotenv `${name}`;
//! a backslash escapes in single quotes for some and not for others; a bare `#` ends the value for Node and not for the
//! rest. `docker run --env-file` knows no quotes at all and reads only bare values right.

use crate::model::Fault;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Single,
    Double,
}

impl Style {
    /// The character around the value.
    pub(super) const fn quote(self) -> &'static str {
        match self {
            Self::Bare => "",
            Self::Single => "'",
            Self::Double => "\"",
        }
    }

    /// The style for a value: the one that stands there if it can express it, else the plainest one that can.
    pub(super) fn fit(value: &str, now: Self) -> Result<Self, Fault> {
        [now, Self::Bare, Self::Single, Self::Double]
            .into_iter()
            .find(|style| style.expresses(value))
            .ok_or_else(|| refusal(value))
    }

    /// Whether all readers take the value back out of this style.
    pub(super) fn expresses(self, value: &str) -> bool {
        value.chars().all(|c| match self {
            Self::Bare => {
                c.is_ascii_alphanumeric()
                    || matches!(c, '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',' | '=' | '-')
            }
            Self::Single => !c.is_control() && !matches!(c, '\'' | '\\' | '$'),
            Self::Double => !c.is_control() && !matches!(c, '"' | '\\' | '$' | '`'),
        })
    }
}

/// Says which character is in the way, never where it stands or what is around it.
fn refusal(value: &str) -> Fault {
    let has = |wanted: fn(char) -> bool| value.chars().any(wanted);
    let what = if has(|c| matches!(c, '\n' | '\r')) {
        "a line break"
    } else if has(char::is_control) {
        "a control character"
    } else if has(|c| c == '$') {
        "a `$`"
    } else if has(|c| c == '\\') {
        "a backslash"
    } else {
        "both kinds of quotes"
    };
    Fault::refused(format!(
        "a value with {what} is not read the same way by all who read such files"
    ))
    .hint("issue values from a plain alphabet, or deliver this one by another kind of target")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(value: &str, now: Style) -> Result<Style, String> {
        Style::fit(value, now).map_err(|fault| fault.what)
    }

    #[test]
    fn the_style_that_stands_there_stays_where_it_can() {
        for style in [Style::Bare, Style::Single, Style::Double] {
            assert_eq!(fit("sk-abc_019./:@%+,=", style), Ok(style));
            assert_eq!(fit("", style), Ok(style));
        }
    }

    #[test]
    fn otherwise_the_plainest_that_can() {
        for value in [
            "a b", "a#b", " #", "~root", "a!b", "a`b", "a\"b", "a&b;c|d", "*?[x]{1}", "ü東",
        ] {
            assert_eq!(fit(value, Style::Bare), Ok(Style::Single), "{value}");
        }
        assert_eq!(fit("it's", Style::Bare), Ok(Style::Double));
        assert_eq!(fit("it's", Style::Single), Ok(Style::Double));
        assert_eq!(fit("a`b", Style::Double), Ok(Style::Single));
        assert_eq!(fit("a\"b", Style::Double), Ok(Style::Single));
    }

    #[test]
    fn what_cannot_be_expressed_everywhere_is_refused_without_showing_it() {
        let of = |what: &str| {
            Err(format!(
                "a value with {what} is not read the same way by all who read such files"
            ))
        };
        assert_eq!(fit("a\nb", Style::Bare), of("a line break"));
        assert_eq!(fit("a\rb", Style::Bare), of("a line break"));
        assert_eq!(fit("a\0b", Style::Bare), of("a control character"));
        assert_eq!(fit("a\u{7f}b", Style::Bare), of("a control character"));
        assert_eq!(fit("a$b", Style::Single), of("a `$`"));
        assert_eq!(fit("a\\b", Style::Single), of("a backslash"));
        assert_eq!(fit("a'b\"c", Style::Bare), of("both kinds of quotes"));
        assert_eq!(fit("a'b`c", Style::Bare), of("both kinds of quotes"));
    }
}
