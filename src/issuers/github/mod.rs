//! GitHub: personal access tokens, assisted: a person makes them, rotakey does the rest and revokes them.
//!
//! ```yaml
//! accounts:
//!   github: { base_url: "https://github.example.com/api/v3" }     # GitHub Enterprise Server; else it may be left out
//! secrets:
//!   github:
//!     every: 180d
//!     issuer:
//!       kind: github
//!       accept_scopes: false        # true lets a token in that may do less or more than the live one
//! ```
//!
//! **Why a person.** No REST path creates or regenerates a personal token, classic or fine-grained.
//!
//! **What is looked at before a token is recorded.** The new token makes one call (`GET /user`). It must work; it must
//! be of the same kind as the live one (`ghp_` classic, `github_pat_` fine-grained); and a classic one must have the
//! same scopes, which GitHub tells with every answer (`x-oauth-scopes`). It is refused if it lacks one, because a
//! service would break, and if it has more, because rights would creep in. `accept_scopes: true` accepts the change.
//! The permissions of fine-grained tokens are told by nothing and cannot be compared.
//!
//! **Expiry.** GitHub tells it with every answer (`github-authentication-token-expiration`). It is noted on the
//! version, and the rotation is due early enough before it, whatever `every:` says. GitHub also revokes a token that
//! nobody used for a year.
//!
//! **Overlap: many.** The old token works until it is revoked or expires. Have a new one made: "regenerate" ends the
//! old one at once.
//!
//! **Verify.** `GET /user`: 200 works, 401 refused.
//!
//! **Revoke.** `POST /credentials/revoke` ends any personal token one holds. It is sent without authentication,
//! because an authenticated call is refused; GitHub takes 60 of them an hour from one address, sends the owner a mail,
//! and cannot take it back. Accepted (202) is not dead: the old token is called with until it is refused. GitHub
//! publishes no delay. Where a server does not have the call, a person deletes the token.
//!
//! Sources: GitHub's OpenAPI description (github/rest-api-description), API version 2022-11-28; go-github for the two
//! forms of the expiry; cli/cli#2531 on the missing call; read in November 2026.

mod expiry;
pub(super) mod rest;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::http::{Api, Reply};
use crate::model::{
    Account, AccountShape, Clock, Effect, Fault, FaultKind, FieldName, Fields, Finding, IssuerKind,
    IssuerStarter, Key, SecretValue,
};

use super::{Ability, Capabilities, Issuer, Overlap, Request, Seen, ValueBy, Verdict};
use rest::dressed;
use token::{Told, noted, sort, told};

/// The account of this kind. Its `token` is for others who share the account: a personal token is tried with itself.
const ACCOUNT: AccountShape = AccountShape {
    kind: "github",
    needs: &[],
    takes: &["token"],
    settings: &[],
};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "github",
    account: Some(&ACCOUNT),
    starter: IssuerStarter {
        about: "GitHub personal token (a person makes it, rotakey does the rest)",
        secret: "github",
        title: "GitHub token",
        every: "180d",
        keys: "",
        variable: "GH_TOKEN",
        value: None,
        account: None,
        note: "GitHub has no call that makes a personal token, but one that revokes it: `rotakey rotate github` takes the new one.",
    },
};

/// The keys of `kind: github`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    accept_scopes: bool,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        vec![FieldName::new(Fields::VALUE)]
    }
}

/// Personal tokens at GitHub or at a GitHub Enterprise Server.
pub(super) struct GitHub {
    config: Config,
    api: Api,
    /// Where people go: `https://github.com`.
    site: String,
}

impl GitHub {
    pub(super) fn new(
        config: Config,
        account: &Account,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let site = match account.base_url().unwrap_or(rest::BASE) {
            rest::BASE => "https://github.com".to_owned(),
            own => own.strip_suffix("/api/v3").unwrap_or(own).to_owned(),
        };
        Ok(Self {
            config,
            api: rest::open(account, clock)?,
            site,
        })
    }

    fn look(&self, token: &SecretValue) -> Result<Reply, Fault> {
        let call = dressed(self.api.get("/user")).bearer(token);
        call.accept(&[401]).read()
    }

    /// Refuses a token that may do less or more than the live one.
    fn compare(&self, new: &Told, value: &SecretValue, current: &Key) -> Result<(), Fault> {
        let Some(live) = current.fields.primary() else {
            return Ok(());
        };
        if self.config.accept_scopes {
            return Ok(());
        }
        if sort(live).is_ok_and(|sort_of_live| Ok(sort_of_live) != sort(value)) {
            return Err(Fault::refused(
                "the live token is of the other kind, classic or fine-grained, and their rights cannot be compared",
            )
            .hint("make a token of the same kind, or say `accept_scopes: true` if the change is meant"));
        }
        let reply = self.look(live)?;
        let old = match reply.status {
            401 => noted(current),
            _ => told(&reply).scopes,
        };
        let list = |scopes: BTreeSet<&String>| {
            let scopes: Vec<String> = scopes.into_iter().map(|one| format!("`{one}`")).collect();
            scopes.join(", ")
        };
        let lost = list(old.difference(&new.scopes).collect());
        let gained = list(new.scopes.difference(&old).collect());
        let what = match (lost.is_empty(), gained.is_empty()) {
            (true, true) => return Ok(()),
            (false, _) => format!("the new token lacks {lost}, which the live one has"),
            (true, false) => format!("the new token has {gained}, which the live one has not"),
        };
        Err(Fault::refused(what)
            .hint("make a token with the same scopes, or say `accept_scopes: true` if the change is meant"))
    }
}

impl Issuer for GitHub {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: ValueBy::Person,
            finds: Ability::No,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::Yes,
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        host(&self.site).to_owned()
    }

    /// Nothing is asked: each token is tried with itself, and revoking takes no credential.
    fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn instructions(&self) -> Vec<String> {
        vec![
            format!("open {}/settings/tokens (classic) or {0}/settings/personal-access-tokens (fine-grained)", self.site),
            "generate a new token with the same owner and rights as the live one (do not regenerate or delete that one)".to_owned(),
        ]
    }

    fn take(&self, supplied: Key, current: Option<&Key>) -> Result<Key, Fault> {
        let value = supplied.value()?;
        sort(value)?;
        let reply = self.look(value)?;
        if reply.status == 401 {
            return Err(
                Fault::refused(format!("{} refuses this token", host(&self.site)))
                    .hint("copy the whole token; it is shown once"),
            );
        }
        let new = told(&reply);
        if let Some(current) = current {
            self.compare(&new, value, current)?;
        }
        let mut notes = BTreeMap::new();
        if !new.scopes.is_empty() {
            let scopes: Vec<String> = new.scopes.into_iter().collect();
            notes.insert(token::SCOPES.to_owned(), scopes.join(","));
        }
        if let Some(end) = new.expires_at {
            notes.insert(Key::EXPIRES_AT.to_owned(), end.to_rfc3339());
        }
        Ok(Key { notes, ..supplied })
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        match request.proposal {
            Some(key) => Effect::Done(key.clone()),
            None => Effect::NotDone(Fault::refused("only a person can make this token")),
        }
    }

    fn verify(&self, key: &Key) -> Seen {
        match key.value().and_then(|value| self.look(value)) {
            Ok(reply) => Seen {
                verdict: match reply.status {
                    401 => Verdict::Refused,
                    _ => Verdict::Works,
                },
                date: reply.date,
            },
            Err(fault) => Seen::unknown(fault),
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        let value = match key.value() {
            Ok(value) => value,
            Err(fault) => return Effect::NotDone(fault),
        };
        let body = json!({"credentials": [value.expose()]});
        let call = dressed(self.api.post("/credentials/revoke"));
        match call.json(&body).repeatable() {
            Effect::NotDone(fault) if fault.kind != FaultKind::Passing => Effect::NotDone(
                fault.hint(format!("delete the token at {}/settings/tokens", self.site)),
            ),
            other => other.map(drop),
        }
    }
}

fn host(site: &str) -> &str {
    site.split_once("://").map_or(site, |(_, host)| host)
}

#[cfg(test)]
mod tests;
