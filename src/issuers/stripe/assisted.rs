//! Keys that a person makes and expires in the dashboard.

use crate::http::Api;
use crate::issuers::{Ability, Capabilities, Issuer, Overlap, Request, Seen, ValueBy};
use crate::model::{Effect, Fault, Finding, Hint, Key, Making};

use super::prefix::{self, Type, of_this_account};
use super::{Config, dashboard, look};

/// The API keys of one Stripe account in one mode.
pub(super) struct Assisted {
    config: Config,
    api: Api,
}

impl Assisted {
    pub(super) fn new(config: Config, api: Api) -> Result<Self, Fault> {
        let managed = [
            ("permissions", config.permissions.is_some()),
            ("connect_permissions", config.connect_permissions.is_some()),
            ("api_version", config.api_version.is_some()),
        ];
        match managed.into_iter().find(|(_, said)| *said) {
            Some((key, _)) => Err(Fault::refused(format!(
                "`{key}` is for `api: preview`; in the dashboard a person chooses"
            ))),
            None => Ok(Self { config, api }),
        }
    }
}

impl Issuer for Assisted {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Person,
            finds: Ability::No,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::No,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("stripe {} mode", self.config.mode)
    }

    /// Nothing is asked: rotakey has no credential of its own at Stripe, and tries each key with the key itself.
    fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn instructions(&self) -> Vec<String> {
        let what = match self.config.kind {
            Some(Type::Restricted) => "a restricted key with the permissions of the live one",
            Some(Type::Secret) => "a secret key",
            None => "a key of the same type and permissions as the live one",
        };
        vec![
            format!("open {}", dashboard(self.config.mode)),
            format!("create {what} (do not rotate or expire the live one)"),
        ]
    }

    fn removal(&self, key: &Key) -> Vec<String> {
        let hint = key.fields.primary();
        let hint = hint.map(|value| Hint::of(value, Making::Machine).to_string());
        vec![
            format!("open {}", dashboard(self.config.mode)),
            format!("expire key {} now", hint.unwrap_or_default()),
        ]
    }

    fn take(&self, supplied: Key, current: Option<&Key>) -> Result<Key, Fault> {
        let value = supplied.value()?;
        let live = current.and_then(|key| key.fields.primary());
        let live = live.and_then(|live| prefix::parse(live.expose()).ok());
        let wanted = self.config.kind.or(live.map(|(_, kind)| kind));
        of_this_account(value.expose(), self.config.mode, wanted)?;
        Ok(supplied)
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let Some(key) = request.proposal else {
            return Effect::NotDone(
                Fault::refused("only a person can make this key").hint(dashboard(self.config.mode)),
            );
        };
        match self.take(key.clone(), request.current) {
            Ok(key) => Effect::Done(key),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn verify(&self, key: &Key) -> Seen {
        look(&self.api, key)
    }

    fn revoke(&self, _key: &Key) -> Effect<()> {
        Effect::NotDone(
            Fault::refused("only a person can expire a key of Stripe")
                .hint(dashboard(self.config.mode)),
        )
    }
}
