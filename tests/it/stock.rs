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

#[test]
fn a_second_recipient_opens_the_ledger_with_stock_age_from_the_moment_somebody_says_so() {
    if !installed("age") || !installed("age-keygen") {
        return;
    }
    let (sandbox, _) = shop::both();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(chrono::TimeDelta::days(40));
    sandbox.run("revoke").exits(Exit::Done);
    let made = |shell: &str| {
        let ran = Command::new("/bin/sh")
            .args(["-c", shell])
            .current_dir(sandbox.directory.path())
            .output()
            .expect("a shell");
        (
            ran.status.success(),
            String::from_utf8_lossy(&ran.stdout).trim().to_owned(),
        )
    };
    assert!(made("age-keygen -o safe.txt").0);
    let safe = made("age-keygen -y safe.txt").1;
    let own = made("age-keygen -y identity.txt").1;
    let config = sandbox.read("rotations.yaml");
    let list = |names: &[&str]| {
        let lines: String = names.iter().map(|name| format!("    - {name}\n")).collect();
        sandbox.write(
            "rotations.yaml",
            &format!("{config}\nledger:\n  recipients:\n{lines}"),
        );
    };
    list(&["age1qqqq"]);
    sandbox
        .run("check")
        .exits(Exit::Usage)
        .says("`ledger`: `recipients`: recipient `age1qqqq`: it is neither");

    list(&[&own, &safe]);
    let plan = sandbox.run("plan").exits(Exit::Done);
    assert!(
        plan.stderr.contains("`rotakey recipients` seals it anew"),
        "{plan:?}"
    );
    // No other verb lets anybody in.
    sandbox.run("rotate").exits(Exit::Done);
    let opens = "age -d -i safe.txt ledger.json.age >/dev/null";
    assert!(!made(opens).0);
    let ran = sandbox.run("recipients").exits(Exit::Done);
    assert_eq!(ran.stdout, format!("{own}\n{safe}\n"));
    assert_eq!(ran.stderr, format!("added {safe}\n"));
    assert!(made(opens).0);
    assert!(made("for month in ledger.audit/*.age; do age -d -i safe.txt $month >/dev/null || exit 1; done").0);
    let before = sandbox.standing("ledger.json.age");
    sandbox.run("recipients").exits(Exit::Done);
    assert_eq!(sandbox.standing("ledger.json.age"), before);
    sandbox.run("audit verify").exits(Exit::Done);

    list(&[&safe]);
    sandbox
        .run("recipients")
        .exits(Exit::Usage)
        .says("with these recipients the identity of this run could not open the ledger any more");
    assert_eq!(sandbox.standing("ledger.json.age"), before);
    // The day the first identity is lost.
    sandbox
        .run("recipients --identity safe.txt")
        .exits(Exit::Done);
    assert!(!made("age -d -i identity.txt ledger.json.age >/dev/null").0);
    assert!(made(opens).0);
}
