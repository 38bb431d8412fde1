//! Values that rotakey makes up itself: signing, webhook, session and encryption secrets, which no vendor issues.
//!
//! ```yaml
//! issuer: { kind: generated }                                        # 48 characters of A-Z a-z 0-9
//! issuer: { kind: generated, length: 64, alphabet: hex }
//! issuer: { kind: generated, length: 40, characters: "abcdefghjkmnpqrstuvwxyz23456789" }
//! issuer: { kind: generated, bytes: 32, encoding: base64, prefix: whsec_ }
//! issuer: { kind: generated, jwk: p256, overlap: two }
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `length` | so many characters | 48 |
//! | `alphabet` | `base62`, `base36` (small letters and digits), `base64url`, `hex` | `base62` |
//! | `characters` | exactly these characters instead of an alphabet | |
//! | `bytes`, `encoding` | so many random bytes as `base64`, `base64url` (without padding) or `hex` | |
//! | `prefix` | stands before the value, as in `whsec_` | |
//! | `jwk` | a private key in JSON (RFC 7517): `oct` (HS256), `ed25519` (EdDSA), `p256` (ES256) | |
//! | `overlap` | `none`, or `two`: a version also carries the value before it | `none` |
//!
//! Less than 128 bits of chance is refused. `base62` is what every quoting and every address takes unharmed.
//!
//! # Fields
//!
//! A version has the field `value`; a key pair also `public`, the public half in JSON, and its public id is its RFC
//! 7638 thumbprint. With `overlap: two` there are `previous` and `previous_public` besides: what the version before
//! had, or the same as now where there was none. A target then delivers both:
//!
//! ```yaml
//! value: "{value},{previous}"                              # receivers that take a list, the first one signs
//! value: "{{\"keys\":[{public},{previous_public}]}}"       # a JWKS for those who verify
//! ```
//!
//! # What a receiver needs
//!
//! Nobody outside knows these values, so nobody can hold the door open for the old one. With `overlap: none` a sender
//! and a receiver that are not redeployed in the same instant disagree for that long; that is fine for a value that
//! only one service uses. A rotation without downtime takes a receiver that accepts two values, and `overlap: two`:
//! whoever signs or encrypts uses the first, whoever checks or decrypts tries both. A sender with the new value may
//! meet only receivers that have it already. Where the two are different services, deliver to those who check first
//! (`stages:`).
//!
//! Such a receiver accepts the old value until the *next* rotation delivers the next pair. The end of the grace
//! removes it from the ledger's list of live versions, not from the receiver. After a leak, rotate without a
//! predecessor: [`propose`](super::Issuer::propose) without a current key puts the new value in both fields.
//!
//! There is no issuer to ask: `verify` says that a value works as long as it stands in the ledger, and `revoke` has
//! nothing to do. A version is dead when no site holds it, which the guard before every revoke has just looked at.

mod jwk;
mod make;
mod recipe;

use std::collections::BTreeMap;

use crate::model::{
    Effect, Fault, FieldName, Fields, Finding, IssuerKind, IssuerStarter, Key, SecretValue,
};

use super::{Ability, Capabilities, Issuer, Overlap, Request, Seen, Trust, ValueBy, Verdict};

use make::Made;
pub(super) use recipe::Config;
use recipe::Recipe;

/// Its row in [`KINDS`](super::KINDS). The fields depend on the configuration.
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "generated",
    account: None,
    starter: IssuerStarter {
        about: "a value that rotakey makes up: a session key, an internal token",
        secret: "session",
        title: "Session key",
        every: "30d",
        keys: "",
        variable: "SESSION_KEY",
        value: None,
        account: None,
        note: "Fully automatic.",
    },
};

/// What it calls itself, before the recipe.
const PLACE: &str = "rotakey itself";

/// Whether an issuer of this place is rotakey.
pub(super) fn is_place(place: &str) -> bool {
    let rest = place.strip_prefix(PLACE);
    rest.is_some_and(|rest| rest.starts_with(", "))
}

const VALUE: &str = Fields::VALUE;
const PUBLIC: &str = "public";
/// Own fields, and under which name the next version carries them on.
const CARRIED: [(&str, &str); 2] = [(VALUE, "previous"), (PUBLIC, "previous_public")];

/// Makes up values by a recipe.
pub(super) struct Generated {
    recipe: Recipe,
    overlap: Overlap,
}

impl Generated {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            recipe: config.recipe.clone(),
            overlap: config.overlap(),
        }
    }
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        let own: &[&str] = match self.recipe {
            Recipe::Pair(_) => &[VALUE, PUBLIC],
            Recipe::Characters { .. } | Recipe::Bytes { .. } | Recipe::Oct => &[VALUE],
        };
        let carried = CARRIED
            .iter()
            .filter(|(name, _)| self.overlap() == Overlap::Two && own.contains(name))
            .map(|(_, previous)| previous);
        own.iter()
            .chain(carried)
            .map(|name| FieldName::new(*name))
            .collect()
    }
}

impl Issuer for Generated {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: self.overlap,
            value: ValueBy::Rotakey,
            finds: Ability::No,
            expires: Ability::No,
            reports_use: Ability::No,
            revokes: Ability::Yes,
            shows_death: Ability::No,
        }
    }

    fn place(&self) -> String {
        format!("{PLACE}, {}", self.recipe)
    }

    fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn propose(&self, current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        // A leaked value delivered beside the new one would go on being accepted.
        let current = current.filter(|_| trust == Trust::Kept);
        let Made { id, fields } = self.recipe.make()?;
        let mut all: BTreeMap<FieldName, SecretValue> = fields
            .into_iter()
            .map(|(name, value)| (FieldName::new(name), value))
            .collect();
        if self.overlap == Overlap::Two {
            for (name, previous) in CARRIED {
                let Some(now) = all.get(&FieldName::new(name)) else {
                    continue;
                };
                // An adopted value has no public half; then only the new one is published.
                let before = current.and_then(|key| key.fields.field(&FieldName::new(name)));
                let carried = before.unwrap_or(now).clone();
                all.insert(FieldName::new(previous), carried);
            }
        }
        Ok(Some(Key {
            id,
            fields: all.into_iter().collect(),
            notes: BTreeMap::new(),
        }))
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        match request.proposal {
            Some(proposal) => Effect::Done(proposal.clone()),
            None => Effect::NotDone(Fault::refused("no value was proposed")),
        }
    }

    fn verify(&self, _key: &Key) -> Seen {
        Seen::undated(Verdict::Works)
    }

    fn revoke(&self, _key: &Key) -> Effect<()> {
        Effect::Done(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issuer(config: serde_json::Value) -> Generated {
        Generated::new(&serde_json::from_value(config).unwrap())
    }

    fn next(issuer: &Generated, current: Option<&Key>) -> Key {
        issuer.propose(current, Trust::Kept).unwrap().unwrap()
    }

    fn names(key: &Key) -> Vec<&str> {
        key.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn field<'a>(key: &'a Key, name: &str) -> &'a str {
        key.fields.field(&FieldName::new(name)).unwrap().expose()
    }

    #[test]
    fn a_version_has_one_value_unless_two_overlap() {
        let plain = issuer(json!({}));
        let first = next(&plain, None);
        let second = next(&plain, Some(&first));
        assert_eq!(names(&second), ["value"]);
        assert_ne!(field(&first, "value"), field(&second, "value"));
        assert_eq!(plain.capabilities().overlap, Overlap::None);
    }

    #[test]
    fn with_an_overlap_a_version_carries_the_value_before() {
        let two = issuer(json!({"overlap": "two"}));
        let first = next(&two, None);
        assert_eq!(field(&first, "previous"), field(&first, "value"));
        let second = next(&two, Some(&first));
        assert_eq!(names(&second), ["previous", "value"]);
        assert_eq!(field(&second, "previous"), field(&first, "value"));
        assert_eq!(two.capabilities().overlap, Overlap::Two);
    }

    #[test]
    fn a_key_pair_carries_the_public_half_before() {
        let pairs = issuer(json!({"jwk": "ed25519", "overlap": "two"}));
        let first = next(&pairs, None);
        let second = next(&pairs, Some(&first));
        assert_eq!(
            names(&second),
            ["previous", "previous_public", "public", "value"]
        );
        assert_eq!(field(&second, "previous_public"), field(&first, "public"));
        assert_ne!(second.id, first.id);
    }

    #[test]
    fn the_fields_a_configuration_promises_are_the_fields_a_version_has() {
        for config in [
            json!({}),
            json!({"overlap": "two"}),
            json!({"jwk": "oct"}),
            json!({"jwk": "p256"}),
            json!({"jwk": "p256", "overlap": "two"}),
        ] {
            let typed: Config = serde_json::from_value(config.clone()).unwrap();
            let mut promised = typed.fields();
            promised.sort();
            let key = next(&Generated::new(&typed), None);
            let had: Vec<FieldName> = key.fields.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(promised, had, "{config}");
        }
    }

    #[test]
    fn issuing_gives_the_proposal_back_as_often_as_it_is_asked() {
        let plain = issuer(json!({}));
        let proposal = next(&plain, None);
        let request = Request {
            tag: &"rk-1".into(),
            proposal: Some(&proposal),
            current: None,
        };
        assert_eq!(plain.issue(&request), Effect::Done(proposal.clone()));
        assert_eq!(plain.issue(&request), Effect::Done(proposal.clone()));
        let bare = Request {
            proposal: None,
            ..request
        };
        assert_eq!(
            plain.issue(&bare),
            Effect::NotDone(Fault::refused("no value was proposed"))
        );
    }
}
