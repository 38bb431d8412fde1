//! OpenAI: API keys of a project, owned by a service account.
//!
//! ```yaml
//! accounts:
//!   openai: { admin_key: { env: OPENAI_ADMIN_KEY } }         # sk-admin-…, scopes api.management.read and .write
//! secrets:
//!   openai:
//!     every: 30d
//!     issuer:
//!       kind: openai
//!       project: proj_123
//!       service_account: production                # name or id; unless said, the one that owns the live key
//!       scopes: [api.model.read]                   # unless said, those of the live key where OpenAI tells them
//!       verify_path: /models                       # a GET that a key with these scopes may do
//! ```
//!
//! `base_url` of the account is written as OpenAI's own clients take it, with `/v1`.
//!
//! **Overlap: many.** A service account may have any number of keys (no limit is published), and the old one works until
//! it is deleted or expires. A key is shown once.
//!
//! **Issue.** The new key is added to the service account that owns the live one, and its name is the tag. Where there
//! is no such account yet, one is created that bears the tag as its name; it comes with its first key, is the home of
//! the later ones, and stays when it is empty. OpenAI takes no idempotency key, so a create is sent once and never
//! repeated: a lost reply is settled by [`find`](Issuer::find), which looks for the tag in the names of keys and of
//! service accounts. Of the keys of such an account only the one that came with it counts: one that a person added later
//! is never taken for rotakey's own.
//!
//! **Two published behaviours.** Up to its OpenAPI file of 2026-08-21 a key of a service account could not be deleted
//! alone (HTTP 400) and got no siblings; since its SDK 7.57.0 of 2026-11-13 both work. The newer one is tried first:
//!
//! | call | where it does not exist |
//! | --- | --- |
//! | add a key to an account (404, 405) | a new service account for every version |
//! | delete a key (400) | its service account is deleted, if the project lists no other key of it |
//! | change a key (404) | no expiry; and a key with narrow scopes is not issued at all, rather than with all scopes |
//!
//! **Scopes.** OpenAI does not publish that a listed key tells its scopes; if it does, they are carried over. Where it
//! does not, the new key may do whatever its service account may: say `scopes:` for a restricted key. An empty list
//! would mean *all* scopes to OpenAI and is refused.
//!
//! **Verify.** `GET /models` with the key: 200 works, 401 refused, 403 for a missing scope is a genuine key that may not
//! list models. A new key may be refused for a moment, a deleted one accepted for a moment; how long is not published.
//!
//! **Expiry.** At the promotion the old key gets an end of its own at the end of the grace, so that it dies even if
//! rotakey never runs again. A repeat counts from the repeat.
//!
//! Sources: openai/openai-openapi `f85dbe22` (2026-08-21) and the npm package `openai` 7.57.0 (2026-11-13), read on
//! 2026-11-23. From third parties only: the wording of 401 and 403 bodies, and that `error` is a bare string at
//! administration endpoints.

mod calls;
mod kill;
mod make;
mod search;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::http::{Api, Endpoint, Reply};
use crate::model::{
    Account, AccountShape, Clock, Effect, Fault, FieldName, Fields, Finding, Instant, IssuerKind,
    IssuerStarter, Key, KeyId, SecretValue, Tag, when,
};

use super::{Ability, Capabilities, Found, Held, Issuer, Overlap, Request, Seen, ValueBy, Verdict};
use wire::{MadeKey, Project, instant};

const BASE: &str = "https://api.openai.com/v1";
/// OpenAI publishes no limit for administration calls; a run makes a handful.
const IN_FLIGHT: usize = 4;
/// The longest life a key can be given, a year.
const LONGEST_LIFE: i64 = 31_536_000;

/// The note that names the service account of a key.
const OWNER: &str = "service_account";

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "openai",
    needs: &["admin_key"],
    takes: &[],
    settings: &[],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "openai",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "OpenAI API key",
        secret: "openai",
        title: "OpenAI API",
        every: "30d",
        keys: ", project: proj_123",
        variable: "OPENAI_API_KEY",
        value: None,
        account: Some(
            "openai: { admin_key: { env: OPENAI_ADMIN_KEY } }    # platform.openai.com, Settings, Admin keys",
        ),
        note: "Fully automatic. The project is in its settings at platform.openai.com.",
    },
};

/// The keys of `kind: openai`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    project: String,
    service_account: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(default = "models")]
    verify_path: String,
}

fn models() -> String {
    "/models".to_owned()
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(Fields::VALUE)]
    }
}

/// The keys of one project.
pub(super) struct OpenAi {
    config: Config,
    account: Arc<Account>,
    api: Api,
}

impl OpenAi {
    pub(super) fn new(
        config: Config,
        account: &Arc<Account>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        if config.scopes.as_ref().is_some_and(Vec::is_empty) {
            return Err(Fault::refused("an empty list of `scopes` would mean all")
                .hint("name the scopes, or remove the key"));
        }
        if !config.verify_path.starts_with('/') {
            return Err(Fault::refused("`verify_path` starts with `/`"));
        }
        let endpoint = Endpoint {
            base: account.base_url().unwrap_or(BASE).to_owned(),
            name: "openai".to_owned(),
            in_flight: IN_FLIGHT,
        };
        Ok(Self {
            config,
            account: Arc::clone(account),
            api: Api::new(endpoint, Arc::clone(clock))?,
        })
    }
}

impl Issuer for OpenAi {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Issuer,
            finds: Ability::Yes,
            expires: Ability::Yes,
            reports_use: Ability::Yes,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("openai project {}", self.config.project)
    }

    fn check(&self) -> Vec<Finding> {
        let project = self.look(&[]).and_then(|reply| {
            let project: Project = reply.parse()?;
            match project.status.as_deref() {
                Some("archived") => Err(Fault::refused("the project is archived")),
                _ => Ok(String::new()),
            }
        });
        let keys = self
            .keys()
            .map(|keys| when::counted(keys.len() as i64, "key"));
        // There is no harmless call that needs the right to write, so that stays unasked.
        let home = self.config.service_account.as_ref().map(|_| Finding {
            what: "find the service account".to_owned(),
            result: self.configured().map(|_| String::new()),
        });
        let place = self.place();
        let asked = [
            Finding {
                what: format!("read {place}"),
                result: project,
            },
            Finding {
                what: format!("list keys of {place}"),
                result: keys,
            },
        ];
        asked.into_iter().chain(home).collect()
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.make(request).unwrap_or_else(Effect::NotDone)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        self.tagged(tag)
    }

    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        self.fitting(key)
    }

    fn verify(&self, key: &Key) -> Seen {
        match self.try_out(key) {
            Ok(reply) => Seen {
                verdict: verdict(&reply),
                date: reply.date,
            },
            Err(fault) => Seen::unknown(fault),
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.kill(key).unwrap_or_else(Effect::NotDone)
    }

    fn expire(&self, key: &Key, after: chrono::TimeDelta) -> Effect<()> {
        let id = match key.known_id() {
            Ok(id) => id,
            Err(fault) => return Effect::NotDone(fault),
        };
        // A life of no time would be a delete without its guards.
        let seconds = after.num_seconds().min(LONGEST_LIFE);
        if seconds < 1 {
            return Effect::NotDone(Fault::refused("an expiry lies in the future"));
        }
        let body = json!({"expires_in_seconds": seconds});
        match self.change(&["api_keys", id.as_str()], &body) {
            Ok(call) => call.repeatable().map(drop),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn inventory(&self) -> Result<Option<Vec<Held>>, Fault> {
        let held = |key: wire::ProjectKey| Held {
            created_at: key.created_at.and_then(instant),
            last_used: key.last_used_at.and_then(instant),
            name: key.name.unwrap_or_default(),
            id: KeyId::new(key.id),
        };
        Ok(Some(self.keys()?.into_iter().map(held).collect()))
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        let id = key.known_id()?;
        let listed: wire::ProjectKey = self.look(&["api_keys", id.as_str()])?.parse()?;
        Ok(listed.last_used_at.and_then(instant))
    }
}

fn notes(owner: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(OWNER.to_owned(), owner.to_owned())])
}

fn key(made: MadeKey, owner: &str) -> Key {
    Key {
        id: Some(KeyId::new(made.id)),
        fields: Fields::single(SecretValue::new(made.value)),
        notes: notes(owner),
    }
}

fn verdict(reply: &Reply) -> Verdict {
    match reply.status {
        401 => Verdict::Refused,
        403 if reply.json().is_ok_and(|body| calls::misses_scope(&body)) => Verdict::Denied,
        // A country, an address or an organisation that is shut out says nothing of the key.
        403 => Verdict::Unknown(Fault::refused("the call is not permitted (HTTP 403)")),
        _ => Verdict::Works,
    }
}

#[cfg(test)]
mod tests;
