//! The examples that run: each is read by a parser, and every command line in them by rotakey's own. What is made of
//! the command line's definition, completions and manual pages, knows every verb.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use clap::error::ErrorKind;
use clap_complete::Shell;
use rotakey::exit::Exit;
use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Every `rotakey …` of a text that is neither a comment nor a name.
fn command_lines(text: &str) -> Vec<String> {
    let plain = text.replace("$$?", "").replace("$?", "");
    let lines = plain
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let pieces = lines.flat_map(|line| line.split([';', '&', '|', '{', '}', '\'', '"']));
    pieces
        .map(str::trim)
        .filter(|piece| piece.starts_with("rotakey ") && !piece.contains("is "))
        .map(|piece| piece.split(" > ").next().unwrap_or(piece).to_owned())
        .collect()
}

#[track_caller]
fn parses(line: &str) {
    let words = line.split_whitespace().map(OsString::from);
    if let Err(error) = rotakey::cli::parse(words, None) {
        panic!("{line}\n{error}");
    }
}

#[test]
fn every_command_line_of_the_examples_is_one() {
    for path in [
        "examples/crontab",
        "examples/systemd/rotakey.service",
        "examples/github-actions.workflow.yml",
        "examples/kubernetes/cronjob.yaml",
    ] {
        let lines = command_lines(&text(path));
        for verb in ["rotakey plan --warn", "rotakey rotate", "rotakey revoke"] {
            assert!(lines.iter().any(|line| line == verb), "{path}: {lines:?}");
        }
        lines.iter().for_each(|line| parses(line));
    }
}

#[test]
fn every_command_line_of_the_readme_is_one() {
    let text = text("README.md");
    let mut pieces = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        match number % 2 {
            // A command in a sentence stands in backticks, perhaps over a line's end; in a block on a line of its own.
            0 => pieces.extend(
                part.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|it| it.replace('\n', " ")),
            ),
            _ => pieces.extend(part.lines().map(str::to_owned)),
        }
    }
    let pieces = pieces
        .iter()
        .flat_map(|piece| piece.split([';', '{', '}', '$', '&']));
    let mut found = 0;
    for line in pieces
        .map(str::trim)
        .filter(|it| it.starts_with("rotakey ") && !it.ends_with(':'))
    {
        let example = [
            ("VERB", "plan"),
            ("SHELL", "bash"),
            ("[DIR]", "DIR"),
            ("KIND", "openai"),
        ];
        let line = example
            .iter()
            .fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
        // Prose may leave out what a verb or a flag takes; it may not name one that is not there.
        let parsed = rotakey::cli::parse(line.split_whitespace().map(OsString::from), None);
        if let Err(error) = parsed.map(drop) {
            let unknown = [ErrorKind::UnknownArgument, ErrorKind::InvalidSubcommand];
            assert!(!unknown.contains(&error.kind()), "{line}\n{error}");
        }
        found += 1;
    }
    assert!(found >= 20, "{found}");
}

/// `[Section]`, `Key=value`: a key may stand several times.
fn unit(text: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut all = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name.to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').expect(line);
        all.push((section.clone(), key.to_owned(), value.to_owned()));
    }
    all
}

#[test]
fn the_systemd_units_are_hardened_and_systemd_reads_them() {
    let service = unit(&text("examples/systemd/rotakey.service"));
    let says = |key: &str, value: &str| {
        service
            .iter()
            .any(|(section, k, v)| section == "Service" && k == key && v == value)
    };
    for (key, value) in [
        ("Type", "oneshot"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("ReadWritePaths", "/srv/rotakey"),
        ("UMask", "0077"),
    ] {
        assert!(says(key, value), "{key}={value}");
    }
    let timer = unit(&text("examples/systemd/rotakey.timer"));
    assert!(timer.contains(&("Timer".into(), "Persistent".into(), "true".into())));

    let folder = root().join("examples/systemd");
    let analyse = |words: &[&str]| {
        let ran = Command::new("systemd-analyze")
            .args(words)
            .current_dir(&folder)
            .output();
        let Ok(ran) = ran else {
            use std::io::Write;
            drop(writeln!(
                std::io::stderr(),
                "note: skipped: no systemd-analyze"
            ));
            return;
        };
        let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{words:?}: {said}");
    };
    analyse(&["verify", "--man=no", "rotakey.service", "rotakey.timer"]);
    // Of 100: `2.0` on its scale, which it calls OK.
    analyse(&[
        "security",
        "--offline=true",
        "--threshold=20",
        "--no-pager",
        "rotakey.service",
    ]);
}

#[test]
fn the_workflow_never_runs_twice_at_once_and_may_do_one_thing_only() {
    let text = text("examples/github-actions.workflow.yml");
    let workflow: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(
        workflow["concurrency"],
        json!({ "group": "rotakey", "cancel-in-progress": false })
    );
    assert_eq!(workflow["permissions"], json!({ "contents": "write" }));
    assert_eq!(workflow["on"]["schedule"][0]["cron"], json!("0 9 * * *"));
    let steps = workflow["jobs"]["rotate"]["steps"]
        .as_array()
        .expect("steps");
    let run = |name: &str| {
        let step = steps.iter().find(|step| step["name"] == json!(name));
        step.unwrap_or_else(|| panic!("no step {name}"))
    };
    let install = run("Install")["run"].as_str().expect("a command");
    assert!(install.contains("cargo install --locked "), "{install}");
    let identity = run("Put the identity where only this job reads it");
    assert_eq!(
        identity["env"]["IDENTITY"],
        json!("${{ secrets.ROTAKEY_IDENTITY }}")
    );
    let keep = run("Keep the ledger");
    assert_eq!(keep["if"], json!("always()"));
    // A secret stands in the environment of a step, never in the text of a script, which the log shows.
    for script in steps.iter().filter_map(|step| step["run"].as_str()) {
        assert!(!script.contains("${{"), "{script}");
        bash_reads(script);
    }
}

fn bash_reads(script: &str) {
    let ran = Command::new("bash")
        .args(["-n", "-c", script])
        .output()
        .expect("bash");
    assert!(
        ran.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn the_cronjob_forbids_two_runs_and_has_a_volume_and_no_privileges() {
    let text = text("examples/kubernetes/cronjob.yaml");
    let documents: Vec<Value> = text
        .split("\n---\n")
        .map(|document| serde_yaml::from_str(document).expect("YAML"))
        .collect();
    let [claim, job] = &documents[..] else {
        panic!("{documents:#?}")
    };
    assert_eq!(job["kind"], json!("CronJob"));
    assert_eq!(job["spec"]["concurrencyPolicy"], json!("Forbid"));
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], json!(true));
    assert_eq!(pod["automountServiceAccountToken"], json!(false));
    let container = &pod["containers"][0];
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
        })
    );
    assert_eq!(
        pod["volumes"][0]["persistentVolumeClaim"]["claimName"],
        claim["metadata"]["name"]
    );
    // Each mount has its volume.
    let named = |all: &Value| -> Vec<String> {
        let all = all.as_array().expect("a list");
        all.iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    for mount in named(&container["volumeMounts"]) {
        assert!(named(&pod["volumes"]).contains(&mount), "{mount}");
    }
    bash_reads(container["args"][0].as_str().expect("a script"));
}

/// The verbs that `rotakey --help` lists.
fn verbs(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.run("--help").exits(Exit::Done).stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let (commands, _) = commands.split_once("\n\n").expect("an end");
    let names = commands
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn completions_of_every_shell_name_every_verb() {
    let sandbox = Sandbox::new();
    let verbs = verbs(&sandbox);
    assert!(verbs.len() >= 12, "{verbs:?}");
    for shell in Shell::value_variants() {
        let script = sandbox
            .run(&format!("completions {shell}"))
            .exits(Exit::Done)
            .stdout;
        for verb in &verbs {
            assert!(script.contains(verb.as_str()), "{shell}: {verb}");
        }
        if *shell == Shell::Bash {
            bash_reads(&script);
        }
    }
}

#[test]
fn the_manual_names_every_verb_and_every_page_renders() {
    let sandbox = Sandbox::new();
    let verbs = verbs(&sandbox);
    let page = sandbox.run("man").exits(Exit::Done).stdout;
    for verb in &verbs {
        assert!(
            page.contains(&format!("rotakey\\-{verb}(1)")),
            "{verb}\n{page}"
        );
    }
    fs::create_dir(sandbox.path("man1")).expect("a folder");
    sandbox.run("man man1").exits(Exit::Done).silent();
    assert!(sandbox.path("man1/rotakey-audit-export.1").exists());
    for entry in fs::read_dir(sandbox.path("man1")).expect("a folder") {
        renders(&entry.expect("an entry").path());
    }
}

fn renders(page: &Path) {
    let ran = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
        .arg(page)
        .env("MANROFFSEQ", "")
        .stdin(Stdio::null())
        .output();
    let Ok(ran) = ran else {
        use std::io::Write;
        drop(writeln!(std::io::stderr(), "note: skipped: no man"));
        return;
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && said.is_empty(),
        "{}: {said}",
        page.display()
    );
}

#[test]
fn the_schema_can_be_printed_and_stands_beside_the_file_that_names_it() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run("schema").exits(Exit::Done).stdout;
    assert_eq!(printed, text("rotations.schema.json"));
    assert_eq!(sandbox.read("rotations.schema.json"), printed);
    let first = "# yaml-language-server: $schema=rotations.schema.json\n";
    assert!(sandbox.read("rotations.yaml").starts_with(first));
}

#[test]
fn a_stranger_gets_from_init_to_a_planned_rotation_by_what_init_says() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("first")).expect("a folder");
    let there = |line: &str| {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        sandbox.run(&format!("{verb} --config first/rotations.yaml {rest}"))
    };
    let said = there("init --issuer generated --target dotenv")
        .exits(Exit::Done)
        .stderr;
    // Nothing to put in: the names that init made up are as good as any here.
    sandbox.write("first/.env", "SESSION_KEY=made-up-by-hand\n");
    let steps = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rotakey "));
    let steps: Vec<&str> = steps.collect();
    assert_eq!(steps, ["check", "adopt session", "plan"]);
    there("check")
        .exits(Exit::Failed)
        .says("hint: rotakey adopt session");
    there("adopt session --from-site dotenv/.env").exits(Exit::Done);
    there("check").exits(Exit::Done);
    let plan = there("plan --at 2024-03-19").exits(Exit::Done).stdout;
    assert!(
        plan.contains("  rotakey rotate would:\n    issue"),
        "{plan}"
    );
}
