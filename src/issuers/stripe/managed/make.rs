//! Making a key: with which permissions, and what to do with one that nobody can use.

use serde_json::json;

use super::super::jwe::Pair;
use super::super::prefix::{Mode, Type, of_this_account};
use super::super::wire::Listed;
use super::{ALL, Managed, explained};
use crate::issuers::Request;
use crate::model::{Effect, Fault, Fields, Key, KeyId, SecretValue};

/// What a key may do.
struct Permissions {
    here: Vec<String>,
    /// For connected accounts.
    connect: Vec<String>,
}

impl Managed {
    /// The permissions of the next key: as configured, else as the live one has them.
    fn permissions(&self, current: Option<&Key>) -> Result<Permissions, Fault> {
        let said = (&self.config.permissions, &self.config.connect_permissions);
        if let (Some(here), Some(connect)) = said {
            return Ok(Permissions {
                here: here.clone(),
                connect: connect.clone(),
            });
        }
        let live = match current.and_then(|key| key.id.as_ref()) {
            Some(id) => Some(self.one(id)?),
            None => None,
        };
        let of_live = |list: fn(&Listed) -> &Option<Vec<String>>| {
            live.as_ref().and_then(|key| list(key).clone())
        };
        let permissions = said.0.clone().or_else(|| of_live(|key| &key.permissions));
        let connect = said
            .1
            .clone()
            .or_else(|| of_live(|key| &key.connect_permissions));
        match permissions.filter(|permissions| !permissions.is_empty()) {
            Some(here) => Ok(Permissions {
                here,
                connect: connect.unwrap_or_default(),
            }),
            None => Err(Fault::refused("it is not known what the new key may do")
                .hint("say `permissions:`; Stripe does not tell those of the live key")),
        }
    }

    pub(super) fn make(&self, request: &Request<'_>) -> Result<Effect<Key>, Fault> {
        let Permissions { here, connect } = self.permissions(request.current)?;
        let pair = Pair::make()?;
        let mut body = json!({
            "type": "secret_key",
            "name": request.tag.as_str(),
            "note": "made by rotakey",
            "permissions": here,
            "public_key": {"pem_key": {"algorithm": "RSA", "data": pair.pem()?}},
        });
        if !connect.is_empty() {
            body["connect_permissions"] = json!(connect);
        }
        let call = self.dressed(self.api.post(ALL))?;
        let call = call.header("idempotency-key", request.tag.as_str());
        let made = match call
            .json(&body)
            .once()
            .read(|reply| reply.parse::<Listed>())
        {
            Effect::Done(made) => made,
            Effect::NotDone(fault) => return Ok(Effect::NotDone(explained(fault))),
            Effect::Uncertain(fault) => return Ok(Effect::Uncertain(fault)),
        };
        Ok(match self.taken(&made, pair) {
            Ok(value) => Effect::Done(Key {
                id: Some(KeyId::new(made.id)),
                ..Key::of(Fields::single(value))
            }),
            Err(fault) => self.discard(&made.id, fault),
        })
    }

    /// The value of a key that was just made.
    fn taken(&self, made: &Listed, pair: Pair) -> Result<SecretValue, Fault> {
        if made.livemode != (self.config.mode == Mode::Live) {
            return Err(Fault::refused(format!(
                "Stripe made a key that is not of {} mode",
                self.config.mode
            )));
        }
        let value = match (made.sealed(), made.token()) {
            (Some(sealed), _) => pair.open(sealed)?,
            (None, Some(token)) => token.clone(),
            (None, None) => return Err(Fault::refused("the new key came without its secret")),
        };
        of_this_account(value.expose(), self.config.mode, Some(Type::Restricted))?;
        Ok(value)
    }

    /// Expires a key that nobody can use. If that cannot be done, whoever looks for the tag finds it.
    fn discard(&self, id: &str, why: Fault) -> Effect<Key> {
        match self.kill(id) {
            Ok(Effect::Done(())) => Effect::NotDone(why),
            _ => Effect::Uncertain(why),
        }
    }
}
