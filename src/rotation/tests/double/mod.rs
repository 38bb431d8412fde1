//! A vendor and a platform in memory, as small as they can be, with every way an outside call can go wrong.

mod platform;
mod vendor;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::model::{Clock, Effect, Fault, Instant};

pub(super) use platform::Platform;
pub(super) use vendor::Vendor;

/// What happens to one outside call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The process dies before the call leaves.
    DiesBefore,
    /// The process dies after the call was done and before anybody hears of it.
    DiesAfter,
    /// The process dies while the call is on its way; it lands five minutes later.
    DiesAndLandsLate,
    /// It was done and the reply is lost.
    ReplyLost,
    /// It never arrived and no reply comes.
    RequestLost,
    /// No reply comes, and it lands five minutes later, whatever has happened by then.
    LandsLate,
    /// It is carried out twice on its way, and one reply comes.
    ActsTwice,
    /// A clear no that may pass.
    Busy,
    /// A clear no that stays.
    Refused,
}

impl Mishap {
    pub(super) const ALL: [Mishap; 9] = [
        Mishap::DiesBefore,
        Mishap::DiesAfter,
        Mishap::DiesAndLandsLate,
        Mishap::ReplyLost,
        Mishap::RequestLost,
        Mishap::LandsLate,
        Mishap::ActsTwice,
        Mishap::Busy,
        Mishap::Refused,
    ];
}

/// What a dying process throws. Nothing catches it but the test.
pub(super) struct Death;

const LATE: TimeDelta = TimeDelta::minutes(5);
const BUILD: TimeDelta = TimeDelta::seconds(40);
/// A round trip: no two calls fall on one instant, so what was deployed before a write is older than the write.
const TRIP: TimeDelta = TimeDelta::seconds(1);

/// One call that changes something.
#[derive(Clone, Debug)]
enum Act {
    Issue { value: String, tag: String },
    Revoke { id: String },
    Write { site: String, value: String },
    Deploy { service: String },
}

#[derive(Clone, Debug)]
struct VendorKey {
    value: String,
    tag: String,
    alive: bool,
}

#[derive(Clone, Debug)]
struct Deployment {
    values: Vec<String>,
    created: Instant,
}

/// The world outside.
#[derive(Default)]
pub(super) struct World {
    now: Instant,
    keys: BTreeMap<String, VendorKey>,
    sites: BTreeMap<String, (String, u32)>,
    services: BTreeMap<String, (Vec<String>, Vec<Deployment>)>,
    late: Vec<(Instant, Act)>,
    acts: Vec<String>,
    /// By the number of the act, from 0.
    pub(super) mishaps: BTreeMap<usize, Mishap>,
    made: u32,
    /// The answer to a create does not tell the id that the list tells.
    pub(super) nameless: bool,
    /// When the vendor saw any key last, where it tells.
    pub(super) used: Option<Instant>,
    /// Sites that never show their value.
    pub(super) opaque: Vec<String>,
    /// A service that is unwell whenever it runs anything but this.
    pub(super) only_well_with: Option<String>,
    /// What went wrong for a customer, or would at the next restart.
    pub(super) outages: Vec<String>,
    /// The platform goes by another name in the configuration.
    pub(super) renamed: bool,
    /// A signal comes while this act is under way.
    pub(super) stops_at: Option<usize>,
    /// The account is suspended: every key is refused, and none is ended.
    pub(super) suspended: bool,
    /// A signal has come.
    pub(super) stopping: bool,
}

/// A handle that the doubles and the test share.
#[derive(Clone)]
pub(super) struct Outside(Arc<Mutex<World>>);

impl Outside {
    pub(super) fn at(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(World {
            now,
            ..World::default()
        })))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn advance(&self, span: TimeDelta) {
        let mut world = self.world();
        let until = world.now + span;
        // Late requests land at their own time, one after the other, and customers call in between.
        while let Some(at) = world
            .late
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| *at <= until)
            .min()
        {
            world.now = world.now.max(at);
            let (due, rest) = std::mem::take(&mut world.late)
                .into_iter()
                .partition(|(when, _)| *when <= at);
            world.late = rest;
            for (_, act) in due {
                let due: Act = act;
                world.perform(&due);
            }
            world.customers();
        }
        world.now = until;
        world.customers();
    }

    /// One outside call with whatever is to happen to it.
    fn call(&self, act: Act) -> Effect<()> {
        self.advance(TRIP);
        let mut world = self.world();
        let number = world.acts.len();
        world.acts.push(format!("{act:?}"));
        if world.stops_at == Some(number) {
            world.stopping = true;
        }
        match world.mishaps.get(&number).copied() {
            None => {
                world.perform(&act);
                world.customers();
                Effect::Done(())
            }
            Some(Mishap::DiesBefore) => {
                drop(world);
                std::panic::panic_any(Death)
            }
            Some(Mishap::DiesAfter) => {
                world.perform(&act);
                world.customers();
                drop(world);
                std::panic::panic_any(Death)
            }
            Some(Mishap::DiesAndLandsLate) => {
                let at = world.now + LATE;
                world.late.push((at, act));
                drop(world);
                std::panic::panic_any(Death)
            }
            Some(Mishap::ReplyLost) => {
                world.perform(&act);
                world.customers();
                Effect::Uncertain(Fault::passing("no answer"))
            }
            Some(Mishap::ActsTwice) => {
                world.perform(&act);
                world.perform(&act);
                world.customers();
                Effect::Done(())
            }
            Some(Mishap::RequestLost) => Effect::Uncertain(Fault::passing("no answer")),
            Some(Mishap::LandsLate) => {
                let at = world.now + LATE;
                world.late.push((at, act));
                Effect::Uncertain(Fault::passing("no answer"))
            }
            Some(Mishap::Busy) => Effect::NotDone(Fault::passing("busy (HTTP 429)")),
            Some(Mishap::Refused) => Effect::NotDone(Fault::refused("refused (HTTP 403)")),
        }
    }
}

impl World {
    pub(super) fn acts(&self) -> usize {
        self.acts.len()
    }

    pub(super) fn story(&self) -> String {
        self.acts.join("\n")
    }

    pub(super) fn seed(&mut self, value: &str) {
        let key = VendorKey {
            value: value.to_owned(),
            tag: String::new(),
            alive: true,
        };
        drop(self.keys.insert("key_0".to_owned(), key));
    }

    /// A person makes a key in the dashboard.
    pub(super) fn person_makes(&mut self, value: &str) {
        self.made += 1;
        let key = VendorKey {
            value: value.to_owned(),
            tag: String::new(),
            alive: true,
        };
        drop(self.keys.insert(format!("key_{}", self.made), key));
    }

    /// A person ends a key in the dashboard.
    pub(super) fn person_ends(&mut self, value: &str) {
        let ended = self.keys.values_mut().filter(|key| key.value == value);
        ended.for_each(|key| key.alive = false);
    }

    pub(super) fn add_site(&mut self, site: &str, service: &str, value: &str) {
        let now = self.now;
        drop(self.sites.insert(site.to_owned(), (value.to_owned(), 1)));
        let (sites, deployments) = self.services.entry(service.to_owned()).or_default();
        sites.push(site.to_owned());
        deployments.clear();
        let values = sites
            .iter()
            .filter_map(|site| Some(self.sites.get(site)?.0.clone()))
            .collect();
        deployments.push(Deployment {
            values,
            created: now - TimeDelta::hours(1),
        });
    }

    /// A person writes this in the dashboard.
    pub(super) fn person_writes(&mut self, site: &str, value: &str) {
        let (stored, marker) = self.sites.get_mut(site).expect("a site");
        *stored = value.to_owned();
        *marker += 1;
    }

    /// A site is not listed any more.
    pub(super) fn hide_site(&mut self, site: &str) {
        drop(self.sites.remove(site));
    }

    pub(super) fn live_values(&self) -> Vec<String> {
        self.keys
            .values()
            .filter(|key| key.alive)
            .map(|key| key.value.clone())
            .collect()
    }

    pub(super) fn stored(&self) -> Vec<String> {
        self.sites
            .values()
            .map(|(value, _)| value.clone())
            .collect()
    }

    pub(super) fn running(&self) -> Vec<String> {
        self.services
            .keys()
            .flat_map(|service| self.serving(service).values.clone())
            .collect()
    }

    fn perform(&mut self, act: &Act) {
        let now = self.now;
        match act {
            // The same value asked for again is there already.
            Act::Issue { value, .. } if self.keys.values().any(|key| key.value == *value) => {}
            Act::Issue { value, tag } => {
                self.made += 1;
                let value = if value.is_empty() {
                    format!("sk-made-number-{:024}", self.made)
                } else {
                    value.clone()
                };
                let key = VendorKey {
                    value,
                    tag: tag.clone(),
                    alive: true,
                };
                drop(self.keys.insert(format!("key_{}", self.made), key));
            }
            Act::Revoke { id } => {
                if let Some(key) = self.keys.get_mut(id) {
                    key.alive = false;
                }
            }
            Act::Write { site, value } => {
                if let Some((stored, marker)) = self.sites.get_mut(site) {
                    *stored = value.clone();
                    *marker += 1;
                }
            }
            Act::Deploy { service } => {
                let stored = &self.sites;
                if let Some((sites, deployments)) = self.services.get_mut(service) {
                    let values = sites
                        .iter()
                        .filter_map(|site| Some(stored.get(site)?.0.clone()))
                        .collect();
                    deployments.push(Deployment {
                        values,
                        created: now,
                    });
                }
            }
        }
    }

    fn serving(&self, service: &str) -> &Deployment {
        let deployments = &self.services[service].1;
        let ready = deployments
            .iter()
            .rev()
            .find(|deployment| self.now >= deployment.created + BUILD);
        ready.unwrap_or(&deployments[0])
    }

    /// Every service calls the vendor with what it runs; every site would at the next restart.
    fn customers(&mut self) {
        let dead: Vec<String> = self
            .keys
            .values()
            .filter(|key| !key.alive)
            .map(|key| key.value.clone())
            .collect();
        let bad = |value: &String| dead.contains(value);
        let running = self
            .running()
            .into_iter()
            .filter(bad)
            .map(|value| format!("runs {value}"));
        let stored = self
            .stored()
            .into_iter()
            .filter(bad)
            .map(|value| format!("stores {value}"));
        let outages: Vec<String> = running.chain(stored).collect();
        let after = self.acts.len();
        self.outages.extend(
            outages
                .into_iter()
                .map(|outage| format!("after act {after} at {}: {outage}", self.now)),
        );
    }
}

impl Clock for Outside {
    fn now(&self) -> Instant {
        self.world().now
    }

    fn wait(&self, span: TimeDelta) {
        self.advance(span);
    }

    fn stopping(&self) -> bool {
        self.world().stopping
    }
}
