//! `rotakey init`: sets up a directory.

mod next_steps;

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
use next_steps::next_steps;

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
        .and_then(|store| run.opening(store, credential))
        .and_then(|opening| Ledger::create(&opening, vec![recipient]).map(drop));
    match made {
        Ok(()) => Ok(Found::Nothing),
        Err(LedgerError::Exists { .. }) => Ok(Found::Something),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: LedgerError) -> Error {
    let exit = match (error.is_refusal(), error.may_pass()) {
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

#[cfg(test)]
mod tests;
