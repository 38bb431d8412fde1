//! Where evidence is put: what gives way to it, what stays, who may read it, and what is refused as evidence.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::TimeDelta;
use rotakey::exit::Exit;

use super::{bundle, month};
use crate::support::sandbox::{Ran, Sandbox, Standing};

const LINE: &str = "audit export --bundle february --month 2024-02";

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .collect::<Result<_, _>>()
        .expect("names");
    names.sort();
    names
}

fn all(sandbox: &Sandbox, directory: &str) -> Vec<(String, Standing)> {
    let names = names(&sandbox.path(directory)).into_iter();
    names
        .map(|name| {
            (
                name.clone(),
                sandbox.standing(&format!("{directory}/{name}")),
            )
        })
        .collect()
}

/// Insists that nothing was touched, for that reason.
#[track_caller]
fn refused(sandbox: &Sandbox, line: &str, directory: &str, why: &str) -> Ran {
    let before = all(sandbox, directory);
    let ran = sandbox.run(line).exits(Exit::Usage);
    let path = sandbox.path(directory).canonicalize().expect("a path");
    assert_eq!(
        ran.stderr,
        format!(
            "error: {} {why}\n  hint: name a new directory with `--bundle`\n",
            path.display()
        )
    );
    assert_eq!(all(sandbox, directory), before);
    ran
}

#[test]
fn a_bundle_takes_the_place_of_nothing_that_rotakey_did_not_write() {
    let sandbox = month();
    let stranger = "is not empty and holds no bundle that could be replaced";
    fs::create_dir(sandbox.path("site")).expect("a directory");
    sandbox.write("site/manifest.json", "{\"name\": \"shop\"}");
    sandbox.write("site/index.html", "years of work");
    let line = LINE.replace("february", "site");
    refused(&sandbox, &line, "site", stranger);

    bundle(&sandbox, "february", "2024-02");
    // Even a manifest of ours makes no bundle of the directory with the ledger in it.
    let manifest = sandbox.read("february/manifest.json");
    sandbox.write("manifest.json", &manifest);
    sandbox.write("SHA256SUMS", &sandbox.read("february/SHA256SUMS"));
    let ran = sandbox
        .run(&LINE.replace("february", "."))
        .exits(Exit::Usage);
    assert!(
        ran.stderr.contains(", which is not of the bundle\n"),
        "{ran:?}"
    );
    assert!(sandbox.path("identity.txt").is_file() && sandbox.path("ledger.json.age").is_file());

    let other = "holds the bundle of another ledger or another period";
    let january = LINE.replace("2024-02", "2024-01");
    refused(&sandbox, &january, "february", other);
    sandbox.write("february/notes.txt", "seen, Eve");
    let foreign = "holds `notes.txt`, which is not of the bundle";
    refused(&sandbox, LINE, "february", foreign);
    fs::remove_file(sandbox.path("february/notes.txt")).expect("a file");

    let csv = sandbox.read("february/rotations.csv");
    sandbox.write("february/rotations.csv", &format!("{csv}\n"));
    let changed = "holds a bundle that was changed since it was written";
    refused(&sandbox, LINE, "february", changed);
    fs::remove_file(sandbox.path("february/rotations.csv")).expect("a file");
    let missing = "holds a bundle without its `rotations.csv`";
    refused(&sandbox, LINE, "february", missing);
}

#[test]
fn the_bundle_of_another_ledger_stays_and_is_no_evidence_for_this_one() {
    let (sandbox, other) = (month(), month());
    bundle(&other, "february", "2024-02");
    fs::create_dir(sandbox.path("february")).expect("a directory");
    for name in names(&other.path("february")) {
        let name = format!("february/{name}");
        sandbox.write(&name, &other.read(&name));
    }
    let why = "holds the bundle of another ledger or another period";
    refused(&sandbox, LINE, "february", why);
    let ran = sandbox.run("audit verify february").exits(Exit::Failed);
    assert!(
        ran.stderr
            .ends_with("february: it is from another ledger\n"),
        "{ran:?}"
    );
}

#[test]
fn a_later_bundle_of_the_same_period_takes_the_place_of_the_earlier_one() {
    let sandbox = month();
    let march = "audit export --bundle march --month 2024-03";
    sandbox.run(march).exits(Exit::Done);
    let before = sandbox.standing("march/events.jsonl");
    sandbox.run("skip openai --reason busy").exits(Exit::Done);
    sandbox.run(march).exits(Exit::Done).says("wrote ");
    assert_ne!(sandbox.standing("march/events.jsonl"), before);
    sandbox.run("audit verify march").exits(Exit::Done);
    let left = names(sandbox.directory.path());
    assert!(
        left.iter().all(|name| !name.starts_with(".rotakey-")),
        "{left:?}"
    );
}

#[test]
fn evidence_that_stands_there_already_is_not_written_again() {
    let sandbox = month();
    let lines = [
        LINE,
        "audit export --csv --month 2024-02 --out february-csv",
        "audit export --html --month 2024-02 --out february-html",
    ];
    for (line, directory) in lines
        .iter()
        .zip(["february", "february-csv", "february-html"])
    {
        if directory != "february" {
            fs::create_dir(sandbox.path(directory)).expect("a directory");
        }
        sandbox.run(line).exits(Exit::Done).says("wrote ");
        let before = all(&sandbox, directory);
        sandbox.run(line).exits(Exit::Done).says("unchanged: ");
        assert_eq!(all(&sandbox, directory), before);
    }
}

#[test]
fn evidence_is_for_its_owner_to_hand_out() {
    let sandbox = month();
    bundle(&sandbox, "february", "2024-02");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    let directory = sandbox.path("february");
    assert_eq!(mode(&directory), 0o700);
    for name in names(&directory) {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn a_period_without_time_in_it_is_no_evidence() {
    let sandbox = month();
    sandbox.advance(TimeDelta::days(60));
    for to in ["2024-02-01", "2024-03-01"] {
        let line = format!("audit export --out - --from 2024-03-01 --to {to}");
        let ran = sandbox.run(&line).exits(Exit::Usage);
        assert_eq!(ran.stdout, "");
        assert_eq!(
            ran.stderr,
            format!(
                "error: no time lies between `--from 2024-03-01T00:00:00Z` and `--to {to}T00:00:00Z`\n  \
                 hint: let `--to` be later than `--from`\n"
            )
        );
    }
}

#[test]
fn a_bundle_with_a_file_missing_is_not_what_it_was() {
    let sandbox = month();
    bundle(&sandbox, "february", "2024-02");
    let names = names(&sandbox.path("february"));
    assert_eq!(names.len(), 10);
    for name in names.iter().filter(|name| *name != "SHA256SUMS") {
        let path = sandbox.path(&format!("february/{name}"));
        let kept = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("a file");
        for alone in ["", " --alone"] {
            sandbox
                .run(&format!("audit verify{alone} february"))
                .exits(Exit::Failed)
                .says(&format!("{name} cannot be read (entity not found)"));
        }
        fs::write(&path, kept).expect("a file");
    }
    sandbox.run("audit verify february").exits(Exit::Done);
}
