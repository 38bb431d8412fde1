//! What is around a run is not as it should be: where it writes to, what it reads, what is said wrongly.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

/// Takes no byte.
fn full() -> File {
    let file = File::options().write(true).open("/dev/full");
    file.expect("/dev/full")
}

/// A pipe whose reader has gone.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn a_rotation_whose_output_is_lost_was_done() {
    let lost = "error: the work was done; its output was lost: no storage space\n";
    let (sandbox, _) = shop::both();
    let before = shop::session(&sandbox);
    let ran = sandbox.printing_to("--json rotate session", full());
    assert_eq!(ran.exits(Exit::TryLater).stderr, lost);
    assert_ne!(shop::session(&sandbox), before);
    for line in [
        "plan",
        "audit export --json",
        "audit export --csv --out -",
        "--help",
    ] {
        let ran = sandbox.printing_to(line, full()).exits(Exit::TryLater);
        assert_eq!(ran.stderr, lost, "{line}");
    }
}

#[test]
fn a_reader_who_has_enough_changes_nothing() {
    let (sandbox, _) = shop::both();
    let ran = sandbox.printing_to("--json rotate session", closed());
    ran.exits(Exit::Done).silent();
    for (line, exit) in [
        ("plan", Exit::Done),
        ("plan --exit-code", Exit::Due),
        ("audit export --json", Exit::Done),
        ("audit export --html --out -", Exit::Done),
        ("--version", Exit::Done),
    ] {
        sandbox.printing_to(line, closed()).exits(exit).silent();
    }
}

#[test]
fn an_identity_that_others_can_read_is_locked_and_not_made_anew() {
    let (sandbox, _) = shop::both();
    let identity = sandbox.path("identity.txt");
    fs::set_permissions(&identity, Permissions::from_mode(0o644)).expect("a mode");
    let ran = sandbox.run("plan").exits(Exit::LedgerRefused);
    let hint = format!("\n  hint: chmod 600 {}\n", identity.display());
    assert!(ran.stderr.ends_with(&hint), "{ran:?}");
    fs::remove_file(&identity).expect("a file");
    let ran = sandbox.run("plan").exits(Exit::LedgerRefused);
    assert!(
        ran.stderr
            .ends_with("hint: give the one the ledger was made with (`--identity FILE`): age or ed25519 SSH, without a passphrase\n"),
        "{ran:?}"
    );
}

#[test]
fn a_ledger_behind_a_symlink_is_not_to_be_chowned() {
    let (sandbox, _) = shop::both();
    let real = sandbox.path("real.age");
    fs::rename(sandbox.path("ledger.json.age"), &real).expect("a file");
    symlink(&real, sandbox.path("ledger.json.age")).expect("a link");
    let ran = sandbox.run("plan").exits(Exit::LedgerRefused);
    assert!(
        ran.stderr.ends_with(
            "is not safe: it is a symlink\n  hint: put the file itself there, or name its real place\n"
        ),
        "{ran:?}"
    );
}

#[test]
fn without_a_home_nothing_is_opened() {
    let (mut sandbox, _) = shop::both();
    sandbox.environment.remove("HOME");
    for line in ["plan", "rotate", "audit verify"] {
        let ran = sandbox.run(line).exits(Exit::Usage);
        assert_eq!((ran.commits, ran.requests), (0, 0));
        assert_eq!(
            ran.stderr,
            "error: neither XDG_STATE_HOME nor HOME says where to note what this machine has seen of the ledger\n  \
             hint: set XDG_STATE_HOME to a directory that is not restored together with the ledger\n"
        );
    }
}

#[test]
fn nobody_postpones_by_no_time_at_all() {
    let (sandbox, _) = shop::both();
    let ran = sandbox.run("skip openai --for 0d --reason busy");
    assert_eq!(
        ran.clone().exits(Exit::Usage).stderr,
        "error: secret `openai`: no time at all postpones nothing\n  hint: say how long: `--for 14d`\n"
    );
    assert_eq!(ran.commits, 0);
}

#[test]
fn a_generated_value_may_be_rotated_every_half_hour() {
    let sandbox = Sandbox::new();
    sandbox.write("a.env", "KEY=made-up-by-hand\n");
    sandbox.configure(
        "secrets:\n  key:\n    every: 30m\n    issuer: { kind: generated }\n    targets:\n      \
         - { kind: dotenv, path: a.env, variable: KEY }\n",
    );
    sandbox
        .run("adopt key --from-site dotenv/a.env")
        .exits(Exit::Done);
    sandbox.run("rotate key").exits(Exit::Done);
}

#[test]
fn a_site_that_cannot_be_adopted_from_is_a_matter_of_configuration() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "secrets:\n  key:\n    every: 30d\n    issuer: { kind: generated }\n    targets:\n      \
         - { kind: dotenv, path: a.env, variable: KEY }\n",
    );
    let refused = |why: &str, hint: &str| {
        let ran = sandbox
            .run("adopt key --from-site dotenv/a.env")
            .exits(Exit::Usage);
        assert_eq!(
            ran.stderr,
            format!(
                "error: secret `key`: `a.env`: {why}\n  state: nothing was recorded\n  hint: {hint}\n"
            )
        );
    };
    refused("does not exist", "add it by hand, or say `create: true`");
    symlink("nowhere", sandbox.path("a.env")).expect("a link");
    refused(
        "cannot be found: entity not found",
        "correct `path:`, or where its link leads",
    );
    fs::remove_file(sandbox.path("a.env")).expect("a link");
    fs::create_dir(sandbox.path("a.env")).expect("a directory");
    refused(
        "is not a regular file",
        "correct `path:`; it names one file of `NAME=value` lines",
    );
    fs::remove_dir(sandbox.path("a.env")).expect("a directory");
    sandbox.write("a.env", "KEY=1\nKEY=2\n");
    let ran = sandbox
        .run("adopt key --from-site dotenv/a.env")
        .exits(Exit::Usage);
    assert!(
        ran.stderr
            .ends_with("hint: remove the one that does not count\n"),
        "{ran:?}"
    );
}

#[test]
fn manual_pages_need_a_directory() {
    let sandbox = Sandbox::new();
    sandbox
        .run("man nowhere")
        .exits(Exit::Usage)
        .says("hint: name a directory that is there and can be written");
}
