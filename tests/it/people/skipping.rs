//! Replies: who may postpone, how far, and what becomes of everything else.

use super::*;

fn announced() -> (Sandbox, People, String) {
    let (sandbox, people) = hearing(WEEK_BEFORE, People::all_channels);
    sandbox.run("plan --warn").exits(Exit::Done);
    let root = people.on_slack()[0]["ts"]
        .as_str()
        .expect("a ts")
        .to_owned();
    sandbox.advance(TimeDelta::days(1));
    (sandbox, people, root)
}

fn due(sandbox: &Sandbox) -> String {
    let ran = sandbox.run("plan --json");
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    plan["due"].as_str().unwrap_or_default().to_owned()
}

const ORDINARY: &str = "2024-02-18T00:00:00Z";

#[test]
fn a_listed_person_postpones_on_slack_and_is_answered_once() {
    let (sandbox, people, root) = announced();
    people.slack_reply(&root, "T1/U9", "why?", |_| ());
    people.slack_reply(&root, "T1/U1", "SKIP 14d", |_| ());
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    assert_eq!(due(&sandbox), "2024-03-03T00:00:00Z");
    let answer = people.on_slack().pop().expect("an answer");
    assert_eq!(answer["thread_ts"], json!(root));
    assert_eq!(
        body(&answer),
        "⏸️ Key Rotation Postponed\nService: OpenAI API\nNext rotation: Mar 3, 2024"
    );
    is_quiet_but_for_replies(&sandbox, "plan --warn");
    let ledger = sandbox.ledger();
    let skip = &ledger["state"]["secrets"]["openai"]["skip"];
    assert_eq!(skip["reason"], json!("SKIP by T1/U1 on ops"));
    let tail = ledger["audit"]["tail"].as_array().expect("events");
    assert!(tail.iter().any(|event| event["kind"] == json!("skip.done")
        && event["note"] == json!("SKIP by T1/U1 on ops")));
    // It is kept: the day it would have been due passes.
    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done).silent();
    assert_eq!(headings(&people).len(), 2);
}

#[test]
fn a_listed_person_postpones_on_telegram_and_what_was_read_is_confirmed() {
    let (sandbox, people, _) = announced();
    let root = people.on_telegram()[0]["message_id"]
        .as_i64()
        .expect("an id");
    people.telegram_reply(root, 8, "SKIP", |_| ());
    people.telegram_reply(root, 7, "SKIP", |_| ());
    people.telegram_reply(root, 7, "SKIP", |_| ());
    sandbox.run("rotate").exits(Exit::Done).silent();
    assert_eq!(due(&sandbox), "2024-03-19T00:00:00Z");
    assert_eq!(people.unconfirmed(), 0);
    let answers: Vec<_> = people.on_telegram()[1..].to_vec();
    assert_eq!(answers.len(), 1, "the second SKIP adds nothing");
    assert_eq!(answers[0]["reply_parameters"]["message_id"], json!(root));
}

#[test]
fn nobody_else_and_nothing_else_counts() {
    let (sandbox, people, root) = announced();
    people.slack_reply(&root, "T1/U2", "SKIP", |_| ());
    people.slack_reply(&root, "T2/U1", "SKIP", |_| ());
    people.slack_reply(&root, "T1/U1", "skip", |_| ());
    people.slack_reply(&root, "T1/U1", "&gt; Reply SKIP to postpone\nno!", |_| ());
    people.slack_reply(&root, "T1/U1", "SKIP", |one| {
        one["edited"] = json!({ "user": "U1" })
    });
    people.slack_reply(&root, "T1/U1", "SKIP", |one| one["bot_id"] = json!("B2"));
    people.slack_reply("1.000001", "T1/U1", "SKIP", |_| ());
    people.slack_reply(&root, "T1/U1", "SKIP", |one| one["thread_ts"] = Value::Null);
    let note = people.on_telegram()[0]["message_id"]
        .as_i64()
        .expect("an id");
    people.telegram_reply(note, 8, "SKIP", |_| ());
    people.telegram_reply(note + 50, 7, "SKIP", |_| ());
    people.telegram_reply(note, 7, "SKIP", |one| one["edit_date"] = json!(1));
    people.telegram_reply(note, 7, "SKIP", |one| one["chat"]["id"] = json!(1));
    is_quiet_but_for_replies(&sandbox, "plan --warn");
    assert_eq!(due(&sandbox), ORDINARY);
    assert_eq!(people.unconfirmed(), 0);
}

#[test]
fn after_the_deadline_it_is_too_late_and_the_person_learns_of_it() {
    let (sandbox, people, root) = announced();
    sandbox.advance(TimeDelta::days(6) + TimeDelta::minutes(5));
    people.slack_reply(&root, "T1/U1", "SKIP", |_| ());
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    assert_eq!(due(&sandbox), ORDINARY);
    let said = body(&people.on_slack()[2]);
    assert_eq!(
        said,
        "▶️ Key Rotation Not Postponed\nService: OpenAI API\nWhy: the reply came after the rotation was due"
    );
    sandbox.run("rotate").exits(Exit::Done);
    assert!(headings(&people).contains(&"✅ Key Rotation Complete".to_owned()));
}

#[test]
fn rotate_itself_looks_for_a_reply_before_it_begins() {
    let (sandbox, people, root) = announced();
    people.slack_reply(&root, "T1/U1", "SKIP", |_| ());
    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done).silent();
    assert_eq!(due(&sandbox), "2024-03-19T00:00:00Z");
    assert_eq!(headings(&people).len(), 2);
}

#[test]
fn no_more_than_the_policy_allows() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| {
        format!("notify:\n{}", people.slack(""))
    });
    let config = sandbox.read("rotations.yaml");
    sandbox.write(
        "rotations.yaml",
        &config.replace("every: 30d", "every: 30d\n    max_age: 40d"),
    );
    sandbox.run("plan --warn").exits(Exit::Done);
    let root = people.on_slack()[0]["ts"]
        .as_str()
        .expect("a ts")
        .to_owned();
    people.slack_reply(&root, "T1/U1", "SKIP 365d", |_| ());
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    assert_eq!(due(&sandbox), "2024-02-28T09:00:00Z");
    assert!(body(&people.on_slack()[2]).ends_with("That is as far as the policy allows."));
}

#[test]
fn a_fourth_time_in_a_row_is_refused() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| {
        format!("notify:\n{}", people.slack(""))
    });
    for nth in 1..=4 {
        sandbox.run("plan --warn").exits(Exit::Done);
        let roots: Vec<Value> = people.on_slack();
        let root = roots
            .iter()
            .rfind(|post| body(post).starts_with("⚠️"))
            .expect("a warning");
        people.slack_reply(root["ts"].as_str().expect("a ts"), "T1/U1", "SKIP", |_| ());
        sandbox.run("plan --warn").exits(Exit::Done);
        let last = headings(&people).pop().unwrap_or_default();
        let refused = last.starts_with("▶️ Key Rotation Not Postponed");
        assert_eq!(refused, nth == 4, "{nth}: {last}");
        sandbox.advance(TimeDelta::days(30));
    }
}

#[test]
fn a_skip_that_nobody_could_read_holds_the_rotation_for_a_day() {
    let (sandbox, people, _) = announced();
    sandbox.advance(TimeDelta::days(6));
    people.set(|faults| faults.down = true);
    sandbox
        .run("rotate")
        .exits(Exit::TryLater)
        .says("warning: channel `ops`: replies cannot be read");
    assert_eq!(due(&sandbox), ORDINARY);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("rotate").exits(Exit::Done);
    let text = sandbox.ledger()["audit"].to_string();
    assert!(text.contains("\"hold.over\""), "it is on record");
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_leak_waits_for_nobodys_skip() {
    let (sandbox, people, root) = announced();
    people.slack_reply(&root, "T1/U1", "SKIP", |_| ());
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox
        .run("rotate openai --emergency --reason leaked")
        .exits(Exit::Done);
    assert!(headings(&people).contains(&"🗑️ Old Key Revoked".to_owned()));
}

#[test]
fn killed_between_the_reply_and_the_answer_it_is_postponed_once_and_answered() {
    for commit in 1..4 {
        for moment in [Moment::Before, Moment::After] {
            let (sandbox, people, root) = announced();
            people.slack_reply(&root, "T1/U1", "SKIP", |_| ());
            let life = Life::until(Some((commit, moment)));
            sandbox.live("plan --warn", "", &life);
            sandbox.run("plan --warn").exits(Exit::Done);
            assert_eq!(due(&sandbox), "2024-03-19T00:00:00Z");
            let answers = headings(&people)
                .iter()
                .filter(|line| line.starts_with("⏸️"))
                .count();
            assert!((1..=2).contains(&answers), "{commit}");
            assert_eq!(
                sandbox.ledger()["state"]["secrets"]["openai"]["skip"]["times"],
                json!(1)
            );
        }
    }
}
