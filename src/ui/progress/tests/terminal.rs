//! What a terminal shows while it goes on, and keeps afterwards.

use super::*;
use crate::ui::Size;
use crate::ui::progress::board::Board;
use crate::ui::testing::{Broken, terminal};

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
