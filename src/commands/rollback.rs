//! `rotakey rollback`: back to the key before.

use crate::model::SecretName;

/// Put the previous key back on every site, and revoke the new one
///
/// Possible until the old key is revoked. The old key is proven at the issuer before it is written anywhere.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
}
