//! The live values of rotakey's own credentials.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::State;
use crate::model::{Fault, SecretName, SecretValue};

/// The live values, for credentials of rotakey's own that it rotates itself. Known once the ledger is open.
#[derive(Clone, Default)]
pub(super) struct Current(Arc<Mutex<BTreeMap<SecretName, SecretValue>>>);

impl Current {
    /// The same with another value for one secret.
    pub(super) fn with(&self, name: &SecretName, value: SecretValue) -> Self {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = known.clone();
        drop(known.insert(name.clone(), value));
        Self(Arc::new(Mutex::new(known)))
    }

    /// Takes the live values of these secrets.
    pub(super) fn learn<'n>(&self, state: &State, own: impl Iterator<Item = &'n SecretName>) {
        let live = own.filter_map(|name| {
            let current = state.secret(name)?.current()?;
            let value = current.fields.as_ref()?.primary()?.clone();
            Some((name.clone(), value))
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = live.collect();
    }

    /// The live value of a secret.
    pub(super) fn value(&self, name: &SecretName) -> Result<SecretValue, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned().ok_or_else(|| {
            Fault::refused("the ledger holds no live value of it")
                .hint(format!("rotakey adopt {name}"))
        })
    }
}
