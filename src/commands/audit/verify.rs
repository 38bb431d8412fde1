//! `rotakey audit verify`: is the evidence whole?

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::audit::verify::{Bundle, Verdict, VerifyError, chain, continues, csv_export};
use crate::commands::joined::{join, refused};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::run::Run;
use crate::ui::Manner;

use super::period::PeriodArgs;

/// Check that no event of the audit log was changed, removed or put in
///
/// With earlier exports: that they say what the log says today. A bundle knows its period; for a CSV file, name the one
/// it was exported for. Ends with 4 where the log does not hold together, with 1 where an export is not what it was.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// What `audit export` wrote: directories of bundles, or one CSV file
    #[arg(value_name = "EXPORT")]
    pub exports: Vec<PathBuf>,

    /// Look at bundles only: needs no configuration, no ledger and no identity
    #[arg(long, requires = "exports")]
    pub alone: bool,

    /// The period it was exported for.
    #[command(flatten)]
    pub period: PeriodArgs,
}

/// Checks the chain, and earlier exports in themselves, against each other and against the chain.
pub fn verify(run: &mut Run, args: &Args) -> Result<Exit> {
    let ledger = match args.alone {
        true => None,
        false => Some(join(run)?.read(run)?),
    };
    if let Some(ledger) = &ledger {
        let verdict = chain(ledger.events()).map_err(refused)?;
        say_chain(run, &verdict);
    }
    let mut bundles = Vec::new();
    for export in &args.exports {
        let path = run.path(export);
        match path.is_dir() {
            true => bundles.push((bundle(run, &path, ledger.as_ref())?, path)),
            false => table(run, args, &path, ledger.as_ref())?,
        }
    }
    bundles.sort_by_key(|(bundle, _)| bundle.reach());
    for pair in bundles.windows(2) {
        let [(earlier, _), (later, path)] = pair else {
            continue;
        };
        let path = path.display().to_string();
        match continues(earlier, later).map_err(|error| differs(error, &path))? {
            Some(seq) => say(
                run,
                &path,
                &format!("goes on from event {seq} of the export before"),
            ),
            None => say(
                run,
                &path,
                "does not adjoin the export before: what is between them is not shown",
            ),
        }
    }
    Ok(Exit::Done)
}

fn bundle(run: &mut Run, path: &Path, ledger: Option<&Ledger>) -> Result<Bundle> {
    let name = path.display().to_string();
    let bundle = Bundle::open(path).map_err(|error| differs(error, &name))?;
    let (before, last) = bundle.reach();
    let what = match last - before {
        0 => format!("no events after event {last}"),
        _ => format!("events {} to {last} form a chain", before + 1),
    };
    say(
        run,
        &name,
        &format!("{what}, every file is whole, head {}", bundle.head()),
    );
    if let Some(ledger) = ledger {
        let rows = bundle
            .against(ledger, run.now)
            .map_err(|error| differs(error, &name))?;
        say(
            run,
            &name,
            &format!("{rows} rows and all events as the log has them"),
        );
    }
    Ok(bundle)
}

fn table(run: &mut Run, args: &Args, path: &Path, ledger: Option<&Ledger>) -> Result<()> {
    let name = path.display().to_string();
    let Some(ledger) = ledger else {
        let error = Error::says(
            Exit::Usage,
            format!("{name} is no bundle, and nothing shows that it is whole"),
        );
        return Err(error.hint("leave out `--alone`, or export with `--bundle`"));
    };
    let file = File::open(path)
        .with_context(|| format!("read {name}"))
        .map_err(|error| Error::new(Exit::Usage, error))?;
    let (period, _) = args.period.period(run.now)?;
    let rows = csv_export(ledger.events(), period, run.now, file)
        .map_err(|error| differs(error, &name))?;
    say(run, &name, &format!("{rows} rows, as the log has them"));
    Ok(())
}

fn say_chain(run: &mut Run, verdict: &Verdict) {
    if run.ui.manner() == Manner::Json {
        let line = json!({
            "record": "log", "events": verdict.events, "head": verdict.head, "anchored": verdict.anchored,
            "first": verdict.first, "last": verdict.last,
        });
        run.ui.data(&format!("{line}\n"));
        return;
    }
    let mut text = format!("{} events, no gap\nhead {}\n", verdict.events, verdict.head);
    if verdict.anchored > 0 {
        let left = verdict.events.saturating_sub(verdict.anchored);
        writeln!(
            text,
            "events 1 to {} are anchored, {left} are not yet",
            verdict.anchored
        )
        .expect("a string takes everything");
    }
    run.ui.data(&text);
}

fn say(run: &mut Run, path: &str, what: &str) {
    let line = match run.ui.manner() {
        Manner::Json => json!({"record": "export", "path": path, "result": what}).to_string(),
        _ => format!("{path}: {what}"),
    };
    run.ui.data(&format!("{line}\n"));
}

fn differs(error: VerifyError, path: &str) -> Error {
    match error {
        VerifyError::Log(error) => refused(error),
        VerifyError::Export(why) => Error::says(Exit::Failed, format!("{path}: {why}")),
        VerifyError::Differs { row, what } => Error::says(
            Exit::Failed,
            format!("{path}: row {row} differs from the log: {what}"),
        )
        .hint("name the same period as for the export; if it is the same, the file was changed"),
        VerifyError::File(what) | VerifyError::Event(what) => {
            Error::says(Exit::Failed, format!("{path}: {what}"))
        }
    }
}
