//! The note in an item of a password manager: when, and in which run, rotakey changed a field.
//!
//! One line for each field, put in the place of the one before. A person who opens the item finds the run in the audit
//! log; what the former values were stands in the manager's own history and never here.

use crate::model::{Instant, RunId, sanitise, when};

/// Who changes something, and when.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) at: Instant,
    pub(super) run: Option<RunId>,
}

/// The notes of an item with the line for that field. Everything else stays as it is.
pub(super) fn noted(notes: &str, field: &str, signature: &Signature) -> String {
    let begins = format!("rotakey changed `{}` ", sanitise(field));
    let mut line = format!("{begins}on {}", when::moment(signature.at));
    if let Some(run) = &signature.run {
        line.push_str(&format!(" ({run})"));
    }
    if !notes.lines().any(|old| old.starts_with(&begins)) {
        return match notes {
            "" => line,
            notes if notes.ends_with('\n') => format!("{notes}{line}"),
            notes => format!("{notes}\n{line}"),
        };
    }
    let lines = notes.split('\n').map(|old| match old.starts_with(&begins) {
        true => line.as_str(),
        false => old,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(day: &str, run: &str) -> Signature {
        Signature {
            at: format!("2026-03-{day}T12:00:00Z").parse().unwrap(),
            run: Some(run.into()),
        }
    }

    #[test]
    fn a_field_has_one_line_and_the_words_of_people_stay() {
        let first = noted("owner: ops", "credential", &signed("01", "run_1"));
        assert_eq!(
            first,
            "owner: ops\nrotakey changed `credential` on Mar 1, 2026 12:00 UTC (run_1)"
        );
        let other = noted(
            &format!("{first}\nsee wiki\n"),
            "user",
            &signed("02", "run_2"),
        );
        let again = noted(&other, "credential", &signed("03", "run_3"));
        assert_eq!(
            again,
            "owner: ops\nrotakey changed `credential` on Mar 3, 2026 12:00 UTC (run_3)\nsee wiki\n\
             rotakey changed `user` on Mar 2, 2026 12:00 UTC (run_2)"
        );
    }

    #[test]
    fn an_item_without_notes_gets_the_line_alone() {
        let signature = Signature {
            run: None,
            ..signed("01", "")
        };
        assert_eq!(
            noted("", "a\nb", &signature),
            "rotakey changed `a b` on Mar 1, 2026 12:00 UTC"
        );
    }
}
