//! `rotakey skip`: not now.

use crate::model::{SecretName, Span};

/// Postpone a rotation
///
/// Leaves an exception in the audit log. A secret whose policy has a `max_age` cannot be postponed beyond it.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// For how long; the policy's `skip` (30d unless configured) if not said
    #[arg(long = "for", value_name = "TIME", value_parser = Span::parse)]
    pub span: Option<Span>,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
}
