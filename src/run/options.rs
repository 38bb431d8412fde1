//! What a person may say of any run, whatever the verb.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::model::Span;

/// The flags that every verb takes.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// The configuration [default: $ROTAKEY_CONFIG, else rotations.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The ledger [default: $ROTAKEY_LEDGER, else as configured]
    #[arg(long, global = true, value_name = "FILE")]
    pub ledger: Option<PathBuf>,

    /// What opens the ledger [default: $ROTAKEY_IDENTITY, else as configured, else identity.txt]
    #[arg(long, global = true, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Machine-readable lines on stdout
    #[arg(long, global = true)]
    pub json: bool,

    /// Say nothing unless something is wrong
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// How long to wait for another run that holds the ledger [default: not at all]
    #[arg(long, global = true, value_name = "TIME", default_value = "0s", value_parser = Span::parse)]
    #[arg(hide_default_value = true)]
    pub lock_wait: Span,

    /// How many requests may be under way at once [default: 10]
    #[arg(long, global = true, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
}
