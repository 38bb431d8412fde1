//! What people hear, and when: whole runs with every channel, and the servers behind them.

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
fn a_webhook_is_signed_as_standard_webhooks_says() {
    let (sandbox, people) = hearing(WEEK_BEFORE, People::all_channels);
    sandbox.run("plan --warn").exits(Exit::Done);
    let hook = people.hooks("/hook").pop().expect("a delivery");
    let key = STANDARD
        .decode(HOOK_SECRET.trim_start_matches("whsec_"))
        .expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    let (id, seconds) = (
        &hook.headers["webhook-id"],
        &hook.headers["webhook-timestamp"],
    );
    mac.update(format!("{id}.{seconds}.{}", hook.body).as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(hook.headers["webhook-signature"], format!("v1,{signature}"));
    assert_eq!(hook.path, "/hook/canary-hook-path?key=canary-hook-key");
    let json = json_of(&hook);
    assert_eq!(json["timestamp"], json!("2024-02-11T09:00:00Z"));
    assert_eq!(
        (&json["data"]["secret"], &json["data"]["service"]),
        (&json!("openai"), &json!("OpenAI API"))
    );
}

#[test]
fn text_from_outside_is_only_text_on_every_channel() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| people.all_channels());
    let config = sandbox.read("rotations.yaml");
    let hostile = "\"<!channel> <@U1> <https://evil.example|Approve> & <b>x</b> @everyone\"";
    sandbox.write(
        "rotations.yaml",
        &config.replace("title: OpenAI API", &format!("title: {hostile}")),
    );
    sandbox.run("plan --warn").exits(Exit::Done);
    for post in people
        .on_slack()
        .iter()
        .chain(&[json_of(&people.hooks("/services")[0])])
    {
        let text = post["text"].as_str().expect("text");
        assert!(
            !text.contains('<') && text.contains("&lt;!channel&gt; &lt;@U1&gt;"),
            "{text}"
        );
        for block in post["blocks"].as_array().expect("blocks") {
            let kinds = [&block["text"]["type"], &block["elements"][0]["type"]];
            assert!(kinds.contains(&&json!("plain_text")), "{block}");
        }
    }
    let telegram = people.on_telegram()[0]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let inner = telegram
        .replace("<b>⚠️ Upcoming Key Rotation</b>", "")
        .replace("<pre>", "")
        .replace("</pre>", "");
    assert!(
        !inner.contains('<') && inner.contains("&lt;b&gt;x&lt;/b&gt;"),
        "{telegram}"
    );
}

#[test]
fn no_message_holds_more_of_a_key_than_four_characters_and_no_output_an_address() {
    let (sandbox, people) = hearing("2024-02-11T09:00:00Z", |people| {
        format!(
            "{}heartbeat: {{ url: {{ env: HEARTBEAT_URL }} }}\n",
            people.all_channels()
        )
    });
    sandbox.run("check").exits(Exit::Done);
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done);
    people.set(|faults| faults.down = true);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke");
    people.set(|faults| (faults.down, faults.slack_says) = (false, Some("xoxb-canary")));
    sandbox.run("revoke");
    let mut posted: Vec<String> = people
        .on_slack()
        .iter()
        .chain(&people.on_telegram())
        .map(Value::to_string)
        .collect();
    posted.extend(
        ["/hook", "/services"]
            .iter()
            .flat_map(|path| people.hooks(path))
            .map(|hook| hook.body),
    );
    assert!(posted.len() > 8);
    for value in sandbox.world.all_secret_values() {
        assert!(!posted.iter().any(|text| text.contains(&value)));
    }
    for canary in people.canaries() {
        assert!(
            !posted.iter().any(|text| text.contains(&canary)),
            "{canary}"
        );
        for ran in sandbox.transcripts() {
            assert!(
                !ran.stdout.contains(&canary) && !ran.stderr.contains(&canary),
                "{canary}: {ran:?}"
            );
        }
        assert!(!sandbox.ledger().to_string().contains(&canary), "{canary}");
    }
}

#[test]
fn a_channel_hears_only_what_it_asks_for_and_no_names_where_they_are_hidden() {
    let (sandbox, people) = hearing(WEEK_BEFORE, |people| {
        format!(
            "notify:\n{}",
            people.slack(", events: [complete, person_needed], redact_names: true")
        )
    });
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(7));
    sandbox.run("rotate").exits(Exit::Done);
    assert_eq!(headings(&people), ["✅ Key Rotation Complete"]);
    let post = people.on_slack()[0].to_string();
    assert!(
        post.contains("Service: [hidden]") && !post.contains("OpenAI") && !post.contains("openai"),
        "{post}"
    );
}

#[test]
fn every_run_sends_a_sign_of_life_also_when_nothing_was_due() {
    let (sandbox, people) = hearing("2024-02-12T09:00:00Z", |_| {
        "heartbeat: { url: { env: HEARTBEAT_URL } }\n".to_owned()
    });
    sandbox.run("plan --warn").exits(Exit::Done);
    for line in ["plan --warn", "rotate", "revoke"] {
        sandbox.run(line).exits(Exit::Done).silent();
    }
    let ok = ["canary-heartbeat-path/start", "canary-heartbeat-path"];
    assert_eq!(people.pings(), ok.repeat(4));
    sandbox.run("plan").exits(Exit::Done);
    sandbox.run("rotate --dry-run").exits(Exit::Done);
    assert_eq!(people.pings().len(), 8, "looking is no run");
    sandbox.advance(TimeDelta::days(7));
    sandbox
        .world
        .fault("vercel.patch_env legacy", Fault::refuse(403).always());
    sandbox.run("rotate").exits(Exit::Failed);
    assert_eq!(
        people.pings()[8..],
        ["canary-heartbeat-path/start", "canary-heartbeat-path/1"]
    );
    people.set(|faults| faults.down = true);
    sandbox
        .run("revoke")
        .says("warning: heartbeat: answered with HTTP 500\n");
}

#[test]
fn metrics_are_left_for_node_exporter() {
    let (sandbox, _people) = hearing("2024-02-12T09:00:00Z", |_| {
        "metrics: out/rotakey.prom\n".to_owned()
    });
    std::fs::create_dir(sandbox.path("out")).expect("a folder");
    sandbox.run("plan --warn").exits(Exit::Done);
    sandbox.run("rotate").exits(Exit::Done);
    let text = sandbox.read("out/rotakey.prom");
    for line in [
        "# TYPE rotakey_secret_age_seconds gauge",
        "rotakey_ledger_readable 1",
        "rotakey_last_run_timestamp_seconds{verb=\"plan\"} 1707728400",
        "rotakey_last_run_timestamp_seconds{verb=\"rotate\"} 1707728400",
        "rotakey_last_run_exit_code{verb=\"rotate\"} 0",
        "rotakey_secret_age_seconds{secret=\"openai\"} 2073600",
        "rotakey_secret_due_timestamp_seconds{secret=\"openai\"} 1708214400",
        "rotakey_secret_state{secret=\"openai\",state=\"due_soon\"} 1",
        "rotakey_secret_state{secret=\"openai\",state=\"due\"} 0",
        "rotakey_rotation_failures{secret=\"openai\"} 0",
        "rotakey_orphans{secret=\"openai\"} 0",
        "rotakey_notices_unsent 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is missing in:\n{text}"
        );
    }
    let left: Vec<_> = std::fs::read_dir(sandbox.path("out"))
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
    std::fs::remove_dir_all(sandbox.path("out")).expect("it was there");
    sandbox
        .run("rotate")
        .exits(Exit::Done)
        .says("warning: metrics: ");
}

mod skipping {
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
}
