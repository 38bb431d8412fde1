//! `rotakey audit export`: the evidence of a period.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::audit::bundle::Ground;
use crate::audit::page::Identity;
use crate::audit::{ExportError, Period, bundle, csv, jsonl, page};
use crate::commands::joined::{join, refused};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Digest, Ledger};
use crate::model::{Instant, when};
use crate::run::Run;
use crate::ui::Manner;

use super::period::PeriodArgs;

/// Write the evidence of a period
///
/// The same period gives the same bytes, however often it is exported. Without a period, everything so far. With
/// `--json`, one object a line on stdout.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("form").args(["csv", "html", "bundle"]))]
pub struct Args {
    /// For a spreadsheet: one row a rotation (the default)
    #[arg(long)]
    pub csv: bool,

    /// One page to read and to print, without script and without anything to load
    #[arg(long)]
    pub html: bool,

    /// Everything, into this new directory: tables, events, page, and how to verify it without rotakey. Replaces an
    /// earlier bundle of the same period, and nothing else
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub bundle: Option<PathBuf>,

    /// Which period.
    #[command(flatten)]
    pub period: PeriodArgs,

    /// A directory for the file, or `-` for stdout
    #[arg(long, value_name = "DIR|-", default_value = ".")]
    pub out: PathBuf,
}

/// Writes the evidence in the form that was asked for.
pub fn export(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    let (period, name) = args.period.period(run.now)?;
    if period.to > run.now && period.bounds().1.is_some() {
        run.ui
            .say("note: this period is not over; a later export of it will say more");
    }
    match &args.bundle {
        Some(directory) => bundled(run, &ledger, period, directory)?,
        None if args.html => {
            let file = format!("rotakey-report{name}.html");
            to_file_or_stdout(run, &args.out, &file, |now, out| {
                let identity = Identity {
                    ledger: ledger.id(),
                    period,
                };
                let head = page::export(identity, ledger.events(), now, out)?;
                Ok(("1 page".to_owned(), head))
            })?;
        }
        None if run.ui.manner() == Manner::Json && !args.csv => {
            let when = (period, run.now);
            let out = run.ui.stream();
            streamed(jsonl::export(ledger.id(), ledger.events(), when, out))?;
        }
        None => {
            let file = format!("rotakey-rotations{name}.csv");
            to_file_or_stdout(run, &args.out, &file, |now, out| {
                let written = csv::export(ledger.events(), period, now, out)?;
                Ok((counted(written.rows, "row"), written.head))
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Hands `write` somewhere to write to, and says what came of it and the head of the log: with that, whoever keeps the
/// mail of cron can later tell a log that was written anew.
fn to_file_or_stdout(
    run: &mut Run,
    out: &Path,
    name: &str,
    write: impl FnOnce(Instant, &mut dyn io::Write) -> Result<(String, Digest), ExportError>,
) -> Result<()> {
    let now = run.now;
    if out == Path::new("-") {
        return streamed(write(now, run.ui.stream()));
    }
    let path = run.path(out).join(name);
    let file = replacing(&path)?;
    let (what, head) = write(now, &mut io::BufWriter::new(file.as_file())).map_err(failed)?;
    let done = kept(file, &path)?;
    run.ui
        .say(&format!("{done} {} ({what}; head {head})", path.display()));
    Ok(())
}

/// The whole set. It appears under its name when it is whole. An earlier one of the same period makes room for it, or
/// stays as it is if the new one is the same.
fn bundled(run: &mut Run, ledger: &Ledger, period: Period, directory: &Path) -> Result<()> {
    let path = run.path(directory);
    // What a symlink leads to is replaced, not the link.
    let path = path.canonicalize().unwrap_or(path);
    let ground = bundle::ground(&path, ledger.id(), period);
    if let Ground::Taken(why) = &ground {
        return Err(taken(&path, why));
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    let making = tempfile::Builder::new()
        .prefix(".rotakey-bundle-")
        .tempdir_in(parent)
        .with_context(|| format!("write in {}", parent.display()))
        .map_err(|error| {
            Error::new(Exit::Usage, error).hint("name a directory that can be made")
        })?;
    let (new, old) = (making.path().join("new"), making.path().join("old"));
    let unwritten = |error: io::Error| {
        Error::new(Exit::Failed, error).context(format!("write {}", path.display()))
    };
    DirBuilder::new()
        .mode(0o700)
        .create(&new)
        .map_err(unwritten)?;
    let when = (period, run.now);
    let bundled = bundle::export(ledger.id(), ledger.events(), when, &new).map_err(failed)?;
    let what = match ground {
        Ground::Earlier(sums)
            if sums == fs::read_to_string(new.join(bundle::SUMS)).map_err(unwritten)? =>
        {
            "unchanged:"
        }
        Ground::Earlier(_) => {
            fs::rename(&path, &old)
                .and_then(|()| fs::rename(&new, &path))
                .map_err(unwritten)?;
            "wrote"
        }
        _ => {
            fs::rename(&new, &path).map_err(unwritten)?;
            "wrote"
        }
    };
    run.ui.say(&format!(
        "{what} {} ({}, {}, {}; head {})",
        path.display(),
        counted(bundled.rotations, "row"),
        counted(bundled.exceptions, "exception"),
        counted(bundled.events, "event"),
        bundled.head
    ));
    Ok(())
}

fn taken(path: &Path, why: &str) -> Error {
    Error::says(Exit::Usage, format!("{} {why}", path.display()))
        .hint("name a new directory with `--bundle`")
}

fn counted(number: u64, noun: &str) -> String {
    when::counted(i64::try_from(number).unwrap_or(i64::MAX), noun)
}

/// A file beside the one it will replace, so that a reader never finds half of one.
fn replacing(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    NamedTempFile::new_in(directory)
        .with_context(|| format!("write in {}", directory.display()))
        .map_err(|error| Error::new(Exit::Usage, error).hint("name a directory with `--out`"))
}

/// Gives the file its name, unless the one of that name says the same; says which.
fn kept(file: NamedTempFile, path: &Path) -> Result<&'static str> {
    let kept = || -> io::Result<&'static str> {
        if says_the_same(file.path(), path)? {
            return Ok("unchanged:");
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok("wrote")
    };
    kept()
        .with_context(|| format!("write {}", path.display()))
        .map_err(|error| Error::new(Exit::Failed, error))
}

/// Whether two files hold the same bytes. What cannot be read says something else.
fn says_the_same(new: &Path, there: &Path) -> io::Result<bool> {
    let Ok(there) = File::open(there) else {
        return Ok(false);
    };
    let new = File::open(new)?;
    if new.metadata()?.len() != there.metadata()?.len() {
        return Ok(false);
    }
    let (mut new, mut there) = (io::BufReader::new(new), io::BufReader::new(there));
    loop {
        let (ours, theirs) = (new.fill_buf()?, there.fill_buf()?);
        let length = ours.len().min(theirs.len());
        if ours[..length] != theirs[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        new.consume(length);
        there.consume(length);
    }
}

/// What became of an export to stdout. Where that could not be written, the end of the run says so, and only it knows
/// whether anybody wanted to read on.
fn streamed<T>(export: Result<T, ExportError>) -> Result<()> {
    match export {
        Ok(_) | Err(ExportError::Write(_)) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: ExportError) -> Error {
    match error {
        ExportError::Log(error) => refused(error),
        ExportError::Write(error) => Error::new(Exit::Failed, error).context("write the export"),
    }
}
