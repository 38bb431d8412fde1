//! `rotakey audit export`: the evidence of a period.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::audit::csv::{self, ExportError};
use crate::commands::joined::{join, refused};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::model::when;
use crate::run::Run;

use super::period::PeriodArgs;

/// Write the evidence of a period
///
/// The same period gives the same bytes, however often it is exported. Without a period, everything so far.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// For a spreadsheet: one row a rotation (the default)
    #[arg(long)]
    pub csv: bool,

    /// Which period.
    #[command(flatten)]
    pub period: PeriodArgs,

    /// A directory for the files, or `-` for stdout
    #[arg(long, value_name = "DIR|-", default_value = ".")]
    pub out: PathBuf,
}

/// Writes the table.
pub fn export(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    let (period, name) = args.period.period(run.now);
    if args.out == Path::new("-") {
        let written = csv::export(ledger.events(), period, run.ui.stream());
        return written.map(|_| Exit::Done).map_err(failed);
    }
    let path = run
        .path(&args.out)
        .join(format!("rotakey-rotations{name}.csv"));
    let file = replacing(&path)?;
    let rows =
        csv::export(ledger.events(), period, io::BufWriter::new(file.as_file())).map_err(failed)?;
    kept(file, &path)?;
    run.ui.say(&format!(
        "wrote {} ({})",
        path.display(),
        when::counted(i64::try_from(rows).unwrap_or(i64::MAX), "row")
    ));
    Ok(Exit::Done)
}

/// A file beside the one it will replace, so that a reader never finds half of one.
fn replacing(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    NamedTempFile::new_in(directory)
        .with_context(|| format!("write in {}", directory.display()))
        .map_err(|error| Error::new(Exit::Usage, error).hint("name a directory with `--out`"))
}

fn kept(file: NamedTempFile, path: &Path) -> Result<()> {
    let written = file
        .as_file()
        .sync_all()
        .and_then(|()| file.persist(path).map(drop).map_err(|error| error.error));
    written
        .with_context(|| format!("write {}", path.display()))
        .map_err(|error| Error::new(Exit::Failed, error))
}

fn failed(error: ExportError) -> Error {
    match error {
        ExportError::Log(error) => refused(error),
        ExportError::Write(error) => Error::new(Exit::Failed, error).context("write the export"),
    }
}
