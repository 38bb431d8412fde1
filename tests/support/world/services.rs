//! The customer's running services. Each calls its vendor with the value that its live deployment was created with, after
//! every API request and whenever time passes: whoever takes a key away too early is caught at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::github::GitHub;
use super::message::{Reply, Request};
use super::mint::last4;
use super::openai::OpenAi;
use super::settings::Settings;
use super::state::State;
use super::stripe::Stripe;

/// Decides whether the other end of a variable lets a value in.
pub(super) type Validator = Box<dyn Fn(&str) -> bool + Send>;

pub(super) enum Check {
    OpenAi,
    Stripe,
    /// The receiver of Stripe's events: it accepts the signing secrets it runs with.
    StripeWebhook,
    GitHub,
    /// Must not call back into the world: it runs under the world's lock.
    Custom(Validator),
}

/// When a service is unwell although its deployment is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sick {
    Always,
    /// Only while it runs with a value that it did not run with when it was made sick.
    OnlyWithNewKey,
}

/// How the calls of one service have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) served: u64,
    pub(crate) failed: u64,
}

/// One refused call of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `vercel/web`, `vercel/web/staging`, `render/api`.
    pub(crate) service: String,
    pub(crate) variable: String,
    pub(crate) last4: String,
    pub(crate) at: DateTime<Utc>,
    /// The number of the API request after which it happened.
    pub(crate) after_request: u64,
}

pub(super) struct Fleet {
    pub(super) checks: BTreeMap<String, Check>,
    pub(super) tallies: BTreeMap<String, Tally>,
    pub(super) failures: Vec<Failure>,
    pub(super) sick: BTreeMap<String, (Sick, BTreeSet<String>)>,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            checks: BTreeMap::from([
                ("OPENAI_API_KEY".into(), Check::OpenAi),
                ("STRIPE_SECRET_KEY".into(), Check::Stripe),
                ("STRIPE_WEBHOOK_SECRETS".into(), Check::StripeWebhook),
                ("GITHUB_TOKEN".into(), Check::GitHub),
            ]),
            tallies: BTreeMap::new(),
            failures: Vec::new(),
            sick: BTreeMap::new(),
        }
    }
}

/// Those who are called with the keys.
struct Vendors<'a> {
    openai: &'a mut OpenAi,
    stripe: &'a Stripe,
    github: &'a GitHub,
    now: DateTime<Utc>,
    settings: &'a Settings,
}

/// One set of instances of a service and the variables they run with.
pub(super) struct Instance<'a> {
    pub(super) service: &'a str,
    pub(super) env: &'a BTreeMap<String, String>,
    /// Replaced already, and still serving.
    pub(super) draining: bool,
}

impl State {
    /// Everything that runs now.
    pub(super) fn instances(&self) -> impl Iterator<Item = Instance<'_>> {
        instances(&self.vercel, &self.render, self.now)
    }

    /// Lets every service call once with each checked variable it runs with.
    pub(super) fn call_vendors(&mut self) {
        let Self {
            vercel,
            render,
            openai,
            stripe,
            github,
            fleet,
            settings,
            now,
            log,
            ..
        } = self;
        let mut vendors = Vendors {
            openai,
            stripe,
            github,
            now: *now,
            settings,
        };
        let after_request = log.entries.len() as u64;
        for Instance { service, env, .. } in instances(vercel, render, *now) {
            for (variable, check) in &fleet.checks {
                let Some(value) = env.get(variable) else {
                    continue;
                };
                let served = vendors.let_in(check, value);
                if !fleet.tallies.contains_key(service) {
                    fleet.tallies.insert(service.to_owned(), Tally::default());
                }
                let tally = fleet
                    .tallies
                    .get_mut(service)
                    .expect("it was just put there");
                if served {
                    tally.served += 1;
                    continue;
                }
                tally.failed += 1;
                fleet.failures.push(Failure {
                    service: service.to_owned(),
                    variable: variable.clone(),
                    last4: last4(value),
                    at: *now,
                    after_request,
                });
            }
        }
    }

    /// The values that a service runs with now, draining instances left out.
    pub(super) fn values_of(&self, service: &str) -> Option<BTreeSet<String>> {
        let mut found = self
            .instances()
            .filter(|instance| instance.service == service);
        let live = found.find(|instance| !instance.draining)?;
        Some(live.env.values().cloned().collect())
    }

    /// What a service's own health URL says: it calls its vendors, and tells how that went.
    pub(super) fn health(&mut self, request: &Request) -> Reply {
        let service = request.path.trim_start_matches('/').to_owned();
        let Some(values) = self.values_of(&service) else {
            return health(503, &service, "no live deployment");
        };
        let sick = match self.fleet.sick.get(&service) {
            Some((Sick::Always, _)) => true,
            Some((Sick::OnlyWithNewKey, known)) => !values.is_subset(known),
            None => false,
        };
        if sick {
            return health(503, &service, "unwell");
        }
        let Self {
            vercel,
            render,
            openai,
            stripe,
            github,
            fleet,
            settings,
            now,
            ..
        } = self;
        let mut vendors = Vendors {
            openai,
            stripe,
            github,
            now: *now,
            settings,
        };
        let live = instances(vercel, render, *now)
            .find(|instance| instance.service == service && !instance.draining)
            .expect("values_of has found it");
        let refused = fleet.checks.iter().any(|(variable, check)| {
            let value = live.env.get(variable);
            value.is_some_and(|value| !vendors.let_in(check, value))
        });
        if refused {
            health(500, &service, "a vendor refuses the key")
        } else {
            health(200, &service, "ok")
        }
    }
}

fn instances<'a>(
    vercel: &'a super::vercel::Vercel,
    render: &'a super::render::Render,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Instance<'a>> {
    let on_vercel = vercel.projects.iter().flat_map(move |project| {
        let production = project
            .production
            .map(|index| (project.service.as_str(), index));
        let customs = project
            .customs
            .iter()
            .filter_map(|custom| Some((custom.service.as_str(), custom.current?)));
        production
            .into_iter()
            .chain(customs)
            .map(move |(service, index)| Instance {
                service,
                env: &vercel.deployments[index].env,
                draining: false,
            })
    });
    let on_render = render.services.iter().flat_map(move |service| {
        service.running(now).map(move |deploy| Instance {
            service: &service.service,
            env: &deploy.env,
            draining: deploy.drained_at.is_some(),
        })
    });
    on_vercel.chain(on_render)
}

impl Vendors<'_> {
    fn let_in(&mut self, check: &Check, value: &str) -> bool {
        let (now, settings) = (self.now, self.settings);
        match check {
            Check::OpenAi => self.openai.authenticate(value, now, settings).is_some(),
            Check::Stripe => self.stripe.authenticate(value, now, settings).is_some(),
            Check::StripeWebhook => self.stripe.reaches(value),
            Check::GitHub => self.github.authenticate(value, now, settings).is_some(),
            Check::Custom(validator) => validator(value),
        }
    }
}

fn health(status: u16, service: &str, state: &str) -> Reply {
    Reply::json(status, &json!({"service": service, "state": state}))
}
