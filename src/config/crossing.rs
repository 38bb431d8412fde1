//! What only shows when everything is read: two targets that write one place, and secrets that rotakey itself needs.

use std::collections::BTreeMap;

use crate::model::{AccountName, SecretName, TargetKind};

use super::accounts::{Accounts, Draw};
use super::complaint::{Complaints, Mark};
use super::file::{Node, Value};
use super::say::{meant, quoted};
use super::secrets::SecretConfig;

/// The places that a target writes, as far as they can be told from the file.
pub(super) struct Claim<'n> {
    pub(super) secret: SecretName,
    pub(super) at: Mark,
    /// Kind and account.
    pub(super) world: (&'static str, Option<AccountName>),
    /// For each key of the address, the words it names; `None` is everything.
    pub(super) address: Vec<Option<Vec<&'n str>>>,
}

impl<'n> Claim<'n> {
    /// What a target claims.
    pub(super) fn of(
        kind: &TargetKind,
        account: Option<AccountName>,
        node: &'n Node<'n>,
        secret: &SecretName,
    ) -> Self {
        Self {
            secret: secret.clone(),
            at: node.at,
            world: (kind.name, account),
            address: kind.address.iter().map(|key| words(node, key)).collect(),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let pairs = self.address.iter().zip(&other.address);
        pairs.into_iter().all(|pair| match pair {
            (Some(ours), Some(theirs)) => ours
                .iter()
                .any(|ours| theirs.iter().any(|theirs| may_meet(ours, theirs))),
            _ => true,
        })
    }

    fn only_word(&self, key: usize) -> Option<&'n str> {
        match self.address.get(key)?.as_deref()? {
            [word] if !word.contains('*') => Some(word),
            _ => None,
        }
    }
}

/// Whether two names, or patterns with `*`, may mean the same thing. Of two patterns only the beginnings and the ends
/// are compared: better refused too often than written twice.
fn may_meet(ours: &str, theirs: &str) -> bool {
    if !ours.contains('*') && !theirs.contains('*') {
        return ours == theirs;
    }
    let begins = |text: &str| text.split('*').next().unwrap_or_default().to_owned();
    let ends = |text: &str| text.rsplit('*').next().unwrap_or_default().to_owned();
    let (our_begin, their_begin) = (begins(ours), begins(theirs));
    let (our_end, their_end) = (ends(ours), ends(theirs));
    (our_begin.starts_with(&their_begin) || their_begin.starts_with(&our_begin))
        && (our_end.ends_with(&their_end) || their_end.ends_with(&our_end))
}

fn words<'n>(node: &'n Node<'n>, key: &str) -> Option<Vec<&'n str>> {
    let entry = node.get(key)?;
    match &entry.node.value {
        Value::Plain(text) | Value::Quoted(text) if text == "all" => None,
        Value::Plain(text) | Value::Quoted(text) => Some(vec![text]),
        Value::List(items) => items.iter().map(Node::text).collect(),
        Value::Map(_) => None,
    }
}

/// Refuses two targets that write one place: whoever is written last would win, and the other secret's users break.
pub(super) fn refuse_shared_places(claims: &[Claim<'_>], complaints: &Complaints<'_>) {
    let mut worlds: BTreeMap<_, Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        worlds.entry(&claim.world).or_default().push(claim);
    }
    for group in worlds.into_values() {
        let keys = group.first().map_or(0, |claim| claim.address.len());
        among(group, 0, keys, complaints);
    }
}

/// Splits by each key that every claim gives one word for, so that 10,000 secrets in one file are not compared pair
/// by pair; what is left together is.
fn among(group: Vec<&Claim<'_>>, key: usize, keys: usize, complaints: &Complaints<'_>) {
    if group.len() < 2 {
        return;
    }
    if key == keys {
        return compare(&group, complaints);
    }
    let mut parts: BTreeMap<&str, Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in &group {
        match claim.only_word(key) {
            Some(word) => parts.entry(word).or_default().push(claim),
            None => return among(group, key + 1, keys, complaints),
        }
    }
    for part in parts.into_values() {
        among(part, key + 1, keys, complaints);
    }
}

fn compare(group: &[&Claim<'_>], complaints: &Complaints<'_>) {
    for (place, claim) in group.iter().enumerate() {
        let Some(first) = group[..place].iter().find(|first| first.meets(claim)) else {
            continue;
        };
        let (secret, other, line) = (&claim.secret, &first.secret, first.at.line);
        let whose = if secret == other {
            format!("the target in line {line}")
        } else {
            format!("secret `{other}` in line {line}")
        };
        let what = format!("secret `{secret}`: this target writes where {whose} writes already");
        let hint = "one place holds one value: name another variable, or narrow one of the two";
        complaints.advise(claim.at, what, hint);
    }
}

/// Notes which secrets rotakey itself uses, and refuses secrets that need each other to be rotated.
pub(super) fn settle_draws(
    accounts: &Accounts,
    typed: &[&str],
    secrets: &mut BTreeMap<SecretName, SecretConfig>,
    complaints: &Complaints<'_>,
) {
    for draw in &accounts.draws {
        match secrets.get_mut(&draw.secret) {
            Some(secret) => secret.used_by.push(draw.account.clone()),
            None if typed.contains(&draw.secret.as_str()) => {}
            None => unknown(draw, typed, complaints),
        }
    }
    let needs = needs(accounts, secrets);
    for start in needs.keys() {
        let Some(way) = way_back(start, &needs) else {
            continue;
        };
        // A ring is told once, at the first of its secrets by name.
        if way.iter().any(|other| other < start) {
            continue;
        }
        let ring: Vec<String> = way
            .iter()
            .chain([start])
            .map(|name| format!("`{name}`"))
            .collect();
        let what = format!(
            "secrets need each other to be rotated: {}",
            ring.join(" → ")
        );
        let hint = "take one of the credentials from `{ env: … }` or `{ file: … }`";
        if let Some(secret) = secrets.get(*start) {
            complaints.advise(secret.at, what, hint);
        }
    }
}

fn unknown(draw: &Draw, typed: &[&str], complaints: &Complaints<'_>) {
    let (account, secret) = (&draw.account, draw.secret.as_str());
    let what = format!("account `{account}`: unknown secret {}", quoted(secret));
    complaints.advise(draw.at, what, meant(secret, typed));
}

type Needs<'a> = BTreeMap<&'a SecretName, Vec<&'a SecretName>>;

/// Which secrets a secret needs besides itself. A key that rotates itself is the usual way with some vendors, and
/// `used_by` tells the rotation of it.
fn needs<'a>(accounts: &'a Accounts, secrets: &'a BTreeMap<SecretName, SecretConfig>) -> Needs<'a> {
    let mut needs = Needs::new();
    if accounts.draws.is_empty() {
        return needs;
    }
    for (name, secret) in secrets {
        let targets = secret.targets.iter().map(|target| &target.account);
        let used = targets.chain([&secret.issuer.account]).flatten();
        for account in used {
            let draws = accounts
                .draws
                .iter()
                .filter(|draw| &draw.account == account.name());
            for draw in draws.filter(|draw| &draw.secret != name) {
                needs.entry(name).or_default().push(&draw.secret);
            }
        }
    }
    needs
}

/// The shortest way from a secret over what it needs back to itself.
fn way_back<'a>(start: &'a SecretName, needs: &Needs<'a>) -> Option<Vec<&'a SecretName>> {
    let mut ways = vec![vec![start]];
    let mut seen = Vec::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().copied().unwrap_or(start);
            for next in needs.get(last).into_iter().flatten() {
                if *next == start {
                    return Some(way);
                }
                if !seen.contains(next) {
                    seen.push(*next);
                    longer.push([&way[..], &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
