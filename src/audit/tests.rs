//! From a real ledger to a table, and back to the question whether anyone changed it.

use chrono::TimeDelta;

use crate::ledger::testing::{Sandbox, adopted, begun, change, version};
use crate::ledger::{Progress, SiteProgress, SiteWrite, Step, Way, What};
use crate::model::SiteId;

use super::Period;
use super::csv;
use super::tables::ROTATIONS;
use super::verify::{self, VerifyError};

/// February: a key is adopted and replaced; on the last day a second rotation begins. In March that one is taken back.
fn two_months() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    let mut at = sandbox.now;
    let mut record = |what| {
        at += TimeDelta::minutes(1);
        locked.record(at, change("openai", what)).unwrap();
    };
    record(What::Adopted(version("sk-0123456789-0123456789-x7K2")));
    rotate(&mut record, 1, "sk-0123456789-0123456789-j9M1!");
    record(What::Promoted { issuer_date: None });
    record(What::RevokeIntended {
        run: "run-1".into(),
    });
    let observed = Some("refused with HTTP 401".to_owned());
    record(What::Finished { observed });
    record(What::Skipped {
        until: "2024-03-20T00:00:00Z".parse().unwrap(),
        reason: "=cmd|' /C calc'!A0".to_owned(),
    });
    at = "2024-02-29T23:50:00Z".parse().unwrap();
    let mut record = |what| {
        at += TimeDelta::minutes(1);
        locked.record(at, change("openai", what)).unwrap();
    };
    rotate(&mut record, 2, "sk-0123456789-0123456789-bad!!!");
    record(What::Progress(Progress::NotDone {
        step: Step::Confirm,
        place: "web".to_owned(),
        why: "HTTP 500".to_owned(),
    }));
    at = "2024-03-01T00:00:00Z".parse().unwrap();
    for what in [
        What::UndoBegun {
            why: "web is not healthy".to_owned(),
        },
        What::Restored,
        What::Discarded { observed: None },
    ] {
        locked.record(at, change("openai", what)).unwrap();
    }
    locked.commit().unwrap();
    drop(locked);
    sandbox
}

fn rotate(record: &mut impl FnMut(What), number: u32, value: &str) {
    record(begun("openai", number).what);
    record(What::Issued(version(value)));
    record(What::Verified {
        how: "GET models answered HTTP 200".to_owned(),
    });
    let site = SiteId::new("vercel/web");
    let progress = SiteProgress {
        target: "vercel".to_owned(),
        label: "vercel/web".to_owned(),
        services: Vec::new(),
        stage: None,
        before: None,
        heading: None,
        write: None,
    };
    record(What::Progress(Progress::SitesFound(
        [(site.clone(), progress)].into(),
    )));
    let write = SiteWrite {
        way: Way::Forward,
        at: None,
        marker: None,
    };
    record(What::Progress(Progress::Written { site, write }));
}

fn exported(sandbox: &Sandbox, period: Period) -> String {
    let ledger = sandbox.open().unwrap();
    let mut out = Vec::new();
    csv::export(ledger.events(), period, later(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// When every period of these tests is over.
fn later() -> crate::model::Instant {
    "2025-01-01T00:00:00Z".parse().unwrap()
}

fn february() -> Period {
    Period::month(2024, 2).unwrap()
}

/// The cells of a row by column, without the hash, which differs from ledger to ledger.
fn row(table: &str, number: usize) -> Vec<(&'static str, String)> {
    let mut reader = ::csv::Reader::from_reader(table.as_bytes());
    let record = reader.records().nth(number).unwrap().unwrap();
    ROTATIONS
        .into_iter()
        .zip(record.iter().map(str::to_owned))
        .filter(|(column, cell)| *column != "last_hash" && !cell.is_empty())
        .collect()
}

fn said(cells: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    cells
        .iter()
        .map(|(column, cell)| (*column, (*cell).to_owned()))
        .collect()
}

#[test]
fn every_rotation_adoption_and_postponement_is_one_row() {
    let sandbox = two_months();
    let table = exported(&sandbox, february());
    assert_eq!(table.matches("\r\n").count(), 5);
    assert!(table.starts_with("\"time\",\"service\","));
    assert_eq!(
        row(&table, 0),
        said(&[
            ("time", "2024-02-18T09:01:00Z"),
            ("service", "openai"),
            ("new_key", "sk-...x7K2"),
            ("who", "auto: cron"),
            ("status", "adopted"),
            ("started_at", "2024-02-18T09:01:00Z"),
            ("completed_at", "2024-02-18T09:01:00Z"),
            ("new_fingerprint", "fp1_29"),
            ("runs", "run-1"),
            ("first_event", "evt_2"),
            ("last_event", "evt_2"),
        ])
    );
    assert_eq!(
        row(&table, 1),
        said(&[
            ("time", "2024-02-18T09:09:00Z"),
            ("service", "openai"),
            ("old_key", "sk-...x7K2"),
            ("new_key", "sk-...9M1!"),
            ("who", "auto: cron"),
            ("trigger", "scheduled"),
            ("status", "completed"),
            ("sites", "vercel/web"),
            (
                "verified_by",
                "issuer: GET models answered HTTP 200 | old key: refused with HTTP 401"
            ),
            ("started_at", "2024-02-18T09:02:00Z"),
            ("issued_at", "2024-02-18T09:03:00Z"),
            ("delivered_at", "2024-02-18T09:06:00Z"),
            ("promoted_at", "2024-02-18T09:07:00Z"),
            ("revoke_sent_at", "2024-02-18T09:08:00Z"),
            ("old_key_refused_at", "2024-02-18T09:09:00Z"),
            ("completed_at", "2024-02-18T09:09:00Z"),
            ("hours_to_revoke", "0.0 hours"),
            ("rotation", "rot_1"),
            ("old_fingerprint", "fp1_29"),
            ("new_fingerprint", "fp1_30"),
            ("runs", "run-1"),
            ("first_event", "evt_3"),
            ("last_event", "evt_11"),
        ])
    );
    let skipped = row(&table, 2);
    assert!(skipped.contains(&("status", "postponed until 2024-03-20T00:00:00Z".to_owned())));
    assert!(skipped.contains(&("reason", "'=cmd|' /C calc'!A0".to_owned())));
    let open = row(&table, 3);
    assert!(open.contains(&("status", "open".to_owned())));
    assert!(open.contains(&("problems", "confirm.not_done web: HTTP 500".to_owned())));
    assert!(!open.iter().any(|(column, _)| *column == "completed_at"));
}

#[test]
fn a_rotation_that_was_taken_back_never_says_that_the_old_key_was_refused() {
    let table = exported(&two_months(), Period::month(2024, 3).unwrap());
    assert_eq!(table.matches("\r\n").count(), 2);
    let row = row(&table, 0);
    assert!(row.contains(&("status", "rolled back".to_owned())));
    assert!(row.contains(&(
        "problems",
        "confirm.not_done web: HTTP 500 | web is not healthy".to_owned()
    )));
    assert!(
        !row.iter()
            .any(|(column, _)| *column == "old_key_refused_at")
    );
}

#[test]
fn what_happens_later_never_changes_an_export() {
    let mut sandbox = two_months();
    let before = exported(&sandbox, february());
    sandbox.later(TimeDelta::days(200));
    let mut locked = sandbox.lock().unwrap();
    locked
        .record(sandbox.now, adopted("stripe", "rk_live"))
        .unwrap();
    locked.commit().unwrap();
    drop(locked);
    assert_eq!(sandbox.store.segments().unwrap().len(), 2);
    assert_eq!(exported(&sandbox, february()), before);
    assert_eq!(
        exported(&sandbox, Period::month(2024, 5).unwrap())
            .matches("\r\n")
            .count(),
        1
    );
}

#[test]
fn an_export_is_confirmed_until_any_cell_or_row_of_it_is_changed() {
    let sandbox = two_months();
    let ledger = sandbox.open().unwrap();
    let table = exported(&sandbox, february());
    let check =
        |table: &str| verify::csv_export(ledger.events(), february(), later(), table.as_bytes());
    assert_eq!(check(&table).unwrap(), 4);
    let lines: Vec<&str> = table.split_inclusive("\r\n").collect();
    for gone in 1..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(gone);
        assert!(
            matches!(check(&fewer.concat()), Err(VerifyError::Differs { .. })),
            "{gone}"
        );
    }
    let more = format!("{table}{}", lines[1]);
    assert!(matches!(
        check(&more),
        Err(VerifyError::Differs { row: 5, .. })
    ));
    let other = table.replace("x7K2", "x7K3");
    assert_eq!(
        check(&other).unwrap_err().to_string(),
        "the export differs from the log in row 1: column `new_key`"
    );
    assert!(matches!(check("a,b\r\n"), Err(VerifyError::Export(_))));
}

#[test]
fn the_verdict_names_the_head() {
    let sandbox = two_months();
    let ledger = sandbox.open().unwrap();
    let verdict = verify::chain(ledger.events()).unwrap();
    assert_eq!(
        (verdict.events, verdict.head),
        (ledger.event_count(), ledger.head())
    );
    assert_eq!(verdict.first, Some(sandbox.now));
}

/// What stands at the end of a ledger in which that happened to one secret.
fn closing(happened: Vec<What>) -> super::book::Closing {
    let sandbox = Sandbox::with_ledger();
    let mut locked = sandbox.lock().unwrap();
    let mut at = sandbox.now;
    for what in happened {
        at += TimeDelta::minutes(1);
        locked.record(at, change("openai", what)).unwrap();
    }
    locked.commit().unwrap();
    drop(locked);
    let ledger = sandbox.open().unwrap();
    let mut book = super::book::Book::of(february(), sandbox.now);
    let mut events = ledger.events();
    while let Some(entry) = events.next_entry().unwrap() {
        drop(book.see(&entry));
    }
    book.close()
}

#[test]
fn a_secret_whose_keys_both_died_was_adopted_once() {
    let value = "sk-0123456789-0123456789-j9M1!";
    let closing = closing(vec![
        What::Adopted(version("sk-0123456789-0123456789-x7K2")),
        begun("openai", 1).what,
        What::Issued(version(value)),
        What::Verified { how: "200".into() },
        What::Promoted { issuer_date: None },
        What::Lost {
            observed: "openai refuses both keys".to_owned(),
            old: crate::ledger::OldKey::Refused,
        },
    ]);
    assert!(closing.census.adds_up());
    let said: Vec<&str> = closing
        .deviations
        .iter()
        .map(|deviation| deviation.exception.reason.as_str())
        .collect();
    assert!(!said.contains(&"its key was never taken over"), "{said:?}");
}

#[test]
fn a_leak_that_nothing_came_of_is_an_exception() {
    let alarm = crate::ledger::Alarm {
        raised_at: "2024-02-18T09:02:00Z".parse().unwrap(),
        order: crate::ledger::Order::DeliverFirst,
    };
    let closing = closing(vec![
        What::Adopted(version("sk-0123456789-0123456789-x7K2")),
        // No site was found, so that no rotation could begin.
        What::Leaked {
            reason: "it was in a log".to_owned(),
            alarm,
        },
    ]);
    let kinds: Vec<super::exception::Kind> = closing
        .deviations
        .iter()
        .map(|deviation| deviation.exception.kind)
        .collect();
    assert!(
        kinds.contains(&super::exception::Kind::Compromise),
        "{kinds:?}"
    );
}
