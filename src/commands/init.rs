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

/// What a new configuration says: the schedule that rotakey ships with.
const STARTER: &str = include_str!("../../rotations.yaml");

/// Set up a directory
///
/// Writes an identity, an empty ledger and a commented `rotations.yaml`. Never overwrites anything: what exists stays, and is named.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// Whether a file had to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Something,
}

/// Writes what is not there yet.
pub fn init(run: &mut Run, _: Args) -> Result<Exit> {
    let config = run.config_path();
    let beside = |name| config.with_file_name(name);
    let identity = run.identity_named().unwrap_or(beside("identity.txt"));
    let ledger = run.ledger_named().unwrap_or(beside("ledger.json.age"));

    // In this order: a ledger that nothing opens must never exist, not even for a moment.
    let found = put(&identity, 0o600, || new_identity(run.now))?;
    tell(run, found, &identity, "opens the ledger");
    let found = make_ledger(run, &ledger, &identity)?;
    tell(run, found, &ledger, "holds the keys and the audit log");
    let found = put(&config, 0o644, || SecretValue::new(STARTER))?;
    tell(
        run,
        found,
        &config,
        "says what is rotated, how often, and where it goes",
    );

    let directory = config.parent().unwrap_or(Path::new("/"));
    run.ui.say(&next_steps(directory, &config, &identity));
    Ok(Exit::Done)
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

fn next_steps(directory: &Path, config: &Path, identity: &Path) -> String {
    let (directory, config, identity) = (directory.display(), config.display(), identity.display());
    format!(
        "
Keep a copy of {identity} somewhere safe and out of version control:
without it nothing opens the ledger.

Next:
  1. edit {config}
  2. rotakey check          will it work?
  3. rotakey adopt NAME     take over each key that is live today
  4. rotakey plan           what would the next run do?

Then, in a crontab:
  0 9 * * *  cd {directory} && {{ rotakey plan --warn; rotakey rotate; rotakey revoke; }}
  0 7 1 * *  cd {directory} && rotakey audit export --csv --last-month"
    )
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
    fn an_empty_directory_gets_three_files_and_the_next_steps() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path();
        let bench = bench(at);
        assert_eq!(
            init(&mut bench.begin(&[]), Args {}).expect("it works"),
            Exit::Done
        );
        let said = bench.talk.text().replace(&at.display().to_string(), "DIR");
        assert_eq!(
            said,
            "wrote   DIR/identity.txt  (opens the ledger)\n\
             wrote   DIR/ledger.json.age  (holds the keys and the audit log)\n\
             wrote   DIR/rotations.yaml  (says what is rotated, how often, and where it goes)\n\
             \n\
             Keep a copy of DIR/identity.txt somewhere safe and out of version control:\n\
             without it nothing opens the ledger.\n\
             \n\
             Next:\n  \
             1. edit DIR/rotations.yaml\n  \
             2. rotakey check          will it work?\n  \
             3. rotakey adopt NAME     take over each key that is live today\n  \
             4. rotakey plan           what would the next run do?\n\
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
        init(&mut bench.begin(&[]), Args {}).expect("it works");
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
            ["identity.txt", "ledger.json.age", "rotations.yaml"]
                .map(|name| fs::read(directory.path().join(name)).expect(name))
        };
        init(&mut bench.begin(&[]), Args {}).expect("it works");
        let before = read();
        assert_eq!(
            init(&mut bench.begin(&[]), Args {}).expect("it works"),
            Exit::Done
        );
        assert!(before == read(), "a file was written again");
        assert_eq!(bench.talk.text().matches("(left as it is)").count(), 3);
    }

    #[test]
    fn the_configuration_that_is_written_is_a_good_one() {
        let around = crate::config::Surroundings {
            dir: "/srv".into(),
            env: std::sync::Arc::new(|_| None),
            secret: std::sync::Arc::new(|_| Err(crate::model::Fault::missing("no ledger"))),
        };
        if let Err(errors) = crate::config::resolve(STARTER, "rotations.yaml", &around) {
            panic!("{errors}");
        }
    }

    #[test]
    fn a_link_is_not_followed_to_write_through_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let (link, elsewhere) = (
            directory.path().join("rotations.yaml"),
            directory.path().join("x"),
        );
        symlink(&elsewhere, link).expect("a link");
        init(&mut bench(directory.path()).begin(&[]), Args {}).expect("it works");
        assert!(!elsewhere.exists());
    }

    #[test]
    fn an_identity_that_is_none_is_named_and_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("identity.txt"), "my notes\n").expect("a file");
        let error =
            init(&mut bench(directory.path()).begin(&[]), Args {}).expect_err("no identity");
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
        init(&mut bench.begin(&[]), Args {}).expect("it works");
        fs::remove_file(directory.path().join("ledger.json.age")).expect("it was there");
        let error = init(&mut bench.begin(&[]), Args {}).expect_err("it is lost");
        assert_eq!(error.exit(), Exit::LedgerRefused);
    }
}
