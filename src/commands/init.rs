//! `rotakey init`: sets up a directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Ledger, LedgerError, new_identity, recipient_of};
use crate::model::{Credential, SecretValue};
use crate::run::Run;

use super::ask;
use super::schema;
use super::starter::Chosen;

/// Set up a directory
///
/// Writes an identity, an empty ledger, a commented `rotations.yaml` and the schema with which editors complete it. On a terminal it asks which keys are rotated, where they go, and who hears of it; the flags answer that in advance. Never overwrites anything: what exists stays, and is named.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Args {
    /// What is rotated, such as `openai` or `postgres`; again for more [default: the schedule that rotakey ships with]
    #[arg(long, value_name = "KIND", requires = "target")]
    pub issuer: Vec<String>,

    /// Where it goes, such as `vercel` or `dotenv`; again for more
    #[arg(long, value_name = "KIND", requires = "issuer")]
    pub target: Vec<String>,

    /// Who hears of it, such as `slack` or `email`; again for more
    #[arg(long, value_name = "KIND", requires = "issuer")]
    pub notify: Vec<String>,
}

/// Whether a file had to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Something,
}

/// Writes what is not there yet.
pub fn init(run: &mut Run, args: Args) -> Result<Exit> {
    let config = run.config_path();
    // Asked before anything is written, so that Ctrl-C leaves nothing behind.
    let chosen = choose(run, &args, &config)?;
    let beside = |name| config.with_file_name(name);
    let identity = run.identity_named().unwrap_or(beside("identity.txt"));
    let ledger = run.ledger_named().unwrap_or(beside("ledger.json.age"));

    // In this order: a ledger that nothing opens must never exist, not even for a moment.
    let found = put(&identity, 0o600, || new_identity(run.now))?;
    tell(run, found, &identity, "opens the ledger");
    let found = make_ledger(run, &ledger, &identity)?;
    tell(run, found, &ledger, "holds the keys and the audit log");
    let schema = beside("rotations.schema.json");
    let found = put(&schema, 0o644, || SecretValue::new(schema::TEXT))?;
    tell(run, found, &schema, "lets editors complete the next one");
    let found = put(&config, 0o644, || SecretValue::new(chosen.text()))?;
    tell(
        run,
        found,
        &config,
        "says what is rotated, how often, and where it goes",
    );
    // A file that was there already may hold other secrets than those that were named.
    let names = match found {
        Found::Nothing => chosen.names(),
        Found::Something => Vec::new(),
    };
    run.ui.say(&next_steps(&config, &identity, &names));
    Ok(Exit::Done)
}

fn choose(run: &mut Run, args: &Args, config: &Path) -> Result<Chosen> {
    if !args.issuer.is_empty() {
        return Ok(Chosen {
            issuers: ask::named(&args.issuer)?,
            targets: ask::named(&args.target)?,
            channels: ask::named(&args.notify)?,
        });
    }
    let mut chosen = Chosen::default();
    if !run.input.is_terminal() || config.exists() {
        return Ok(chosen);
    }
    let whole = Some("the schedule that rotakey ships with");
    chosen.issuers = ask::which(run, "Which keys are to be rotated?", whole)?;
    if !chosen.issuers.is_empty() {
        chosen.targets = ask::which(run, "\nWhere do they go?", None)?;
        let question = "\nWho hears of it, besides this terminal?";
        chosen.channels = ask::which(run, question, Some("nobody"))?;
    }
    Ok(chosen)
}

fn make_ledger(run: &Run, ledger: &Path, identity: &Path) -> Result<Found> {
    let place = identity.to_path_buf();
    let text = fs::read_to_string(&place)
        .map(SecretValue::new)
        .with_context(|| format!("read {}", place.display()))
        .map_err(|error| Error::new(Exit::Usage, error))?;
    let Some(recipient) = recipient_of(&text) else {
        let error = Error::says(
            Exit::Usage,
            format!("{} holds no age identity", place.display()),
        );
        return Err(error.hint(
            "make one with `age-keygen`, or move the file away and run `rotakey init` again",
        ));
    };
    let credential = Credential::new(place.display().to_string(), move || Ok(text.clone()));
    let made = run
        .store(ledger)
        .map(|store| run.opening(store, credential))
        .and_then(|opening| Ledger::create(&opening, vec![recipient]).map(drop));
    match made {
        Ok(()) => Ok(Found::Nothing),
        Err(LedgerError::Exists { .. }) => Ok(Found::Something),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: LedgerError) -> Error {
    let exit = match (error.is_refusal(), error.is_busy()) {
        (true, _) => Exit::LedgerRefused,
        (_, true) => Exit::TryLater,
        _ => Exit::Usage,
    };
    let hint = error.hint();
    let error = Error::new(exit, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Writes a file that is not there. One that is there, be it a link to nowhere, is left as it is.
fn put(path: &Path, mode: u32, content: impl FnOnce() -> SecretValue) -> Result<Found> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let written = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Found::Something),
        Err(error) => Err(error),
        Ok(file) => fill(file, content().expose()).inspect_err(|_| {
            // Half an identity would be taken for a whole one by the next `init`.
            drop(fs::remove_file(path));
        }),
    };
    written
        .and_then(|()| File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all())
        .with_context(|| format!("write {}", path.display()))
        .map_err(|error| Error::new(Exit::Usage, error))?;
    Ok(Found::Nothing)
}

fn fill(mut file: File, content: &str) -> io::Result<()> {
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn tell(run: &mut Run, found: Found, path: &Path, what: &str) {
    let path = path.display();
    run.ui.say(&match found {
        Found::Nothing => format!("wrote   {path}  ({what})"),
        Found::Something => format!("exists  {path}  (left as it is)"),
    });
}

fn next_steps(config: &Path, identity: &Path, names: &[&str]) -> String {
    let directory = config.parent().unwrap_or(Path::new("/"));
    let directory = in_a_crontab(&directory.display().to_string());
    let (config, identity) = (config.display(), identity.display());
    let mut adopt: Vec<String> = names
        .iter()
        .map(|name| format!("     rotakey adopt {name}"))
        .collect();
    if adopt.is_empty() {
        adopt.push("     rotakey adopt NAME".to_owned());
    }
    let adopt = adopt.join("\n");
    format!(
        "
Keep a copy of {identity} somewhere safe and out of version control:
without it nothing opens the ledger.

Next:
  1. put your names into {config}
  2. will it work, and what will it touch?
     rotakey check
  3. take over each key that is live today
{adopt}
  4. what would the next run do?
     rotakey plan

Then, in a crontab:
  0 9 * * *  cd {directory} && {{ rotakey plan --warn; rotakey rotate; rotakey revoke; }}
  0 7 1 * *  cd {directory} && rotakey audit export --csv --last-month"
    )
}

/// A path as a crontab takes it: quoted for the shell, and without a bare `%`, which cron reads as a line break.
fn in_a_crontab(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if path.chars().all(plain) {
        return path.to_owned();
    }
    let quoted = path.replace('\'', "'\\''");
    format!("'{quoted}'").replace('%', "\\%")
}

#[cfg(test)]
mod tests {
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
            .opening(std::sync::Arc::new(store), identity);
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
            said.contains(
                "that is none of these; did you mean `vercel`?\nOnce more:\nAt least one:\n"
            ),
            "{said}"
        );
        assert!(
            said.contains("     rotakey adopt openai\n     rotakey adopt session\n"),
            "{said}"
        );
        let written =
            fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
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
        let written =
            fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
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
        let written =
            fs::read_to_string(directory.path().join("rotations.yaml")).expect("it is there");
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
    fn a_directory_with_a_strange_name_is_quoted_for_cron() {
        assert_eq!(in_a_crontab("/srv/rotakey"), "/srv/rotakey");
        assert_eq!(in_a_crontab("/srv/50% o'clock"), "'/srv/50\\% o'\\''clock'");
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
        let error = init(&mut bench(directory.path()).begin(&[]), Args::default())
            .expect_err("no identity");
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
}
