//! When a request is sent again, and how long that waits.

use chrono::TimeDelta;
use serde_json::json;

use super::*;

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
