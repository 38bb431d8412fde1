//! Lines for programs.

use super::*;

#[test]
fn json_lines_are_one_object_for_each_piece_of_news() {
    let (out, talk) = watched(Manner::Json, succeed);
    assert_eq!(talk, "");
    let lines: Vec<&str> = out.lines().collect();
    let frame = r#""at":"2024-02-18T09:00:00.000Z","run":"run_1","secret":"openai""#;
    let line = |rest: &str| format!("{{{frame},{rest}}}");
    assert_eq!(lines.len(), 13);
    assert_eq!(
        lines[0],
        line(r#""news":"started","title":"OpenAI API","old":"sk-...x7K2","resumed":false"#)
    );
    assert_eq!(lines[1], line(r#""news":"issued","new":"sk-...j9M1""#));
    assert_eq!(
        lines[2],
        line(r#""news":"step_began","step":"deliver","target":"vercel/acme","places":2"#)
    );
    assert_eq!(
        lines[3],
        line(r#""news":"place_done","step":"deliver","target":"vercel/acme","place":"vercel/web""#)
    );
    assert_eq!(
        lines[10],
        line(
            r#""news":"place_waits","step":"confirm","target":"vercel/acme","place":"vercel/api","doing":"building""#
        )
    );
    assert_eq!(
        lines[12],
        line(
            r#""news":"promoted","new":"sk-...j9M1","old":"sk-...x7K2","services_observed":2,"services":2,"grace_seconds":86400"#
        )
    );
}

#[test]
fn every_piece_of_news_has_its_json() {
    fn rest(watcher: &mut dyn Progress) {
        let until = at("2024-02-19T00:00:00Z");
        failed(watcher, Step::Issue, "openai", "openai", "no");
        tell(
            watcher,
            Happening::Soaking {
                stage: "staging",
                until,
            },
        );
        tell(watcher, Happening::UndoBegan { why: "no" });
        tell(
            watcher,
            Happening::RolledBack {
                why: "no",
                live: None,
                hint: None,
            },
        );
        tell(
            watcher,
            Happening::Revoked {
                services: 5,
                old: None,
                observed: "it is refused",
                next: Some(until),
            },
        );
        tell(watcher, Happening::Note { text: "\u{1b}[2J" });
    }
    let (out, _) = watched(Manner::Json, rest);
    let told: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_once(r#""secret":"openai","#))
        .map(|(_, told)| told)
        .collect();
    assert_eq!(
        told,
        [
            r#""news":"place_failed","step":"issue","target":"openai","place":"openai","why":"no"}"#,
            r#""news":"soaking","stage":"staging","until":"2024-02-19T00:00:00.000Z"}"#,
            r#""news":"undo_began","why":"no"}"#,
            r#""news":"rolled_back","why":"no"}"#,
            r#""news":"revoked","observed":"it is refused","next":"2024-02-19T00:00:00.000Z"}"#,
            r#""news":"note","text":"\u001b[2J"}"#,
        ]
    );
}
