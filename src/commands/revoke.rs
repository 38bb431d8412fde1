//! `rotakey revoke`: ends old keys.

use crate::model::SecretName;

/// Revoke old keys whose grace is over and that nothing uses
///
/// Looks at every site first, at what it stores and at what it runs. If one still uses the old key, nothing is
/// revoked and the site is named. A revoked key is called with until it is refused.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Only these secrets
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Do not wait for the end of the grace of the named secrets; every other check stays
    #[arg(long, requires = "names")]
    pub now: bool,
}
