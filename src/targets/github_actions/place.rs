//! Which secret is meant: of a repository, of one of its environments, or of an organisation.

use super::Config;
use crate::http::segment;
use crate::model::{Fault, sanitise};

/// Whose secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Repository,
    Environment,
    Organization,
}

/// The address of a secret.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) scope: Scope,
    /// The name of the secret, in capitals as GitHub keeps it.
    pub(super) name: String,
    /// How people know the owner: `acme/web production`.
    pub(super) label: String,
    base: String,
}

impl Place {
    pub(super) fn of(config: Config) -> Result<Self, Fault> {
        let name = named(&config.secret)?;
        let (scope, label, base) = match (
            config.repository,
            config.environment,
            config.organization,
        ) {
            (Some(repository), environment, None) => {
                let (owner, short) = repository
                    .split_once('/')
                    .filter(|(owner, short)| is_plain(owner) && is_plain(short))
                    .ok_or_else(|| Fault::refused("`repository` is written `owner/name`"))?;
                let base = format!("/repos/{owner}/{short}");
                match environment {
                    None => (Scope::Repository, repository, format!("{base}/actions")),
                    Some(environment) => (
                        Scope::Environment,
                        format!("{repository} {}", sanitise(&environment)),
                        format!("{base}/environments/{}", segment(&environment)),
                    ),
                }
            }
            (None, None, Some(organization)) if is_plain(&organization) => {
                let base = format!("/orgs/{organization}/actions");
                (Scope::Organization, organization, base)
            }
            _ => {
                return Err(Fault::refused(
                    "a secret is of a `repository`, of an `environment` of one, or of an `organization`",
                )
                .hint("write `repository: owner/name`, or `organization: name` alone"));
            }
        };
        Ok(Self {
            scope,
            name,
            label,
            base,
        })
    }

    /// The path of the secret.
    pub(super) fn secret(&self) -> String {
        format!("{}/secrets/{}", self.base, self.name)
    }

    /// The path of the public key to which its values are sealed.
    pub(super) fn public_key(&self) -> String {
        format!("{}/secrets/public-key", self.base)
    }
}

/// GitHub takes letters, digits and `_`, not a digit first, and keeps names that begin with `GITHUB_` to itself.
fn named(name: &str) -> Result<String, Fault> {
    let name = name.to_ascii_uppercase();
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let word = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match starts && word && !name.starts_with("GITHUB_") {
        true => Ok(name),
        false => Err(Fault::refused(
            "a secret is named with letters, digits and `_`, and not `GITHUB_…`",
        )),
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && !matches!(name, "." | "..") && name.bytes().all(plain)
}
