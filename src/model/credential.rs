//! A credential of rotakey itself: where it comes from, fetched when it is first needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Fault, SecretValue};

type Load = Arc<dyn Fn() -> Result<SecretValue, Fault> + Send + Sync>;

/// A token rotakey uses towards a vendor. A run that sends nothing never loads it. Clones share what was loaded.
#[derive(Clone)]
pub struct Credential {
    source: String,
    load: Load,
    loaded: Arc<OnceLock<Result<SecretValue, Fault>>>,
}

impl Credential {
    /// `source` says where the value comes from, as a person wrote it: `env VERCEL_TOKEN`.
    pub fn new(
        source: impl Into<String>,
        load: impl Fn() -> Result<SecretValue, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: source.into(),
            load: Arc::new(load),
            loaded: Arc::default(),
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
