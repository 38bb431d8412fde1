//! How text from the file is repeated in a message: never what may be a secret, and with the word that was meant.

use std::collections::BTreeSet;

/// The longest text that is repeated. A person may have pasted a secret where none belongs.
const LONGEST: usize = 40;

/// Beginnings of well-known keys. No such list is whole; what looks random is not repeated either. Sources: the rules
/// of gitleaks (`b58d3f10`, 2026-07-22); `whsec_` from the Standard Webhooks specification; `rnd_` from keys of Render.
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "rnd_",
    "ops_",
    "dop_v1_",
    "hf_",
    "npm_",
    "pypi-",
    "SG.",
    "AIza",
    "eyJ",
    "AGE-SECRET-KEY-",
    "-----BEGIN ",
];

/// Whether the text looks like a key that somebody's vendor made. `npm_publish_token` does not: it has no digit.
pub(super) fn looks_like_a_key(text: &str) -> bool {
    let has_digit = text.chars().any(|c| c.is_ascii_digit());
    begins_like_a_key(text) && (has_digit || text.starts_with("-----BEGIN "))
}

fn begins_like_a_key(text: &str) -> bool {
    let long_enough = text.len() >= 16;
    long_enough && KEY_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Whether the text may be repeated in a message.
pub(super) fn may_be_shown(text: &str) -> bool {
    text.chars().count() <= LONGEST && !begins_like_a_key(text) && !is_random(text)
}

/// The text in backticks, or how long it is.
pub(super) fn quoted(text: &str) -> String {
    if may_be_shown(text) {
        return format!("`{}`", text.escape_debug());
    }
    let length = text.chars().count();
    format!("a text of {length} characters (not shown: it may be a secret)")
}

/// Whether somebody else's message about the text may be passed on.
pub(super) fn may_be_said(why: &str, text: &str) -> bool {
    let repeats = why.contains(text) || why.contains(&text.escape_debug().to_string());
    let mut words = why.split(|c: char| c.is_whitespace() || matches!(c, '`' | '{' | '}' | '"'));
    (may_be_shown(text) || !repeats) && words.all(may_be_shown)
}

/// Long, without spaces, and mixing letters of both cases with digits: what a generator makes and a person does not.
fn is_random(text: &str) -> bool {
    let has = |test: fn(&char) -> bool| text.chars().any(|c| test(&c));
    text.len() >= 20
        && !has(|c| c.is_whitespace())
        && has(char::is_ascii_digit)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
}

/// The known word that was most likely meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = plain(word);
    let allowed = (word.len() / 3).max(1);
    let (distance, nearest) = known
        .iter()
        .map(|known| (distance(&word, &plain(known)), *known))
        .min()?;
    (distance <= allowed).then_some(nearest)
}

/// What to write instead of an unknown word: the nearest known one, or all of them.
pub fn meant(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => "nothing can be chosen here".to_owned(),
        None => format!("known here: {}", list(known)),
    }
}

/// `a`, `b`, `c` in the order of the alphabet.
pub(super) fn list(words: &[&str]) -> String {
    let words: BTreeSet<&str> = words.iter().copied().collect();
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// How many letters have to be changed, added, left out or swapped with the next (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(LONGEST).collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let change = usize::from(from[i - 1] != to[j - 1]);
            let mut least = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word() {
        let known = ["every", "warn", "grace", "max_age", "confirm_timeout"];
        assert_eq!(nearest("evry", &known), Some("every"));
        assert_eq!(nearest("garce", &known), Some("grace"));
        assert_eq!(nearest("maxAge", &known), Some("max_age"));
        assert_eq!(nearest("confirm-timeout", &known), Some("confirm_timeout"));
        assert_eq!(nearest("notify", &known), None);
        assert_eq!(nearest("", &known), None);
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        assert_eq!(quoted("7 days"), "`7 days`");
        assert_eq!(quoted("a\u{1b}[2J"), "`a\\u{1b}[2J`");
        for secret in [
            "sk-proj-0123456789abcdef",
            "ghp_0123456789abcdefghij",
            "hT7kQ2mW9xLp4RzV8bNc",
            &"x".repeat(41),
        ] {
            let length = secret.len();
            let said = quoted(secret);
            assert_eq!(
                said,
                format!("a text of {length} characters (not shown: it may be a secret)")
            );
        }
    }

    #[test]
    fn ordinary_names_do_not_look_like_keys() {
        for name in [
            "sk-short",
            "OPENAI_API_KEY",
            "proj_123",
            "https://gateway.example",
        ] {
            assert!(!looks_like_a_key(name), "{name}");
            assert!(may_be_shown(name), "{name}");
        }
        assert!(!looks_like_a_key("npm_publish_token"));
        assert!(!may_be_shown("npm_publish_token"));
    }
}
