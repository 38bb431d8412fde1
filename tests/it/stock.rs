//! No lock-in: stock `age` and `jq` read the ledger.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use rotakey::exit::Exit;

use crate::support::shop;

/// Whether the program is there. On CI it must be.
fn installed(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = started.is_ok_and(|status| status.success());
    assert!(
        there || env::var_os("CI").is_none(),
        "{program} is not installed"
    );
    if !there {
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: {program} is not installed"
        ));
    }
    there
}

#[test]
fn stock_age_and_jq_read_the_live_key_out_of_the_ledger() {
    if !installed("age") || !installed("jq") {
        return;
    }
    let (sandbox, _) = shop::both();
    sandbox.run("rotate").exits(Exit::Done);
    let shell = "age -d -i identity.txt ledger.json.age | \
                 jq -er '.state.secrets.openai.versions[] | select(.stage == \"current\") | .fields.value'";
    let read = Command::new("/bin/sh")
        .args(["-c", shell])
        .current_dir(sandbox.directory.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}");
    assert_eq!(
        String::from_utf8_lossy(&read.stdout).trim(),
        shop::last(&sandbox)
    );
}
