//! One rotation as each kind of watcher shows it, to the letter.

use std::sync::Mutex;

use chrono::TimeDelta;

use super::board::Board;
use super::*;
use crate::ledger::Step;
use crate::model::{Hint, Instant, Making, SecretName, SecretValue, Span};
use crate::rotation::Happening;
use crate::ui::testing::{Broken, Paper, no_environment, terminal};
use crate::ui::{Outlet, Size};

struct Still(Mutex<Instant>);

impl Still {
    fn clock() -> Arc<dyn Clock> {
        Arc::new(Self(Mutex::new(at("2024-02-18T09:00:00Z"))))
    }
}

impl Clock for Still {
    fn now(&self) -> Instant {
        *self.0.lock().expect("no reader has panicked")
    }

    fn wait(&self, span: TimeDelta) {
        *self.0.lock().expect("no reader has panicked") += span;
    }

    fn stopping(&self) -> bool {
        false
    }
}

fn at(text: &str) -> Instant {
    text.parse().expect("an instant in a test")
}

fn key(end: &str) -> Hint {
    let value = SecretValue::new(format!("sk-{}{end}", "x".repeat(40)));
    Hint::of(&value, Making::Machine)
}

fn spoken() -> Spoken {
    Spoken::from([("vercel/acme".to_owned(), "Vercel env vars".to_owned())])
}

fn tell(watcher: &mut dyn Progress, what: Happening<'_>) {
    let secret = SecretName::from("openai");
    watcher.tell(News {
        secret: &secret,
        title: "OpenAI API",
        what,
    });
}

const VERCEL: &str = "vercel/acme";
const FILE: &str = "dotenv/.env";

fn began(watcher: &mut dyn Progress, step: Step, target: &str, places: usize) {
    tell(
        watcher,
        Happening::StepBegan {
            step,
            target,
            places,
        },
    );
}

fn done(watcher: &mut dyn Progress, step: Step, target: &str, place: &str) {
    tell(
        watcher,
        Happening::PlaceDone {
            step,
            target,
            place,
        },
    );
}

fn failed(watcher: &mut dyn Progress, step: Step, target: &str, place: &str, why: &str) {
    tell(
        watcher,
        Happening::PlaceFailed {
            step,
            target,
            place,
            why,
        },
    );
}

fn begin(watcher: &mut dyn Progress) {
    let (old, new) = (key("x7K2"), key("j9M1"));
    tell(
        watcher,
        Happening::Started {
            old: Some(&old),
            resumed: false,
            leak: None,
        },
    );
    tell(watcher, Happening::Issued { new: &new });
    began(watcher, Step::Deliver, VERCEL, 2);
    done(watcher, Step::Deliver, VERCEL, "vercel/web");
    done(watcher, Step::Deliver, VERCEL, "vercel/api");
    began(watcher, Step::Deliver, FILE, 1);
    done(watcher, Step::Deliver, FILE, ".env");
    began(watcher, Step::Activate, VERCEL, 2);
    began(watcher, Step::Confirm, VERCEL, 2);
    done(watcher, Step::Confirm, VERCEL, "vercel/web");
}

fn succeed(watcher: &mut dyn Progress) {
    begin(watcher);
    let (old, new) = (key("x7K2"), key("j9M1"));
    let (place, doing) = ("vercel/api", "building");
    tell(
        watcher,
        Happening::PlaceWaits {
            step: Step::Confirm,
            target: VERCEL,
            place,
            doing,
        },
    );
    done(watcher, Step::Confirm, VERCEL, place);
    tell(
        watcher,
        Happening::Promoted {
            new: &new,
            old: Some(&old),
            services: (2, 2),
            grace: Span::hours(24),
        },
    );
}

fn fall_back(watcher: &mut dyn Progress) {
    begin(watcher);
    failed(watcher, Step::Confirm, VERCEL, "vercel/api", "build failed");
    tell(
        watcher,
        Happening::UndoBegan {
            why: "vercel/api: build failed",
        },
    );
    began(watcher, Step::Restore, VERCEL, 2);
    done(watcher, Step::Restore, VERCEL, "vercel/web");
    done(watcher, Step::Restore, VERCEL, "vercel/api");
    began(watcher, Step::Confirm, VERCEL, 2);
    done(watcher, Step::Confirm, VERCEL, "vercel/web");
    done(watcher, Step::Confirm, VERCEL, "vercel/api");
    let live = key("x7K2");
    tell(
        watcher,
        Happening::RolledBack {
            why: "vercel/api: build failed",
            live: Some(&live),
            hint: Some("mend it"),
        },
    );
}

/// What stands on stdout and stderr after all of it.
fn watched(manner: Manner, story: fn(&mut dyn Progress)) -> (String, String) {
    let (out, talk) = (Paper::default(), Paper::default());
    let mut printer = Printer::new(
        Outlet::plain(out.clone()),
        Outlet::plain(talk.clone()),
        manner,
        &no_environment,
    );
    let run = RunId::from("run_1");
    story(&mut *printer.watch(&run, Still::clock(), spoken()));
    printer.finish().expect("it was written");
    (out.text(), talk.text())
}

#[test]
fn plain_lines_tell_a_rotation_step_by_step() {
    let (out, talk) = watched(Manner::People, succeed);
    assert_eq!(out, "");
    assert_eq!(
        talk,
        "openai: rotation started; the live key is sk-...x7K2\n\
         openai: new key generated: sk-...j9M1\n\
         openai: added to Vercel env vars: 2/2\n\
         openai: added to dotenv/.env\n\
         openai: vercel/acme observed on the new key: 2/2\n\
         openai: sk-...j9M1 is current on 2/2 services; sk-...x7K2 will be revoked after Feb 19, 2024 09:00 UTC\n"
    );
}

#[test]
fn plain_lines_tell_a_rollback() {
    let (_, talk) = watched(Manner::People, fall_back);
    let tail: Vec<&str> = talk.lines().skip(4).collect();
    assert_eq!(
        tail,
        [
            "openai: confirm failed at vercel/api: build failed",
            "openai: vercel/acme observed on the new key: 1/2",
            "openai: rolling back: vercel/api: build failed",
            "openai: old key put back into Vercel env vars: 2/2",
            "openai: vercel/acme observed on the old key: 2/2",
            "openai: rolled back; sk-...x7K2 is current",
        ]
    );
}

#[test]
fn three_hundred_places_make_one_plain_line_and_one_for_each_failure() {
    fn many(watcher: &mut dyn Progress) {
        began(watcher, Step::Deliver, VERCEL, 300);
        for place in 0..300 {
            let place = format!("vercel/p{place}");
            match place.as_str() {
                "vercel/p7" => failed(watcher, Step::Deliver, VERCEL, &place, "token refused"),
                _ => done(watcher, Step::Deliver, VERCEL, &place),
            }
        }
    }
    assert_eq!(
        watched(Manner::People, many).1,
        "openai: deliver failed at vercel/p7: token refused\n\
         openai: added to Vercel env vars: 299/300\n"
    );
}

#[test]
fn quiet_is_quiet() {
    assert_eq!(
        watched(Manner::Quiet, fall_back),
        (String::new(), String::new())
    );
}

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

/// What a terminal would have kept of it: the text without escape codes, from the last full redraw on.
fn lasting(story: fn(&mut dyn Progress)) -> String {
    let talk = Paper::default();
    let mut printer = Printer::new(
        Outlet::plain(Paper::default()),
        terminal(talk.clone(), 80, 30),
        Manner::People,
        &no_environment,
    );
    let run = RunId::from("run_1");
    story(&mut *printer.watch(&run, Still::clock(), spoken()));
    talk.text()
}

#[test]
fn a_terminal_keeps_the_whole_story_and_the_message_it_ends_with() {
    let kept = lasting(succeed);
    let story = "🔄 Key Rotation Started\n\
         Service: OpenAI API\n\
         Old key: sk-...x7K2\n\
         New key: sk-...j9M1\n\
         Progress:\n\
         ✅ New key generated\n\
         ✅ Added to Vercel env vars (2 places)\n\
         ✅ Added to dotenv/.env\n\
         ✅ Services redeployed (2/2)\n\n";
    let end = "✅ Key Rotation Complete\n\
         Service: OpenAI API\n\
         New key: sk-...j9M1\n\
         All services updated: 2/2\n\
         🕐 Grace period: 24 hours\n\
         Old key (sk-...x7K2) will be revoked tomorrow.\n\n";
    let (story_at, end_at) = (kept.find(story), kept.find(end));
    assert!(story_at.is_some() && story_at < end_at, "{kept}");
}

#[test]
fn a_terminal_keeps_what_a_rollback_left_behind() {
    let kept = lasting(fall_back);
    let story = "✅ Added to dotenv/.env\n\
         ❌ Services redeployed: 1/2\n   \
         ❌ vercel/api: build failed\n\
         ⏪ Rolling back: vercel/api: build failed\n\
         ✅ Old key put back into Vercel env vars (2 places)\n\
         ✅ Services redeployed with the old key (2/2)\n\n";
    assert!(kept.contains(story), "{kept}");
}

#[test]
fn a_run_that_stops_halfway_leaves_what_it_had_done() {
    assert!(lasting(begin).contains("⏳ Redeploying services: 1/2, not over\n\n"));
}

#[test]
fn a_terminal_that_cannot_be_written_is_no_reason_to_stop() {
    let mut printer = Printer::new(
        Outlet::plain(Broken),
        terminal(Broken, 80, 24),
        Manner::People,
        &no_environment,
    );
    let run = RunId::from("run_1");
    fall_back(&mut *printer.watch(&run, Still::clock(), spoken()));
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let talk = Paper::default();
    let dumb = |name: &str| (name == "TERM").then(|| "dumb".to_owned());
    let mut printer = Printer::new(
        Outlet::plain(Paper::default()),
        terminal(talk.clone(), 80, 24),
        Manner::People,
        &dumb,
    );
    let run = RunId::from("run_1");
    begin(&mut *printer.watch(&run, Still::clock(), spoken()));
    assert!(talk.text().starts_with("openai: rotation started"));
    assert!(!talk.text().contains('\u{1b}'));
}

fn board() -> Board {
    let mut board = Board::default();
    let now = at("2024-02-18T09:00:00Z");
    for (name, title) in [("openai", "OpenAI API"), ("stripe", "Stripe API")] {
        let block = board.block(&SecretName::from(name), title);
        block.head(vec![
            "🔄 Key Rotation Started".to_owned(),
            format!("Service: {title}"),
        ]);
        block.issued();
        block.began(Step::Confirm, VERCEL, VERCEL, 4, now);
        for place in ["a", "b"] {
            block.count(Step::Confirm, VERCEL, VERCEL, now, |tally| {
                tally.done(place)
            });
        }
        block.count(Step::Confirm, VERCEL, VERCEL, now, |tally| {
            tally.waits("vercel/c", "building")
        });
    }
    board
}

fn screen(columns: u16, rows: u16) -> Vec<String> {
    board().lines(at("2024-02-18T09:01:20Z"), Size { columns, rows })
}

#[test]
fn the_board_shows_what_is_under_way_and_for_how_long() {
    assert_eq!(
        screen(80, 24)[..6],
        [
            "🔄 Key Rotation Started",
            "Service: OpenAI API",
            "Progress:",
            "✅ New key generated",
            "⏳ Redeploying services (2/4)... 1m 20s",
            "   vercel/c: building",
        ]
    );
}

#[test]
fn a_small_screen_gets_a_line_for_each_secret_and_a_tiny_one_a_count() {
    assert_eq!(
        screen(80, 10),
        [
            "⏳ OpenAI API: Redeploying services (2/4)... 1m 20s",
            "⏳ Stripe API: Redeploying services (2/4)... 1m 20s",
        ]
    );
    assert_eq!(screen(30, 10)[0], "⏳ OpenAI API: Redeploying se…");
    assert_eq!(screen(80, 2), ["… and 2 more"]);
}
