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
  0 9 * * *  cd {directory} && rotakey plan --warn && rotakey rotate && rotakey revoke
  0 7 1 * *  cd {directory} && rotakey audit export --csv --last-month"
    )
}
