//! `rotakey audit export`: the evidence of a period.

use std::path::PathBuf;

use crate::commands::typed::{self, Month};
use crate::model::Instant;

/// Write the evidence of a period
///
/// The same period gives the same bytes, however often it is exported. Without a period, everything so far.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("period").args(["month", "last_month", "from"]))]
pub struct Args {
    /// For a spreadsheet: one row a rotation (the default)
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// A calendar month: `2024-02`
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    pub month: Option<Month>,

    /// The calendar month before this one
    #[arg(long)]
    pub last_month: bool,

    /// From this time on: `2024-02-18` or `2024-02-18T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = typed::instant)]
    pub from: Option<Instant>,

    /// Up to this time, which is not part of it
    #[arg(long, value_name = "TIME", value_parser = typed::instant, conflicts_with_all = ["month", "last_month"])]
    pub to: Option<Instant>,

    /// A directory for the files, or `-` for stdout
    #[arg(long, value_name = "DIR|-", default_value = ".")]
    pub out: PathBuf,
}
