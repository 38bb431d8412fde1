//! What is read of a thread, and what is refused before.

use super::*;

const ROOT: &str = "C1:1707642000.000100";

fn person() -> Value {
    json!({
        "type": "message", "user": "U1", "team": "T1", "text": "SKIP",
        "ts": "1707728400.000200", "thread_ts": "1707642000.000100",
    })
}

fn read(change: impl FnOnce(&mut Value)) -> Option<Reply> {
    let mut message = person();
    change(&mut message);
    reply(ROOT, &message, "T9")
}

#[test]
fn names_are_refused_where_ids_are_needed() {
    let clock: Arc<dyn Clock> = crate::http::testing::JumpingClock::new();
    let token = Credential::new("a test", || Ok(crate::model::SecretValue::new("xoxb")));
    let sources = Sources::from([("token", token)]);
    let open = |channel: &str, approver: &str| {
        let config = Config {
            channel: channel.to_owned(),
            approvers: vec![approver.to_owned()],
            base_url: None,
        };
        Slack::open(&config, &sources, &clock).is_ok()
    };
    assert!(open("C0123", "T1/U1") && open("G0123", "E1/W1"));
    for channel in ["#ops", "ops", "", "C1:2"] {
        assert!(!open(channel, "T1/U1"), "{channel}");
    }
    for approver in ["U1", "@ada", "T1/ada", "T1/", "/U1", "U1/T1"] {
        assert!(!open("C0123", approver), "{approver}");
    }
}

#[test]
fn a_persons_reply_is_read_with_team_and_user() {
    let read = read(|_| ()).expect("a reply");
    assert_eq!((read.by.as_str(), read.text.as_str()), ("T1/U1", "SKIP"));
    assert_eq!(read.at.to_rfc3339(), "2024-02-12T09:00:00+00:00");
    assert!(!read.machine && !read.edited && !read.quoting);
}

#[test]
fn a_guest_is_of_the_guests_team_and_one_without_a_team_of_the_bots() {
    let guest = read(|message| message["user_team"] = json!("T2")).expect("a reply");
    assert_eq!(guest.by, "T2/U1");
    let own = read(|message| message["team"] = Value::Null).expect("a reply");
    assert_eq!(own.by, "T9/U1");
}

#[test]
fn machines_edits_and_quotes_are_told() {
    for (key, value) in [
        ("bot_id", json!("B1")),
        ("subtype", json!("bot_message")),
        ("subtype", json!("thread_broadcast")),
        ("app_id", json!("A1")),
        ("attachments", json!([{"text": "SKIP"}])),
        ("user", json!("")),
        ("type", json!("channel_join")),
    ] {
        assert!(
            read(|message| message[key] = value.clone())
                .expect("a reply")
                .machine,
            "{key}"
        );
    }
    assert!(
        read(|message| message["edited"] = json!({"user": "U1"}))
            .expect("a reply")
            .edited
    );
    assert!(
        read(|message| message["text"] = json!("&gt; SKIP"))
            .expect("a reply")
            .quoting
    );
}

#[test]
fn the_notice_itself_another_thread_and_nonsense_are_no_replies() {
    assert_eq!(
        read(|message| message["ts"] = json!("1707642000.000100")),
        None
    );
    assert_eq!(
        read(|message| message["thread_ts"] = json!("1707642000.000101")),
        None
    );
    assert_eq!(read(|message| message["thread_ts"] = Value::Null), None);
    for ts in ["", "x", "-1.5", "1", "99999999999999.1", "1.99999999999999"] {
        assert_eq!(read(|message| message["ts"] = json!(ts)), None, "{ts}");
    }
}
