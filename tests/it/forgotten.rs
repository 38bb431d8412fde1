//! A secret that was taken out of the configuration while something of it is open.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;

/// The session secret alone: the other one is taken out.
const NOTHING: &str = "secrets: {}\n";

fn forgets(sandbox: &Sandbox, line: &str) {
    sandbox
        .run(line)
        .exits(Exit::PersonNeeded)
        .says("error: secret `openai`: a rotation is open, and the configuration does not have it any more\n")
        .says("  hint: put it back until `rotakey rotate` and `rotakey revoke openai` are done with it\n");
}

#[test]
fn what_is_open_is_named_by_every_verb_until_the_secret_is_back() {
    let (sandbox, _) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    let configured = sandbox.read("rotations.yaml");
    sandbox.configure(NOTHING);
    sandbox.advance(TimeDelta::hours(25));
    for line in ["plan", "rotate", "revoke"] {
        forgets(&sandbox, line);
    }
    assert_eq!(
        shop::live_keys(&sandbox).len(),
        2,
        "nobody has ended the old one"
    );
    sandbox.write("rotations.yaml", &configured);
    sandbox.run("revoke").exits(Exit::Done);
    assert_eq!(shop::live_keys(&sandbox).len(), 1);
    // Nothing is open any more: only `check` knows that nobody rotates it.
    sandbox.configure(NOTHING);
    sandbox.run("rotate").exits(Exit::Done).silent();
    let ran = sandbox.run("check").exits(Exit::Failed);
    assert!(
        ran.stdout
            .contains("the ledger knows its key, and the configuration does not have it"),
        "{ran:?}"
    );
}
