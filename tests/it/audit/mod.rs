//! The auditor's visit: what is handed out, and that nobody can change any of it unnoticed.

mod anchored;
mod handed_out;
mod kept;
mod shown;
mod tampered;

use std::path::Path;
use std::process::{Command, Output};

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::shop;

/// February with two rotations, one of them with a ticket; seen from the first of March.
fn month() -> Sandbox {
    let (sandbox, _) = shop::both();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    sandbox
        .run("rotate session --reason '=cmd|calc' --ticket CHG-7 --approved-by eve")
        .exits(Exit::Done);
    sandbox.advance(TimeDelta::days(12));
    sandbox
}

/// Hands a month out as a bundle.
#[track_caller]
fn bundle(sandbox: &Sandbox, name: &str, month: &str) -> Ran {
    let line = format!("audit export --bundle {name} --month {month}");
    sandbox.run(&line).exits(Exit::Done)
}

/// Checks a bundle with what is in it and nothing else.
fn python(directory: &Path) -> Output {
    let script = directory.join("verify.py");
    Command::new("python3")
        .arg(script)
        .output()
        .expect("python3")
}
