//! No secret leaves through anything but the ledger, the targets, and TLS: not through output, files, arguments or
//! environments, in no encoding, and not when a vendor echoes it back.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::oracle;
use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::world::Fault;

/// Where values may stand: the ledger, and the file they are delivered to.
const MAY_HOLD: [&str; 2] = ["ledger.json.age", shop::SESSION_FILE];

/// Every form in which a value could be hidden in a text.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = value.bytes().map(percent).collect();
    // What stands in the middle of something longer that was encoded: three ways to be cut into groups of three.
    let inner = (0..3).map(|skip| {
        let whole = &value.as_bytes()[skip..];
        STANDARD_NO_PAD.encode(&whole[..whole.len() - whole.len() % 3])
    });
    let mut forms = vec![
        value.to_owned(),
        STANDARD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        hex.to_uppercase(),
        hex,
        url,
        value.chars().rev().collect(),
        // Half a value is a leak as well.
        value[..value.len() / 2].to_owned(),
        value[value.len() / 2..].to_owned(),
    ];
    forms.extend(inner);
    forms.into_iter().map(String::into_bytes).collect()
}

fn percent(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}

fn holds(text: &[u8], value: &str) -> bool {
    forms(value)
        .iter()
        .any(|form| text.windows(form.len()).any(|window| window == form))
}

/// Every secret of that test so far.
fn canaries(sandbox: &Sandbox) -> Vec<String> {
    let mut all = sandbox.world.all_secret_values();
    all.push(shop::session(sandbox));
    all.push(shop::OLD_SESSION.to_owned());
    all
}

#[track_caller]
fn nothing_leaked(sandbox: &Sandbox) {
    let canaries = canaries(sandbox);
    assert!(canaries.len() >= 5, "tokens, keys and the session secret");
    for ran in sandbox.transcripts() {
        for text in [&ran.stdout, &ran.stderr] {
            for canary in &canaries {
                assert!(!holds(text.as_bytes(), canary), "{ran:?}");
            }
        }
    }
    let files = files(sandbox.directory.path());
    assert!(files.len() >= 5, "{files:?}");
    for path in files {
        if MAY_HOLD.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        for canary in &canaries {
            assert!(!holds(&bytes, canary), "{}", path.display());
        }
    }
    let sealed = fs::read(sandbox.path("ledger.json.age")).expect("a ledger");
    for canary in &canaries {
        assert!(!holds(&sealed, canary), "the ledger is not sealed");
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("an entry").file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if !kind.is_socket() {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_scan_finds_what_is_hidden() {
    let value = "sk-svcacct-Ab3/xY9+zz01QqLmNoPq";
    let hidden = [
        format!("token={value}!"),
        STANDARD.encode(format!("Bearer {value}")),
        URL_SAFE_NO_PAD.encode(value),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
        format!("?key={}", value.bytes().map(percent).collect::<String>()),
    ];
    for text in hidden {
        assert!(holds(text.as_bytes(), value), "{text}");
    }
    assert!(!holds(b"sk-...NoPq", value));
}

#[test]
fn a_whole_life_leaks_nothing() {
    let (sandbox, _) = shop::both();
    sandbox.run("check").exits(Exit::Done);
    for verbs in [["plan --warn", "plan"], ["plan --json", "rotate --json"]] {
        for line in verbs {
            sandbox.run(line).exits(Exit::Done);
        }
    }
    sandbox.run("rollback openai --json").exits(Exit::Done);
    sandbox.run("rotate openai").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    sandbox
        .run("audit export --csv --month 2024-02")
        .exits(Exit::Done);
    sandbox.run("audit verify").exits(Exit::Done);
    nothing_leaked(&sandbox);
}

#[test]
fn what_hostile_vendors_echo_goes_nowhere() {
    for n in 3..36 {
        let (sandbox, _) = shop::corner();
        let status = [400, 401, 403, 404, 422, 500][n as usize % 6];
        sandbox.world.fault(n, Fault::hostile(status).times(3));
        sandbox.run("rotate");
        sandbox.run("rotate --json");
        sandbox.run("plan");
        sandbox.run("check");
        nothing_leaked(&sandbox);
        oracle::examine(&sandbox).unwrap_or_else(|broken| panic!("hostile at {n}: {broken}"));
        for ran in sandbox.transcripts() {
            let odd =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{2069}').contains(&c);
            assert!(
                !ran.stderr.contains(odd) && !ran.stdout.contains(odd),
                "{ran:?}"
            );
        }
    }
}

/// The program of the examples, behind a shell that notes what everybody can see of it.
const OWN_PROGRAM: &str = "
secrets:
  session:
    every: 30d
    issuer: { kind: generated }
    targets:
      - kind: command
        name: own
        run: [/bin/sh, HERE/target.sh]
        settings: { dir: HERE, variable: SESSION_SECRET }
";

const NOTES_AND_GOES_ON: &str =
    "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> HERE/seen.txt
exec python3 EXAMPLES/target.py
";

#[test]
fn a_program_of_ones_own_sees_no_secret_in_its_arguments_or_environment() {
    let sandbox = Sandbox::new();
    let here = sandbox.directory.path().display().to_string();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let stored = format!("{{\"SESSION_SECRET\": \"{}\"}}", shop::OLD_SESSION);
    sandbox.write("stored.json", &stored);
    sandbox.write("running.json", &stored);
    let script = NOTES_AND_GOES_ON.replace("HERE", &here);
    sandbox.write("target.sh", &script.replace("EXAMPLES", examples));
    sandbox.configure(&OWN_PROGRAM.replace("HERE", &here));
    sandbox
        .pipe(
            "adopt session --created 2024-01-19T09:00:00Z",
            shop::OLD_SESSION,
        )
        .exits(Exit::Done);
    sandbox.run_apart("check").exits(Exit::Done);
    sandbox.run_apart("rotate").exits(Exit::Done);
    let stored: serde_json::Value =
        serde_json::from_str(&sandbox.read("running.json")).expect("JSON");
    let new = stored["SESSION_SECRET"].as_str().expect("the secret");
    assert_ne!(new, shop::OLD_SESSION);
    let seen = sandbox.read("seen.txt");
    assert!(seen.matches("target.sh").count() > 3, "{seen}");
    let mut canaries = sandbox.world.all_secret_values();
    canaries.extend([new.to_owned(), shop::OLD_SESSION.to_owned()]);
    for canary in &canaries {
        assert!(!holds(seen.as_bytes(), canary), "{seen}");
        for ran in sandbox.transcripts() {
            let said = ran.stdout + &ran.stderr;
            assert!(!holds(said.as_bytes(), canary), "{said}");
        }
    }
}
