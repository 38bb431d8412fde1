//! What people hear, and when: whole runs with every channel, and the servers behind them.

mod harmless;
mod silence;
mod skipping;
mod trouble;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, Mac};
use rotakey::exit::Exit;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::mortal::Life;
use crate::support::people::{Delivery, HOOK_SECRET, People};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::shop;
use crate::support::world::{Fault, Moment};

/// A week before the OpenAI key is due.
const WEEK_BEFORE: &str = "2024-02-11T09:00:00Z";

/// The shop with its OpenAI key adopted, and these channels.
fn hearing(at: &str, section: impl FnOnce(&People) -> String) -> (Sandbox, People) {
    let mut sandbox = Sandbox::at(at);
    let people = People::new(&sandbox.calendar);
    sandbox.environment.extend(people.environment());
    shop::hasten(&sandbox);
    let key = shop::scene(&sandbox);
    let secrets = shop::secrets(&sandbox, shop::SECRETS);
    sandbox.configure(&format!("{}{secrets}", section(&people)));
    shop::adopt_openai(&sandbox, &key);
    (sandbox, people)
}

/// The first lines of everything the bot posted on Slack, thread or not.
fn headings(people: &People) -> Vec<String> {
    let posts = people.on_slack().into_iter();
    let bots = posts.filter(|post| post.get("bot_id").is_some());
    bots.map(|post| body(&post).lines().next().unwrap_or_default().to_owned())
        .collect()
}

/// The words of a Slack post.
fn body(post: &Value) -> String {
    let blocks = post["blocks"].as_array().cloned().unwrap_or_default();
    let plain = blocks
        .iter()
        .filter(|block| block["text"]["type"] == json!("plain_text"));
    plain
        .map(|block| {
            block["text"]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn types(people: &People) -> Vec<String> {
    let hooks = people.hooks("/hook").into_iter();
    hooks
        .map(|hook| {
            json_of(&hook)["type"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn json_of(hook: &Delivery) -> Value {
    serde_json::from_str(&hook.body).expect("JSON")
}

/// Runs something that must send nothing to anybody, say nothing, and write nothing.
#[track_caller]
fn is_quiet(sandbox: &Sandbox, people: &People, line: &str) -> Ran {
    let (before, requests) = (sandbox.standing("ledger.json.age"), people.requests());
    let ran = sandbox.run(line).silent();
    assert_eq!(people.requests(), requests, "{line}");
    assert_eq!(
        (ran.commits, sandbox.standing("ledger.json.age")),
        (0, before),
        "{line}"
    );
    ran
}

fn kinds_of_notice_events(sandbox: &Sandbox) -> Vec<String> {
    let ledger = sandbox.ledger();
    let tail = ledger["audit"]["tail"].as_array().expect("events");
    let notices = tail
        .iter()
        .filter(|event| event["kind"] == json!("notice.sent"));
    notices
        .map(|event| {
            format!(
                "{} {}",
                event["place"].as_str().unwrap_or_default(),
                event["note"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn a_rotation_is_heard_from_the_warning_to_the_end_on_every_channel() {
    let (sandbox, people) = hearing(WEEK_BEFORE, People::all_channels);
    sandbox.run("plan --warn").exits(Exit::Done);
    assert_eq!(headings(&people), ["⚠️ Upcoming Key Rotation"]);
    // This channel reads replies; the webhook does not.
    let upcoming = body(&people.on_slack()[0]);
    assert!(
        upcoming.starts_with(
            "⚠️ Upcoming Key Rotation\nService: OpenAI API\nCurrent key: sk-...q9ZP (expires in 7 days)\n\
             Next rotation: Feb 18, 2024\nAction required: None (auto-rotation enabled)\n\
             Reply SKIP to postpone by 30 days."
        ),
        "{upcoming}"
    );
    let hook = json_of(&people.hooks("/hook")[0]);
    assert_eq!(
        hook["data"]["lines"][4],
        json!("Run `rotakey skip openai --reason …` to postpone by 30 days.")
    );
    assert_eq!(people.on_telegram().len(), 1);
    assert_eq!(people.hooks("/services").len(), 1);

    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(
        headings(&people),
        [
            "⚠️ Upcoming Key Rotation",
            "🔄 Key Rotation Started",
            "✅ Key Rotation Complete",
            "🗑️ Old Key Revoked"
        ]
    );
    assert_eq!(
        types(&people),
        [
            "rotation.upcoming",
            "rotation.started",
            "rotation.complete",
            "rotation.revoked"
        ]
    );
    assert_eq!(people.on_telegram().len(), 4);
    assert_eq!(people.hooks("/services").len(), 4);
    assert_eq!(kinds_of_notice_events(&sandbox).len(), 16);
    assert_eq!(
        sandbox.ledger()["state"]["outbox"],
        Value::Null,
        "nothing is left"
    );
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn the_mail_that_cron_sends_reads_the_same_with_and_without_channels() {
    for section in [People::all_channels as fn(&People) -> String, |_| {
        String::new()
    }] {
        let (sandbox, _people) = hearing(WEEK_BEFORE, section);
        let ran = sandbox.run("plan --warn").exits(Exit::Done);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            (
                "",
                "⚠️ Upcoming Key Rotation\n\
                 Service: OpenAI API\n\
                 Current key: sk-...q9ZP (expires in 7 days)\n\
                 Next rotation: Feb 18, 2024\n\
                 Action required: None (auto-rotation enabled)\n\
                 Run `rotakey skip openai --reason …` to postpone by 30 days.\n"
            )
        );
        sandbox.run("rotate").exits(Exit::Done).silent();
        sandbox.run("revoke").exits(Exit::Done).silent();
    }
}

#[test]
fn slack_shows_one_thread_a_rotation_whose_first_message_is_kept_true() {
    let (sandbox, people) = hearing("2024-02-18T09:00:00Z", |people| {
        format!("notify:\n{}", people.slack(""))
    });
    sandbox.run("rotate").exits(Exit::Done);
    let posts = people.on_slack();
    let started = body(&posts[0]);
    assert!(people.edits() > 0);
    assert_eq!(
        started.lines().collect::<Vec<_>>()[..5],
        [
            "🔄 Key Rotation Started",
            "Service: OpenAI API",
            "Old key: sk-...q9ZP",
            "New key: sk-...j6Ql",
            "Progress:"
        ]
    );
    for line in [
        "✅ New key generated",
        "✅ Added to Vercel env vars (3 places)",
        "✅ Services redeployed (5/5)",
    ] {
        assert!(started.contains(line), "{line} is missing in {started}");
    }
    assert_eq!(posts[0].get("thread_ts"), None);
    assert_eq!(posts[1]["thread_ts"], posts[0]["ts"]);
    assert_eq!(posts[1]["reply_broadcast"], json!(false));
    assert!(body(&posts[1]).contains("All services updated: 5/5\n🕐 Grace period: 24 hours"));
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(people.on_slack()[2]["thread_ts"], posts[0]["ts"]);
    // Each message names the head of the audit log and the notice, and carries the whole id for machines.
    let context = &posts[0]["blocks"][1]["elements"][0]["text"];
    let context = context.as_str().expect("text");
    let id = posts[0]["metadata"]["event_payload"]["notice"]
        .as_str()
        .expect("an id");
    assert!(context.starts_with("Audit head: #"), "{context}");
    assert!(
        context.ends_with(&format!("notice {}", &id[4..12])),
        "{context}"
    );
    assert_eq!(
        posts[0]["client_msg_id"]
            .as_str()
            .map(|uuid| uuid.replace('-', "")),
        Some(id[4..].to_owned())
    );
}

#[test]
fn once_everything_is_said_every_command_is_quiet() {
    let (sandbox, people) = hearing("2024-02-18T09:00:00Z", People::all_channels);
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.run("rotate").exits(Exit::Done);
    for line in ["plan --warn", "rotate", "revoke"] {
        is_quiet(&sandbox, &people, line).exits(Exit::Done);
    }
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    for line in ["plan --warn", "rotate", "revoke"] {
        is_quiet(&sandbox, &people, line).exits(Exit::Done);
    }
}

#[test]
fn a_leak_is_told_at_once_and_loudly() {
    let (sandbox, people) = hearing("2024-02-12T09:00:00Z", People::all_channels);
    sandbox
        .run("rotate openai --emergency --reason 'it was in a log'")
        .exits(Exit::Done);
    assert_eq!(
        types(&people),
        [
            "rotation.emergency",
            "rotation.started",
            "rotation.complete",
            "rotation.revoked"
        ]
    );
    let posts = people.on_slack();
    assert_eq!(posts[0]["blocks"][0]["text"]["text"], json!("<!channel>"));
    assert!(body(&posts[0]).contains("Leaked key: sk-...q9ZP\nReason: it was in a log"));
    let quiet: Vec<_> = people
        .on_telegram()
        .iter()
        .map(|one| one["disable_notification"] == json!(true))
        .collect();
    assert_eq!(quiet, [false, true, true, true]);
}

#[test]
fn a_rollback_is_told_with_the_live_key_and_what_to_do() {
    let (sandbox, people) = hearing("2024-02-18T09:00:00Z", |people| {
        format!("notify:\n{}", people.slack(""))
    });
    sandbox
        .world
        .fault("vercel.patch_env legacy", Fault::refuse(403).always());
    sandbox.run("rotate").exits(Exit::Failed);
    let posts = people.on_slack();
    let last = body(posts.last().expect("a post"));
    assert!(
        last.starts_with("⏪ Key Rotation Rolled Back\nService: OpenAI API\nWhat failed: "),
        "{last}"
    );
    assert!(last.contains("Live key: sk-...q9ZP"), "{last}");
    assert!(
        last.contains("Action required: mend it, then run `rotakey rotate openai`"),
        "{last}"
    );
    assert_eq!(
        posts.last().expect("a post")["reply_broadcast"],
        json!(true)
    );
}

#[test]
fn who_must_act_is_told_once_whatever_the_number_of_runs() {
    let mut sandbox = Sandbox::at("2024-02-18T09:00:00Z");
    let people = People::new(&sandbox.calendar);
    sandbox.environment.extend(people.environment());
    shop::scene(&sandbox);
    let secrets = shop::secrets(&sandbox, shop::SECRETS);
    sandbox.configure(&format!("{}{secrets}", people.all_channels()));
    for _ in 0..3 {
        sandbox.run("rotate").exits(Exit::PersonNeeded);
        sandbox.advance(TimeDelta::days(1));
    }
    assert_eq!(headings(&people), ["🙋 A Person Is Needed"]);
    assert_eq!(types(&people), ["rotation.person_needed"]);
    let said = body(&people.on_slack()[0]);
    assert!(
        said.contains("Why: the key that is live today is not known"),
        "{said}"
    );
    assert!(
        said.contains("Action required: rotakey adopt openai"),
        "{said}"
    );
}

/// Threads that can be answered are read; nothing is said and nothing written.
#[track_caller]
fn is_quiet_but_for_replies(sandbox: &Sandbox, line: &str) {
    let before = sandbox.standing("ledger.json.age");
    let ran = sandbox.run(line).exits(Exit::Done).silent();
    assert_eq!(
        (ran.commits, sandbox.standing("ledger.json.age")),
        (0, before)
    );
}

#[test]
fn what_keeps_an_old_key_is_told_once_to_who_must_look() {
    let (sandbox, people) = hearing("2024-02-18T09:00:00Z", People::all_channels);
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(1));
    sandbox.world.instant_rollback("web");
    sandbox.advance(TimeDelta::hours(24));
    let calls = |people: &People| {
        let all = types(people).into_iter();
        all.filter(|kind| kind == "rotation.person_needed").count()
    };
    let before = calls(&people);
    sandbox
        .run("revoke")
        .exits(Exit::PersonNeeded)
        .says("vercel/web");
    assert_eq!(calls(&people), before + 1);
    sandbox.run("revoke").exits(Exit::PersonNeeded);
    assert_eq!(calls(&people), before + 1);
}
