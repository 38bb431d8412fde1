//! Each row of the table at the top of `http`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::testing::{Answer, JumpingClock, Server};
use super::{Api, Call, Endpoint, Known, Reply};
use crate::model::{Effect, Fault, FaultKind, SecretValue};

fn outcome(effect: Effect<Reply>) -> (&'static str, Option<FaultKind>, String) {
    match effect {
        Effect::Done(reply) => ("done", None, reply.status.to_string()),
        Effect::NotDone(fault) => ("not done", Some(fault.kind), fault.what),
        Effect::Uncertain(fault) => ("uncertain", Some(fault.kind), fault.what),
    }
}

fn row(
    outcome: &'static str,
    kind: FaultKind,
    what: &str,
) -> (&'static str, Option<FaultKind>, String) {
    (outcome, Some(kind), what.to_owned())
}

fn once(answer: Answer) -> (&'static str, Option<FaultKind>, String) {
    let server = Server::start(vec![answer]);
    let api = server.api(&JumpingClock::new());
    outcome(api.post("/x").json(&json!({})).once())
}

#[test]
fn every_status_of_a_change_has_one_meaning() {
    use FaultKind::{Missing, Passing, Refused};
    for (status, expected) in [
        (200, ("done", None, "200".to_owned())),
        (202, ("done", None, "202".to_owned())),
        (
            301,
            row(
                "not done",
                Refused,
                "answered with a redirect, which is never followed (HTTP 301)",
            ),
        ),
        (
            303,
            row(
                "uncertain",
                Refused,
                "answered with a redirect, which is never followed (HTTP 303)",
            ),
        ),
        (
            307,
            row(
                "not done",
                Refused,
                "answered with a redirect, which is never followed (HTTP 307)",
            ),
        ),
        (400, row("not done", Refused, "request refused (HTTP 400)")),
        (401, row("not done", Refused, "token refused (HTTP 401)")),
        (402, row("not done", Refused, "payment required (HTTP 402)")),
        (403, row("not done", Refused, "token refused (HTTP 403)")),
        (404, row("not done", Missing, "not found (HTTP 404)")),
        (
            408,
            row(
                "not done",
                Passing,
                "the request came in too slowly (HTTP 408)",
            ),
        ),
        (
            409,
            row(
                "not done",
                Passing,
                "in conflict with another change (HTTP 409)",
            ),
        ),
        (410, row("not done", Missing, "gone (HTTP 410)")),
        (425, row("not done", Passing, "too early (HTTP 425)")),
        (500, row("uncertain", Passing, "server error (HTTP 500)")),
        (502, row("uncertain", Passing, "server error (HTTP 502)")),
        (503, row("uncertain", Passing, "server error (HTTP 503)")),
    ] {
        assert_eq!(
            once(Answer::Json(status, json!({}))),
            expected,
            "HTTP {status}"
        );
    }
}

#[test]
fn a_lost_reply_to_a_create_is_uncertain_and_never_repeated() {
    let server = Server::start(vec![Answer::Lost, Answer::Json(200, json!({}))]);
    let api = server.api(&JumpingClock::new());
    assert_eq!(
        outcome(api.post("/keys").once()),
        row(
            "uncertain",
            FaultKind::Passing,
            "the connection broke before the answer was whole"
        )
    );
    assert_eq!(server.lines(), ["POST /keys"]);
    assert_eq!(api.sent(), 1);
}

#[test]
fn an_answer_that_is_cut_off_or_too_long_leaves_a_change_uncertain() {
    let cut =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":"
            .to_vec();
    assert_eq!(
        once(Answer::Raw(cut)),
        row(
            "uncertain",
            FaultKind::Passing,
            "the connection broke before the answer was whole"
        )
    );
    let long = json!({"padding": "x".repeat(1 << 20)});
    assert_eq!(
        once(Answer::Json(200, long)),
        row(
            "uncertain",
            FaultKind::Passing,
            "the answer is longer than 1024 KiB"
        )
    );
}

#[test]
fn a_clear_no_stays_clear_when_its_explanation_is_cut_off() {
    let cut = b"HTTP/1.1 403 No\r\ncontent-length: 100\r\n\r\nsorry".to_vec();
    assert_eq!(
        once(Answer::Raw(cut)),
        row("not done", FaultKind::Refused, "token refused (HTTP 403)")
    );
}

#[test]
fn a_rate_limit_is_waited_out_even_before_a_create() {
    let clock = JumpingClock::new();
    let server = Server::start(vec![
        Answer::With(429, "retry-after: 7\r\n", json!({})),
        Answer::Json(201, json!({"id": "k1"})),
    ]);
    let api = server.api(&clock);
    assert_eq!(
        outcome(api.post("/keys").once()),
        ("done", None, "201".to_owned())
    );
    assert_eq!(clock.waits(), [TimeDelta::seconds(7)]);
}

#[test]
fn a_rate_limit_slows_every_call_of_the_account() {
    let clock = JumpingClock::new();
    let server = Server::start(vec![
        Answer::With(429, "retry-after: 61\r\n", json!({})),
        Answer::Json(200, json!({})),
    ]);
    let api = server.api(&clock);
    let fault = api.get("/a").read().expect_err("too long a wait");
    assert_eq!(fault.what, "rate limited (HTTP 429)");
    assert_eq!(fault.retry_after, Some(TimeDelta::seconds(61)));
    let held = api.get("/b").read().expect_err("the account is paused");
    assert_eq!(held.what, "rate limited for longer than one run waits");
    assert_eq!(held.retry_after, Some(TimeDelta::seconds(61)));
    assert_eq!(server.lines(), ["GET /a"]);
    assert_eq!(clock.waits(), []);
}

#[test]
fn every_way_to_say_how_long_is_understood() {
    for (headers, milliseconds) in [
        ("retry-after: 2\r\n", 2_000),
        ("retry-after-ms: 1500\r\nretry-after: 9\r\n", 1_500),
        // The other side's clock is what its date is compared with.
        (
            "date: Wed, 01 Jan 2020 00:00:00 GMT\r\nretry-after: Wed, 01 Jan 2020 00:00:20 GMT\r\n",
            20_000,
        ),
        ("retry-after: Sun, 01 Mar 2026 12:00:05 GMT\r\n", 5_000),
        ("ratelimit-reset: 45\r\n", 45_000),
        ("x-ratelimit-reset: 1772366430\r\n", 30_000),
        ("x-ratelimit-reset: 1772366431000\r\n", 31_000),
        ("retry-after: 0\r\n", 0),
    ] {
        let clock = JumpingClock::new();
        let server = Server::start(vec![
            Answer::With(429, headers, json!({})),
            Answer::Json(200, json!({})),
        ]);
        server
            .api(&clock)
            .get("/x")
            .read()
            .expect("the second answer");
        assert_eq!(
            clock.waits(),
            [TimeDelta::milliseconds(milliseconds)],
            "{headers}"
        );
    }
}

#[test]
fn a_spent_limit_behind_403_is_a_rate_limit() {
    let clock = JumpingClock::new();
    let server = Server::start(vec![
        Answer::With(
            403,
            "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 30\r\n",
            json!({}),
        ),
        Answer::Json(200, json!({})),
    ]);
    server
        .api(&clock)
        .get("/x")
        .read()
        .expect("the second answer");
    assert_eq!(clock.waits(), [TimeDelta::seconds(30)]);
}

#[test]
fn reads_are_tried_four_times_with_growing_waits() {
    let clock = JumpingClock::new();
    let bad = || Answer::Json(502, json!({}));
    let server = Server::start(vec![
        bad(),
        Answer::Lost,
        bad(),
        bad(),
        Answer::Json(200, json!({})),
    ]);
    let fault = server
        .api(&clock)
        .get("/x")
        .read()
        .expect_err("four bad answers");
    assert_eq!(
        (fault.kind, fault.what.as_str()),
        (FaultKind::Passing, "server error (HTTP 502)")
    );
    assert_eq!(server.lines().len(), 4);
    let waits = clock.waits();
    assert_eq!(waits.len(), 3);
    for (wait, full) in waits.iter().zip([500, 1_000, 2_000]) {
        let full = TimeDelta::milliseconds(full);
        assert!(full / 2 <= *wait && *wait <= full, "{wait} of {full}");
    }
}

#[test]
fn a_repeatable_change_is_repeated_after_a_lost_reply() {
    let server = Server::start(vec![Answer::Lost, Answer::Json(200, json!({}))]);
    let api = server.api(&JumpingClock::new());
    assert_eq!(
        outcome(api.put("/x").json(&json!({"value": "v"})).repeatable()),
        ("done", None, "200".to_owned())
    );
    assert_eq!(server.lines(), ["PUT /x", "PUT /x"]);
}

#[test]
fn a_clear_no_does_not_settle_an_earlier_uncertain_try() {
    let server = Server::start(vec![
        Answer::Json(504, json!({})),
        Answer::Json(403, json!({})),
    ]);
    let api = server.api(&JumpingClock::new());
    assert_eq!(
        outcome(api.put("/x").repeatable()),
        row("uncertain", FaultKind::Passing, "server error (HTTP 504)")
    );
}

#[test]
fn accepted_statuses_come_back_as_answers() {
    let server = Server::start(vec![Answer::Lost, Answer::Json(404, json!({}))]);
    let api = server.api(&JumpingClock::new());
    assert_eq!(
        outcome(api.delete("/x").accept(&[404]).repeatable()),
        ("done", None, "404".to_owned())
    );
}

#[test]
fn nothing_listening_is_not_done() {
    let endpoint = Endpoint {
        base: "http://127.0.0.1:9".to_owned(),
        name: "vendor".to_owned(),
        in_flight: 1,
    };
    let clock = JumpingClock::new();
    let api = Api::new(endpoint, clock.clone()).expect("loopback is allowed");
    assert_eq!(
        outcome(api.post("/x").once()),
        row(
            "not done",
            FaultKind::Passing,
            "cannot reach vendor: connection refused"
        )
    );
    assert_eq!(clock.waits().len(), 3);
}

#[test]
fn a_stopping_run_stops_waiting() {
    let clock = JumpingClock::new();
    clock.stop_after_waits(1);
    let server = Server::start(vec![
        Answer::Json(500, json!({})),
        Answer::Json(200, json!({})),
    ]);
    let fault = server.api(&clock).get("/x").read().expect_err("stopped");
    assert_eq!(fault.what, "server error (HTTP 500)");
    assert_eq!(clock.waits().len(), 1);
    assert_eq!(server.lines(), ["GET /x"]);
}

#[test]
fn silence_ends_at_the_deadline_even_when_it_trickles() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        std::io::Read::read(&mut stream, &mut [0; 1024]).ok();
        std::io::Write::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
        )
        .ok();
        for _ in 0..100 {
            std::thread::sleep(std::time::Duration::from_millis(100));
            if std::io::Write::write_all(&mut stream, b"x").is_err() {
                return;
            }
        }
    });
    let endpoint = Endpoint {
        base,
        name: "vendor".to_owned(),
        in_flight: 1,
    };
    let api = Api::new(endpoint, JumpingClock::new()).expect("loopback is allowed");
    let started = std::time::Instant::now();
    assert_eq!(
        outcome(api.post("/x").timeout(TimeDelta::seconds(1)).once()),
        row("uncertain", FaultKind::Passing, "no answer within 1 s")
    );
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::start(vec![Answer::Json(200, json!({}))]);
    let line: &'static str =
        Box::leak(format!("location: {}/stolen\r\n", other.base).into_boxed_str());
    let server = Server::start(vec![Answer::With(307, line, json!({}))]);
    let call = server
        .api(&JumpingClock::new())
        .post("/x")
        .secret_header("x-api-key", &SecretValue::new("sk-live"));
    assert_eq!(outcome(call.once()).0, "not done");
    assert!(other.lines().is_empty());
}

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
