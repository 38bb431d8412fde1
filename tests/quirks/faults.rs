//! What can be made to go wrong, and what the log says of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Response, openai, seconds, still_world, vercel};
use crate::support::world::{At, Fault, Moment, RetryAfter, World};

fn path(world: &World) -> String {
    let (project, account) = (world.openai_project(), world.openai_account());
    format!("/organization/projects/{project}/service_accounts/{account}/api_keys")
}

/// Creates a key; `None` when the reply is lost.
fn create(world: &World) -> Option<Response> {
    openai(world).call("POST", &path(world), &json!({"name": "n"}))
}

fn status(reply: Option<Response>) -> Option<u16> {
    reply.map(|reply| reply.status)
}

/// One create under a fault: the status that arrives, the keys made, and the log's view of it.
fn under(fault: Fault) -> (Option<u16>, usize, (u16, bool, bool)) {
    let (_, world, _) = still_world();
    world.fault("openai.create_key", fault);
    let status = status(create(&world));
    let entry = world.requests()[0].clone();
    (
        status,
        world.all_keys().len() - 1,
        (entry.status, entry.acted, entry.dropped),
    )
}

#[test]
fn act_and_reply_fail_independently() {
    assert_eq!(
        under(Fault::refuse(403)),
        (Some(403), 0, (403, false, false))
    );
    assert_eq!(
        under(Fault::refuse(503)),
        (Some(503), 0, (503, false, false))
    );
    assert_eq!(
        under(Fault::error_after_acting(500)),
        (Some(500), 1, (500, true, false))
    );
    assert_eq!(under(Fault::request_lost()), (None, 0, (0, false, true)));
    assert_eq!(under(Fault::reply_lost()), (None, 1, (200, true, true)));
    assert_eq!(
        under(Fault::acts_twice()),
        (Some(200), 2, (200, true, false))
    );
    assert_eq!(under(Fault::html(200)), (Some(200), 1, (200, true, false)));
    assert_eq!(
        under(Fault::html(502).without_acting()),
        (Some(502), 0, (502, false, false))
    );
    assert_eq!(
        under(Fault::half_json()),
        (Some(200), 1, (200, true, false))
    );
    assert_eq!(under(Fault::cut_off()), (None, 1, (200, true, false)));
    assert_eq!(
        under(Fault::redirect(307)),
        (Some(307), 0, (307, false, false))
    );
}

#[test]
fn a_late_request_lands_whatever_has_happened_meanwhile() {
    let (calendar, world, _) = still_world();
    world.fault_next(Fault::acts_late(seconds(600)));
    assert_eq!(status(create(&world)), None);
    assert_eq!(status(create(&world)), Some(200));
    calendar.advance(seconds(599));
    assert_eq!(
        (world.all_keys().len(), world.requests()[0].acted),
        (2, false)
    );
    calendar.advance(seconds(1));
    assert_eq!(
        (world.all_keys().len(), world.requests()[0].acted),
        (3, true)
    );
    assert_eq!(
        world.all_keys()[2].created_at.to_rfc3339(),
        "2024-01-19T09:10:00+00:00"
    );
}

#[test]
fn too_many_comes_with_or_without_advice() {
    let advice = |retry_after| {
        let (_, world, _) = still_world();
        world.fault_next(Fault::too_many(retry_after));
        let reply = create(&world).expect("a reply");
        assert_eq!((reply.status, world.all_keys().len()), (429, 1));
        reply.header("retry-after").map(str::to_owned)
    };
    assert_eq!(advice(RetryAfter::Absent), None);
    assert_eq!(advice(RetryAfter::Seconds(7)).as_deref(), Some("7"));
    assert_eq!(
        advice(RetryAfter::Date(seconds(90))).as_deref(),
        Some("Fri, 19 Jan 2024 09:01:30 GMT")
    );
}

#[test]
fn a_fault_meets_its_request_by_number_by_label_or_next() {
    let (_, world, _) = still_world();
    world.add_projects(["web", "docs"], &[]);
    let get = |name: &str| {
        vercel(&world)
            .get(&format!("/v10/projects/{name}/env"))
            .status
    };
    world.fault(2, Fault::refuse(418));
    world.fault("vercel.list_env docs", Fault::refuse(503).skipping(1));
    world.fault("vercel.list_env", Fault::refuse(500).skipping(4).times(2));
    let statuses = ["web", "web", "docs", "docs", "web", "web", "web", "web"].map(get);
    assert_eq!(statuses, [200, 418, 200, 503, 200, 200, 500, 500]);
    world.fault(At::Any, Fault::refuse(502).always());
    assert_eq!([get("web"), get("docs")], [502, 502]);
    world.clear_faults();
    assert_eq!(get("web"), 200);
}

#[test]
fn a_hostile_body_echoes_the_credentials_between_controls() {
    let (_, world, _) = still_world();
    world.fault_next(Fault::hostile(400));
    let reply = create(&world).expect("a reply");
    let text = reply.json()["error"]["message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(text.contains(&world.openai_admin_key()));
    assert!(text.contains('\u{1b}') && text.contains('\u{202e}') && text.contains('\u{7}'));
}

#[test]
fn a_huge_body_is_honest_behind_its_white_space() {
    let (_, world, _) = still_world();
    world.fault_next(Fault::huge());
    let reply = create(&world).expect("a reply");
    assert!(reply.body.len() > 2 * 1024 * 1024);
    assert_eq!(reply.json()["name"], "n");
}

#[test]
fn half_a_json_is_complete_http() {
    let (_, world, _) = still_world();
    world.fault_next(Fault::half_json());
    let reply = create(&world).expect("a reply");
    assert!(serde_json::from_str::<Value>(&reply.body).is_err());
}

#[test]
fn a_followed_redirect_is_counted() {
    let (_, world, _) = still_world();
    world.fault_next(Fault::redirect(302));
    let reply = create(&world).expect("a reply");
    let location = reply.header("location").expect("a location").to_owned();
    assert_eq!(world.trap_hits(), 0);
    let trap = crate::client::Caller::new(location, String::new());
    trap.get("");
    assert_eq!(world.trap_hits(), 1);
}

#[test]
fn hooks_run_before_and_after_the_act() {
    let (_, world, _) = still_world();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for moment in [Moment::Before, Moment::After] {
        let (seen, inside) = (Arc::clone(&seen), world.clone());
        world.on_request(2, moment, move || {
            seen.lock()
                .expect("no panic")
                .push((moment, inside.all_keys().len()));
        });
    }
    create(&world);
    create(&world);
    create(&world);
    assert_eq!(
        *seen.lock().expect("no panic"),
        [(Moment::Before, 2), (Moment::After, 3)]
    );
}

#[test]
fn a_slow_reply_takes_real_time_and_the_act_comes_first() {
    let (_, world, _) = still_world();
    world.fault_next(Fault::slow(Duration::from_millis(200)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            create(&world);
            done.store(true, Ordering::SeqCst);
        });
        while world.all_keys().len() == 1 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!done.load(Ordering::SeqCst));
    });
}

#[test]
fn the_log_numbers_and_names_every_request() {
    let (_, world, _) = still_world();
    world.add_projects(["web"], &[]);
    create(&world);
    vercel(&world).get("/v10/projects/web/env?decrypt=true");
    vercel(&world).get("/v1/nothing");
    let seen: Vec<_> = world
        .requests()
        .iter()
        .map(|entry| (entry.n, entry.what.clone(), entry.writes()))
        .collect();
    assert_eq!(
        seen,
        [
            (1, "openai.create_key".to_owned(), true),
            (2, "vercel.list_env web".to_owned(), false),
            (3, "vercel.unknown".to_owned(), false),
        ]
    );
    assert_eq!(world.requests()[1].path, "/v10/projects/web/env");
    assert_eq!(
        world.violations()[0].rule,
        "calls an endpoint that is not simulated"
    );
    assert_eq!(world.counts()["openai.create_key"], 1);
    assert!(world.dump().contains(
        "   2 2024-01-19T09:00:00 vercel.list_env web: GET /v10/projects/web/env -> 200"
    ));
}

#[test]
fn a_secret_in_a_url_is_blamed_and_not_logged() {
    let (_, world, key) = still_world();
    openai(&world).get(&format!("/models?key={}", key.value));
    assert_eq!(world.violations()[0].rule, "puts a secret into a URL");
    openai(&world).get(&format!("/organization/projects/{}/api_keys", key.value));
    assert!(!world.dump().contains(&key.value));
}

#[test]
fn requests_take_calendar_time_so_that_no_two_share_an_instant() {
    let (calendar, world, _) = still_world();
    world.set(|settings| settings.request_takes = seconds(5));
    create(&world);
    create(&world);
    assert_eq!(calendar.now().to_rfc3339(), "2024-01-19T09:00:10+00:00");
    let times: Vec<_> = world.all_keys()[1..]
        .iter()
        .map(|key| key.created_at.timestamp())
        .collect();
    assert_eq!(times, [1_705_654_805, 1_705_654_810]);
}

#[test]
fn the_latency_of_concurrent_calls_overlaps() {
    let (_, world, key) = still_world();
    let names: Vec<String> = (0..318).map(|number| format!("p{number}")).collect();
    world.add_projects(
        names.iter().map(String::as_str),
        &[("OPENAI_API_KEY", &key.value)],
    );
    world.set(|settings| settings.latency = Duration::from_millis(50));
    let (next, start) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::SeqCst) < 40 {
                    assert_eq!(vercel(&world).get("/v2/user").status, 200);
                }
            });
        }
    });
    assert_eq!(world.requests().len(), 40);
    // 40 calls of 50 ms one after the other take 2 s: anything well below that proves the overlap.
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
}
