//! `check`: what will be touched and what it costs, and whether every key is as young as the policy wants.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

#[test]
fn check_says_what_a_rotation_will_touch_and_about_what_it_costs() {
    let (sandbox, _) = shop::both();
    let ran = sandbox.run("check").exits(Exit::Done);
    let (_, second) = ran.stdout.split_once("\n\n").expect("two tables");
    assert_eq!(
        second,
        "SECRET   TARGET           HOLD IT  WOULD GET IT  REDEPLOYS  CALLS\n\
         openai   vercel/acme      3        0             3          about 47\n\
         openai   render           2        0             2          about 34\n\
         session  dotenv/shop.env  1        0             0          -\n\
         \n\
         openai at vercel/acme\n  \
         write    vercel/web production OPENAI_API_KEY\n  \
         write    vercel/admin production OPENAI_API_KEY\n  \
         write    vercel/legacy production OPENAI_API_KEY\n  \
         redeploy vercel/web\n  \
         redeploy vercel/admin\n  \
         redeploy vercel/legacy\n\
         \n\
         openai at render\n  \
         write    render/api OPENAI_API_KEY\n  \
         write    render/worker OPENAI_API_KEY\n  \
         redeploy render/api\n  \
         redeploy render/worker\n\
         \n\
         session at dotenv/shop.env\n  \
         write    dotenv/shop.env SESSION_SECRET\n\
         \n\
         If all were rotated in one run: 6 sites, 5 redeploys, about 81 calls.\n"
    );
}

#[test]
fn about_is_no_more_than_half_and_no_less_than_twice_of_what_a_rotation_sends() {
    let (sandbox, _) = shop::openai();
    let ran = sandbox.run("check --json").exits(Exit::Done);
    let total: serde_json::Value = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .find(|object: &serde_json::Value| object["type"] == "reach_total")
        .expect("a total");
    let about = total["calls"].as_u64().expect("a number") as usize;
    let rotate = sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    let revoke = sandbox.run("revoke").exits(Exit::Done);
    let sent = rotate.requests + revoke.requests;
    assert!(
        sent / 2 <= about && about <= sent * 2,
        "about {about}, sent {sent}"
    );
}

#[test]
fn check_for_machines_names_every_place() {
    let (sandbox, _) = shop::openai();
    let ran = sandbox.run("check --json").exits(Exit::Done);
    let objects: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let (first, detail) = (&objects[0], objects[0]["detail"].as_str());
    assert!(detail.is_some_and(|detail| detail.starts_with("opens; 1 secret, ")));
    assert_eq!(
        *first,
        serde_json::json!({
            "type": "check", "what": "ledger", "result": "ok", "detail": detail, "hint": null,
        })
    );
    assert_eq!(
        objects[objects.len() - 2..],
        [
            serde_json::json!({
                "type": "reach", "secret": "openai", "target": "render",
                "holds": ["render/api OPENAI_API_KEY", "render/worker OPENAI_API_KEY"],
                "would_get": [],
                "drifted": [],
                "redeploys": ["render/api", "render/worker"],
                "calls": { "writes": 2, "redeploys": 2, "looks": 30, "about": 34 },
            }),
            serde_json::json!({ "type": "reach_total", "sites": 5, "redeploys": 5, "calls": 81 }),
        ]
    );
}

#[test]
fn a_target_that_cannot_be_asked_is_unknown_and_said_once() {
    let (mut sandbox, _) = shop::openai();
    sandbox
        .environment
        .insert("RENDER_API_KEY".to_owned(), "rnd_wrong".to_owned());
    let ran = sandbox.run("check").exits(Exit::Failed);
    assert!(
        ran.stdout
            .contains("openai  render       unknown  unknown       unknown    unknown\n"),
        "{ran:#?}"
    );
    assert_eq!(ran.stdout.matches("failed").count(), 1, "{ran:#?}");
    assert_eq!(ran.stderr.matches("error:").count(), 0, "{ran:#?}");
}

#[test]
fn create_is_told_apart_from_what_is_there() {
    let sandbox = Sandbox::new();
    sandbox.write("one.env", "SESSION=made-up-by-hand\n");
    sandbox.write(
        "rotations.yaml",
        "secrets:\n  session:\n    every: 30d\n    issuer: { kind: generated }\n    targets:\n      \
         - { kind: dotenv, path: one.env, variable: SESSION }\n      \
         - { kind: dotenv, path: two.env, variable: SESSION, create: true }\n",
    );
    sandbox
        .run("adopt session --from-site dotenv/one.env")
        .exits(Exit::Done);
    let ran = sandbox.run("check").exits(Exit::Done);
    assert!(
        ran.stdout.contains(
            "SECRET   TARGET          HOLD IT  WOULD GET IT  REDEPLOYS  CALLS\n\
             session  dotenv/one.env  1        0             0          -\n\
             session  dotenv/two.env  0        1             0          -\n"
        ),
        "{ran:#?}"
    );
    assert!(
        ran.stdout.contains("\n  add      dotenv/two.env SESSION\n"),
        "{ran:#?}"
    );
}

const AGED: &str = "
freeze:
  - { from: 2024-04-01, to: 2024-04-08 }
secrets:
  fresh:
    every: 30d
    max_age: 45d
    issuer: { kind: generated }
    targets: [{ kind: dotenv, path: a.env, variable: FRESH }]
  never:
    every: 30d
    issuer: { kind: generated }
    targets: [{ kind: dotenv, path: b.env, variable: NEVER }]
";

#[test]
fn the_policy_is_checked_without_asking_anybody() {
    let sandbox = Sandbox::new();
    sandbox.write("a.env", "FRESH=made-up-by-hand\n");
    sandbox.write("b.env", "NEVER=made-up-by-hand\n");
    sandbox.write("rotations.yaml", AGED);
    sandbox
        .run("adopt fresh --from-site dotenv/a.env")
        .exits(Exit::Done);
    let ledger = sandbox.standing("ledger.json.age");
    let ran = sandbox.run("check --policy").exits(Exit::Failed);
    assert_eq!(
        ran.stdout,
        "SECRET  AGE  MAX AGE  DUE                        POLICY\n\
         fresh   new  45d      Mar 19, 2024 (in 30 days)  ok\n\
         never   -    -        -                          exception: never adopted\n"
    );
    sandbox
        .run("adopt never --from-site dotenv/b.env")
        .exits(Exit::Done);
    sandbox.run("check --policy").exits(Exit::Done);

    // Due for a day is the next night's business; for longer, somebody's.
    sandbox.advance(TimeDelta::days(30));
    sandbox.run("check --policy").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(1));
    let ran = sandbox.run("check --policy").exits(Exit::Failed);
    assert!(
        ran.stdout.contains("exception: due for 1 day\n"),
        "{ran:#?}"
    );

    // What is postponed or frozen is no exception, until the key is older than it may ever be.
    sandbox
        .run("skip fresh --for 10d --reason audit")
        .exits(Exit::Done);
    sandbox
        .run("skip never --for 10d --reason audit")
        .exits(Exit::Done);
    sandbox.run("check --policy").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(14) + TimeDelta::hours(1));
    let ran = sandbox.run("check --policy --json").exits(Exit::Failed);
    assert_eq!(
        ran.stdout,
        "{\"age_seconds\":3891600,\"due\":\"2024-03-30T00:00:00Z\",\"exception\":\"older than its max_age of 45d\",\
         \"max_age_seconds\":3888000,\"secret\":\"fresh\",\"type\":\"policy\"}\n\
         {\"age_seconds\":3891600,\"due\":\"2024-03-30T00:00:00Z\",\"exception\":null,\
         \"max_age_seconds\":null,\"secret\":\"never\",\"type\":\"policy\"}\n"
    );
    assert_eq!(ran.requests, 0);
    assert_ne!(
        sandbox.standing("ledger.json.age"),
        ledger,
        "adopt and skip wrote"
    );
}

#[test]
fn a_place_that_holds_something_else_than_the_current_key_is_named() {
    let (sandbox, _) = shop::both();
    let before = sandbox.run("check").exits(Exit::Done);
    assert!(!before.stdout.contains("DRIFT"), "{}", before.stdout);
    sandbox.write("shop.env", "SESSION_SECRET=put-here-by-hand-0123456789\n");
    let ran = sandbox.run("check").exits(Exit::Done);
    let place = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("  DRIFT    "));
    assert_eq!(
        place,
        Some("  DRIFT    dotenv/shop.env SESSION_SECRET"),
        "{}",
        ran.stdout
    );
    let json = sandbox.run("check --json").exits(Exit::Done).stdout;
    assert!(
        json.contains(r#""drifted":["dotenv/shop.env SESSION_SECRET"]"#),
        "{json}"
    );
}
