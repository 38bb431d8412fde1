//! Text from outside, made safe to print: names that vendors, repositories and configuration files made up.
//!
//! A terminal obeys escape sequences, and a reader believes what bidirectional and invisible characters make of a line.
//! Both have been used against tools that print what a server says (kubectl, CVE-2021-25743; "trojan source",
//! CVE-2021-42574).

/// The most characters that are kept.
const LONGEST: usize = 160;

/// One printable line of the text: escape sequences, control, bidirectional and invisible characters are taken out,
/// line breaks and tabs become a space, and what is longer than 160 characters is cut.
pub fn sanitise(text: &str) -> String {
    let mut kept = String::new();
    let mut length = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let Some(c) = printable(c, &mut rest) else {
            continue;
        };
        if length == LONGEST {
            kept.push('…');
            break;
        }
        kept.push(c);
        length += 1;
    }
    kept.trim().to_owned()
}

/// What stands for the character; takes the rest of an escape sequence away.
fn printable(c: char, rest: &mut std::str::Chars<'_>) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{1b}' => {
            match rest.next() {
                Some('[') => skip_control_sequence(rest),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
                _ => {}
            }
            None
        }
        '\u{9b}' => {
            skip_control_sequence(rest);
            None
        }
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
            skip_string(rest);
            None
        }
        _ if c.is_control() || is_invisible(c) => None,
        _ => Some(c),
    }
}

/// `ESC [ … letter`: colours, cursor moves.
fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    for c in rest {
        if ('\u{40}'..='\u{7e}').contains(&c) {
            return;
        }
    }
}

/// `ESC ] … BEL` or `… ESC \`: window titles, links, the clipboard. One that never ends takes the rest with it.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

/// Characters that change what a reader sees without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::sanitise;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert_eq!(
            sanitise("Zoë's project (v2) ⚠️ 東京"),
            "Zoë's project (v2) ⚠️ 東京"
        );
    }

    #[test]
    fn escape_sequences_leave_nothing_behind() {
        assert_eq!(sanitise("a\u{1b}[31;1mred\u{1b}[0m b"), "ared b");
        assert_eq!(
            sanitise("a\u{1b}]8;;https://evil\u{7}link\u{1b}]8;;\u{1b}\\ b"),
            "alink b"
        );
        assert_eq!(sanitise("a\u{9b}2Jb\u{9d}0;title\u{9c}c"), "abc");
        assert_eq!(sanitise("a\u{1b}]52;c;never ends"), "a");
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(
            sanitise("ok\r\n2026 rotated\tstripe\u{0}"),
            "ok  2026 rotated stripe"
        );
    }

    #[test]
    fn invisible_and_bidirectional_characters_go() {
        assert_eq!(
            sanitise("we\u{200b}b\u{202e}dorp\u{2066}\u{feff}"),
            "webdorp"
        );
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(sanitise(&"x".repeat(161)), format!("{}…", "x".repeat(160)));
        assert_eq!(sanitise(&"x".repeat(160)), "x".repeat(160));
    }
}
