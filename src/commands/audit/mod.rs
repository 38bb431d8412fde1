//! `rotakey audit`: the evidence.

pub mod export;
mod period;
pub mod verify;

/// Evidence for an auditor
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Audit {
    /// Writes the evidence of a period.
    Export(export::Args),
    /// Checks the audit log, or an export.
    Verify(verify::Args),
}
