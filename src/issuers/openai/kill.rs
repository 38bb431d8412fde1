//! Killing keys: alone where OpenAI lets us, else together with a service account that has no other.

use super::{OWNER, OpenAi};
use crate::model::{Effect, Fault, FaultKind, Key, KeyId};

impl OpenAi {
    pub(super) fn kill(&self, key: &Key) -> Result<Effect<()>, Fault> {
        let owner = key.notes.get(OWNER).map(String::as_str);
        let Some(id) = key.id.as_ref().map(KeyId::as_str) else {
            return match owner {
                Some(owner) => self.kill_account(owner, None),
                None => Err(Fault::refused("the public id of this key is not known")
                    .hint("delete it at platform.openai.com and run the same command again: it looks whether the key is refused")),
            };
        };
        match self
            .remove(&["api_keys", id])?
            .accept(&[400, 404])
            .repeatable()
        {
            Effect::Done(reply) => match (reply.status, owner) {
                (400, Some(owner)) => self.kill_account(owner, Some(id)),
                (400, None) => Ok(Effect::NotDone(Fault::refused(
                    "this key cannot be deleted alone (HTTP 400)",
                ))),
                (404, _) => self.gone(id),
                _ => Ok(Effect::Done(())),
            },
            Effect::NotDone(fault) => Ok(Effect::NotDone(fault)),
            Effect::Uncertain(fault) => Ok(Effect::Uncertain(fault)),
        }
    }

    /// A key that is not found is dead only if the project, asked again, does not list it either: a project that the
    /// admin key cannot see answers the same.
    fn gone(&self, id: &str) -> Result<Effect<()>, Fault> {
        let listed = self.keys()?.iter().any(|key| key.id == id);
        Ok(match listed {
            false => Effect::Done(()),
            true => Effect::NotDone(Fault::passing("is listed, but not found (HTTP 404)")),
        })
    }

    /// Deletes an account, and with it all its keys: only if it has no other, and is not the one that was configured.
    fn kill_account(&self, owner: &str, only: Option<&str>) -> Result<Effect<()>, Fault> {
        let others = self.keys_of(owner)?;
        let shared = others.iter().any(|key| Some(key.id.as_str()) != only);
        let configured = match self.configured() {
            Err(fault) if fault.kind == FaultKind::Missing => None,
            configured => configured?,
        };
        if shared || configured.as_deref() == Some(owner) {
            let fault = Fault::refused("this key cannot be deleted alone (HTTP 400)");
            return Ok(Effect::NotDone(fault.hint(
                "delete it at platform.openai.com; its service account is used otherwise",
            )));
        }
        let call = self.remove(&["service_accounts", owner])?;
        Ok(match call.accept(&[404]).repeatable() {
            Effect::Done(reply) => match (reply.status, only) {
                (404, Some(id)) => self.gone(id)?,
                _ => Effect::Done(()),
            },
            Effect::NotDone(fault) => Effect::NotDone(fault),
            Effect::Uncertain(fault) => Effect::Uncertain(fault),
        })
    }
}
