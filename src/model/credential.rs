//! A credential of rotakey itself: where it comes from, fetched when it is first needed.

use std::fmt;
use std::sync::OnceLock;

use super::{Fault, SecretValue};

type Load = Box<dyn Fn() -> Result<SecretValue, Fault> + Send + Sync>;

/// A token rotakey uses towards a vendor. A run that sends nothing never loads it.
pub struct Credential {
    source: String,
    load: Load,
    loaded: OnceLock<Result<SecretValue, Fault>>,
}

impl Credential {
    /// `source` says where the value comes from, as a person wrote it: `env VERCEL_TOKEN`.
    pub fn new(
        source: impl Into<String>,
        load: impl Fn() -> Result<SecretValue, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: source.into(),
            load: Box::new(load),
            loaded: OnceLock::new(),
        }
    }

    /// The value, loaded once per run.
    pub fn value(&self) -> Result<&SecretValue, Fault> {
        self.loaded
            .get_or_init(|| (self.load)())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Where the value comes from, for messages.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credential({})", self.source)
    }
}
