//! What becomes of one request.

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::http::{Api, Endpoint};
use crate::model::SecretValue;

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
