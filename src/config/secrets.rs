//! `secrets:`: who makes each one, where it goes, and how patiently.

use std::sync::Arc;

use crate::issuers::{self, IssuerConfig, Overlap};
use crate::model::{
    Account, AccountName, AccountShape, Canary, Policy, SecretName, Span, StageName,
};

use super::about::About;
use super::accounts::Accounts;
use super::complaint::{Complaints, ConfigErrors, Mark};
use super::crossing::Claim;
use super::defaults::Defaults;
use super::fields::Fields;
use super::file::{Entry, Node};
use super::say::{meant, quoted};
use super::targets::{TargetSetup, Targets};
use super::typed::{Typed, read_kind};

/// One secret as it is meant.
#[derive(Debug)]
pub struct SecretConfig {
    /// When it is rotated and how patiently.
    pub policy: Policy,
    /// Whether the grace was written for this secret or comes from the defaults. A kind that cannot give any refuses
    /// the first and shortens the second.
    pub grace_from: GraceFrom,
    /// Who answers for it, and by what policy.
    pub about: About,
    /// Who makes it.
    pub issuer: IssuerSetup,
    /// Where it goes, in the order of the file.
    pub targets: Vec<TargetSetup>,
    /// The accounts of rotakey itself that use this secret. Its old version may go only after the new one has done one
    /// privileged call.
    pub used_by: Vec<AccountName>,
    /// Where it stands in the file.
    pub at: Mark,
}

/// Where the grace of a secret was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceFrom {
    /// In the secret.
    Secret(Mark),
    /// Nowhere, or in the defaults; and where that grace does not end before the next rotation begins.
    Defaults(Option<Crowded>),
}

/// A schedule that is too close for the usual grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded {
    /// Where the schedule stands.
    pub every: Mark,
    /// The time between two rotations.
    pub between: Span,
}

/// What is advised where a grace is too long.
pub(super) const END_BEFORE: &str = "give it a `grace` that ends before the next rotation begins";

impl GraceFrom {
    /// Settles the grace with what the issuer can do, which only the issuer knows. Where the old version dies as the
    /// new one is made there is no grace: one that was written for the secret is refused, and the usual one becomes
    /// none. Elsewhere the usual one has to fit between two rotations. `name` and `file` are how messages call the secret
    /// and its configuration.
    pub fn settle(
        self,
        policy: &mut Policy,
        overlap: Overlap,
        (name, file): (&SecretName, &str),
    ) -> Result<(), ConfigErrors> {
        let complaints = Complaints::about(file);
        let grace = policy.grace;
        match (overlap, self) {
            (Overlap::None, GraceFrom::Secret(at)) if grace > Span::ZERO => {
                let what = format!(
                    "secret `{name}`: `grace` of {grace} cannot be kept: with this issuer the old version ends when the \
                     new one is made"
                );
                complaints.advise(at, what, "remove the line, or write `grace: 0s`");
            }
            (Overlap::None, _) => policy.grace = Span::ZERO,
            (_, GraceFrom::Defaults(Some(Crowded { every, between }))) => {
                let what = format!(
                    "secret `{name}`: the default grace of {grace} is not shorter than the {between} between rotations"
                );
                complaints.advise(every, what, END_BEFORE);
            }
            (_, GraceFrom::Secret(_) | GraceFrom::Defaults(None)) => {}
        }
        complaints.settle()
    }
}

/// An issuer as configured.
#[derive(Debug)]
pub struct IssuerSetup {
    /// What kind it is, as it was typed.
    pub kind: &'static str,
    /// The keys of its kind.
    pub config: IssuerConfig,
    /// The account it talks through.
    pub account: Option<Arc<Account>>,
}

/// Reads one entry. What it claims of the world outside is added to `claims`.
pub(super) fn read(
    name: &SecretName,
    entry: &Entry<'_>,
    (defaults, accounts): (&Defaults, &Accounts),
    claims: &mut Vec<Claim>,
    complaints: &Complaints<'_>,
) -> Option<SecretConfig> {
    let mut fields = Fields::of(format!("secret `{name}`"), &entry.node, complaints)?;
    fields.at = entry.at;
    let policy = defaults.policy(name.as_str(), &mut fields);
    let about = About::read(&mut fields, &defaults.about);
    let stages = stages(&mut fields);
    let canary = canary(&mut fields, &stages);
    let soak = soak(&mut fields, &stages, canary);
    let issuer = fields.take("issuer");
    let targets = fields.list("targets");
    ask_for_missing(&entry.node, &fields);
    let of = fields.of.clone();
    fields.close();
    let issuer = issuer.and_then(|node| issuer_setup(node, &of, accounts, complaints));
    let version = issuer.as_ref().map(|issuer| issuer.config.fields());
    let reader = Targets {
        of: &of,
        secret: name,
        accounts,
        stages: &stages,
        version,
        complaints,
    };
    let targets = targets.and_then(|nodes| reader.all(nodes, entry.at, claims));
    let (policy, grace_from) = policy?;
    let policy = Policy {
        stages,
        canary,
        soak,
        ..policy
    };
    Some(SecretConfig {
        policy,
        grace_from,
        about,
        issuer: issuer?,
        targets: targets?,
        used_by: Vec::new(),
        at: entry.at,
    })
}

fn ask_for_missing(node: &Node<'_>, fields: &Fields<'_, '_>) {
    for (key, hint) in [
        (
            "every",
            "write how often it is rotated, such as `every: 30d`",
        ),
        (
            "issuer",
            "write who makes it, such as `issuer: { kind: generated }`",
        ),
        (
            "targets",
            "write where it goes: a list of targets, each with a `kind`",
        ),
    ] {
        if node.get(key).is_none() {
            fields.missing(key, hint);
        }
    }
}

fn stages(fields: &mut Fields<'_, '_>) -> Vec<StageName> {
    let mut stages: Vec<StageName> = Vec::new();
    for (text, at) in fields.texts("stages").unwrap_or_default() {
        let stage = StageName::new(text);
        if !super::names::is_plain(text) {
            let what = format!("{}: {} is not the name of a stage", fields.of, quoted(text));
            fields.complaints.add(at, what);
        } else if stages.contains(&stage) {
            let what = format!("{}: stage {} stands twice", fields.of, quoted(text));
            fields.complaints.add(at, what);
        } else {
            stages.push(stage);
        }
    }
    stages
}

fn canary(fields: &mut Fields<'_, '_>, stages: &[StageName]) -> Option<Canary> {
    let (canary, at) = fields.parsed("canary", Canary::parse)?;
    if stages.iter().any(|stage| stage.as_str() == Canary::STAGE) {
        let what = format!(
            "{}: a stage is called `canary`, and `canary` makes one",
            fields.of
        );
        let hint = "call the stage otherwise, or remove `canary`";
        fields.complaints.advise(at, what, hint);
    }
    Some(canary)
}

fn soak(fields: &mut Fields<'_, '_>, stages: &[StageName], canary: Option<Canary>) -> Span {
    let Some((soak, at)) = fields.span("soak") else {
        return Span::ZERO;
    };
    if stages.is_empty() && canary.is_none() {
        let what = format!(
            "{}: `soak` without `stages` or `canary` has nothing to wait between",
            fields.of
        );
        let hint = "name the order of delivery, such as `stages: [staging, production]`";
        fields.complaints.advise(at, what, hint);
    }
    soak
}

/// The kind that was typed, found in a table.
pub(super) fn kind_of<'k, K>(
    fields: &mut Fields<'_, '_>,
    table: &'k [K],
    name: impl Fn(&K) -> &'static str,
) -> Option<&'k K> {
    let Some(node) = fields.take("kind") else {
        let names: Vec<&str> = table.iter().map(&name).collect();
        fields.missing("kind", &meant("", &names));
        return None;
    };
    let Some(text) = node.text() else {
        fields.expected("kind", "a word", node);
        return None;
    };
    let found = table.iter().find(|kind| name(kind) == text);
    if found.is_none() {
        let names: Vec<&str> = table.iter().map(&name).collect();
        let what = format!("{}: unknown kind {}", fields.of, quoted(text));
        fields.complaints.advise(node.at, what, meant(text, &names));
    }
    found
}

/// The account of a kind. `Err` when one is needed and cannot be found; that has been complained of.
pub(super) fn account_of(
    fields: &mut Fields<'_, '_>,
    shape: Option<&AccountShape>,
    accounts: &Accounts,
) -> Result<Option<Arc<Account>>, ()> {
    let Some(shape) = shape else {
        // Not asked for: an `account:` here becomes an unknown key.
        return Ok(None);
    };
    let named = fields
        .take("account")
        .and_then(|node| Some((node.text()?, node.at)));
    let (of, at) = (fields.of.clone(), fields.at);
    let account = accounts.find(shape, named, &of, at, fields.complaints);
    account.map(Some).ok_or(())
}

fn issuer_setup(
    node: &Node<'_>,
    of: &str,
    accounts: &Accounts,
    complaints: &Complaints<'_>,
) -> Option<IssuerSetup> {
    let mut fields = Fields::of(format!("issuer of {of}"), node, complaints)?;
    let kind = kind_of(&mut fields, issuers::KINDS, |kind| kind.name)?;
    let account = account_of(&mut fields, kind.account, accounts);
    let config = read_rest(kind.name, fields)?;
    let account = account.ok()?;
    Some(IssuerSetup {
        kind: kind.name,
        config,
        account,
    })
}

pub(super) fn read_rest<T: serde::de::DeserializeOwned>(
    kind: &str,
    fields: Fields<'_, '_>,
) -> Option<T> {
    let (at, of, complaints) = (fields.at, fields.of.clone(), fields.complaints);
    let (entries, known) = fields.rest();
    let typed = Typed {
        kind,
        at,
        of: &of,
        known: &known,
        entries: &entries,
    };
    read_kind(&typed, complaints)
}
