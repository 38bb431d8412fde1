//! `rotakey audit verify`: is the evidence whole?

use std::path::PathBuf;

/// Check that no event of the audit log was changed, removed or put in
///
/// With an earlier export: that it says what the log says.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// A file or directory that `audit export` wrote
    #[arg(value_name = "EXPORT")]
    pub export: Option<PathBuf>,
}
