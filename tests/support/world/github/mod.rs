//! GitHub: personal tokens that a person makes, deploy keys and Actions secrets of a repository.
//!
//! Sources: github/rest-api-description, API version 2022-11-28; go-github for the two forms of a token's end; November
//! 2026. Not published: how long a revoked token is accepted (`Settings::revoked_token_lag`).

mod deploy_keys;
mod routes;
mod secrets;
mod tokens;

use chrono::{DateTime, Utc};
use crypto_box::SecretKey;
use serde_json::json;

use super::World;
use super::calendar::parse;
use super::message::{Reply, Request};
use super::mint::Mint;
use super::settings::Settings;
use super::state::State;

pub(super) use routes::ROUTES;
pub(crate) use tokens::Token;

use deploy_keys::DeployKey;
use secrets::ActionsSecret;

/// One person with one repository.
pub(super) struct GitHub {
    /// What rotakey itself uses for the repository.
    admin: String,
    pub(super) tokens: Vec<Token>,
    /// When `/credentials/revoke` was called.
    revocations: Vec<DateTime<Utc>>,
    keys: Vec<DeployKey>,
    pub(super) secrets: Vec<ActionsSecret>,
    sealing: SecretKey,
}

impl GitHub {
    pub(super) fn new(mint: &mut Mint, now: DateTime<Utc>) -> Self {
        let admin = mint.named_secret("the GitHub token of rotakey", "ghp_", 36);
        let token = Token {
            value: admin.clone(),
            scopes: vec!["repo".into()],
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        Self {
            admin,
            tokens: vec![token],
            revocations: Vec::new(),
            keys: Vec::new(),
            secrets: Vec::new(),
            sealing: SecretKey::from([7; 32]),
        }
    }

    pub(super) fn find(&self, value: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| token.value == value)
    }

    /// One call with a token, by a client or by a running service. Says whether GitHub lets it in.
    pub(super) fn authenticate(
        &self,
        value: &str,
        now: DateTime<Utc>,
        settings: &Settings,
    ) -> Option<&Token> {
        self.find(value)
            .filter(|token| token.accepted(now, settings))
    }
}

/// Lets in whoever has a live token. Only the revocation is for everybody, and for nobody who says who they are.
pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    if request.path == "/credentials/revoke" {
        return match request.header("authorization") {
            None => Ok(()),
            Some(_) => Err(refuse(403, "This endpoint takes no authentication")),
        };
    }
    let State {
        github,
        now,
        settings,
        ..
    } = state;
    let token = request.bearer().unwrap_or_default();
    let Some(token) = github.authenticate(token, *now, settings) else {
        return Err(refuse(401, "Bad credentials"));
    };
    // What a token may not see is not there.
    match request.path == "/user" || token.scopes.iter().any(|scope| scope == "repo") {
        true => Ok(()),
        false => Err(refuse(404, "Not Found")),
    }
}

pub(super) fn refuse(status: u16, message: &str) -> Reply {
    let body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    });
    Reply::json(status, &body)
}

/// What every reply carries.
pub(super) fn headers(reply: Reply) -> Reply {
    reply
        .with("x-github-media-type", "github.v3; format=json")
        .with("x-ratelimit-limit", "5000")
        .with("x-ratelimit-remaining", "4987")
}

/// What a person does on github.com, and what a test may look at.
impl World {
    /// Generates a classic token with these scopes; it ends by itself then, if said.
    pub(crate) fn github_create(&self, scopes: &[&str], expires_at: Option<&str>) -> Token {
        let mut state = self.state();
        let token = Token {
            value: state.mint.secret("ghp_", 36),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            created_at: state.now,
            expires_at: expires_at.map(parse),
            revoked_at: None,
        };
        state.github.tokens.push(token.clone());
        token
    }

    /// The values of the tokens that live, but for the one rotakey itself uses, oldest first.
    pub(crate) fn github_live(&self) -> Vec<String> {
        let state = self.state();
        let github = &state.github;
        let live = github.tokens.iter().filter(|token| !token.dead(state.now));
        let live = live.map(|token| token.value.clone());
        live.filter(|value| *value != github.admin).collect()
    }

    /// What rotakey itself uses for deploy keys and Actions secrets.
    pub(crate) fn github_token(&self) -> String {
        self.state().github.admin.clone()
    }

    /// Adds a secret of Actions to the repository `acme/web`.
    pub(crate) fn add_actions_secret(&self, name: &str, value: &str) {
        let mut state = self.state();
        state.mint.remember(value);
        let secret = ActionsSecret::new(name, value, state.now);
        state.github.secrets.push(secret);
    }

    /// Adds a deploy key to the repository `acme/web`, by its public half.
    pub(crate) fn add_deploy_key(&self, title: &str, public: &str) {
        let mut guard = self.state();
        let state = &mut *guard;
        let key = DeployKey::new(&state.github.keys, title, public, state.now);
        state.github.keys.push(key);
    }

    /// The ids and public halves of the deploy keys that are there.
    pub(crate) fn deploy_keys(&self) -> Vec<(u64, String)> {
        let state = self.state();
        let keys = state.github.keys.iter().filter(|key| key.is_there());
        keys.map(|key| (key.id, key.public.clone())).collect()
    }
}
