//! What is read of an answer, and what is never told of either side.

use serde_json::{Value, json};

use super::*;
use crate::http::{Call, Known};
use crate::model::{Fault, SecretValue};

#[test]
fn known_codes_get_our_words_and_end_hopeless_retries() {
    fn codes(body: &Value) -> Option<Known> {
        (body["error"]["code"] == "builds_rate_limited").then_some(Known {
            what: "no builds left today",
            hint: Some("wait until tomorrow"),
            kind: Some(FaultKind::Refused),
        })
    }
    let clock = JumpingClock::new();
    let server = Server::start(vec![Answer::With(
        429,
        "retry-after: 1\r\n",
        json!({"error": {"code": "builds_rate_limited", "message": "key sk-live-1234"}}),
    )]);
    let call: Call = server.api(&clock).post("/deploy").codes(codes);
    assert_eq!(
        outcome(call.once()),
        row(
            "not done",
            FaultKind::Refused,
            "no builds left today (HTTP 429)"
        )
    );
    assert_eq!(clock.waits(), []);
}

fn page(status: u16, kind: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Raw(
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

#[test]
fn only_json_is_an_answer_and_faults_quote_nothing() {
    for (status, kind, body, what) in [
        (200, "text/html", "<p>sk-live</p>", "the answer is not JSON"),
        (
            200,
            "application/json",
            "{\"key\": \"sk-li",
            "the answer cannot be understood",
        ),
        (404, "text/html", "<p>sk-live</p>", "the answer is not JSON"),
    ] {
        let server = Server::start(vec![page(status, kind, body)]);
        let api = server.api(&JumpingClock::new());
        assert_eq!(
            outcome(api.post("/x").accept(&[404]).once()),
            row("uncertain", FaultKind::Passing, what)
        );
    }
}

#[test]
fn any_body_will_do_where_that_is_said() {
    let server = Server::start(vec![page(200, "text/plain", "ok")]);
    let api = server.api(&JumpingClock::new());
    assert_eq!(
        outcome(api.post("/hook").any_body().once()),
        ("done", None, "200".to_owned())
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let server = Server::start(vec![
        page(200, "text/html", "<p>"),
        Answer::Json(200, json!([1])),
    ]);
    let reply = server
        .api(&JumpingClock::new())
        .get("/x")
        .read()
        .expect("the second answer");
    assert_eq!(reply.json(), Ok(json!([1])));
    assert_eq!(
        reply.parse::<String>(),
        Err(Fault::passing("the answer cannot be understood"))
    );
}

#[test]
fn tokens_travel_in_headers_and_in_no_debug_output() {
    let server = Server::start(vec![Answer::With(
        200,
        "date: Sun, 01 Mar 2026 12:00:00 GMT\r\n",
        json!({"token": "sk-live"}),
    )]);
    let reply = server
        .api(&JumpingClock::new())
        .get("/x")
        .query("limit", "1")
        .bearer(&SecretValue::new("tok_1"))
        .read()
        .expect("an answer");
    assert_eq!(server.lines(), ["GET /x?limit=1"]);
    assert!(
        server.received()[0]
            .headers
            .contains("authorization: bearer tok_1\r\n")
    );
    assert_eq!(format!("{reply:?}"), "Reply(HTTP 200, 19 bytes)");
    assert_eq!(reply.date.map(|date| date.timestamp()), Some(1_772_366_400));
}

#[test]
fn a_token_with_a_line_break_is_refused_before_anything_is_sent() {
    let server = Server::start(vec![]);
    let api = server.api(&JumpingClock::new());
    let fault = api
        .get("/x")
        .bearer(&SecretValue::new("tok\n"))
        .read()
        .expect_err("no header");
    assert_eq!(
        fault.what,
        "the credential holds a character that no header can carry"
    );
    assert_eq!(api.sent(), 0);
}
