//! What `init` writes, says and leaves alone.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::ledger::FileStore;
use crate::run::testing::Bench;

fn bench(directory: &Path) -> Bench {
    let mut bench = Bench::new(directory);
    bench.set("HOME", &directory.join("home").display().to_string());
    bench
}

fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).expect("it exists");
    found.permissions().mode() & 0o777
}

#[test]
fn an_empty_directory_gets_its_files_and_the_next_steps() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    let bench = bench(at);
    assert_eq!(
        init(&mut bench.begin(&[]), Args::default()).expect("it works"),
        Exit::Done
    );
    let said = bench.talk.text().replace(&at.display().to_string(), "DIR");
    assert_eq!(
        said,
        "wrote   DIR/identity.txt  (opens the ledger)\n\
         wrote   DIR/ledger.json.age  (holds the keys and the audit log)\n\
         wrote   DIR/rotations.schema.json  (lets editors complete the next one)\n\
         wrote   DIR/rotations.yaml  (says what is rotated, how often, and where it goes)\n\
         \n\
         Keep a copy of DIR/identity.txt somewhere safe and out of version control:\n\
         without it nothing opens the ledger.\n\
         \n\
         Next:\n  \
         1. put your names into DIR/rotations.yaml\n  \
         2. will it work, and what will it touch?\n     \
         rotakey check\n  \
         3. take over each key that is live today\n     \
         rotakey adopt NAME\n  \
         4. what would the next run do?\n     \
         rotakey plan\n\
         \n\
         Then, in a crontab:\n  \
         0 9 * * *  cd DIR && { rotakey plan --warn; rotakey rotate; rotakey revoke; }\n  \
         0 7 1 * *  cd DIR && rotakey audit export --csv --last-month\n"
    );
    assert_eq!(bench.out.text(), "");
    assert_eq!(mode(&at.join("identity.txt")), 0o600);
    assert_eq!(mode(&at.join("ledger.json.age")), 0o600);
}

#[test]
fn the_identity_opens_the_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    init(&mut bench.begin(&[]), Args::default()).expect("it works");
    let text = fs::read_to_string(directory.path().join("identity.txt")).expect("an identity");
    let identity = Credential::new("test", move || Ok(SecretValue::new(text.clone())));
    let store = FileStore::at(&directory.path().join("ledger.json.age")).expect("a store");
    let opening = bench
        .begin(&[])
        .opening(std::sync::Arc::new(store), identity)
        .expect("a home");
    let ledger = Ledger::open(&opening).expect("it opens");
    assert!(ledger.state().secrets.is_empty());
}

#[test]
fn a_second_time_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    let read = || {
        [
            "identity.txt",
            "ledger.json.age",
            "rotations.schema.json",
            "rotations.yaml",
        ]
        .map(|name| fs::read(directory.path().join(name)).expect(name))
    };
    init(&mut bench.begin(&[]), Args::default()).expect("it works");
    let before = read();
    assert_eq!(
        init(&mut bench.begin(&[]), Args::default()).expect("it works"),
        Exit::Done
    );
    assert!(before == read(), "a file was written again");
    assert_eq!(bench.talk.text().matches("(left as it is)").count(), 4);
}

fn typing(bench: &Bench, typed: &str) -> Run {
    let mut run = bench.begin(&[]);
    run.input = crate::run::Input::typed(io::Cursor::new(typed.as_bytes().to_vec()));
    run
}

#[test]
fn on_a_terminal_it_asks_what_goes_where_and_who_hears_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    let mut run = typing(&bench, "openai, generated\nvercl\n\n1 dotenv\n\n");
    init(&mut run, Args::default()).expect("it works");
    let said = bench.talk.text();
    assert!(
        said.starts_with(
            "Which keys are to be rotated?\n   1  openai             OpenAI API key\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("that is none of these; did you mean `vercel`?\nOnce more:\nAt least one:\n"),
        "{said}"
    );
    assert!(
        said.contains("     rotakey adopt openai\n     rotakey adopt session\n"),
        "{said}"
    );
    let written = fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
    for line in [
        "  openai:",
        "  session:",
        "      - { kind: vercel, projects: all, variable: SESSION_KEY }",
        "      - { kind: dotenv, path: .env, variable: OPENAI_API_KEY }",
    ] {
        assert!(written.lines().any(|it| it == line), "{line}\n{written}");
    }
    assert!(!written.contains("notify:"), "{written}");
}

#[test]
fn nothing_but_enter_gives_the_schedule_that_ships() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    init(&mut typing(&bench, "\n"), Args::default()).expect("it works");
    let written = fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
    assert_eq!(written, crate::commands::starter::WHOLE);
    // It is there now, so nobody is asked about it again.
    init(&mut typing(&bench, "openai\n"), Args::default()).expect("it works");
    assert_eq!(bench.talk.text().matches("Which keys").count(), 1);
}

#[test]
fn without_a_terminal_flags_say_it_and_a_wrong_one_writes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    let args = |issuer: &str| Args {
        issuer: vec![issuer.to_owned()],
        target: vec!["render".to_owned()],
        notify: vec!["slack".to_owned()],
    };
    let error = init(&mut bench.begin(&[]), args("opena")).expect_err("there is no such kind");
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.render().contains("did you mean `openai`?"));
    assert_eq!(
        fs::read_dir(directory.path()).expect("a directory").count(),
        0
    );
    init(&mut bench.begin(&[]), args("openai")).expect("it works");
    let written = fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
    assert!(
        written.contains("  slack: { kind: slack, token: { env: SLACK_BOT_TOKEN }"),
        "{written}"
    );
    assert!(
        written.contains("- { kind: render, services: all, variable: OPENAI_API_KEY }"),
        "{written}"
    );
}

#[test]
fn a_link_is_not_followed_to_write_through_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let (link, elsewhere) = (
        directory.path().join("rotations.yaml"),
        directory.path().join("x"),
    );
    symlink(&elsewhere, link).expect("a link");
    init(&mut bench(directory.path()).begin(&[]), Args::default()).expect("it works");
    assert!(!elsewhere.exists());
}

#[test]
fn an_identity_that_is_none_is_named_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("identity.txt"), "my notes\n").expect("a file");
    let error =
        init(&mut bench(directory.path()).begin(&[]), Args::default()).expect_err("no identity");
    assert_eq!(error.exit(), Exit::Usage);
    let said = error.render();
    assert!(
        said.contains("identity.txt holds no age identity"),
        "{said}"
    );
    assert!(!said.contains("my notes"), "{said}");
    assert!(!directory.path().join("ledger.json.age").exists());
}

#[test]
fn a_lost_ledger_is_not_replaced_by_an_empty_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = bench(directory.path());
    init(&mut bench.begin(&[]), Args::default()).expect("it works");
    fs::remove_file(directory.path().join("ledger.json.age")).expect("it was there");
    let error = init(&mut bench.begin(&[]), Args::default()).expect_err("it is lost");
    assert_eq!(error.exit(), Exit::LedgerRefused);
}
