//! `accounts:`: what rotakey itself needs to talk to a vendor, checked against what the kinds say of themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::http;
use crate::issuers;
use crate::model::{Account, AccountName, AccountShape, SecretName};
use crate::targets;

use super::complaint::{Complaints, Mark};
use super::fields::Fields;
use super::file::{Entry, Node, Value};
use super::say::{list, meant, quoted};
use super::source::{Source, Surroundings};

/// The accounts by name, and which of them draw on secrets that rotakey itself rotates.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) by_name: BTreeMap<AccountName, Arc<Account>>,
    pub(super) draws: Vec<Draw>,
    /// Accounts that were typed but could not be read, so that nobody calls them unknown.
    broken: Vec<String>,
}

/// An account whose credential is a secret that rotakey itself rotates.
pub(super) struct Draw {
    pub(super) account: AccountName,
    pub(super) secret: SecretName,
    pub(super) at: Mark,
}

impl Accounts {
    /// Reads the section.
    pub(super) fn read(
        node: &Node<'_>,
        around: &Surroundings,
        complaints: &Complaints<'_>,
    ) -> Self {
        let mut accounts = Self::default();
        let Value::Map(entries) = &node.value else {
            let what = format!("`accounts`: expected a map, found {}", node.found());
            complaints.add(node.at, what);
            return accounts;
        };
        for entry in entries {
            match accounts.account(entry, around, complaints) {
                Some(account) => {
                    let name = account.name().clone();
                    accounts.by_name.insert(name, Arc::new(account));
                }
                None => accounts.broken.push(entry.key.to_string()),
            }
        }
        accounts
    }

    /// The account a kind talks through: the one that is named, or the one that is called like its kind.
    pub(super) fn find(
        &self,
        shape: &AccountShape,
        named: Option<(&str, Mark)>,
        of: &str,
        at: Mark,
        complaints: &Complaints<'_>,
    ) -> Option<Arc<Account>> {
        let (name, place) = named.unwrap_or((shape.kind, at));
        if let Some(account) = self.by_name.get(&AccountName::new(name)) {
            if account.kind() == shape.kind {
                return equipped(account, shape, of, place, complaints);
            }
            let (is, wants) = (account.kind(), shape.kind);
            let what = format!(
                "{of}: account {} is of kind `{is}`, not `{wants}`",
                quoted(name)
            );
            complaints.advise(place, what, self.hint(shape));
            return None;
        }
        if self.broken.iter().any(|broken| broken == name) {
            return None;
        }
        if named.is_none() && shape.needs.is_empty() {
            // Nothing would stand in it, so that nobody has to write it.
            return Some(Arc::new(Account::new(AccountName::new(name), shape.kind)));
        }
        let what = match named {
            Some(_) => format!("{of}: unknown account {}", quoted(name)),
            None => format!("{of}: no account is named, and none is called `{name}`"),
        };
        complaints.advise(place, what, self.hint(shape));
        None
    }

    fn hint(&self, shape: &AccountShape) -> String {
        let fit: Vec<&str> = self
            .by_name
            .values()
            .filter(|account| account.kind() == shape.kind)
            .map(|account| account.name().as_str())
            .collect();
        if !fit.is_empty() {
            return format!("accounts of this kind: {}", list(&fit));
        }
        let (kind, needs) = (shape.kind, shape.needs.first().copied().unwrap_or("token"));
        let variable = example(kind, needs);
        format!("write `{kind}: {{ {needs}: {{ env: {variable} }} }}` under `accounts:`")
    }

    fn account(
        &mut self,
        entry: &Entry<'_>,
        around: &Surroundings,
        complaints: &Complaints<'_>,
    ) -> Option<Account> {
        let name = super::names::account(entry, complaints)?;
        let mut fields = Fields::of(format!("account `{name}`"), &entry.node, complaints)?;
        let (kind, shape) = kind_of(&name, entry, &mut fields)?;
        let mut account = Account::new(name, kind.as_str());
        let checked =
            |text: &str| http::check_address(text).map(|()| text.trim_end_matches('/').to_owned());
        if let Some((base_url, _)) = fields.parsed("base_url", checked) {
            account = account.at(base_url);
        }
        for key in shape.settings {
            if let Some(text) = fields.text(key) {
                account = account.set(key, text);
            }
        }
        for key in &shape.needs {
            if entry.node.get(key).is_none() {
                let variable = example(&kind, key);
                fields.missing(key, &format!("write `{key}: {{ env: {variable} }}`"));
            }
        }
        for key in shape.needs.into_iter().chain(shape.takes) {
            if let Some(source) = self.source(account.name(), &kind, key, &mut fields) {
                account = account.with(key, source.credential(around));
            }
        }
        fields.close();
        Some(account)
    }

    fn source(
        &mut self,
        account: &AccountName,
        kind: &str,
        key: &'static str,
        fields: &mut Fields<'_, '_>,
    ) -> Option<Source> {
        let entry = fields.take_entry(key)?;
        let source = Source::read(&fields.of, entry, &example(kind, key), fields.complaints)?;
        if let Source::Secret(secret) = &source {
            self.draws.push(Draw {
                account: account.clone(),
                secret: secret.clone(),
                at: entry.node.at,
            });
        }
        Some(source)
    }
}

/// The kind of an account: the one that was typed, or the one it is called like.
fn kind_of(
    name: &AccountName,
    entry: &Entry<'_>,
    fields: &mut Fields<'_, '_>,
) -> Option<(String, Shape)> {
    let typed = fields
        .take("kind")
        .map(|node| (node.text().unwrap_or_default(), node.at));
    let (kind, at) = typed.unwrap_or((name.as_str(), entry.at));
    if let Some(shape) = Shape::of(kind) {
        return Some((kind.to_owned(), shape));
    }
    let what = match typed {
        Some(_) => format!("{}: unknown kind {}", fields.of, quoted(kind)),
        None => format!("{}: `kind` is missing, and the name is no kind", fields.of),
    };
    fields
        .complaints
        .advise(at, what, meant(kind, &Shape::kinds()));
    None
}

/// The account, if it holds all that this kind needs. What only some of the kinds of an account need is looked for
/// where it is needed.
fn equipped(
    account: &Arc<Account>,
    shape: &AccountShape,
    of: &str,
    at: Mark,
    complaints: &Complaints<'_>,
) -> Option<Arc<Account>> {
    let all = Shape::of(shape.kind)?;
    let absent = |key: &&&str| !all.needs.contains(*key) && account.credential(key).is_none();
    let Some(key) = shape.needs.iter().find(absent) else {
        return Some(Arc::clone(account));
    };
    let name = account.name();
    let what = format!("{of}: account `{name}` has no `{key}`");
    let variable = example(shape.kind, key);
    complaints.advise(
        at,
        what,
        format!("write `{key}: {{ env: {variable} }}` in `{name}`"),
    );
    None
}

/// All that the kinds which share an account say of it, put together: GitHub makes tokens and takes secrets. Only what
/// every one of them needs is needed of each such account.
pub(super) struct Shape {
    pub(super) needs: Vec<&'static str>,
    pub(super) takes: Vec<&'static str>,
    pub(super) settings: Vec<&'static str>,
}

impl Shape {
    pub(super) fn of(kind: &str) -> Option<Self> {
        let mut found = false;
        let mut all = Self {
            needs: Vec::new(),
            takes: Vec::new(),
            settings: Vec::new(),
        };
        for shape in shapes().filter(|shape| shape.kind == kind) {
            if !found {
                add(&mut all.needs, shape.needs);
            }
            found = true;
            all.needs.retain(|key| shape.needs.contains(key));
            add(&mut all.takes, shape.needs);
            add(&mut all.takes, shape.takes);
            add(&mut all.settings, shape.settings);
        }
        all.takes.retain(|key| !all.needs.contains(key));
        found.then_some(all)
    }

    pub(super) fn kinds() -> Vec<&'static str> {
        shapes().map(|shape| shape.kind).collect()
    }
}

fn shapes() -> impl Iterator<Item = &'static AccountShape> {
    let issuers = issuers::KINDS.iter().filter_map(|kind| kind.account);
    issuers.chain(targets::KINDS.iter().filter_map(|kind| kind.account))
}

fn add(to: &mut Vec<&'static str>, keys: &[&'static str]) {
    for key in keys {
        if !to.contains(key) {
            to.push(key);
        }
    }
}

/// `VERCEL_TOKEN`: the variable an example reads.
fn example(kind: &str, key: &str) -> String {
    format!("{kind}_{key}").to_uppercase().replace('-', "_")
}
