//! What only shows when everything is read: two targets that write one place, and secrets that rotakey itself needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountName, SecretName, TargetKind};

use super::accounts::{Accounts, Draw};
use super::complaint::{Complaints, Mark};
use super::file::{Node, Value};
use super::say::{meant, quoted};
use super::secrets::SecretConfig;

/// The places that a target writes, as far as they can be told from the file.
pub(super) struct Claim {
    pub(super) secret: SecretName,
    pub(super) at: Mark,
    /// Kind and account.
    pub(super) world: (&'static str, Option<AccountName>),
    /// For each key of the address, the words it names; `None` is everything.
    pub(super) address: Vec<Option<Vec<Box<str>>>>,
}

impl Claim {
    /// What a target claims.
    pub(super) fn of(
        kind: &TargetKind,
        account: Option<AccountName>,
        node: &Node<'_>,
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

    /// The words of a key, where each means one thing and no other.
    fn plain_words(&self, key: usize) -> Option<&[Box<str>]> {
        let words = self.address.get(key)?.as_deref()?;
        let plain = words.iter().all(|word| !word.contains('*'));
        plain.then_some(words)
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

fn words(node: &Node<'_>, key: &str) -> Option<Vec<Box<str>>> {
    let (key, optional) = match key.strip_suffix('?') {
        Some(key) => (key, true),
        None => (key, false),
    };
    let Some(entry) = node.get(key) else {
        return optional.then(|| vec!["".into()]);
    };
    match &entry.node.value {
        Value::Plain(text) | Value::Quoted(text) if text == "all" => None,
        Value::Plain(text) | Value::Quoted(text) => Some(vec![text.as_ref().into()]),
        Value::List(items) => items
            .iter()
            .map(|item| item.text().map(Into::into))
            .collect(),
        Value::Map(_) => None,
    }
}

/// Refuses two targets that write one place: whoever is written last would win, and the other secret's users break.
pub(super) fn refuse_shared_places(claims: &[Claim], complaints: &Complaints<'_>) {
    let mut worlds: BTreeMap<_, Vec<&Claim>> = BTreeMap::new();
    for claim in claims {
        worlds.entry(&claim.world).or_default().push(claim);
    }
    for group in worlds.into_values() {
        let keys = group.first().map_or(0, |claim| claim.address.len());
        among(group, 0, keys, complaints);
    }
}

/// Splits by each key for which every claim gives plain words, so that 10,000 secrets in one file are not compared
/// pair by pair; what is left together is.
fn among(group: Vec<&Claim>, key: usize, keys: usize, complaints: &Complaints<'_>) {
    if group.len() < 2 {
        return;
    }
    if key == keys {
        return compare(&group, complaints);
    }
    let mut parts: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    for claim in &group {
        let Some(words) = claim.plain_words(key) else {
            return among(group, key + 1, keys, complaints);
        };
        for word in words.iter().collect::<BTreeSet<_>>() {
            parts.entry(word).or_default().push(claim);
        }
    }
    for part in parts.into_values() {
        among(part, key + 1, keys, complaints);
    }
}

fn compare(group: &[&Claim], complaints: &Complaints<'_>) {
    for (place, claim) in group.iter().enumerate() {
        if complaints.are_many() {
            return;
        }
        let Some(first) = group[..place].iter().find(|first| first.meets(claim)) else {
            continue;
        };
        let (secret, other, line) = (&claim.secret, &first.secret, first.at.line);
        // Two claims may share several words, and meet once for each.
        if complaints.are_at(claim.at) {
            continue;
        }
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
    typed: &[Box<str>],
    secrets: &mut BTreeMap<SecretName, SecretConfig>,
    complaints: &Complaints<'_>,
) {
    for draw in &accounts.draws {
        match secrets.get_mut(&draw.secret) {
            Some(secret) => secret.used_by.push(draw.account.clone()),
            None if typed.iter().any(|name| **name == *draw.secret.as_str()) => {}
            None => unknown(draw, typed, complaints),
        }
    }
    for ring in rings(&needs(accounts, secrets)) {
        let Some(secret) = ring.first().and_then(|first| secrets.get(*first)) else {
            continue;
        };
        let names = ring.iter().chain(ring.first());
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let what = format!(
            "secrets need each other to be rotated: {}",
            names.join(" → ")
        );
        let hint = "take one of the credentials from `{ env: … }` or `{ file: … }`";
        complaints.advise(secret.at, what, hint);
    }
}

fn unknown(draw: &Draw, typed: &[Box<str>], complaints: &Complaints<'_>) {
    let (account, secret) = (&draw.account, draw.secret.as_str());
    let what = format!("account `{account}`: unknown secret {}", quoted(secret));
    let typed: Vec<&str> = typed.iter().map(|name| &**name).collect();
    complaints.advise(draw.at, what, meant(secret, &typed));
}

type Needs<'a> = BTreeMap<&'a SecretName, Vec<&'a SecretName>>;

/// Which secrets a secret needs besides itself. A key that rotates itself is the usual way with some vendors, and
/// `used_by` tells the rotation of it.
fn needs<'a>(accounts: &'a Accounts, secrets: &'a BTreeMap<SecretName, SecretConfig>) -> Needs<'a> {
    let mut drawn: BTreeMap<&AccountName, Vec<&SecretName>> = BTreeMap::new();
    for draw in &accounts.draws {
        drawn.entry(&draw.account).or_default().push(&draw.secret);
    }
    let mut needs = Needs::new();
    for (name, secret) in secrets {
        let targets = secret.targets.iter().map(|target| &target.account);
        let used = targets.chain([&secret.issuer.account]).flatten();
        let drawn = used
            .filter_map(|account| drawn.get(account.name()))
            .flatten();
        for other in drawn.filter(|other| **other != name) {
            needs.entry(name).or_default().push(other);
        }
    }
    needs
}

/// How far a secret has been followed.
enum Followed {
    /// It is on the way that is being followed, at this place.
    OnTheWay(usize),
    /// All that it needs has been looked at.
    Through,
}

/// The ways that lead back to where they began. Follows every need once.
fn rings<'a>(needs: &Needs<'a>) -> Vec<Vec<&'a SecretName>> {
    let mut rings = Vec::new();
    let mut followed = BTreeMap::new();
    for start in needs.keys() {
        let mut way: Vec<&'a SecretName> = Vec::new();
        let mut left: Vec<std::slice::Iter<'_, &'a SecretName>> = Vec::new();
        let mut next = Some(*start);
        loop {
            match next.map(|name| (name, followed.get(name))) {
                Some((name, None)) => {
                    followed.insert(name, Followed::OnTheWay(way.len()));
                    way.push(name);
                    left.push(
                        needs
                            .get(name)
                            .map(Vec::as_slice)
                            .unwrap_or_default()
                            .iter(),
                    );
                }
                Some((_, Some(Followed::OnTheWay(place)))) => rings.push(way[*place..].to_vec()),
                Some((_, Some(Followed::Through))) => {}
                None => {
                    let Some(done) = way.pop() else {
                        break;
                    };
                    left.pop();
                    followed.insert(done, Followed::Through);
                }
            }
            next = left.last_mut().and_then(Iterator::next).copied();
        }
    }
    rings
}
