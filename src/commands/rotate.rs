//! `rotakey rotate`: issues, delivers, redeploys, proves, promotes.

use crate::model::SecretName;

/// Rotate what is due, or what is named
///
/// First finishes what an earlier run left open. Then every secret that is due gets a new key: issued, proven at the
/// issuer, delivered to every site, redeployed, observed to work there. Only then it becomes current, and the old key
/// lives on for its grace. What fails is taken back by itself. Run twice, the second run does nothing.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").args(["names", "using"]))]
pub struct Args {
    /// Only these secrets, due or not
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Print what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// A key has leaked: no grace; the old key is revoked in this run and then proven dead
    #[arg(long, requires = "reason", requires = "which")]
    pub emergency: bool,

    /// Every secret that this kind, account or site has seen, for the day a platform is breached
    #[arg(long, value_name = "KIND|ACCOUNT|SITE", requires = "emergency")]
    pub using: Option<String>,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
}
