//! Silence is an alarm: the heartbeat and the metrics.

use super::*;

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
