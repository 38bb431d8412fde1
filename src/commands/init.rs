//! `rotakey init`: sets up a directory.

/// Set up this directory: an identity, an empty ledger, a commented `rotations.yaml`
///
/// Never overwrites anything: what exists stays, and is named.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}
