//! What may stand in a cell of a spreadsheet.
//!
//! A spreadsheet takes a text that begins like a formula for one, and a text that looks like a number or a date for that.
//! A leading apostrophe makes both plain text. A tab in front, often advised, was itself a hole (CVE-2021-41270).

use std::borrow::Cow;

/// Spreadsheets cut a cell at 32,767 characters, and put the rest into the next one.
const LONGEST: usize = 32_000;

/// What stands between the items of a list. A semicolon would split the cell where it is the list separator of the locale.
const BETWEEN: &str = " | ";

/// The text as a spreadsheet may see it: one line, no formula, no number.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let clean = if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        let one_line = text.chars().take(LONGEST);
        let one_line = one_line.map(|c| if c.is_control() { ' ' } else { c });
        Cow::Owned(one_line.collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    if starts_formula(&clean) || looks_numeric(&clean) {
        Cow::Owned(format!("'{clean}"))
    } else {
        clean
    }
}

/// A list as one cell. What does not fit is counted; the whole list is in the JSON export.
pub(super) fn list<'a, I>(items: I) -> String
where
    I: IntoIterator<Item = &'a String, IntoIter: ExactSizeIterator>,
{
    let items = items.into_iter();
    let mut cell = String::new();
    let mut left = items.len();
    for item in items {
        let more = format!("{BETWEEN}and {left} more");
        if cell.len() + item.len() + more.len() > LONGEST {
            cell.push_str(&more);
            break;
        }
        if !cell.is_empty() {
            cell.push_str(BETWEEN);
        }
        cell.push_str(item);
        left -= 1;
    }
    cell
}

fn starts_formula(text: &str) -> bool {
    let unseen = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}');
    text.trim_start_matches(unseen).starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

fn looks_numeric(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || ".,+-eE:/% ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_like_a_formula() {
        for (given, safe) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-cmd", "'-cmd"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\r\n=1", "'  =1"),
            ("\u{a0} =1", "'\u{a0} =1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("a\n=1", "a =1"),
            ("vercel/web", "vercel/web"),
            ("", ""),
        ] {
            assert_eq!(text(given), safe, "{given:?}");
        }
    }

    #[test]
    fn ids_are_not_mangled_into_numbers_or_dates() {
        for id in ["0012", "1234e567", "1E5", "2024-02", "1/2", "12,5"] {
            assert_eq!(text(id), format!("'{id}"));
        }
        assert_eq!(text("fp1_1234e567"), "fp1_1234e567");
        assert_eq!(text("2024-02-18T09:00:00Z"), "2024-02-18T09:00:00Z");
    }

    #[test]
    fn a_list_stays_within_a_cell_and_says_what_it_left_out() {
        let short = ["a".to_owned(), "b".to_owned()];
        assert_eq!(list(&short), "a | b");
        let long = vec!["x".repeat(1000); 40];
        let cell = list(&long);
        assert!(cell.len() <= LONGEST);
        assert!(
            cell.ends_with("x | and 9 more"),
            "{}",
            &cell[cell.len() - 40..]
        );
    }
}
