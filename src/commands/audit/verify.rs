//! `rotakey audit verify`: is the evidence whole?

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;

use crate::audit::verify::{VerifyError, chain, csv_export};
use crate::commands::joined::{join, refused};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::run::Run;

use super::period::PeriodArgs;

/// Check that no event of the audit log was changed, removed or put in
///
/// With an earlier export and its period: that it says what the log says.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// A file that `audit export` wrote
    #[arg(value_name = "EXPORT")]
    pub export: Option<PathBuf>,

    /// The period it was exported for.
    #[command(flatten)]
    pub period: PeriodArgs,
}

/// Checks the chain, and an earlier export against it.
pub fn verify(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let ledger = joined.read(run)?;
    let verdict = chain(ledger.events()).map_err(refused)?;
    run.ui.data(&format!(
        "{} events, no gap\nhead {}\n",
        verdict.events, verdict.head
    ));
    if let Some(export) = &args.export {
        let path = run.path(export);
        let file = File::open(&path)
            .with_context(|| format!("read {}", path.display()))
            .map_err(|error| Error::new(Exit::Usage, error))?;
        let (period, _) = args.period.period(run.now);
        let rows = csv_export(ledger.events(), period, file)
            .map_err(|error| differs(error, &path.display()))?;
        run.ui.data(&format!(
            "{}: {rows} rows, as the log has them\n",
            path.display()
        ));
    }
    Ok(Exit::Done)
}

fn differs(error: VerifyError, path: &dyn std::fmt::Display) -> Error {
    match error {
        VerifyError::Log(error) => refused(error),
        VerifyError::Export(why) => Error::says(Exit::Usage, format!("{path}: {why}")),
        VerifyError::Differs { row, what } => Error::says(
            Exit::Failed,
            format!("{path}: row {row} differs from the log: {what}"),
        )
        .hint("name the same period as for the export; if it is the same, the file was changed"),
    }
}
