//! How it looks: at 80 columns and at 200, with colour and without; and no escape codes where nobody looks.

use rotakey::exit::Exit;

use crate::support::sandbox::Look;
use crate::support::shop;

/// The text without the codes of colours, and those codes.
fn without_colours(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut codes) = (String::new(), Vec::new());
    let mut parts = text.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap_or((part, ""));
        codes.push(code.to_owned());
        plain.push_str(rest);
    }
    (plain, codes)
}

fn widest(text: &str) -> usize {
    let widths = text.lines().map(unicode_width::UnicodeWidthStr::width);
    widths.max().unwrap_or(0)
}

#[test]
fn plan_and_check_fit_the_terminal_and_say_the_same_with_and_without_colour() {
    let (sandbox, _) = shop::both();
    for line in ["plan", "check", "check --policy", "plan --using vercel"] {
        let piped = sandbox.run(line);
        assert!(!piped.stdout.contains('\u{1b}'), "{line}");
        for columns in [80, 200] {
            let colour = sandbox.seen(
                line,
                Look {
                    columns,
                    colour: true,
                },
            );
            let plain = sandbox.seen(
                line,
                Look {
                    columns,
                    colour: false,
                },
            );
            assert_eq!(colour.exit, piped.exit);
            assert!(!plain.stdout.contains('\u{1b}'), "{line}");
            let (text, codes) = without_colours(&colour.stdout);
            assert_eq!(text, plain.stdout, "{line} at {columns}");
            // Only what a theme maps itself, dark or light: bold, red, green and magenta, and back.
            for code in &codes {
                assert!(
                    ["[0", "[1", "[32", "[1;31", "[1;35"].contains(&code.as_str()),
                    "{code}"
                );
            }
            assert!(!codes.is_empty(), "{line} has colour");
            let tables: String = text
                .lines()
                .filter(|line| !line.starts_with(' '))
                .map(|line| format!("{line}\n"))
                .collect();
            assert!(
                widest(&tables) <= columns.into(),
                "{line} at {columns}\n{text}"
            );
            if columns == 200 {
                assert_eq!(
                    plain.stdout, piped.stdout,
                    "{line}: nothing has to be cut at 200"
                );
            }
        }
    }
}

#[test]
fn plan_at_eighty_columns() {
    let (sandbox, _) = shop::both();
    let ran = sandbox.seen(
        "plan",
        Look {
            columns: 80,
            colour: false,
        },
    );
    assert!(
        ran.stdout.starts_with(
            "SECRET   STATE  KEY         AGE      DUE\n\
             openai   due    sk-...q9ZP  30 days  Feb 18, 2024 (today)\n"
        ),
        "{}",
        ran.stdout
    );
}

#[test]
fn progress_fits_the_terminal_it_is_on() {
    for columns in [80, 200] {
        for colour in [true, false] {
            let (sandbox, _) = shop::both();
            let ran = sandbox
                .seen("rotate", Look { columns, colour })
                .exits(Exit::Done);
            assert_eq!(ran.stdout, "");
            assert!(
                ran.stderr.contains("✅ Key Rotation Complete"),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.contains('\u{1b}'), "a terminal's progress moves");
            // A line that is redrawn is filled up with blanks to the edge, and the next one begins without a break.
            let told = ran.stderr.replace("   ", "\n");
            let told: String = told
                .split(['\n', '\r'])
                .map(|line| without_moves(line) + "\n")
                .collect();
            assert!(widest(&told) <= columns.into(), "at {columns}:\n{told}");
        }
    }
    let (sandbox, _) = shop::both();
    let piped = sandbox.run("rotate").exits(Exit::Done);
    assert!(!piped.stderr.contains(['\u{1b}', '\r']), "{}", piped.stderr);
}

/// Without escape codes of any kind: `ESC [`, numbers, one letter.
fn without_moves(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}
