//! Text on the page: escaped, on one line, and nothing in it that changes how the rest is read.

use std::fmt::{self, Display, Formatter, Write as _};

/// A text as it may stand in an element or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                _ if c.is_control() => out.write_char(' ')?,
                _ if turns(c) => {}
                _ => out.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether it changes the direction of what follows, or is not seen.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The first items of a list, and how many there are besides.
pub(super) fn few<'a>(items: impl ExactSizeIterator<Item = &'a String>, most: usize) -> String {
    let left = items.len().saturating_sub(most);
    let shown: Vec<&str> = items.take(most).map(String::as_str).collect();
    match left {
        0 => shown.join("; "),
        _ => format!("{}; and {left} more", shown.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text_and_nothing_turns_the_line() {
        let hostile = "<script>alert('1')</script> & \"x\"\u{202e}\u{1b}[2J\u{200b}";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; [2J"
        );
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(few(items.iter(), 3), "a; b; c");
        assert_eq!(few(items.iter(), 1), "a; and 2 more");
    }
}
