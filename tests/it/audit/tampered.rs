//! What somebody could do to the evidence, and who notices.

use chrono::TimeDelta;
use rotakey::exit::Exit;
use rotakey::ledger::{Digest, EntryRef, LedgerId};
use serde_json::Value;

use super::{bundle, month, python};
use crate::support::sandbox::Sandbox;

fn changed<'a>(lines: &[&'a str], change: impl FnOnce(&mut Vec<&'a str>)) -> String {
    let mut lines = lines.to_vec();
    change(&mut lines);
    lines.concat()
}

/// What somebody could do to the lines of `events.jsonl`, and what is said of it.
#[test]
fn whatever_is_done_to_an_event_is_named_by_rotakey_and_by_python() {
    let sandbox = month();
    bundle(&sandbox, "february", "2024-02");
    let whole = sandbox.read("february/events.jsonl");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let last = lines.len();
    // The first line is event 1: the ledger was made in this month.
    let kind = serde_json::from_str::<Value>(lines[9]).expect("an event")["kind"]
        .as_str()
        .expect("a kind")
        .to_owned();
    let edited = lines[9].replace(&kind, "deliver.xxxx");
    assert_ne!(edited, lines[9]);
    let cases = [
        (
            "edited",
            changed(&lines, |lines| lines[9] = &edited),
            "event 10 ".to_owned(),
        ),
        (
            "removed",
            changed(&lines, |lines| {
                lines.remove(9);
            }),
            "event 11 stands where event 10 belongs".to_owned(),
        ),
        (
            "inserted",
            changed(&lines, |lines| lines.insert(9, lines[3])),
            "event 4 stands where event 10 belongs".to_owned(),
        ),
        (
            "reordered",
            changed(&lines, |lines| lines.swap(9, 10)),
            "event 11 stands where event 10 belongs".to_owned(),
        ),
        (
            "cut off",
            changed(&lines, |lines| lines.truncate(last - 1)),
            format!("event {last} is missing"),
        ),
    ];
    for (name, text, said) in cases {
        sandbox.write("february/events.jsonl", &text);
        let ran = sandbox
            .run("audit verify --alone february")
            .exits(Exit::Failed);
        assert!(ran.stderr.contains(&said), "{name}: {ran:?}");
        let checked = python(&sandbox.path("february"));
        let stderr = String::from_utf8_lossy(&checked.stderr);
        assert!(
            !checked.status.success() && stderr.starts_with("NOT OK: "),
            "{name}: {stderr}"
        );
        if name != "cut off" {
            assert!(stderr.contains(&said), "{name}: {stderr}");
        }
    }
    sandbox.write("february/events.jsonl", &whole);
    let table = sandbox.read("february/rotations.csv");
    sandbox.write(
        "february/rotations.csv",
        &table.replace("completed", "abandoned"),
    );
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Failed)
        .says("rotations.csv is not the file that was written");
    assert!(!python(&sandbox.path("february")).status.success());
}

/// Links all events anew, as somebody would who can write the ledger; the manifest is made to fit.
fn rebuild(sandbox: &Sandbox, bundle: &str, change: impl Fn(&str) -> String) {
    let mut manifest: Value =
        serde_json::from_str(&sandbox.read(&format!("{bundle}/manifest.json")))
            .expect("a manifest");
    let ledger: LedgerId = serde_json::from_value(manifest["ledger"].clone()).expect("an id");
    let before: Digest =
        serde_json::from_value(manifest["events"]["before_hash"].clone()).expect("a hash");
    let (mut head, mut text) = (before, String::new());
    for line in sandbox.read(&format!("{bundle}/events.jsonl")).lines() {
        let line = change(line);
        let mut entry: EntryRef<'_> = serde_json::from_str(&line).expect("an event");
        head = entry.expected_hash(ledger, head);
        entry.hash = Some(head);
        text += &(serde_json::to_string(&entry).expect("JSON") + "\n");
    }
    sandbox.write(&format!("{bundle}/events.jsonl"), &text);
    manifest["events"]["head"] = head.to_string().into();
    manifest["files"] = serde_json::json!({"rotations.csv": manifest["files"]["rotations.csv"]});
    sandbox.write(&format!("{bundle}/manifest.json"), &manifest.to_string());
}

#[test]
fn a_chain_that_was_built_anew_is_caught_by_the_ledger_and_by_another_export() {
    let sandbox = month();
    sandbox.advance(TimeDelta::days(1));
    sandbox.run("rotate session").exits(Exit::Done);
    sandbox.advance(TimeDelta::days(40));
    bundle(&sandbox, "february", "2024-02");
    bundle(&sandbox, "march", "2024-03");
    rebuild(&sandbox, "february", |line| line.replace("CHG-7", "CHG-8"));
    // In itself it is a chain: that is why a head has to be kept elsewhere.
    sandbox
        .run("audit verify --alone february")
        .exits(Exit::Done);
    let ran = sandbox.run("audit verify february").exits(Exit::Failed);
    assert!(
        ran.stderr
            .contains(" of the ledger is not the one in the export"),
        "{ran:?}"
    );
    let ran = sandbox
        .run("audit verify --alone february march")
        .exits(Exit::Failed);
    assert!(
        ran.stderr
            .contains("is another one than in the export before: the log was written anew"),
        "{ran:?}"
    );
}
