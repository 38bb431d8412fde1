//! Lines for who has no terminal.

use super::*;
use crate::ui::testing::terminal;

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
