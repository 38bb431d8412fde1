//! What a kind of issuer or target says of itself, as data, so that the configuration can be checked without knowing
//! any kind.

/// A kind of issuer. Its row in `issuers::KINDS`.
#[derive(Clone, Copy, Debug)]
pub struct IssuerKind {
    /// As it is typed: `kind: openai`.
    pub name: &'static str,
    /// The account it talks through; `None` if it needs none.
    pub account: Option<&'static AccountShape>,
    /// How `init` writes it.
    pub starter: IssuerStarter,
}

/// A kind of target. Its row in `targets::KINDS`.
#[derive(Clone, Copy, Debug)]
pub struct TargetKind {
    /// As it is typed: `kind: vercel`.
    pub name: &'static str,
    /// The account it talks through; `None` if it needs none.
    pub account: Option<&'static AccountShape>,
    /// The keys that say which places are meant. Two targets of one account whose values for all of these may meet
    /// write the same place; a key that is absent, or says `all`, meets everything. A key that ends in `?` means a place
    /// of its own when it is absent.
    /// A kind whose address has a `field` means a field of the place by it, not one of the version.
    pub address: &'static [&'static str],
    /// How `init` writes it.
    pub starter: TargetStarter,
}

/// A secret of a kind as the first `rotations.yaml` has it, with made-up names.
#[derive(Clone, Copy, Debug)]
pub struct IssuerStarter {
    /// What is rotated, in a question.
    pub about: &'static str,
    /// The name of the secret.
    pub secret: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// How often it is rotated.
    pub every: &'static str,
    /// The keys after `kind: …`, each with a comma before it.
    pub keys: &'static str,
    /// The variable that programs usually read it from.
    pub variable: &'static str,
    /// What a place holds, where that is more than the value itself.
    pub value: Option<&'static str>,
    /// Its line under `accounts:`, the same for all kinds that share the account.
    pub account: Option<&'static str>,
    /// What to know of it, in a comment.
    pub note: &'static str,
}

/// A target of a kind as the first `rotations.yaml` has it, with made-up names.
#[derive(Clone, Copy, Debug)]
pub struct TargetStarter {
    /// What it is, in a question.
    pub about: &'static str,
    /// The keys after `kind: …`, each with a comma before it. `NAME`, `TITLE` and `VARIABLE` are those of the secret.
    pub keys: &'static str,
    /// Its line under `accounts:`, the same for all kinds that share the account.
    pub account: Option<&'static str>,
}

/// What an entry under `accounts:` holds. Every account takes `kind` and `base_url` besides.
#[derive(Clone, Copy, Debug)]
pub struct AccountShape {
    /// The kind of account: `vercel`. An account of that name is used where none is named.
    pub kind: &'static str,
    /// Credentials that must be given.
    pub needs: &'static [&'static str],
    /// Credentials that may be given.
    pub takes: &'static [&'static str],
    /// Plain settings that may be given, such as a team. Never secret.
    pub settings: &'static [&'static str],
}
