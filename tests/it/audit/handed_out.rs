//! What an auditor is given: the bundle, the tables, and the keys that nobody manages.

use std::fs;
use std::process::Command;

use chrono::TimeDelta;
use rotakey::exit::Exit;
use serde_json::Value;

use super::{bundle, month, python};
use crate::support::sandbox::Sandbox;
use crate::support::shop;

#[test]
fn a_month_leaves_as_a_bundle_that_is_checked_with_and_without_rotakey() {
    let sandbox = month();
    let ran = bundle(&sandbox, "february", "2024-02");
    assert_eq!((ran.commits, ran.requests), (0, 0));
    let directory = sandbox.path("february");
    let sums = Command::new("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(&directory)
        .status();
    assert!(sums.expect("sha256sum").success());
    let checked = python(&directory);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.starts_with("OK: "),
        "{checked:?}"
    );
    assert!(said.contains("population 0 + 2 - 0 = 2"), "{said}");
    let ran = sandbox.run("audit verify february").exits(Exit::Done);
    assert!(
        ran.stdout
            .contains("rows and all events as the log has them"),
        "{ran:?}"
    );

    // The same again a year later, and without configuration, ledger and identity.
    bundle(&sandbox, "again", "2024-02");
    for name in ["manifest.json", "SHA256SUMS", "report.html", "events.jsonl"] {
        assert_eq!(
            sandbox.read(&format!("february/{name}")),
            sandbox.read(&format!("again/{name}")),
            "{name}"
        );
    }
    fs::remove_file(sandbox.path("rotations.yaml")).expect("the configuration");
    fs::remove_file(sandbox.path("identity.txt")).expect("the identity");
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Done);
    sandbox.run("audit verify february").exits(Exit::Usage);
}

#[test]
fn what_is_handed_out_tells_every_date_and_who() {
    let sandbox = month();
    let csv = sandbox
        .run("audit export --csv --month 2024-02 --out -")
        .exits(Exit::Done)
        .stdout;
    let mut table = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let heads = table.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        let at = heads
            .iter()
            .position(|head| head == name)
            .expect("a column");
        row[at].to_owned()
    };
    assert_eq!(rows.len(), 5, "{csv}");
    let row = rows
        .iter()
        .find(|row| &row[1] == "openai" && cell(row, "status") == "completed")
        .expect("the rotation");
    assert_eq!(cell(row, "due_at"), "2024-02-18T00:00:00Z");
    for (earlier, later) in [
        ("due_at", "issued_at"),
        ("issued_at", "delivered_at"),
        ("delivered_at", "confirmed_at"),
        ("confirmed_at", "promoted_at"),
        ("promoted_at", "old_key_refused_at"),
    ] {
        assert!(
            cell(row, earlier) <= cell(row, later) && !cell(row, later).is_empty(),
            "{earlier} {later}"
        );
    }
    assert_eq!(cell(row, "sites").split(" | ").count(), 5);
    let row = rows
        .iter()
        .find(|row| !cell(row, "ticket").is_empty())
        .expect("the ticket");
    assert_eq!(cell(row, "approved_by"), "eve");
    assert_eq!(cell(row, "reason"), "'=cmd|calc");
    assert_eq!(cell(row, "status"), "open, in grace");

    let lines = sandbox
        .run("audit export --json --month 2024-02")
        .exits(Exit::Done)
        .stdout;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let count = |record: &str| lines.iter().filter(|line| line["record"] == record).count();
    assert_eq!(
        (count("rotation"), count("secret"), count("export")),
        (5, 2, 1)
    );
    assert_eq!(lines.last().expect("lines")["population"]["closing"], 2);
}

#[test]
fn an_empty_month_is_evidence_and_continues_the_one_before() {
    let sandbox = month();
    sandbox.advance(TimeDelta::days(40));
    bundle(&sandbox, "february", "2024-02");
    bundle(&sandbox, "march", "2024-03");
    assert_eq!(
        sandbox.read("march/rotations.csv").matches("\r\n").count(),
        2,
        "the open rotation"
    );
    assert_eq!(sandbox.read("march/events.jsonl"), "");
    assert!(python(&sandbox.path("march")).status.success());
    let ran = sandbox
        .run("audit verify --alone march february")
        .exits(Exit::Done);
    assert!(ran.stdout.contains("march: goes on from event"), "{ran:?}");
}

#[test]
fn nobody_approves_their_own_request() {
    let (sandbox, _) = shop::both();
    let ran = sandbox
        .run("rotate session --approved-by cron")
        .exits(Exit::Usage);
    assert_eq!(
        ran.stderr,
        "error: who asks for a rotation cannot approve it\n  hint: name somebody else with `--approved-by`, or leave it out\n"
    );
}

#[test]
fn keys_that_nobody_manages_are_listed() {
    let (sandbox, _) = shop::both();
    let stranger = sandbox
        .world
        .seed_key("left by a contractor", "2023-05-01T09:00:00Z");
    let ran = sandbox.run("audit reconcile").exits(Exit::PersonNeeded);
    assert!(
        ran.stdout.contains(&stranger.id) && ran.stdout.contains("nobody manages it"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains(": lists 2 keys") && ran.stderr.contains(": cannot list its keys"),
        "{ran:?}"
    );
    assert_eq!(ran.commits, 0);
    let lines = sandbox
        .run("audit reconcile --json")
        .exits(Exit::PersonNeeded)
        .stdout;
    let unmanaged: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["record"] == "unmanaged")
        .collect();
    assert_eq!(unmanaged.len(), 1, "{lines}");
    assert_eq!(unmanaged[0]["key"], stranger.id.as_str());
}

#[test]
fn the_log_does_not_say_that_no_site_holds_a_value_which_every_site_holds() {
    let sandbox = Sandbox::new();
    let old = shop::OLD_SESSION;
    sandbox.write("shop.env", &format!("SESSION_SECRETS={old}\n"));
    sandbox.configure(
        "secrets:\n  session:\n    every: 30d\n    issuer: { kind: generated, overlap: two }\n    targets:\n      \
         - { kind: dotenv, path: shop.env, variable: SESSION_SECRETS, value: \"{value},{previous}\" }\n",
    );
    let both = format!("{{\"value\": \"{old}\", \"previous\": \"{old}\"}}");
    sandbox
        .pipe("adopt session --created 2024-01-19T09:00:00Z", &both)
        .exits(Exit::Done);
    sandbox.run("rotate session").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    let ran = sandbox.run("revoke").exits(Exit::Done);
    let held = sandbox.read("shop.env").contains(old);
    let mut log = ran.stderr;
    for form in ["--csv", "--json"] {
        let line = format!("audit export {form} --from 2024-02-01 --to 2024-03-01");
        log.push_str(&sandbox.run(&line).stdout);
    }
    assert!(
        !(held && log.contains("no site holds it any more")),
        "shop.env holds the old value still, and the log says:\n{log}"
    );
    assert!(log.contains("the new version carries it"), "{log}");
    let rows = sandbox
        .run("audit export --json --from 2024-02-01 --to 2024-03-01")
        .stdout;
    let rows = rows
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let done: Value = rows
        .into_iter()
        .find(|row: &Value| row["status"] == "completed")
        .expect("the rotation");
    // Nothing was sent, and nobody refused anything.
    for unseen in ["revoke_sent_at", "old_key_refused_at", "hours_to_revoke"] {
        assert_eq!(done[unseen], Value::Null, "{unseen}");
    }
    assert_eq!(done["completed_at"], "2024-02-19T10:00:00Z");
}
