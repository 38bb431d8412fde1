//! GitHub Actions: a secret of a repository, of one of its environments, or of an organisation.
//!
//! ```yaml
//! accounts:
//!   github: { token: { env: GITHUB_TOKEN } }     # `base_url: https://github.example.com/api/v3` for a server of one's own
//! targets:
//!   - { kind: github-actions, repository: acme/web, secret: OPENAI_API_KEY }
//!   - { kind: github-actions, repository: acme/web, environment: production, secret: OPENAI_API_KEY }
//!   - { kind: github-actions, organization: acme, secret: OPENAI_API_KEY }
//! ```
//!
//! The token needs to write secrets: `Secrets`, `Environments` or `Organization secrets` of a fine-grained token, `repo`
//! or `admin:org` of a classic one. The secret must be there unless `create: true` says otherwise; a new secret of an
//! organisation is seen by its private repositories, which is GitHub's narrowest choice without a list.
//!
//! **Never readable.** GitHub shows when a secret was last changed (to the second) and nothing else: that moment is how
//! a write is recognised later, and what it held before is known only if it was the live version.
//!
//! **Write.** The value is sealed to the public key of the place (libsodium's sealed box: X25519, XSalsa20-Poly1305), so
//! that not even a proxy that ends TLS can read it. A secret of an organisation keeps who may see it: GitHub changes
//! that with every write, so it is read first and sent along, with every selected repository.
//!
//! **Activation.** The next workflow run takes the new value; there is nothing to redeploy. A run that is under way
//! keeps the old one, for up to six hours on GitHub's machines and up to five days on one's own: let the grace be
//! longer. Values that a workflow deploys elsewhere are not seen from here.
//!
//! Sources: GitHub's OpenAPI description (github/rest-api-description), API version 2022-11-28, and
//! docs.github.com/rest/guides/encrypting-secrets-for-the-rest-api; read in November 2026.

mod place;
mod wire;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Connections, Marker, Pass, Site, Stored, Target, Written};
use crate::http::{Api, Call, Reply};
use crate::model::{
    Account as Settings, AccountShape, Effect, Fault, Finding, SecretValue, SiteId, TargetKind,
    TargetStarter,
};
use place::{Place, Scope};
use wire::{Repositories, SealingKey, Shown};

const BASE: &str = "https://api.github.com";
const VERSION: &str = "2022-11-28";
/// GitHub asks for at most 100 at once and prefers calls one after the other; changes cost five times a read.
const IN_FLIGHT: usize = 4;
/// What GitHub takes: 48 KB.
const LONGEST_VALUE: usize = 48 * 1024;
const PAGE: usize = 100;
const MOST_PAGES: usize = 1_000;

/// The account of this kind.
pub(super) const ACCOUNT: AccountShape = AccountShape {
    kind: "github",
    needs: &["token"],
    takes: &[],
    settings: &[],
};

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "github-actions",
    account: Some(&ACCOUNT),
    address: &["repository?", "environment?", "organization?", "secret"],
    starter: TargetStarter {
        about: "a secret of GitHub Actions",
        keys: ", repository: acme/web, secret: VARIABLE",
        account: Some("github: { token: { env: ROTAKEY_GITHUB_TOKEN } }"),
    },
};

/// The keys of `kind: github-actions`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    repository: Option<String>,
    environment: Option<String>,
    organization: Option<String>,
    secret: String,
    #[serde(default)]
    create: bool,
}

/// One secret of GitHub Actions.
struct GitHubActions {
    place: Place,
    create: bool,
    settings: Arc<Settings>,
    api: Api,
}

/// Opens the target.
pub(super) fn build(
    config: Config,
    settings: &Arc<Settings>,
    connections: &Connections,
) -> Result<Arc<dyn Target>, Fault> {
    let create = config.create;
    let base = settings.base_url().unwrap_or(BASE);
    Ok(Arc::new(GitHubActions {
        place: Place::of(config)?,
        create,
        settings: Arc::clone(settings),
        api: connections.api(settings, base, IN_FLIGHT)?,
    }))
}

impl GitHubActions {
    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        let token = self.settings.needed("token")?.value()?;
        Ok(call
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", VERSION)
            .bearer(token))
    }

    fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    /// What GitHub shows of the secret: never its value. `None` where there is none.
    fn shown(&self) -> Result<Option<Shown>, Fault> {
        let reply = self.read(self.api.get(self.place.secret()).accept(&[404]))?;
        match reply.status {
            404 => Ok(None),
            _ => reply.parse().map(Some),
        }
    }

    /// The secret, or why there is none to be written.
    fn existing(&self) -> Result<Option<Shown>, Fault> {
        match self.shown()? {
            None if !self.create => Err(Fault::missing(
                "there is no such secret, or the token may not see it",
            )
            .hint("add it once by hand, give the token the right to it, or say `create: true`")),
            shown => Ok(shown),
        }
    }

    fn sealing_key(&self) -> Result<SealingKey, Fault> {
        let reply = self.read(self.api.get(self.place.public_key()));
        reply
            .and_then(|reply| reply.parse())
            .map_err(|fault| fault.at("read the public key"))
    }

    /// Who may see a secret of an organisation, to be sent along unchanged.
    fn audience(&self, shown: Option<&Shown>) -> Result<Value, Fault> {
        let visibility = shown.and_then(|shown| shown.visibility.as_deref());
        match visibility {
            None => Ok(json!({"visibility": "private"})),
            Some("selected") => Ok(json!({
                "visibility": "selected",
                "selected_repository_ids": self.selected()?,
            })),
            Some(other) => Ok(json!({"visibility": other})),
        }
    }

    fn selected(&self) -> Result<Vec<u64>, Fault> {
        let mut ids = Vec::new();
        for page in 1..=MOST_PAGES {
            let call = self
                .api
                .get(format!("{}/repositories", self.place.secret()))
                .query("per_page", PAGE.to_string())
                .query("page", page.to_string());
            let listed: Repositories = self.read(call)?.parse()?;
            let full = listed.repositories.len() >= PAGE;
            ids.extend(listed.repositories.iter().map(|repository| repository.id));
            if !full {
                // A list that lost one of its entries on the way would take the secret away from a repository.
                return match ids.len() == listed.total_count {
                    true => Ok(ids),
                    false => Err(Fault::passing(
                        "the list of selected repositories is not whole",
                    )),
                };
            }
        }
        Err(Fault::refused(
            "the list of selected repositories does not end",
        ))
    }

    fn put(&self, value: &SecretValue) -> Result<Effect<Reply>, Fault> {
        if value.expose().len() > LONGEST_VALUE {
            return Err(Fault::refused(
                "the value is longer than the 48 KB that GitHub takes",
            ));
        }
        let key = self.sealing_key()?;
        let mut body = match self.place.scope {
            Scope::Organization => self.audience(self.existing()?.as_ref())?,
            Scope::Repository | Scope::Environment => json!({}),
        };
        body["encrypted_value"] = json!(sealed(&key.key, value)?);
        body["key_id"] = json!(key.key_id);
        let call = self.dressed(self.api.put(self.place.secret()))?.json(&body);
        Ok(call.repeatable())
    }

    fn site_id(&self) -> SiteId {
        SiteId::new(format!(
            "github-actions/{}{}",
            self.settings.name(),
            self.place.secret()
        ))
    }
}

impl Target for GitHubActions {
    fn label(&self) -> String {
        format!("github-actions/{}", self.place.label)
    }

    fn spoken(&self) -> String {
        "GitHub Actions secrets".to_owned()
    }

    fn check(&self) -> Vec<Finding> {
        let label = self.label();
        // Whoever may read the public key may see the secrets; whether they may be written shows only in a write.
        vec![
            Finding {
                what: format!("{label}: see {}", self.place.name),
                result: self.existing().map(|_| String::new()),
            },
            Finding {
                what: format!("{label}: read the public key"),
                result: self.sealing_key().map(|_| String::new()),
            },
        ]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let shown = self.existing().map_err(|fault| fault.at(self.label()))?;
        Ok(vec![Site {
            id: self.site_id(),
            label: format!("{} {}", self.label(), self.place.name),
            services: Vec::new(),
            stored: shown.map_or(Stored::Absent, |shown| {
                Stored::Opaque(Marker(shown.updated_at))
            }),
        }])
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        if site.id != self.site_id() {
            return Effect::NotDone(Fault::refused("this is not the place of this target"));
        }
        let sent = self.put(value).unwrap_or_else(Effect::NotDone);
        sent.read(|_| {
            let shown = self.shown()?;
            let shown =
                shown.ok_or_else(|| Fault::passing("the secret is not there after the write"))?;
            Ok(Written {
                at: shown.updated_at.parse().ok(),
                marker: Some(Marker(shown.updated_at)),
            })
        })
    }
}

/// A sealed box that only GitHub can open, in base64.
fn sealed(key: &str, value: &SecretValue) -> Result<String, Fault> {
    let odd = || Fault::passing("the public key cannot be understood");
    let bytes = STANDARD.decode(key).map_err(|_| odd())?;
    let key = PublicKey::from_slice(&bytes).map_err(|_| odd())?;
    let sealed = key.seal(&mut OsRng, value.expose().as_bytes());
    let sealed = sealed.map_err(|_| Fault::refused("the value cannot be sealed"))?;
    Ok(STANDARD.encode(sealed))
}

#[cfg(test)]
mod tests;
