//! The text of such a file: finds one assignment in it and changes its value; every other byte stays.
//!
//! Anything that readers of these files understand differently, and that touches the variable in question, is refused
//! rather than guessed at. The rest of the file may look as it likes.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::model::{Fault, SecretValue};

use super::quote::Style;

/// Where the value of a variable stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The value with its quotes.
    whole: Range<usize>,
    /// The value without them.
    inner: Range<usize>,
    style: Style,
}

/// Finds the assignment of a variable. Two of them are refused: the last counts for most readers and the first for
/// some.
pub(super) fn find(text: &[u8], variable: &str) -> Result<Option<Place>, Fault> {
    let mut found: Option<(Place, usize)> = None;
    for line in Lines::of(text) {
        let Some(equals) = assigns(text, &line.span, variable) else {
            continue;
        };
        if let Some((_, first)) = found {
            let what = format!(
                "`{variable}` stands on line {first} and on line {}",
                line.number
            );
            return Err(Fault::refused(what).hint("remove the one that does not count"));
        }
        let wrong = |why: &str| {
            Fault::refused(format!("line {}: {why}", line.number))
                .hint("write it as NAME='value' on a line of its own")
        };
        if line.continues {
            return Err(wrong("the line before ends in a backslash"));
        }
        let place = place(text, equals, line.span.end).map_err(wrong)?;
        found = Some((place, line.number));
    }
    Ok(found.map(|(place, _)| place))
}

/// The value that stands there. One that could not be written back is refused, so that whatever is changed can also
/// be undone.
pub(super) fn read(text: &[u8], place: &Place) -> Result<SecretValue, Fault> {
    let value = std::str::from_utf8(&text[place.inner.clone()])
        .map_err(|_| Fault::refused("the value is not UTF-8"))?;
    if place.style.expresses(value) {
        return Ok(SecretValue::new(value));
    }
    Style::fit(value, Style::Bare)?;
    Err(
        Fault::refused("the value is not quoted in a way that all readers take alike")
            .hint("put it in single quotes"),
    )
}

/// The text with another value in that place.
pub(super) fn replaced(
    text: &[u8],
    place: &Place,
    value: &SecretValue,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let value = value.expose();
    let quote = Style::fit(value, place.style)?.quote();
    let (before, after) = (&text[..place.whole.start], &text[place.whole.end..]);
    Ok(joined(&[
        before,
        quote.as_bytes(),
        value.as_bytes(),
        quote.as_bytes(),
        after,
    ]))
}

/// The text with an assignment at its end, in the line ends it has.
pub(super) fn appended(
    text: &[u8],
    variable: &str,
    value: &SecretValue,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let value = value.expose();
    let quote = Style::fit(value, Style::Bare)?.quote();
    let end: &[u8] = match text.windows(2).any(|pair| pair == b"\r\n") {
        true => b"\r\n",
        false => b"\n",
    };
    let gap = match text.last() {
        None | Some(b'\n') => &[],
        Some(_) => end,
    };
    Ok(joined(&[
        text,
        gap,
        variable.as_bytes(),
        b"=",
        quote.as_bytes(),
        value.as_bytes(),
        quote.as_bytes(),
        end,
    ]))
}

/// One buffer of the right size from the start: one that grows leaves copies behind that nobody wipes.
fn joined(pieces: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = pieces.iter().map(|piece| piece.len()).sum();
    let mut whole = Zeroizing::new(Vec::with_capacity(length));
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole
}

/// One line, or several that a quoted value holds together.
struct Line {
    span: Range<usize>,
    number: usize,
    /// Whether the line before it ends in a backslash, which makes it a part of that line for some readers.
    continues: bool,
}

struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: usize,
    continues: bool,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mark = b"\xef\xbb\xbf";
        Self {
            text,
            at: if text.starts_with(mark) {
                mark.len()
            } else {
                0
            },
            number: 1,
            continues: false,
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.at >= self.text.len() {
            return None;
        }
        let start = self.at;
        let mut end = line_end(self.text, start);
        if let Some(close) =
            opens_quote(self.text, start..end).and_then(|at| closing(self.text, at))
        {
            end = line_end(self.text, close);
        }
        let line = Line {
            span: start..without_return(self.text, start, end),
            number: self.number,
            continues: self.continues,
        };
        self.continues = self.text[line.span.clone()].ends_with(b"\\");
        self.number += 1 + count(&self.text[start..end], b'\n');
        self.at = end + 1;
        Some(line)
    }
}

fn count(text: &[u8], wanted: u8) -> usize {
    text.iter().filter(|byte| **byte == wanted).count()
}

fn line_end(text: &[u8], from: usize) -> usize {
    text[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |length| from + length)
}

fn without_return(text: &[u8], start: usize, end: usize) -> usize {
    end - usize::from(text[start..end].ends_with(b"\r"))
}

fn skip_blanks(text: &[u8], from: usize, end: usize) -> usize {
    from + text[from..end]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// The name that a line assigns to and where its `=` stands.
fn assignment(text: &[u8], line: &Range<usize>) -> Option<(Range<usize>, usize)> {
    let mut start = skip_blanks(text, line.start, line.end);
    if let Some(rest) = text[start..line.end].strip_prefix(b"export")
        && rest.starts_with(b" ") | rest.starts_with(b"\t")
    {
        start = skip_blanks(text, start + b"export".len(), line.end);
    }
    let name = text[start..line.end]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        .count();
    let equals = skip_blanks(text, start + name, line.end);
    (name > 0 && equals < line.end && text[equals] == b'=').then(|| (start..start + name, equals))
}

fn assigns(text: &[u8], line: &Range<usize>, variable: &str) -> Option<usize> {
    assignment(text, line)
        .filter(|(name, _)| text[name.clone()] == *variable.as_bytes())
        .map(|(_, equals)| equals)
}

/// Where the value of a line opens a quote, which may close on a later line.
fn opens_quote(text: &[u8], line: Range<usize>) -> Option<usize> {
    let (_, equals) = assignment(text, &line)?;
    let value = skip_blanks(text, equals + 1, line.end);
    (value < line.end && matches!(text[value], b'\'' | b'"' | b'`')).then_some(value)
}

/// Where the quote that opens here closes. A backslash keeps a double quote from closing.
fn closing(text: &[u8], open: usize) -> Option<usize> {
    let quote = text[open];
    let mut at = open + 1;
    while at < text.len() {
        match text[at] {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn place(text: &[u8], equals: usize, end: usize) -> Result<Place, &'static str> {
    let start = skip_blanks(text, equals + 1, end);
    let style = match text.get(start).filter(|_| start < end) {
        Some(b'\'') => Style::Single,
        Some(b'"') => Style::Double,
        Some(b'`') => return Err("a shell would run what stands in backticks"),
        _ => return Ok(bare(text, equals + 1, end)),
    };
    let close = closing(text, start)
        .filter(|close| *close < end)
        .ok_or("the quote does not close")?;
    let rest = skip_blanks(text, close + 1, end);
    let comment = rest > close + 1 && text[rest..end].starts_with(b"#");
    if rest != end && !comment {
        return Err("something stands behind the closing quote");
    }
    Ok(Place {
        whole: start..close + 1,
        inner: start + 1..close,
        style,
    })
}

/// A value without quotes ends at the end of the line, or before the blanks in front of a `#`.
fn bare(text: &[u8], after_equals: usize, end: usize) -> Place {
    let comment = (after_equals + 1..end)
        .find(|at| text[*at] == b'#' && matches!(text[at - 1], b' ' | b'\t'))
        .unwrap_or(end);
    let start = skip_blanks(text, after_equals, comment);
    let length = text[start..comment]
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t'))
        .map_or(0, |last| last + 1);
    // Where there is nothing, a new value goes right behind the `=`, so that a comment keeps its distance.
    let start = if length == 0 { after_equals } else { start };
    let whole = start..start + length;
    Place {
        inner: whole.clone(),
        whole,
        style: Style::Bare,
    }
}

#[cfg(test)]
mod tests;
