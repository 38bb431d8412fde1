//! The audit log over the years: sealed by month, read from the beginning, and never with a gap.

use std::fs;

use chrono::TimeDelta;

use super::super::testing::{Sandbox, adopted, instant};
use super::super::{Event, LedgerError};

fn record(sandbox: &Sandbox, events: u32) {
    let mut locked = sandbox.lock().unwrap();
    for number in 0..events {
        let event = Event {
            note: Some(format!("\"hash\":\" {number} \\ ü\n")),
            ..Event::new("test.done")
        };
        locked.note(sandbox.now, event);
    }
    locked.commit().unwrap();
}

fn segments(sandbox: &Sandbox) -> Vec<String> {
    let mut names = sandbox.store.segments().unwrap();
    names.sort();
    names
}

fn numbers(sandbox: &Sandbox) -> Vec<u64> {
    let ledger = sandbox.open().unwrap();
    ledger.events().map(|entry| entry.unwrap().seq).collect()
}

#[test]
fn events_leave_the_document_by_month_and_are_read_back_in_order() {
    let mut sandbox = Sandbox::with_ledger();
    record(&sandbox, 2);
    assert_eq!(segments(&sandbox), Vec::<String>::new());
    sandbox.later(TimeDelta::days(31));
    record(&sandbox, 2);
    record(&sandbox, 600);
    record(&sandbox, 1);
    sandbox.later(TimeDelta::days(365));
    record(&sandbox, 1);
    assert_eq!(
        segments(&sandbox),
        [
            "2024-02.001.jsonl.age",
            "2024-03.001.jsonl.age",
            "2024-03.002.jsonl.age",
        ]
    );
    assert_eq!(numbers(&sandbox), (1..=607).collect::<Vec<u64>>());
    let ledger = sandbox.open().unwrap();
    assert_eq!(ledger.document.audit.tail.len(), 1);
    let last = ledger.events().last().unwrap().unwrap();
    assert_eq!((last.hash, last.seq), (ledger.head(), 607));
    assert_eq!(last.event.note.unwrap(), "\"hash\":\" 0 \\ ü\n");
    assert_eq!(last.actor.to_string(), "auto: cron");
}

#[test]
fn a_clock_that_went_back_does_not_reorder_the_log() {
    let mut sandbox = Sandbox::with_ledger();
    sandbox.later(TimeDelta::days(31));
    record(&sandbox, 1);
    sandbox.later(TimeDelta::days(31));
    record(&sandbox, 1);
    sandbox.now = instant("2023-12-31T00:00:00Z");
    record(&sandbox, 1);
    sandbox.now = instant("2024-06-01T00:00:00Z");
    record(&sandbox, 1);
    assert_eq!(
        segments(&sandbox),
        [
            "2024-02.001.jsonl.age",
            "2024-03.001.jsonl.age",
            "2024-04.001.jsonl.age",
            "2024-04.002.jsonl.age",
        ]
    );
    assert_eq!(numbers(&sandbox), [1, 2, 3, 4, 5]);
    assert_eq!(sandbox.open().unwrap().high_time(), sandbox.now);
}

#[test]
fn a_segment_that_is_missing_changed_or_swapped_is_found() {
    let mut sandbox = Sandbox::with_ledger();
    for _ in 0..3 {
        record(&sandbox, 3);
        sandbox.later(TimeDelta::days(31));
    }
    record(&sandbox, 1);
    let audit = sandbox.home.path().join("ledger.audit");
    let [february, march, april] = ["2024-02.001", "2024-03.001", "2024-04.001"]
        .map(|name| audit.join(format!("{name}.jsonl.age")));
    let refused = || {
        let ledger = sandbox.open().unwrap();
        let error = ledger.events().find_map(Result::err).expect("refused");
        assert!(error.is_refusal());
        error
    };
    let whole = fs::read(&march).unwrap();

    fs::remove_file(&march).unwrap();
    assert_eq!(
        refused().to_string(),
        "the audit log (2024-04.001.jsonl.age, after event 4) was not written by rotakey: event 8 stands where event 5 belongs"
    );
    fs::copy(&february, &march).unwrap();
    assert_eq!(
        refused().to_string(),
        "the audit log (2024-03.001.jsonl.age, after event 4) was not written by rotakey: event 1 stands where event 5 belongs"
    );
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&march, flipped).unwrap();
    assert!(matches!(refused(), LedgerError::Corrupt { .. }));
    fs::write(&march, &whole).unwrap();
    assert_eq!(numbers(&sandbox).len(), 11);

    // The newest segment, cut after its first event by someone who can seal.
    let ledger = sandbox.open().unwrap();
    let sealed = fs::read(&april).unwrap();
    let form = super::super::seal::Form::Binary;
    let opened = ledger.identities.open("april", &sealed, form).unwrap();
    let first = opened
        .plain
        .split_inclusive(|byte| *byte == b'\n')
        .next()
        .unwrap();
    fs::write(&april, ledger.recipients.seal(first, form).unwrap()).unwrap();
    assert_eq!(
        refused().to_string(),
        "the audit log (2024-04.001.jsonl.age, after event 8) was not written by rotakey: event 9 is missing"
    );
}

/// The operator himself: he holds the identity, can seal segments anew and make the document fit.
#[test]
fn whatever_somebody_with_the_identity_does_to_an_event_is_named() {
    type Change = fn(&mut Vec<String>);
    let cases: [(&str, Change, &str); 5] = [
        (
            "edited",
            |lines| lines[2] = lines[2].replace("test.done", "test.none"),
            "event 3 (`test.none`) is not the one that was recorded",
        ),
        (
            "removed",
            |lines| drop(lines.remove(2)),
            "event 4 stands where event 3 belongs",
        ),
        (
            "inserted",
            |lines| lines.insert(2, lines[0].clone()),
            "event 1 stands where event 3 belongs",
        ),
        (
            "reordered",
            |lines| lines.swap(2, 3),
            "event 4 stands where event 3 belongs",
        ),
        ("cut off", |lines| lines.truncate(4), "event 5 is missing"),
    ];
    for (name, change, said) in cases {
        let mut sandbox = Sandbox::with_ledger();
        record(&sandbox, 4);
        sandbox.later(TimeDelta::days(31));
        record(&sandbox, 1);
        // In a segment.
        let path = sandbox
            .home
            .path()
            .join("ledger.audit/2024-02.001.jsonl.age");
        let ledger = sandbox.open().unwrap();
        let form = super::super::seal::Form::Binary;
        let sealed = fs::read(&path).unwrap();
        let opened = ledger.identities.open("february", &sealed, form).unwrap();
        let text = String::from_utf8(opened.plain.to_vec()).unwrap();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        change(&mut lines);
        let sealed = ledger.recipients.seal(lines.concat().as_bytes(), form);
        fs::write(&path, sealed.unwrap()).unwrap();
        let error = sandbox.open().unwrap().events().find_map(Result::err);
        let told = error.expect("refused").to_string();
        assert!(told.ends_with(said), "{name}: {told}");
    }
}

#[test]
fn an_event_of_the_document_that_was_changed_is_named_though_the_mac_is_right() {
    let sandbox = Sandbox::with_ledger();
    record(&sandbox, 3);
    let mut ledger = sandbox.open().unwrap();
    ledger.document.audit.tail[2].event.kind = "test.none".to_owned();
    let text = ledger
        .document
        .text(&ledger.document.front, &ledger.document.audit);
    let form = super::super::seal::Form::Armored;
    let sealed = ledger.recipients.seal(&text, form).unwrap();
    fs::write(sandbox.ledger(), sealed).unwrap();
    let told = sandbox.open().err().expect("refused").to_string();
    assert!(
        told.ends_with("event 3 (`test.none`) is not the one that was recorded"),
        "{told}"
    );
}

#[test]
fn the_hash_is_what_a_sorting_json_printer_gives() {
    let mut sandbox = Sandbox::with_ledger();
    sandbox.later(TimeDelta::milliseconds(1500));
    let mut locked = sandbox.lock().unwrap();
    let mut change = super::super::testing::adopted("openai", "sk-0123456789-0123456789-x7K2");
    locked.record(sandbox.now, change.clone()).unwrap();
    change.secret = "stripe".into();
    locked.record(sandbox.now, change).unwrap();
    locked.commit().unwrap();
    let mut before = super::super::Digest::GENESIS;
    for entry in locked.events() {
        let entry = entry.unwrap();
        let mut value = serde_json::to_value(&entry).unwrap();
        let stated = value.as_object_mut().unwrap().remove("hash").unwrap();
        let canonical = sorted(&value);
        let hash =
            super::super::chain::link(locked.id(), entry.seq, before, [canonical.as_bytes(), b""]);
        assert_eq!(stated, hash.to_string());
        before = hash;
    }
    assert_eq!(before, locked.head());
}

/// RFC 8785 for the values that events have, written independently of serde's field order.
fn sorted(value: &serde_json::Value) -> String {
    let Some(object) = value.as_object() else {
        return value.to_string();
    };
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|member| member.0);
    let members: Vec<String> = members
        .into_iter()
        .map(|(key, value)| format!("\"{key}\":{}", sorted(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn fingerprints_tell_equal_values_and_nothing_else() {
    use crate::model::{FieldName, Fields, SecretValue};
    let one = Sandbox::with_ledger();
    let other = Sandbox::with_ledger();
    let print = |sandbox: &Sandbox, value: &str| {
        let fields = Fields::single(SecretValue::new(value));
        sandbox.open().unwrap().fingerprint(&fields)
    };
    let printed = print(&one, "sk-one");
    assert_eq!(printed, print(&one, "sk-one"));
    assert_ne!(printed, print(&one, "sk-two"));
    assert_ne!(printed, print(&other, "sk-one"));
    assert_eq!((printed.len(), &printed[..4]), (24, "fp1_"));
    let pair = |user: &str, password: &str| {
        let fields: Fields = [("user", user), ("password", password)]
            .map(|(name, value)| (FieldName::new(name), SecretValue::new(value)))
            .into_iter()
            .collect();
        one.open().unwrap().fingerprint(&fields)
    };
    assert_ne!(pair("a", "bc"), pair("ab", "c"));
}

#[test]
fn dead_versions_are_not_remembered_for_ever_and_their_numbers_go_on() {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    for number in 1..=12 {
        let value = format!("sk-number-{number}-0123456789-0123456789");
        locked.record(sandbox.now, adopted("api", &value)).unwrap();
    }
    locked.commit().unwrap();
    let ledger = sandbox.open().unwrap();
    let versions = &ledger.state().secrets.values().next().unwrap().versions;
    let numbers: Vec<u32> = versions.iter().map(|version| version.number.0).collect();
    assert_eq!(numbers, [12]);
    // The log knows all of them.
    let adoptions = ledger.events().map(|entry| entry.unwrap().event.kind);
    assert_eq!(adoptions.filter(|kind| kind == "adopt.done").count(), 12);
}
