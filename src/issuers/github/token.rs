//! What a token says of itself by its beginning, and what GitHub tells of it with every answer.

use std::collections::BTreeSet;

use super::expiry;
use crate::http::Reply;
use crate::model::{Fault, Instant, Key, SecretValue};

/// The note that lists the scopes of a classic token, for the day the live token is dead and cannot be asked.
pub(super) const SCOPES: &str = "scopes";

/// The two sorts of personal tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Classic,
    FineGrained,
}

/// What GitHub tells of a token with every answer.
pub(super) struct Told {
    pub(super) scopes: BTreeSet<String>,
    pub(super) expires_at: Option<Instant>,
}

/// By the prefixes that `/credentials/revoke` takes. How long a token is, GitHub does not promise.
pub(super) fn sort(value: &SecretValue) -> Result<Sort, Fault> {
    let text = value.expose();
    let plain = |rest: &str| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if text.strip_prefix("github_pat_").is_some_and(plain) {
        return Ok(Sort::FineGrained);
    }
    if text.strip_prefix("ghp_").is_some_and(plain) {
        return Ok(Sort::Classic);
    }
    Err(Fault::refused("this is not a personal token of GitHub")
        .hint("give the whole token: it begins with `ghp_` or `github_pat_`"))
}

pub(super) fn told(reply: &Reply) -> Told {
    let expiry = reply.header("github-authentication-token-expiration");
    Told {
        scopes: reply.items("x-oauth-scopes").into_iter().collect(),
        expires_at: expiry.as_deref().and_then(expiry::parse),
    }
}

pub(super) fn noted(key: &Key) -> BTreeSet<String> {
    let scopes = key.notes.get(SCOPES).map(|scopes| scopes.split(','));
    scopes.into_iter().flatten().map(str::to_owned).collect()
}
