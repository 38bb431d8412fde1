//! A ledger that is not what it should be stops everything: exit 4, a message of its own, no request, no write.

use std::fs;

use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

const LEDGER: &str = "ledger.json.age";

/// Insists that every command that touches the ledger refuses it with these words.
#[track_caller]
fn is_refused(sandbox: &Sandbox, says: &str, hint: &str) {
    let before = fs::read(sandbox.path(LEDGER)).ok();
    for line in [
        "plan",
        "plan --warn",
        "rotate",
        "revoke",
        "check",
        "audit export --csv",
    ] {
        let ran = sandbox.run(line);
        assert_eq!(ran.requests, 0, "{ran:?}");
        let ran = ran.exits(Exit::LedgerRefused).says(says).says(hint);
        assert_eq!(ran.stdout, "", "{ran:?}");
    }
    assert_eq!(fs::read(sandbox.path(LEDGER)).ok(), before);
}

fn sealed(sandbox: &Sandbox, text: &[u8]) -> String {
    let identity = sandbox.read("identity.txt");
    let identity = identity
        .lines()
        .find(|line| line.starts_with("AGE-SECRET-KEY-"));
    let identity: age::x25519::Identity = identity.and_then(|line| line.parse().ok()).expect("one");
    age::encrypt_and_armor(&identity.to_public(), text).expect("it can be sealed")
}

#[test]
fn truncated() {
    let (sandbox, _) = shop::both();
    let bytes = fs::read(sandbox.path(LEDGER)).expect("a ledger");
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(sandbox.path(LEDGER), &bytes[..length]).expect("a file");
        is_refused(
            &sandbox,
            "ledger.json.age is damaged: ",
            "hint: keep this file for the investigation",
        );
    }
}

#[test]
fn one_byte_flipped() {
    let (sandbox, _) = shop::both();
    let mut flipped = fs::read(sandbox.path(LEDGER)).expect("a ledger");
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    fs::write(sandbox.path(LEDGER), &flipped).expect("a file");
    is_refused(
        &sandbox,
        "ledger.json.age is damaged: ",
        "hint: keep this file for the investigation",
    );
}

#[test]
fn forged_by_somebody_who_knows_the_recipient() {
    let (sandbox, key) = shop::both();
    let mut ledger = sandbox.ledger();
    ledger["state"]["secrets"]["openai"]["rotated_at"] = "2024-02-17T09:00:00Z".into();
    let text = serde_json::to_vec(&ledger).expect("JSON");
    assert!(String::from_utf8_lossy(&text).contains(&key.value));
    fs::write(sandbox.path(LEDGER), sealed(&sandbox, &text)).expect("a file");
    is_refused(
        &sandbox,
        "ledger.json.age was not written by rotakey: ",
        "hint: keep this file",
    );
}

#[test]
fn written_by_a_newer_rotakey() {
    let (sandbox, _) = shop::both();
    let mut ledger = sandbox.ledger();
    let known = ledger["format"].as_u64().expect("a number");
    ledger["format"] = (known + 1).into();
    let text = serde_json::to_vec(&ledger).expect("JSON");
    fs::write(sandbox.path(LEDGER), sealed(&sandbox, &text)).expect("a file");
    is_refused(
        &sandbox,
        &format!(
            "ledger.json.age has format {}, written by a newer rotakey",
            known + 1
        ),
        "hint: install the newer rotakey that wrote it",
    );
}

#[test]
fn rolled_back_to_yesterdays_copy() {
    let (sandbox, _) = shop::both();
    let old = fs::read(sandbox.path(LEDGER)).expect("a ledger");
    sandbox.run("rotate").exits(Exit::Done);
    fs::write(sandbox.path(LEDGER), old).expect("a file");
    is_refused(
        &sandbox,
        "ledger.json.age is an old copy: it stands at commit ",
        "hint: restore the newest copy",
    );
}

#[test]
fn another_ledger_than_the_one_seen_before() {
    let (sandbox, _) = shop::both();
    let other = Sandbox::new();
    fs::copy(other.path(LEDGER), sandbox.path(LEDGER)).expect("a copy");
    fs::copy(other.path("identity.txt"), sandbox.path("identity.txt")).expect("a copy");
    is_refused(
        &sandbox,
        "ledger.json.age is another ledger than the one seen here before",
        "hint: restore",
    );
}

#[test]
fn opened_with_the_wrong_identity() {
    let (sandbox, _) = shop::both();
    let other = Sandbox::new();
    fs::copy(other.path("identity.txt"), sandbox.path("identity.txt")).expect("a copy");
    is_refused(
        &sandbox,
        "does not open ",
        "hint: use the identity the ledger was made with",
    );
}

#[test]
fn gone() {
    let (sandbox, _) = shop::both();
    fs::remove_file(sandbox.path(LEDGER)).expect("a ledger");
    is_refused(
        &sandbox,
        "ledger.json.age is lost: it was there before",
        "hint: restore the ledger from its backup",
    );
    assert!(!sandbox.path(LEDGER).exists());
}
