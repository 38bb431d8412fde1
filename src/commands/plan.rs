//! `rotakey plan`: what would the next run do?

use crate::model::{Instant, SecretName};

use super::typed;

/// Show what is due, and what the next run would do
///
/// Changes nothing. Prints for each secret its state, its age, its due date and the exact steps ahead. The same function feeds `plan`, `rotate` and `revoke`, so that what is printed is what is done.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Only these secrets
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Send each notice that is due, once, and take up replies; a quiet night prints nothing
    #[arg(long)]
    pub warn: bool,

    /// Ask about another time: `2024-02-18` or `2024-02-18T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = typed::instant, conflicts_with = "warn")]
    pub at: Option<Instant>,

    /// Exit with 10 when something is due
    #[arg(long)]
    pub exit_code: bool,
}
