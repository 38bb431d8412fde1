//! One workspace owner at Render: its calls, and what is listed once for all targets that share it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::wire::{Deploy, DeployItem, Group, Service, ServiceItem, Variable};
use crate::http::{Api, Call, Endpoint, Reply, segment};
use crate::model::{Account as Settings, Clock, Effect, Fault, Instant, SecretValue};
use crate::targets::Pass;
use crate::targets::pass::{Answers, PerPass};

const BASE: &str = "https://api.render.com/v1";

/// Render takes 400 reads and 30 changes a minute from one user.
const IN_FLIGHT: usize = 6;

/// A list of environment groups or services may be longer than other answers.
const PAGE_BYTES: u64 = 16 << 20;

/// How many pages a list may have before it is taken for endless.
const PAGES: usize = 1_000;

const PAGE: usize = 100;

pub(in crate::targets) struct Account {
    settings: Arc<Settings>,
    api: Api,
    pub(super) label: String,
    listings: PerPass<Listing>,
    /// When something a service uses was last changed by us, by Render's clock.
    changed: Mutex<BTreeMap<String, (Instant, Change)>>,
}

/// Where something a service uses was changed. Changing a group may deploy the service by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Service,
    Group,
}

/// What was listed within one pass.
#[derive(Default)]
pub(super) struct Listing {
    services: Answers<Result<Arc<Vec<Service>>, Fault>>,
    groups: Answers<Result<Arc<Vec<Group>>, Fault>>,
}

impl Account {
    pub(in crate::targets) fn open(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let label = settings.name().as_str().to_owned();
        let endpoint = Endpoint {
            base: settings.base_url().unwrap_or(BASE).to_owned(),
            name: label.clone(),
            in_flight: IN_FLIGHT,
        };
        Ok(Self {
            settings,
            api: Api::new(endpoint, clock)?,
            label,
            listings: PerPass::new(),
            changed: Mutex::new(BTreeMap::new()),
        })
    }

    /// The clock of the newest answer, whose header knows no milliseconds, rounded up.
    pub(super) fn date(&self) -> Option<Instant> {
        Some(self.api.date()? + TimeDelta::seconds(1))
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &**self.api.clock()
    }

    pub(super) fn listing(&self, pass: Pass) -> Arc<Listing> {
        self.listings.of(pass)
    }

    fn dressed(&self, call: Call) -> Result<Call, Fault> {
        Ok(call.bearer(self.settings.needed("api_key")?.value()?))
    }

    fn read(&self, call: Call) -> Result<Reply, Fault> {
        self.dressed(call)?.read()
    }

    fn change(&self, call: Call, send: impl FnOnce(Call) -> Effect<Reply>) -> Effect<Reply> {
        match self.dressed(call) {
            Ok(call) => send(call),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    /// Every service but previews.
    pub(super) fn services(&self, listing: &Listing) -> Result<Arc<Vec<Service>>, Fault> {
        listing.services.get("", || {
            let call = || self.api.get("/services").query("includePreviews", "false");
            let items: Vec<ServiceItem> = self
                .pages(call, |item: &ServiceItem| Some(item.cursor.clone()))
                .map_err(|fault| fault.at("list services"))?;
            let services = items.into_iter().map(|item| item.service);
            Ok(Arc::new(
                services.filter(|service| !service.is_preview()).collect(),
            ))
        })
    }

    /// Every environment group, without values.
    pub(super) fn groups(&self, listing: &Listing) -> Result<Arc<Vec<Group>>, Fault> {
        listing.groups.get("", || {
            // These items carry no cursor in the published description; the id of the last is taken for one.
            let items: Vec<Value> = self
                .pages(
                    || self.api.get("/env-groups"),
                    |item: &Value| item["cursor"].as_str().map(str::to_owned),
                )
                .map_err(|fault| fault.at("list environment groups"))?;
            let groups: Result<Vec<Group>, _> = items
                .into_iter()
                .map(|item| match item {
                    Value::Object(mut wrapped) if wrapped.contains_key("envGroup") => {
                        serde_json::from_value(wrapped.remove("envGroup").unwrap_or_default())
                    }
                    bare => serde_json::from_value(bare),
                })
                .collect();
            groups.map(Arc::new).map_err(|_| {
                Fault::passing("list environment groups: the answer cannot be understood")
            })
        })
    }

    /// Follows a list until a page comes back empty.
    fn pages<T: DeserializeOwned>(
        &self,
        first: impl Fn() -> Call,
        cursor: impl Fn(&T) -> Option<String>,
    ) -> Result<Vec<T>, Fault> {
        let mut all: Vec<T> = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let call = first().query("limit", PAGE.to_string()).at_most(PAGE_BYTES);
            let call = match &next {
                Some(next) => call.query("cursor", next.clone()),
                None => call,
            };
            let page: Vec<T> = self.read(call)?.parse()?;
            let following = page.last().and_then(&cursor);
            let full = page.len() >= PAGE;
            let empty = page.is_empty();
            all.extend(page);
            match following {
                _ if empty => return Ok(all),
                Some(following) if Some(&following) != next.as_ref() => next = Some(following),
                Some(_) => break,
                None if full => {
                    return Err(Fault::refused(
                        "the list goes on and does not say how to read on",
                    ));
                }
                None => return Ok(all),
            }
        }
        Err(Fault::passing("the list does not end"))
    }

    /// The service as it was last listed, for what hardly ever changes: its kind, and how long it takes to stop.
    pub(super) fn known_service(&self, id: &str) -> Result<Service, Fault> {
        if let Some(listing) = self.listings.newest() {
            let services = self.services(&listing)?;
            if let Some(known) = services.iter().find(|service| service.id == id) {
                return Ok(known.clone());
            }
        }
        self.read(self.api.get(format!("/services/{}", segment(id))))?
            .parse()
    }

    /// One variable of a service or a group; `None` where it has none of that name. Values nobody asked for are never
    /// fetched.
    pub(super) fn variable(&self, owner: &str, key: &str) -> Result<Option<SecretValue>, Fault> {
        let reply = self.read(self.api.get(variable_path(owner, key)).accept(&[404]))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let variable: Variable = reply.parse()?;
        Ok(Some(variable.value))
    }

    /// Sets that one variable. Never the list of all, which would remove what it does not name.
    pub(super) fn set_variable(
        &self,
        owner: &str,
        key: &str,
        value: &SecretValue,
    ) -> Effect<Reply> {
        let call = self
            .api
            .put(variable_path(owner, key))
            .json(&json!({"value": value.expose()}));
        self.change(call, Call::repeatable)
    }

    pub(super) fn deploys(
        &self,
        service: &str,
        limit: &str,
        status: Option<&str>,
    ) -> Result<(Vec<Deploy>, Option<Instant>), Fault> {
        let call = self
            .api
            .get(format!("/services/{}/deploys", segment(service)))
            .query("limit", limit);
        let call = match status {
            Some(status) => call.query("status", status),
            None => call,
        };
        let reply = self.read(call)?;
        let items: Vec<DeployItem> = reply.parse()?;
        let mut deploys: Vec<Deploy> = items.into_iter().map(|item| item.deploy).collect();
        deploys.sort_by_key(|deploy| std::cmp::Reverse(deploy.created_at));
        Ok((deploys, reply.date))
    }

    pub(super) fn deploy(&self, service: &str, body: &Value) -> Effect<Reply> {
        let path = format!("/services/{}/deploys", segment(service));
        self.change(self.api.post(path).json(body), Call::once)
    }

    /// Remembers that what these services use was changed at that time.
    pub(super) fn note_change<'a>(
        &self,
        services: impl Iterator<Item = &'a str>,
        at: Option<Instant>,
        change: Change,
    ) {
        let at = at.unwrap_or_else(|| self.clock().now() + TimeDelta::seconds(1));
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        for service in services {
            let known = changed.entry(service.to_owned()).or_insert((at, change));
            known.0 = at.max(known.0);
            if change == Change::Group {
                known.1 = Change::Group;
            }
        }
    }

    /// When what the service uses was last changed in this run, if one of the changes was to a group of its.
    pub(super) fn group_changed_at(&self, service: &str) -> Option<Instant> {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, change) = changed.get(service)?;
        (*change == Change::Group).then_some(*at)
    }
}

/// Groups have ids that begin with `evg-`.
fn variable_path(owner: &str, key: &str) -> String {
    let kind = if owner.starts_with("evg-") {
        "env-groups"
    } else {
        "services"
    };
    format!("/{kind}/{}/env-vars/{}", segment(owner), segment(key))
}
