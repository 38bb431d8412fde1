//! Issuers: who makes and kills versions. The contract every kind keeps, and the one place that builds them.

mod answers;
mod capabilities;
mod command;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
mod database;
mod generated;
mod github;
mod github_deploy_key;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "mysql", feature = "redis"))]
mod one_user;
mod openai;
mod pages;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod patience;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod shown;
mod stripe;
mod stripe_webhook;

use std::sync::Arc;

use serde::Deserialize;

use crate::model::{
    Account, Clock, Effect, Fault, FieldName, Finding, Instant, IssuerKind, Key, KeyId, SecretName,
    Tag,
};

pub use answers::{Found, Held, Seen, Verdict};
pub use capabilities::{Ability, Capabilities, Overlap, Trust, ValueBy};

/// Every kind of issuer.
pub const KINDS: &[IssuerKind] = &[
    openai::KIND,
    stripe::KIND,
    stripe_webhook::KIND,
    github::KIND,
    github_deploy_key::KIND,
    generated::KIND,
    command::KIND,
    #[cfg(feature = "postgres")]
    postgres::KIND,
    #[cfg(feature = "redis")]
    redis::KIND,
    #[cfg(feature = "mysql")]
    mysql::KIND,
];

/// The keys of one issuer in `rotations.yaml`, by its kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerConfig {
    /// Keys of an OpenAI project.
    Openai(openai::Config),
    /// API keys of Stripe, which a person makes, or Stripe in its private preview.
    Stripe(stripe::Config),
    /// Signing secrets of a webhook endpoint at Stripe.
    StripeWebhook(stripe_webhook::Config),
    /// Personal tokens of GitHub, which a person makes.
    Github(github::Config),
    /// Deploy keys of a repository at GitHub.
    GithubDeployKey(github_deploy_key::Config),
    /// Values that rotakey makes up.
    Generated(generated::Config),
    /// A program of one's own.
    Command(command::Config),
    /// Passwords of PostgreSQL roles.
    #[cfg(feature = "postgres")]
    Postgres(postgres::Config),
    /// Passwords of a Redis user.
    #[cfg(feature = "redis")]
    Redis(redis::Config),
    /// Passwords of an account of MySQL or MariaDB.
    #[cfg(feature = "mysql")]
    Mysql(mysql::Config),
}

impl IssuerConfig {
    /// The fields every version has, to be compared with those a target asks for.
    pub fn fields(&self) -> Vec<FieldName> {
        match self {
            Self::Openai(config) => config.fields(),
            Self::Stripe(config) => config.fields(),
            Self::StripeWebhook(config) => config.fields(),
            Self::Github(config) => config.fields(),
            Self::GithubDeployKey(config) => config.fields(),
            Self::Generated(config) => config.fields(),
            Self::Command(config) => config.fields(),
            #[cfg(feature = "postgres")]
            Self::Postgres(config) => config.fields(),
            #[cfg(feature = "redis")]
            Self::Redis(config) => config.fields(),
            #[cfg(feature = "mysql")]
            Self::Mysql(config) => config.fields(),
        }
    }
}

/// Whether the issuer with this [`place`](Issuer::place) is rotakey itself. Nobody else knows its versions: when one ends,
/// nothing is sent, and nobody refuses it.
pub fn is_rotakey_itself(place: &str) -> bool {
    generated::is_place(place)
}

/// Opens the issuer of a secret. Sends nothing and loads no credential.
pub fn build(
    config: IssuerConfig,
    secret: &SecretName,
    account: Option<&Arc<Account>>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Issuer>, Fault> {
    let needed = || account.ok_or_else(|| Fault::refused("this issuer needs an account"));
    Ok(match config {
        IssuerConfig::Openai(config) => Arc::new(openai::OpenAi::new(config, needed()?, clock)?),
        IssuerConfig::Stripe(config) => stripe::build(config, needed()?, clock)?,
        IssuerConfig::StripeWebhook(config) => {
            Arc::new(stripe_webhook::Webhooks::new(config, needed()?, clock)?)
        }
        IssuerConfig::Github(config) => Arc::new(github::GitHub::new(config, needed()?, clock)?),
        IssuerConfig::GithubDeployKey(config) => Arc::new(github_deploy_key::DeployKeys::new(
            config,
            needed()?,
            clock,
        )?),
        IssuerConfig::Generated(config) => Arc::new(generated::Generated::new(&config)),
        IssuerConfig::Command(config) => Arc::new(command::Command::new(config, secret.clone())?),
        #[cfg(feature = "postgres")]
        IssuerConfig::Postgres(config) => Arc::new(postgres::Postgres::new(config, needed()?)?),
        #[cfg(feature = "redis")]
        IssuerConfig::Redis(config) => Arc::new(redis::Redis::new(config, needed()?)?),
        #[cfg(feature = "mysql")]
        IssuerConfig::Mysql(config) => Arc::new(mysql::Mysql::new(config, needed()?)?),
    })
}

/// Someone who makes and kills versions.
///
/// Every call that changes something returns an [`Effect`]; none is repeated inside unless repeating is harmless.
pub trait Issuer: Send + Sync {
    /// What this issuer can do. The same answer for as long as the configuration stays the same; sends nothing.
    fn capabilities(&self) -> Capabilities;

    /// Where keys are made, for people: `openai project proj_123`. Sends nothing.
    fn place(&self) -> String;

    /// Asks, without changing anything, whether the credentials in use may do what `issue` and `revoke` need.
    fn check(&self) -> Vec<Finding>;

    /// Makes up the next key where rotakey chooses the value ([`ValueBy::Rotakey`]); sends nothing. The driver makes
    /// the proposal durable before it calls `issue` with it. `None` where the issuer chooses.
    ///
    /// A current version that has leaked may name the place of the next one, and must not live on in it.
    fn propose(&self, current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        let (_current, _trust) = (current, trust);
        Ok(None)
    }

    /// What a person has to do to make the next key, for assisted issuers: one line a step, with the link.
    fn instructions(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a person has to do to end this key, where [`Capabilities::revokes`] says that rotakey cannot: one line a
    /// step, with the link.
    fn removal(&self, key: &Key) -> Vec<String> {
        let _key = key;
        Vec::new()
    }

    /// Looks at a key that a person handed over, before anything is recorded: refuses one that is not what the secret
    /// needs, and notes what the issuer tells of it, such as its end ([`Key::EXPIRES_AT`]). Reads only.
    fn take(&self, supplied: Key, current: Option<&Key>) -> Result<Key, Fault> {
        let _current = current;
        Ok(supplied)
    }

    /// Makes a new version, marked with the tag. With a proposal the call may be repeated with the same proposal and
    /// succeeds again; without one it is sent exactly once and never retried (G1).
    fn issue(&self, request: &Request<'_>) -> Effect<Key>;

    /// All keys that carry this tag. Only called where [`Capabilities::finds`].
    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let _tag = tag;
        Err(Fault::refused("this issuer cannot list keys"))
    }

    /// Looks up the public id of a key of which only the value is known, for `adopt`. `None` where the issuer cannot
    /// list, or no listed key can be this one for certain.
    fn identify(&self, key: &Key) -> Result<Option<(KeyId, Key, Option<Instant>)>, Fault> {
        let _key = key;
        Ok(None)
    }

    /// Makes one real call with the key. Reads only.
    fn verify(&self, key: &Key) -> Seen;

    /// Kills the key. A key that is already gone is success.
    fn revoke(&self, key: &Key) -> Effect<()>;

    /// Kills a key that leaked, and with it what is still open with it, even where that interrupts those who changed
    /// over in time. The same as `revoke` where nothing outlives a key.
    fn revoke_leaked(&self, key: &Key) -> Effect<()> {
        self.revoke(key)
    }

    /// Makes the key end by itself this long from now: the dead-man's switch at the end of grace. Only called where
    /// [`Capabilities::expires`].
    fn expire(&self, key: &Key, after: chrono::TimeDelta) -> Effect<()> {
        let (_key, _after) = (key, after);
        Effect::NotDone(Fault::refused("this issuer cannot set an expiry"))
    }

    /// Every key there is at its place, whoever made it, for `audit reconcile`. `None` where the issuer cannot list them.
    fn inventory(&self) -> Result<Option<Vec<Held>>, Fault> {
        Ok(None)
    }

    /// When the key was last used, if ever. Only called where [`Capabilities::reports_use`].
    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        let _key = key;
        Ok(None)
    }
}

/// What `issue` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The mark by which the new key can be recognised.
    pub tag: &'a Tag,
    /// The value rotakey or a person chose, already durable in the ledger.
    pub proposal: Option<&'a Key>,
    /// The version that is live now, whose scopes and owner the new one takes over.
    pub current: Option<&'a Key>,
}
