//! What may stand in a cell of a spreadsheet.
//!
//! A spreadsheet takes a text that begins like a formula for one, and a text that looks like a number or a date for that.
//! A leading apostrophe makes both plain text. A tab in front, often advised, was itself a hole (CVE-2021-41270).

use std::borrow::Cow;

/// Spreadsheets cut a cell at 32,767 characters, and put the rest into the next one.
const LONGEST: usize = 32_000;

/// What stands between the items of a list. A semicolon would split the cell where it is the list separator of the locale.
pub(super) const BETWEEN: &str = " | ";

/// The text as a spreadsheet may see it: one line, no formula, no number.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let clean = if text.chars().any(breaks) || text.chars().count() > LONGEST {
        let one_line = text.chars().take(LONGEST);
        let one_line = one_line.map(|c| if breaks(c) { ' ' } else { c });
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

/// What begins a new line, or could make a program do so.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Also behind what nobody sees, and in the full-width and small forms that some locales take for the same.
fn starts_formula(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{180e}' | '\u{3164}' | '\u{feff}'
            )
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
    };
    text.trim_start_matches(unseen).starts_with([
        '=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{fe66}',
        '\u{fe62}', '\u{fe63}', '\u{fe6b}', '\u{2212}',
    ])
}

/// Whether a spreadsheet could take it for a number, an amount, a date, a time or a truth value.
fn looks_numeric(text: &str) -> bool {
    if ["true", "false"]
        .iter()
        .any(|word| text.trim().eq_ignore_ascii_case(word))
    {
        return true;
    }
    let mut words = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty());
    let has_digit = text.contains(|c: char| c.is_numeric());
    let plain =
        |c: char| c.is_alphanumeric() || ".,+-:/%() '\u{a0}$\u{a3}\u{a5}\u{20ac}".contains(c);
    has_digit && text.chars().all(plain) && words.all(is_date_word)
}

/// A word that may stand in a number or in a date.
fn is_date_word(word: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let is_month = word.len() >= 3 && MONTHS.iter().any(|month| month.starts_with(&word));
    is_month || matches!(word.as_str(), "e" | "am" | "pm" | "a" | "p")
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
            ("\u{2060}\u{202e}=1", "'\u{2060}\u{202e}=1"),
            ("\u{fe63}1+1", "'\u{fe63}1+1"),
            ("\u{2212}1", "'\u{2212}1"),
            ("a\u{2028}=1", "a =1"),
            ("\u{2028}@x", "' @x"),
            ("vercel/web", "vercel/web"),
            ("", ""),
        ] {
            assert_eq!(text(given), safe, "{given:?}");
        }
    }

    #[test]
    fn ids_are_not_mangled_into_numbers_or_dates() {
        for id in [
            "0012",
            "1234e567",
            "1E5",
            "2024-02",
            "1/2",
            "12,5",
            "(5)",
            "$5",
            "10:30 PM",
            "1 1/2",
            "true",
            "FALSE",
            "18 Feb 2024",
            "Feb 18, 2024",
            "march 5",
            "\u{ff11}\u{ff12}",
        ] {
            assert_eq!(text(id), format!("'{id}"));
        }
        for word in [
            "fp1_1234e567",
            "evt_12",
            "2 days",
            "26.5 hours",
            "30d",
            "truest",
            "1 key",
        ] {
            assert_eq!(text(word), word);
        }
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
