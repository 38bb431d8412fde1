//! A ledger that is not as it was written is refused, with its own message, and stays as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chrono::TimeDelta;

use super::super::document::{Document, FORMAT};
use super::super::seal::{Form, Recipients};
use super::super::testing::{Sandbox, adopted, fresh_identity, recipient};
use super::super::{Ledger, LedgerError};

/// What a person reads, and which class it is.
fn refusal(sandbox: &Sandbox) -> LedgerError {
    let error = sandbox.open().err().expect("it must be refused");
    assert!(error.is_refusal(), "{error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

#[test]
fn every_truncation_is_refused_and_the_file_is_left_alone() {
    let sandbox = Sandbox::with_ledger();
    let whole = fs::read(sandbox.ledger()).unwrap();
    for length in 0..whole.len() {
        fs::write(sandbox.ledger(), &whole[..length]).unwrap();
        let error = refusal(&sandbox);
        assert!(
            matches!(error, LedgerError::Corrupt { .. }),
            "{length}: {error}"
        );
        assert_eq!(fs::read(sandbox.ledger()).unwrap(), &whole[..length]);
    }
    fs::write(sandbox.ledger(), &whole).unwrap();
    assert!(sandbox.open().is_ok());
}

#[test]
fn every_flipped_byte_is_refused_and_the_file_is_left_alone() {
    let sandbox = Sandbox::with_ledger();
    let whole = fs::read(sandbox.ledger()).unwrap();
    for at in 0..whole.len() {
        // The bits in turn, and now and then a flip that keeps the byte printable.
        let flip = if at % 9 == 8 { 0x15 } else { 1 << (at % 9) };
        let mut flipped = whole.clone();
        flipped[at] ^= flip;
        fs::write(sandbox.ledger(), &flipped).unwrap();
        let error = refusal(&sandbox);
        assert!(
            matches!(
                error,
                LedgerError::Corrupt { .. } | LedgerError::WrongIdentity { .. }
            ),
            "{at}: {error}"
        );
        assert_eq!(fs::read(sandbox.ledger()).unwrap(), flipped);
    }
}

#[test]
fn every_flipped_byte_of_the_plaintext_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let ledger = sandbox.open().unwrap();
    let document = &ledger.document;
    let text = document.text(&document.front, &document.audit);
    assert!(Document::read(&text).is_ok());
    for at in 0..text.len() {
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        if text[at].is_ascii_whitespace() && flipped[at].is_ascii_whitespace() {
            continue;
        }
        assert!(Document::read(&flipped).is_err(), "byte {at}");
    }
}

#[test]
fn another_identity_does_not_open_it() {
    let mut sandbox = Sandbox::with_ledger();
    sandbox.identity = fresh_identity();
    let error = refusal(&sandbox);
    assert_eq!(
        error.to_string(),
        format!(
            "the identity from a test does not open {}",
            sandbox.ledger().canonicalize().unwrap().display()
        )
    );
}

#[test]
fn an_identity_behind_a_passphrase_is_refused_before_anything_else() {
    let mut sandbox = Sandbox::with_ledger();
    sandbox.identity = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n".to_owned();
    let error = refusal(&sandbox);
    assert_eq!(
        error.to_string(),
        "identity from a test: it is protected by a passphrase, which a run under cron cannot be asked for"
    );
    sandbox.identity = "AGE-SECRET-KEY-1NOT".to_owned();
    let error = refusal(&sandbox);
    assert_eq!(
        error.to_string(),
        "identity from a test: line 1 is not an age identity"
    );
}

#[test]
fn a_forgery_by_someone_who_knows_the_recipient_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let forger = Sandbox::new();
    let forged = Ledger::create(
        &forger.opening(),
        vec![recipient(&sandbox.identity), recipient(&forger.identity)],
    );
    drop(forged.unwrap());
    fs::copy(forger.ledger(), sandbox.ledger()).unwrap();
    let error = refusal(&sandbox);
    assert!(matches!(error, LedgerError::Replaced { .. }), "{error}");
}

#[test]
fn a_document_sealed_again_to_one_more_recipient_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let ledger = sandbox.open().unwrap();
    let text = ledger
        .document
        .text(&ledger.document.front, &ledger.document.audit);
    let both = [recipient(&sandbox.identity), recipient(&fresh_identity())];
    let sealed = Recipients::parse(&both)
        .unwrap()
        .seal(&text, Form::Armored)
        .unwrap();
    fs::write(sandbox.ledger(), sealed).unwrap();
    let error = refusal(&sandbox);
    assert!(matches!(error, LedgerError::Tampered { .. }), "{error}");
}

#[test]
fn a_document_edited_by_hand_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let ledger = sandbox.open().unwrap();
    let text = ledger
        .document
        .text(&ledger.document.front, &ledger.document.audit);
    let text = String::from_utf8(text.to_vec()).unwrap();
    let edited = text.replace("\"epoch\":1", "\"epoch\":2");
    assert_ne!(text, edited);
    let sealed = ledger
        .recipients
        .seal(edited.as_bytes(), Form::Armored)
        .unwrap();
    fs::write(sandbox.ledger(), sealed).unwrap();
    let error = refusal(&sandbox);
    assert!(error.to_string().ends_with("its MAC is wrong"), "{error}");
}

#[test]
fn a_ledger_of_an_early_build_with_blanks_is_one_and_an_edited_one_is_none() {
    let sandbox = Sandbox::with_ledger();
    let ledger = sandbox.open().unwrap();
    let text = ledger
        .document
        .text(&ledger.document.front, &ledger.document.audit);
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let blanks = serde_json::to_string_pretty(&json).unwrap();
    let put = |text: &str| {
        let sealed = ledger.recipients.seal(text.as_bytes(), Form::Armored);
        fs::write(sandbox.ledger(), sealed.unwrap()).unwrap();
    };
    put(&blanks);
    assert_eq!(sandbox.open().unwrap().seq(), ledger.seq());
    put(&blanks.replace("\"epoch\": 1", "\"epoch\": 2"));
    let error = refusal(&sandbox);
    assert!(error.to_string().ends_with("its MAC is wrong"), "{error}");
}

#[test]
fn a_newer_format_is_left_to_a_newer_rotakey() {
    let sandbox = Sandbox::with_ledger();
    let ledger = sandbox.open().unwrap();
    let newer = format!("{{\"format\": {}, \"unheard_of\": true}}", FORMAT + 1);
    let sealed = ledger
        .recipients
        .seal(newer.as_bytes(), Form::Armored)
        .unwrap();
    fs::write(sandbox.ledger(), sealed).unwrap();
    let error = refusal(&sandbox);
    assert!(
        matches!(
            error,
            LedgerError::NewerFormat {
                have: 2,
                know: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_copy_of_a_week_ago_is_refused() {
    let mut sandbox = Sandbox::with_ledger();
    let old = fs::read(sandbox.ledger()).unwrap();
    sandbox.later(TimeDelta::days(7));
    let mut locked = sandbox.lock().unwrap();
    locked
        .record(sandbox.now, adopted("openai", "sk-one"))
        .unwrap();
    locked.commit().unwrap();
    drop(locked);
    fs::write(sandbox.ledger(), old).unwrap();
    let error = refusal(&sandbox);
    assert!(
        matches!(
            error,
            LedgerError::RolledBack {
                have: 1,
                seen: 2,
                ..
            }
        ),
        "{error}"
    );
    assert!(sandbox.lock().is_err());
}

#[test]
fn a_copy_that_went_on_by_itself_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let old = fs::read(sandbox.ledger()).unwrap();
    let advance = |secret: &str| {
        let mut locked = sandbox.lock().unwrap();
        locked
            .record(sandbox.now, adopted(secret, "sk-one"))
            .unwrap();
        locked.commit().unwrap();
    };
    advance("openai");
    let mark = sandbox
        .side()
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let seen = fs::read(&mark).unwrap();
    fs::write(sandbox.ledger(), old).unwrap();
    fs::remove_file(&mark).unwrap();
    advance("stripe");
    fs::write(&mark, seen).unwrap();
    let error = refusal(&sandbox);
    assert!(matches!(error, LedgerError::Forked { .. }), "{error}");
}

#[test]
fn a_ledger_that_is_gone_is_lost_and_never_new() {
    let sandbox = Sandbox::with_ledger();
    fs::remove_file(sandbox.ledger()).unwrap();
    let files = sandbox.files();
    let error = refusal(&sandbox);
    assert!(matches!(error, LedgerError::Lost { .. }), "{error}");
    assert!(matches!(
        sandbox.lock().err(),
        Some(LedgerError::Lost { .. })
    ));
    assert!(matches!(
        sandbox.create().err(),
        Some(LedgerError::Lost { .. })
    ));
    assert_eq!(sandbox.files(), files);
}

#[test]
fn where_there_never_was_a_ledger_nothing_is_left_behind() {
    let sandbox = Sandbox::new();
    assert!(matches!(
        sandbox.lock().err(),
        Some(LedgerError::Missing { .. })
    ));
    assert_eq!(sandbox.files(), Vec::<String>::new());
}

#[test]
fn the_file_alone_is_accepted_on_a_new_machine_and_marked_by_the_next_run() {
    let sandbox = Sandbox::with_ledger();
    fs::remove_dir_all(sandbox.side()).unwrap();
    assert!(sandbox.open().is_ok());
    assert!(!sandbox.side().exists());
    drop(sandbox.lock().unwrap());
    fs::remove_file(sandbox.ledger()).unwrap();
    assert!(matches!(refusal(&sandbox), LedgerError::Lost { .. }));
}

#[test]
fn a_place_that_others_can_write_to_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let open_to_all = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o770, 0o707] {
        open_to_all(sandbox.home.path(), mode);
        assert!(matches!(refusal(&sandbox), LedgerError::Unsafe { .. }));
    }
    open_to_all(sandbox.home.path(), 0o700);
    open_to_all(&sandbox.ledger(), 0o660);
    assert!(matches!(refusal(&sandbox), LedgerError::Unsafe { .. }));
    open_to_all(&sandbox.ledger(), 0o600);
    let real = sandbox.home.path().join("real");
    fs::rename(sandbox.ledger(), &real).unwrap();
    std::os::unix::fs::symlink(&real, sandbox.ledger()).unwrap();
    let error = refusal(&sandbox);
    assert!(
        error.to_string().ends_with("is not safe: it is a symlink"),
        "{error}"
    );
}
