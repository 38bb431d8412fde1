//! GitHub deploy keys: an SSH key pair for one repository, made here; fully automatic.
//!
//! ```yaml
//! accounts:
//!   github: { token: { env: ROTAKEY_GITHUB_TOKEN } }     # `base_url: https://github.example.com/api/v3` for a server of one's own
//! secrets:
//!   deploy:
//!     every: 90d
//!     issuer:
//!       kind: github-deploy-key
//!       repository: acme/web
//!       read_only: true              # false lets the key push; true unless said
//! ```
//!
//! The token needs to administer the repository: `Administration` (write) of a fine-grained token, `repo` of a classic
//! one.
//!
//! **Fields.** `value` is the private half as OpenSSH writes it (Ed25519, no passphrase, several lines), `public` the
//! public half in one line. The private half never leaves for GitHub.
//!
//! **Overlap: many.** A repository takes any number of deploy keys, and none of them ends another. A key cannot be
//! changed once it is there.
//!
//! **Issue.** The pair is durable in the ledger before GitHub sees its public half, so that asking again with the same
//! one is harmless: GitHub says 422 to a key that is there already, and then the list is asked for it. The title is
//! the tag.
//!
//! **Verify.** The list of the repository's keys is read, and the public half looked for: there and enabled is working,
//! not there is refused. That is what GitHub says of the key, not a login over SSH; a site's own `health:` proves that.
//! A list that cannot be read says nothing: GitHub hides what a token may not see behind the same 404.
//!
//! **Last use.** GitHub tells it (`last_used`) where it knows, and an old key that is used after the promotion is kept.
//!
//! Sources: GitHub's OpenAPI description (github/rest-api-description), API version 2022-11-28; PROTOCOL.key of OpenSSH
//! for the form of the private half; read in November 2026.

mod pair;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::http::{Api, Call, Reply, segment};
use crate::model::{
    Account, AccountShape, Clock, Effect, Fault, FieldName, Fields, Finding, Instant, IssuerKind,
    IssuerStarter, Key, KeyId, SecretValue, Tag, sanitise,
};

use super::github::rest;
use super::{
    Ability, Capabilities, Found, Held, Issuer, Overlap, Request, Seen, ValueBy, Verdict, pages,
};

const PAGE: usize = 100;
const PUBLIC: &str = "public";

/// The account of this kind.
const ACCOUNT: AccountShape = AccountShape {
    kind: "github",
    needs: &["token"],
    takes: &[],
    settings: &[],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "github-deploy-key",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "GitHub deploy key of a repository",
        secret: "deploy-key",
        title: "Deploy key",
        every: "90d",
        keys: ", repository: acme/web, read_only: true",
        variable: "DEPLOY_KEY",
        value: None,
        account: Some("github: { token: { env: ROTAKEY_GITHUB_TOKEN } }"),
        note: "Fully automatic. Only the public half ever leaves for GitHub.",
    },
};

/// The keys of `kind: github-deploy-key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    repository: String,
    #[serde(default = "yes")]
    read_only: bool,
}

fn yes() -> bool {
    true
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(Fields::VALUE), FieldName::new(PUBLIC)]
    }
}

/// A deploy key as GitHub lists it.
#[derive(Deserialize)]
struct Listed {
    id: u64,
    key: String,
    title: String,
    created_at: Option<Instant>,
    last_used: Option<Instant>,
    enabled: Option<bool>,
}

impl Listed {
    fn id(&self) -> KeyId {
        KeyId::new(self.id.to_string())
    }
}

/// The deploy keys of one repository.
pub(super) struct DeployKeys {
    config: Config,
    path: String,
    account: Arc<Account>,
    api: Api,
}

impl DeployKeys {
    pub(super) fn new(
        config: Config,
        account: &Arc<Account>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let parts: Vec<&str> = config.repository.split('/').collect();
        let [owner, name] = parts[..] else {
            return Err(Fault::refused("`repository` is written `owner/name`"));
        };
        let path = format!("/repos/{}/{}/keys", segment(owner), segment(name));
        Ok(Self {
            config,
            path,
            account: Arc::clone(account),
            api: rest::open(account, clock)?,
        })
    }

    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.account.needed("token")?.value()?;
        Ok(rest::dressed(call).bearer(token))
    }

    /// Every deploy key of the repository, and GitHub's clock.
    fn list(&self) -> Result<(Vec<Listed>, Option<Instant>), Fault> {
        let mut date = None;
        let listed = pages::all("deploy keys", |page: Option<usize>| {
            let page = page.unwrap_or(1);
            let call = self.api.get(&self.path).query("per_page", PAGE.to_string());
            let reply = self.dressed(call.query("page", page.to_string()))?.read()?;
            date = reply.date;
            let listed: Vec<Listed> = reply.parse()?;
            let next = (listed.len() >= PAGE).then_some(page + 1);
            Ok((listed, next))
        })?;
        Ok((listed, date))
    }

    /// The key with that public half, as GitHub lists it now.
    fn listed(&self, key: &Key) -> Result<(Option<Listed>, Option<Instant>), Fault> {
        let public = public(key)?;
        let (listed, date) = self.list()?;
        let same = |one: &Listed| pair::is_same(&one.key, public);
        Ok((listed.into_iter().find(same), date))
    }

    fn make(&self, request: &Request<'_>) -> Result<Effect<Key>, Fault> {
        let Some(key) = request.proposal else {
            return Err(Fault::refused("there is no key pair to be added"));
        };
        let body = json!({
            "title": request.tag.as_str(),
            "key": public(key)?,
            "read_only": self.config.read_only,
        });
        let call = self.dressed(self.api.post(&self.path))?;
        let sent = call.json(&body).accept(&[422]).repeatable();
        Ok(match sent {
            // Either it is there already, from a request whose answer was lost, or GitHub does not take it.
            Effect::Done(reply) if reply.status == 422 => match self.listed(key) {
                Ok((Some(listed), _)) => Effect::Done(key.listed_as(listed.id())),
                Ok((None, _)) => Effect::NotDone(Fault::refused("the key was refused (HTTP 422)")),
                Err(fault) => Effect::Uncertain(fault),
            },
            other => other.read(|reply: Reply| Ok(key.listed_as(reply.parse::<Listed>()?.id()))),
        })
    }

    fn remove(&self, key: &Key) -> Result<Effect<()>, Fault> {
        let id = match &key.id {
            Some(id) => id.clone(),
            None => match self.listed(key)?.0 {
                Some(listed) => listed.id(),
                None => return Ok(Effect::Done(())),
            },
        };
        // Gone already is success; whether it is gone shows in the list, for a 404 may also be a missing right.
        let call = self
            .api
            .delete(format!("{}/{}", self.path, segment(id.as_str())));
        Ok(self.dressed(call)?.accept(&[404]).repeatable().map(drop))
    }
}

impl Issuer for DeployKeys {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Rotakey,
            finds: Ability::Yes,
            expires: Ability::No,
            reports_use: Ability::Yes,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("github repository {}", sanitise(&self.config.repository))
    }

    fn check(&self) -> Vec<Finding> {
        // There is no harmless call that needs the right to add a key, so that stays unasked.
        vec![Finding {
            what: format!("list deploy keys of {}", self.place()),
            result: self.list().map(|(keys, _)| format!("{} keys", keys.len())),
        }]
    }

    fn propose(&self, _current: Option<&Key>, _trust: super::Trust) -> Result<Option<Key>, Fault> {
        let (private, public) = pair::make()?;
        let fields = [
            (FieldName::new(Fields::VALUE), private),
            (FieldName::new(PUBLIC), SecretValue::new(public)),
        ];
        Ok(Some(Key::of(fields.into_iter().collect())))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        self.make(request).unwrap_or_else(Effect::NotDone)
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let (listed, _) = self.list()?;
        let tagged = listed.into_iter().filter(|one| one.title == tag.as_str());
        let found = tagged.map(|one| Found {
            key: Key::bare(one.id()),
            created_at: one.created_at,
        });
        Ok(found.collect())
    }

    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        let (listed, _) = self.listed(key)?;
        Ok(listed.map(|one| {
            let id = one.id();
            (id.clone(), key.listed_as(id), one.created_at)
        }))
    }

    fn verify(&self, key: &Key) -> Seen {
        match self.listed(key) {
            Ok((listed, date)) => Seen {
                verdict: match listed {
                    Some(one) if one.enabled != Some(false) => Verdict::Works,
                    Some(_) => Verdict::Unknown(Fault::refused("the key is there and disabled")),
                    None => Verdict::Refused,
                },
                date,
            },
            Err(fault) => Seen::unknown(fault),
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        self.remove(key).unwrap_or_else(Effect::NotDone)
    }

    fn inventory(&self) -> Result<Option<Vec<Held>>, Fault> {
        let held = |key: Listed| Held {
            id: key.id(),
            name: key.title,
            created_at: key.created_at,
            last_used: key.last_used,
        };
        Ok(Some(self.list()?.0.into_iter().map(held).collect()))
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        Ok(self.listed(key)?.0.and_then(|one| one.last_used))
    }
}

fn public(key: &Key) -> Result<&str, Fault> {
    let field = key.fields.field(&FieldName::new(PUBLIC));
    let public = field.ok_or_else(|| Fault::refused("the key has no public half"))?;
    Ok(public.expose())
}

#[cfg(test)]
mod tests;
