//! `rotakey audit`: the evidence.

pub mod anchor;
pub mod export;
mod period;
pub mod reconcile;
pub mod verify;

/// Evidence for an auditor
#[derive(clap::Subcommand, Clone, Debug)]
#[expect(missing_docs, reason = "the help of a verb stands with its arguments")]
pub enum Audit {
    Export(export::Args),
    Verify(verify::Args),
    Anchor(anchor::Args),
    Reconcile(reconcile::Args),
}
