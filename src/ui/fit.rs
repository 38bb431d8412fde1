//! How wide a line is on a screen, and how it is made to fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The line, cut so that it takes one row.
///
/// The selector that asks for the coloured form of a sign (U+FE0F) goes: terminals disagree on whether it makes the
/// sign one column wide or two, and a line that is redrawn must not guess.
pub(super) fn fit(line: &str, columns: usize) -> String {
    let plain: String = line.chars().filter(|c| *c != '\u{fe0f}').collect();
    if plain.width() <= columns {
        return plain;
    }
    let mut kept = String::new();
    let mut width = 0;
    for c in plain.chars() {
        let wide = c.width().unwrap_or(0);
        if width + wide + 1 > columns {
            break;
        }
        kept.push(c);
        width += wide;
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn what_fits_stays() {
        assert_eq!(fit("✅ Added", 8), "✅ Added");
        assert_eq!(fit("", 0), "");
    }

    #[test]
    fn a_wide_sign_is_never_cut_in_half() {
        assert_eq!(fit("東京東京", 8), "東京東京");
        assert_eq!(fit("東京東京", 7), "東京東…");
        assert_eq!(fit("東京東京", 6), "東京…");
    }

    #[test]
    fn signs_whose_width_terminals_disagree_on_are_made_certain() {
        assert_eq!(fit("⚠️ x", 80), "⚠ x");
    }
}
