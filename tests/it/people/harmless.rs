//! What a message may hold, and who can tell that it is ours.

use super::*;

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
