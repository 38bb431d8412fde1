//! Making keys: which service account a new one goes to, with which scopes, and what to do where OpenAI's older
//! behaviour is still live. Every create here is sent once.

use serde_json::json;

use super::wire::{MadeAccount, ProjectKey, ServiceAccount};
use super::{OWNER, OpenAi, key};
use crate::issuers::Request;
use crate::model::{Effect, Fault, FaultKind, Key, KeyId, Tag};

impl OpenAi {
    /// The id of the service account that the configuration names.
    pub(super) fn configured(&self) -> Result<Option<String>, Fault> {
        let Some(wanted) = &self.config.service_account else {
            return Ok(None);
        };
        let all: Vec<ServiceAccount> = self.list("service_accounts")?;
        let mut fit = all
            .into_iter()
            .filter(|account| account.id == *wanted || account.name == *wanted);
        match (fit.next(), fit.next()) {
            (Some(account), None) => Ok(Some(account.id)),
            (None, _) => Err(Fault::missing("the project has no such `service_account`")),
            (Some(_), Some(_)) => Err(Fault::refused("two service accounts have this name")
                .hint("say the id instead, as OpenAI lists it")),
        }
    }

    /// The service account a new key goes to; `None` where one has to be made.
    fn home(&self, current: Option<&Key>) -> Result<Option<String>, Fault> {
        if let Some(configured) = self.configured()? {
            return Ok(Some(configured));
        }
        let Some(owner) = current.and_then(|key| key.notes.get(OWNER)) else {
            return Ok(None);
        };
        match self.look(&["service_accounts", owner]) {
            Ok(_) => Ok(Some(owner.clone())),
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The scopes of the new key: as configured, else as the live one has them. `None` asks for none in particular.
    fn scopes(&self, current: Option<&Key>) -> Result<Option<Vec<String>>, Fault> {
        if self.config.scopes.is_some() {
            return Ok(self.config.scopes.clone());
        }
        let Some(id) = current.and_then(|key| key.id.as_ref()) else {
            return Ok(None);
        };
        match self.look(&["api_keys", id.as_str()]) {
            Ok(reply) => {
                let scopes = reply.parse::<ProjectKey>()?.scopes;
                Ok(scopes.filter(|scopes| !scopes.is_empty()))
            }
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Adds a key to an account. `Done(None)` where OpenAI knows no such call.
    fn add_key(
        &self,
        account: &str,
        tag: &Tag,
        scopes: Option<&[String]>,
    ) -> Result<Effect<Option<Key>>, Fault> {
        let mut body = json!({"name": tag.as_str()});
        if let Some(scopes) = scopes {
            body["scopes"] = json!(scopes);
        }
        let call = self.change(&["service_accounts", account, "api_keys"], &body)?;
        let reply = call.accept(&[404, 405]).once();
        Ok(reply.read(|reply| match reply.status {
            404 | 405 => Ok(None),
            _ => Ok(Some(key(reply.parse()?, account))),
        }))
    }

    /// Makes an account that bears the tag, with its first key.
    fn add_account(&self, tag: &Tag, scopes: Option<&[String]>) -> Result<Effect<Key>, Fault> {
        let call = self.change(&["service_accounts"], &json!({"name": tag.as_str()}))?;
        let made = call.once().read(|reply| {
            let MadeAccount { id, api_key } = reply.parse()?;
            let api_key =
                api_key.ok_or_else(|| Fault::refused("the account came without a key"))?;
            Ok(key(api_key, &id))
        });
        Ok(match (made, scopes) {
            // From here on there is a key, so nothing that goes wrong is "not done" by itself.
            (Effect::Done(made), Some(scopes)) => {
                self.narrow(made, scopes).unwrap_or_else(Effect::Uncertain)
            }
            (made, _) => made,
        })
    }

    /// Takes the scopes away that a first key comes with. If that cannot be done, there is no key.
    fn narrow(&self, made: Key, scopes: &[String]) -> Result<Effect<Key>, Fault> {
        let id = made.id.as_ref().map_or("", KeyId::as_str);
        let call = self.change(&["api_keys", id], &json!({"scopes": scopes}))?;
        let fault = match call.repeatable() {
            Effect::Done(_) => return Ok(Effect::Done(made)),
            Effect::Uncertain(fault) => return Ok(Effect::Uncertain(fault)),
            Effect::NotDone(fault) => fault,
        };
        let fault = fault.at("the new key cannot be given its scopes");
        let owner = made.notes.get(OWNER).map_or("", String::as_str);
        Ok(
            match self.remove(&["service_accounts", owner])?.repeatable() {
                Effect::Done(_) => Effect::NotDone(fault),
                // The key exists and nobody will use it: whoever looks for the tag finds it.
                Effect::NotDone(_) | Effect::Uncertain(_) => Effect::Uncertain(fault),
            },
        )
    }

    pub(super) fn make(&self, request: &Request<'_>) -> Result<Effect<Key>, Fault> {
        let scopes = self.scopes(request.current)?;
        let scopes = scopes.as_deref();
        let Some(home) = self.home(request.current)? else {
            return self.add_account(request.tag, scopes);
        };
        Ok(match self.add_key(&home, request.tag, scopes)? {
            Effect::Done(Some(key)) => Effect::Done(key),
            Effect::Done(None) => self.add_account(request.tag, scopes)?,
            Effect::NotDone(fault) => Effect::NotDone(fault),
            Effect::Uncertain(fault) => Effect::Uncertain(fault),
        })
    }
}
