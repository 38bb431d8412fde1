//! Which replies count as a `SKIP`.
//!
//! The notice itself contains the word, and so does every answer that quotes it; anybody in a channel can write; and
//! machines answer machines. So a reply counts only if everything is in order at once: a listed person wrote it, by an
//! id that nobody can choose; it stands under that very notice, came after it and before its deadline; it was never
//! edited; and its first line is `SKIP`, or `SKIP 14d`, and nothing else.

use crate::model::{Instant, Span};

/// Something that was said under a notice, as a channel hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Under which message.
    pub root: String,
    /// Who wrote it: an id that its owner cannot choose or change.
    pub by: String,
    /// When, by the channel's clock.
    pub at: Instant,
    /// Rises with every message of the channel.
    pub order: u64,
    /// The text as it was typed.
    pub text: String,
    /// Whether a program wrote it, it was passed on from elsewhere, or nobody can say who wrote it.
    pub machine: bool,
    /// Whether it is not what was sent first.
    pub edited: bool,
    /// Whether it begins with somebody else's words.
    pub quoting: bool,
}

/// What a reply has to keep to.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    /// The notice's message.
    pub root: &'a str,
    /// Who may postpone.
    pub approvers: &'a [String],
    /// When the notice was sent.
    pub since: Instant,
    /// From when on it is too late.
    pub deadline: Instant,
    /// The last reply that was acted on.
    pub seen: Option<u64>,
}

/// What a reply comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Postpone, by so much or by what the policy says.
    Skip(Option<Span>),
    /// It would have counted before the deadline.
    Late,
    /// It is nothing to us.
    Ignored,
}

/// Judges one reply.
pub fn judge(reply: &Reply, rules: &Rules<'_>) -> Verdict {
    let known = rules.approvers.contains(&reply.by);
    let ours = reply.root == rules.root && reply.at >= rules.since;
    let done = rules.seen.is_some_and(|seen| reply.order <= seen);
    if !known || !ours || done || reply.machine || reply.edited || reply.quoting {
        return Verdict::Ignored;
    }
    match asked(&reply.text) {
        None => Verdict::Ignored,
        Some(_) if reply.at >= rules.deadline => Verdict::Late,
        Some(span) => Verdict::Skip(span),
    }
}

/// Reads the first line.
fn asked(text: &str) -> Option<Option<Span>> {
    let line = text.split(['\n', '\r']).next()?.trim_matches([' ', '\t']);
    if line == "SKIP" {
        return Some(None);
    }
    let span = Span::parse(line.strip_prefix("SKIP ")?.trim_start_matches(' ')).ok()?;
    (span > Span::ZERO).then_some(Some(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant in a test")
    }

    fn reply(text: &str) -> Reply {
        Reply {
            root: "C1:100.1".to_owned(),
            by: "T1/U1".to_owned(),
            at: at("2024-02-12T10:00:00Z"),
            order: 200,
            text: text.to_owned(),
            machine: false,
            edited: false,
            quoting: false,
        }
    }

    fn verdict(change: impl FnOnce(&mut Reply)) -> Verdict {
        let approvers = ["T1/U1".to_owned()];
        let rules = Rules {
            root: "C1:100.1",
            approvers: &approvers,
            since: at("2024-02-11T09:00:00Z"),
            deadline: at("2024-02-18T09:00:00Z"),
            seen: Some(150),
        };
        let mut reply = reply("SKIP");
        change(&mut reply);
        judge(&reply, &rules)
    }

    #[test]
    fn only_a_reply_with_everything_in_order_counts() {
        let days = |days| Verdict::Skip(Some(Span::days(days)));
        let words = |text: &'static str| move |reply: &mut Reply| text.clone_into(&mut reply.text);
        assert_eq!(verdict(|_| ()), Verdict::Skip(None));
        assert_eq!(verdict(words("SKIP 14d")), days(14));
        assert_eq!(
            verdict(words(" SKIP \nbecause of the audit")),
            Verdict::Skip(None)
        );
        assert_eq!(verdict(words("SKIP 2w\r\n> Reply SKIP")), days(14));
        for refused in [
            "",
            "skip",
            "Skip",
            "SKIP it",
            "SKIP14d",
            "SKIP 0d",
            "SKIP -3d",
            "SKIP 14",
            "SKIP 14d please",
            "SKIP 99999999999999999999d",
            "please SKIP",
            "\nSKIP",
            "> SKIP",
            "&gt; SKIP",
            "*SKIP*",
            "`SKIP`",
            "Reply SKIP to postpone by 30 days.",
            "Re: SKIP",
            "I am out of the office.\n\n> Reply SKIP to postpone",
            "\u{202e}SKIP",
            "SKIP\u{200b}",
            "ＳＫＩＰ",
            "SKIP\u{a0}14d",
            "SKIP\u{2028}x",
        ] {
            assert_eq!(
                verdict(|reply| refused.clone_into(&mut reply.text)),
                Verdict::Ignored,
                "{refused:?}"
            );
        }
    }

    #[test]
    fn strangers_machines_edits_quotes_other_threads_and_old_replies_do_not_count() {
        type Change = fn(&mut Reply);
        let changes: [Change; 8] = [
            |reply| "T1/U2".clone_into(&mut reply.by),
            |reply| "T2/U1".clone_into(&mut reply.by),
            |reply| reply.machine = true,
            |reply| reply.edited = true,
            |reply| reply.quoting = true,
            |reply| "C1:100.2".clone_into(&mut reply.root),
            |reply| reply.order = 150,
            |reply| reply.at = at("2024-02-11T08:59:59Z"),
        ];
        for change in changes {
            assert_eq!(verdict(change), Verdict::Ignored);
        }
    }

    #[test]
    fn at_the_deadline_it_is_too_late() {
        let late = |when: &'static str| verdict(|reply| reply.at = at(when));
        assert_eq!(late("2024-02-18T08:59:59Z"), Verdict::Skip(None));
        assert_eq!(late("2024-02-18T09:00:00Z"), Verdict::Late);
        // What would not have counted in time is not answered afterwards either.
        let stranger = verdict(|reply| {
            reply.at = at("2024-02-19T09:00:00Z");
            "T1/U2".clone_into(&mut reply.by);
        });
        assert_eq!(stranger, Verdict::Ignored);
    }

    /// A hundred thousand texts made of what could matter, always the same ones.
    #[test]
    fn no_text_makes_it_panic_and_nothing_else_gets_through() {
        const PIECES: [&str; 20] = [
            "SKIP",
            "skip",
            " ",
            "\n",
            "\r",
            "\t",
            "14d",
            "0d",
            "9",
            "d",
            "w",
            ">",
            "&gt;",
            "<",
            "\u{202e}",
            "\u{0}",
            "🔑",
            "\u{a0}",
            "99999999999",
            "x",
        ];
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let mut counted = 0;
        for round in 0..100_000 {
            let text = match round % 4 {
                0 => {
                    let bytes: Vec<u8> =
                        (0..next() % 24).map(|_| next().to_le_bytes()[0]).collect();
                    String::from_utf8_lossy(&bytes).into_owned()
                }
                _ => (0..next() % 6)
                    .map(|_| PIECES[(next() % 20) as usize])
                    .collect(),
            };
            if asked(&text).is_some() {
                counted += 1;
                let first = text.split(['\n', '\r']).next().unwrap_or_default();
                let words: Vec<&str> = first
                    .split([' ', '\t'])
                    .filter(|word| !word.is_empty())
                    .collect();
                assert!(
                    words == ["SKIP"]
                        || (words.len() == 2
                            && words[0] == "SKIP"
                            && Span::parse(words[1]).is_ok()),
                    "{text:?}"
                );
            }
        }
        assert!(counted > 100, "the pieces make some that count");
    }
}
