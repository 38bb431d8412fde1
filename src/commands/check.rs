//! `rotakey check`: will it work?

/// Look at everything and change nothing
///
/// Reads the configuration, opens the ledger, and asks every account whether its token may do what the configuration
/// needs, down to the permission to revoke.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}
