//! What people are to be told: kept with its cause, taken out channel by channel.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ledger::testing::{Sandbox, instant};
use crate::ledger::{Change, LockedLedger, What};
use crate::ledger::{Delivery, State, Topic};
use crate::model::SecretName;

const DUE: &str = "2024-02-25T00:00:00Z";

fn warned(ledger: &mut LockedLedger) {
    let what = What::Warned { due: instant(DUE) };
    let secret = SecretName::from("openai");
    ledger
        .record(instant("2024-02-18T09:00:00Z"), Change { secret, what })
        .expect("a change that fits");
}

fn heard_by(ledger: &mut LockedLedger, channels: &[&str]) {
    let channels: BTreeSet<String> = channels.iter().map(ToString::to_string).collect();
    ledger.tell(Arc::new(move |_, _| channels.clone()));
}

#[test]
fn a_state_from_before_there_was_an_outbox_is_read_and_written_as_it_was() {
    let old = r#"{"secrets":{"openai":{"versions":[],"skip":{"until":"2024-03-19T00:00:00Z","reason":"audit"}}}}"#;
    let state: State = serde_json::from_str(old).expect("it is a state");
    assert!(state.outbox.is_empty());
    assert_eq!(serde_json::to_string(&state).expect("JSON"), old);
}

#[test]
fn where_nobody_listens_nothing_is_kept() {
    let sandbox = Sandbox::with_ledger();
    let mut ledger = LockedLedger::lock(&sandbox.opening()).expect("free");
    warned(&mut ledger);
    heard_by(&mut ledger, &[]);
    warned(&mut ledger);
    assert!(ledger.state().outbox.is_empty());
}

#[test]
fn a_notice_is_durable_with_its_cause_and_waits_for_every_channel() {
    let sandbox = Sandbox::with_ledger();
    let mut ledger = LockedLedger::lock(&sandbox.opening()).expect("free");
    heard_by(&mut ledger, &["mail", "ops"]);
    warned(&mut ledger);
    let ready = ledger.ready();
    assert!(
        ready.lock().expect("no panic").is_empty(),
        "nothing is said before it is durable"
    );
    ledger.commit().expect("it is written");
    assert_eq!(ready.lock().expect("no panic").len(), 1);
    drop(ledger);

    let mut ledger = LockedLedger::lock(&sandbox.opening()).expect("free");
    let notice = ledger.state().outbox.notices[0].clone();
    assert_eq!(notice.owed.keys().collect::<Vec<_>>(), ["mail", "ops"]);
    let sent = |channel: &str, reference: Option<&str>| Delivery::Sent {
        notice: notice.id.clone(),
        channel: channel.to_owned(),
        reference: reference.map(str::to_owned),
    };
    let at = instant("2024-02-18T09:00:01Z");
    let before = ledger.event_count();
    ledger.delivered(at, sent("ops", Some("C1:1.1")));
    // Said twice, it is on record once.
    ledger.delivered(at, sent("ops", Some("C1:1.1")));
    assert_eq!(ledger.event_count(), before + 1);
    let topic = Topic::Due(instant(DUE));
    let thread = ledger.state().outbox.thread("ops", &notice.secret, &topic);
    assert_eq!(thread.map(|thread| &*thread.root), Some("C1:1.1"));
    ledger.delivered(at, sent("mail", None));
    assert!(ledger.state().outbox.notices.is_empty());
}

#[test]
fn two_notices_never_share_an_id() {
    let sandbox = Sandbox::with_ledger();
    let mut ledger = LockedLedger::lock(&sandbox.opening()).expect("free");
    heard_by(&mut ledger, &["ops"]);
    for _ in 0..10 {
        warned(&mut ledger);
    }
    let ids: BTreeSet<String> = ledger
        .state()
        .outbox
        .notices
        .iter()
        .map(|one| one.id.clone())
        .collect();
    assert_eq!(ids.len(), 10);
    assert!(
        ids.iter()
            .all(|id| id.starts_with("ntc_") && id.len() == 36)
    );
}
