//! What is read of the updates.

use super::*;

const ASKED: Asked<'_> = Asked {
    chat: -100,
    bot: Some(42),
    references: &["80"],
};

fn update() -> Value {
    json!({
        "update_id": 7,
        "message": {
            "message_id": 90, "date": 1_707_728_400, "text": "SKIP",
            "chat": { "id": -100 },
            "from": { "id": 1, "is_bot": false },
            "reply_to_message": { "message_id": 80, "from": { "id": 42, "is_bot": true } },
        },
    })
}

fn one(change: impl FnOnce(&mut Value)) -> Option<Reply> {
    let mut update = update();
    change(&mut update["message"]);
    read(&[update], &ASKED).pop()
}

#[test]
fn a_persons_reply_is_read_with_the_user_id() {
    let read = one(|_| ()).expect("a reply");
    assert_eq!(
        (read.by.as_str(), read.order, read.text.as_str()),
        ("1", 90, "SKIP")
    );
    assert!(!read.machine && !read.edited && !read.quoting);
}

#[test]
fn what_is_no_reply_to_our_own_notice_in_our_chat_is_nothing() {
    type Change = fn(&mut Value);
    let changes: [Change; 6] = [
        |m| m["reply_to_message"] = Value::Null,
        |m| m["reply_to_message"]["message_id"] = json!(81),
        |m| m["reply_to_message"]["from"]["id"] = json!(43),
        |m| m["chat"]["id"] = json!(-101),
        |m| m["from"] = Value::Null,
        |m| m["text"] = Value::Null,
    ];
    for change in changes {
        assert_eq!(one(change), None);
    }
}

#[test]
fn machines_edits_and_quotes_are_told() {
    for (key, value) in [
        ("sender_chat", json!({"id": -100})),
        ("via_bot", json!({"id": 5})),
        ("forward_origin", json!({"type": "user"})),
    ] {
        assert!(
            one(|m| m[key] = value.clone()).expect("a reply").machine,
            "{key}"
        );
    }
    assert!(
        one(|m| m["from"]["is_bot"] = json!(true))
            .expect("a reply")
            .machine
    );
    assert!(
        one(|m| m["from"] = json!({"id": 1}))
            .expect("a reply")
            .machine
    );
    assert!(one(|m| m["edit_date"] = json!(1)).expect("a reply").edited);
    let quote = json!([{ "type": "blockquote", "offset": 0, "length": 4 }]);
    assert!(
        one(|m| m["entities"] = quote.clone())
            .expect("a reply")
            .quoting
    );
}

#[test]
fn a_message_that_was_edited_afterwards_does_not_count() {
    let edit = json!({ "update_id": 8, "edited_message": { "message_id": 90 } });
    let read = read(&[update(), edit], &ASKED).pop();
    assert!(read.expect("a reply").edited);
}
