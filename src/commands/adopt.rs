//! `rotakey adopt`: takes over a key that is live today.

use crate::model::{Instant, KeyId, SecretName};

use super::typed;

/// Take over the key that is live today
///
/// rotakey rotates on its own only what it knows: without the old value nothing could be rolled back. The value is
/// asked for at a hidden prompt, or read from stdin until its end; never from the command line, which every user of
/// the machine can see. It is proven at the issuer before it is recorded, and nothing is sent to any target.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// The issuer's own public id of the key, where rotakey cannot find it out; never the key
    #[arg(long, value_name = "ID", value_parser = |text: &str| Ok::<_, String>(KeyId::from(text)))]
    pub key_id: Option<KeyId>,

    /// When the key was made; the first rotation is due from then on, and else from now on
    #[arg(long, value_name = "DATE", value_parser = typed::instant)]
    pub created: Option<Instant>,

    /// Read the value from a site that shows it, such as a `.env` file, by the label `plan` prints
    #[arg(long, value_name = "LABEL")]
    pub from_site: Option<String>,
}
