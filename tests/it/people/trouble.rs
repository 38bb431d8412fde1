//! Once: what a death, an outage or a lost reply does to a message.

use super::*;

/// The ids of what a channel got, each with how often.
fn copies(people: &People, channel: &str) -> BTreeMap<String, usize> {
    let ids: Vec<String> = match channel {
        "ops" => people
            .on_slack()
            .iter()
            .filter_map(|post| {
                post["metadata"]["event_payload"]["notice"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect(),
        "hook" => people
            .hooks("/hook")
            .iter()
            .map(|hook| hook.headers["webhook-id"].clone())
            .collect(),
        "phone" => people
            .on_telegram()
            .iter()
            .map(|one| short(one["text"].as_str()))
            .collect(),
        _ => people
            .hooks("/services")
            .iter()
            .map(|hook| {
                short(
                    json_of(hook)["blocks"]
                        .as_array()
                        .and_then(|all| all.last())
                        .and_then(|block| block["elements"][0]["text"].as_str()),
                )
            })
            .collect(),
    };
    let mut copies = BTreeMap::new();
    for id in ids {
        assert!(id.len() >= 8, "{channel}: {id}");
        *copies.entry(id).or_default() += 1;
    }
    copies
}

/// The id as people see it.
fn short(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let (_, id) = text.rsplit_once("notice ").unwrap_or_default();
    id.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn killed_between_sent_and_recorded_each_channel_has_one_more_copy_with_the_same_id() {
    for (nth, channel) in ["hook", "ops", "phone", "plain"].into_iter().enumerate() {
        let (sandbox, people) = hearing(WEEK_BEFORE, People::all_channels);
        // The first commit holds the warning; then one for each channel, in the order of their names.
        let life = Life::until(Some((nth as u64 + 2, Moment::Before)));
        let ran = sandbox.live("plan --warn", "", &life);
        assert_eq!(ran.exit, None, "{channel}: it was killed");
        sandbox.run("plan --warn").exits(Exit::Done).silent();
        is_quiet_but_for_replies(&sandbox, "plan --warn");
        for other in ["hook", "ops", "phone", "plain"] {
            let expected = if other == channel { 2 } else { 1 };
            let found: Vec<usize> = copies(&people, other).into_values().collect();
            assert_eq!(found, [expected], "killed at {channel}, seen at {other}");
        }
    }
}

#[test]
fn killed_at_any_commit_of_a_rotation_nothing_is_lost_and_nothing_comes_a_third_time() {
    for commit in 1..60 {
        for moment in [Moment::Before, Moment::After] {
            let (sandbox, people) = hearing("2024-02-18T09:00:00Z", People::all_channels);
            let life = Life::until(Some((commit, moment)));
            if sandbox.live("rotate", "", &life).exit.is_some() {
                assert!(commit > 10, "the loop reaches the end of the run");
                return;
            }
            for _ in 0..3 {
                sandbox.advance(TimeDelta::minutes(15));
                sandbox.run("rotate");
            }
            for channel in ["hook", "ops", "phone", "plain"] {
                let copies = copies(&people, channel);
                // A first key whose reply was lost is removed, and the one after it is told like any other.
                assert!(
                    (2..=4).contains(&copies.len()),
                    "{channel} after {commit}: {copies:?}"
                );
                assert!(
                    copies.values().all(|n| *n <= 2),
                    "{channel} after {commit}: {copies:?}"
                );
            }
            let last = headings(&people).pop();
            assert_eq!(
                last.as_deref(),
                Some("✅ Key Rotation Complete"),
                "after {commit}"
            );
        }
    }
}

#[test]
fn a_lost_reply_is_sent_once_more_and_says_so() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| {
        format!("notify:\n{}", people.slack(""))
    });
    people.set(|faults| faults.lost = 1);
    sandbox
        .run("plan --warn")
        .exits(Exit::Done)
        .says("warning: channel `ops`");
    sandbox.run("plan --warn").exits(Exit::Done).silent();
    assert_eq!(
        copies(&people, "ops").into_values().collect::<Vec<_>>(),
        [2]
    );
    assert!(body(&people.on_slack()[1]).ends_with("Sent again: an earlier try had no answer."));
}

#[test]
fn a_dead_channel_warns_and_fails_nothing_and_its_messages_come_later() {
    let (sandbox, people) = hearing("2024-02-18T09:00:00Z", People::all_channels);
    people.set(|faults| faults.slack_says = Some("account_inactive"));
    sandbox.run("rotate").exits(Exit::Done).says(
        "warning: channel `ops`: the bot token is refused; what it has to tell waits for the next run\n  \
         hint: make a new bot token in the app's settings\n",
    );
    assert_eq!(headings(&people), [""; 0]);
    assert_eq!(types(&people), ["rotation.started", "rotation.complete"]);
    // A run with nothing else to do tries again, and warns again as long as nobody mends it.
    sandbox
        .run("rotate")
        .exits(Exit::Done)
        .says("warning: channel `ops`");
    people.set(|faults| faults.slack_says = None);
    sandbox.run("revoke").exits(Exit::Done).silent();
    assert_eq!(
        headings(&people),
        ["🔄 Key Rotation Started", "✅ Key Rotation Complete"]
    );
    assert_eq!(types(&people).len(), 2, "the others are not told twice");
    is_quiet(&sandbox, &people, "revoke");
}

#[test]
fn a_rate_limit_is_waited_out_and_an_outage_left_to_the_next_run() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| {
        format!("notify:\n{}", people.slack(""))
    });
    people.set(|faults| faults.limits = 2);
    sandbox.run("plan --warn").exits(Exit::Done);
    assert_eq!(headings(&people).len(), 1);
    sandbox.advance(TimeDelta::days(7));
    people.set(|faults| faults.down = true);
    sandbox.run("rotate");
    people.set(|faults| faults.down = false);
    sandbox.advance(TimeDelta::days(1));
    sandbox.run("rotate").exits(Exit::Done);
    assert!(headings(&people).contains(&"✅ Key Rotation Complete".to_owned()));
}
