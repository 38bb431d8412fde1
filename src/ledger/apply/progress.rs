//! What happens inside a phase: it moves no milestone.

use std::collections::BTreeSet;

use crate::model::ServiceId;

use super::super::change::{Progress, Step};
use super::super::event::Event;
use super::super::outbox::News;
use super::super::phase::{Milestone, Phase};
use super::super::state::{Asked, Rotation, Trigger, Unsettled, Way};
use super::{Applying, Events, bury, noted, placed};

impl Applying<'_> {
    #[expect(
        clippy::too_many_lines,
        reason = "one match over everything that can happen inside a phase"
    )]
    pub(super) fn progress(&mut self, progress: Progress) -> Events {
        let at = self.at;
        let open = self.open()?;
        match progress {
            Progress::OrphanReaped { key_id } => Ok(vec![noted(
                "orphan.removed",
                key_id.map(|id| id.to_string()),
            )]),
            Progress::SitesFound(sites) => {
                for (id, site) in sites {
                    open.sites.entry(id).or_insert(site);
                }
                Ok(Vec::new())
            }
            Progress::SitesGone(sites) => {
                let gone = sites.into_iter().filter_map(|id| open.sites.remove(&id));
                let events = gone
                    .map(|site| Event {
                        place: Some(site.label),
                        ..Event::new("site.gone")
                    })
                    .collect();
                // A service that uses no site of this secret any more owes it nothing.
                let used: BTreeSet<&ServiceId> = open
                    .sites
                    .values()
                    .flat_map(|site| &site.services)
                    .collect();
                open.services.retain(|id, _| used.contains(id));
                Ok(events)
            }
            Progress::Turned {
                way,
                sites,
                services,
            } => {
                for site in &sites {
                    let Some(progress) = open.sites.get_mut(site) else {
                        return self.absent("site");
                    };
                    progress.heading = Some(way);
                }
                open.services.extend(services);
                Ok(Vec::new())
            }
            Progress::Sent { step, places, run } => {
                open.send(at, run);
                Ok(places
                    .into_iter()
                    .map(|place| placed(step, "sent", place))
                    .collect())
            }
            Progress::Settled => {
                open.sending = None;
                Ok(Vec::new())
            }
            Progress::Doubted {
                step,
                place,
                why,
                run,
            } => {
                open.unsettled = Some(Unsettled { since: at, run });
                open.trouble = Some(format!("{step} {place}: {why}"));
                Ok(vec![Event {
                    note: Some(why),
                    ..placed(step, "uncertain", place)
                }])
            }
            Progress::NotDone { step, place, why } => {
                open.trouble = Some(format!("{step} {place}: {why}"));
                if step == Step::Deliver {
                    untouched(open, &place);
                }
                Ok(vec![Event {
                    note: Some(why),
                    ..placed(step, "not_done", place)
                }])
            }
            Progress::Written { site, write } => {
                let step = match write.way {
                    Way::Forward => Step::Deliver,
                    Way::Back => Step::Restore,
                };
                let Some(progress) = open.sites.get_mut(&site) else {
                    return self.absent("site");
                };
                progress.write = Some(write);
                let label = progress.label.clone();
                open.attempts = 0;
                Ok(vec![placed(step, "done", label)])
            }
            Progress::Activated {
                service,
                deployment,
            } => {
                let Some(progress) = open.services.get_mut(&service) else {
                    return self.absent("service");
                };
                progress.asked = Some(Asked {
                    at,
                    deployment: deployment.clone(),
                });
                Ok(vec![Event {
                    note: deployment,
                    ..placed(Step::Activate, "done", progress.label.clone())
                }])
            }
            Progress::Confirmed { service, how } => {
                let Some(progress) = open.services.get_mut(&service) else {
                    return self.absent("service");
                };
                progress.confirmed = true;
                let label = progress.label.clone();
                open.attempts = 0;
                Ok(vec![Event {
                    note: Some(how),
                    ..placed(Step::Confirm, "done", label)
                }])
            }
            Progress::Reopened { sites, services } => {
                let events = sites
                    .values()
                    .map(|site| placed(Step::Deliver, "reopened", site.label.clone()))
                    .collect();
                for (id, site) in sites {
                    // What is needed to put the old version back is kept; only the write is to be done again.
                    open.sites.entry(id).or_insert(site).write = None;
                }
                open.services.extend(services);
                Ok(events)
            }
            Progress::Escalated { reason, alarm } => {
                let leak = self.secret.leak.as_ref();
                let known = leak.is_some_and(|leak| leak.reason == reason);
                let open = self.open()?;
                open.trigger = Trigger::Emergency;
                open.alarm = Some(alarm);
                open.reason = Some(reason.clone());
                if !known {
                    self.exposed(reason.clone(), alarm);
                }
                self.leaked()?;
                Ok(vec![noted("rotation.escalated", Some(reason))])
            }
            Progress::EndFirstIntended => {
                open.ends_first = true;
                Ok(Vec::new())
            }
            Progress::EndFirstNotDone => {
                open.ends_first = false;
                Ok(Vec::new())
            }
            Progress::EndedFirst { observed } => {
                let old = open.from;
                open.sending = None;
                match old.and_then(|number| self.secret.version_mut(number)) {
                    Some(old) => bury(old, at),
                    None => return self.absent("old version"),
                }
                Ok(vec![noted("revoke.done", Some(observed))])
            }
            Progress::Soaking { stage } => {
                let event = Event {
                    place: Some(stage.to_string()),
                    ..Event::new("soak.begun")
                };
                open.soaking.entry(stage).or_insert(at);
                Ok(vec![event])
            }
            Progress::ExpiryIntended { after } => {
                // Nobody knows whether the issuer will take it: the earlier end is the one to reckon with.
                let end = at + after;
                open.expires_at = Some(open.expires_at.map_or(end, |known| known.min(end)));
                Ok(Vec::new())
            }
            Progress::LeftBehind => {
                let ahead = open.unsettled.take_if(|doubt| doubt.since > at);
                if let Some(former) = open.sending.take().or(ahead) {
                    open.unsettled = Some(Unsettled {
                        since: at,
                        run: former.run,
                    });
                }
                Ok(Vec::new())
            }
            Progress::ExpiryNotSet { end } => {
                open.expires_at = end;
                Ok(Vec::new())
            }
            Progress::ExpirySet { after } => {
                let until = at + after;
                open.expires_at = Some(until);
                Ok(vec![Event {
                    until: Some(until),
                    ..Event::new("expire.done")
                }])
            }
            Progress::Stalled { why } => {
                open.attempts += 1;
                open.trouble = Some(why);
                Ok(Vec::new())
            }
            Progress::BothRefused => {
                open.both_refused = true;
                Ok(Vec::new())
            }
            Progress::Stuck { why } => {
                // Said once: a person who has not come yet does not need the same line every night.
                let news = open.stuck.as_ref() != Some(&why);
                open.stuck = Some(why.clone());
                if news {
                    open.heard = false;
                    self.news.push(News::PersonNeeded { why: why.clone() });
                }
                Ok(if news {
                    vec![noted("rotation.stuck", Some(why))]
                } else {
                    Vec::new()
                })
            }
            Progress::Heard => {
                open.heard = true;
                Ok(Vec::new())
            }
            Progress::Unstuck => {
                (open.stuck, open.heard, open.attempts) = (None, false, 0);
                open.both_refused = false;
                // A redeploy that came to nothing is asked for again.
                for service in open
                    .services
                    .values_mut()
                    .filter(|service| !service.confirmed)
                {
                    service.asked = None;
                }
                Ok(vec![Event::new("rotation.resumed")])
            }
        }
    }
}

/// A site whose only write was clearly not done holds what it held: a rotation that is taken back must not depend on a
/// site that refuses every write. While any request of the rotation is in doubt, nothing is concluded.
fn untouched(open: &mut Rotation, place: &str) {
    if open.unsettled.is_some() {
        return;
    }
    // A site that is delivered to again, in grace or after a way back, was written before.
    let first = open.phase() == Ok(Phase::Delivering) && !open.path.contains(&Milestone::Resumed);
    if !first {
        return;
    }
    // Labels are for people: where two sites share one, nothing is concluded either.
    if open
        .sites
        .values()
        .filter(|site| site.label == place)
        .count()
        != 1
    {
        return;
    }
    let refused = open.sites.values_mut().filter(|site| site.label == place);
    for site in refused.filter(|site| site.write.is_none()) {
        site.heading = None;
    }
    let touched: BTreeSet<ServiceId> = open
        .sites
        .values()
        .filter(|site| site.heading.is_some())
        .flat_map(|site| site.services.iter().cloned())
        .collect();
    open.services
        .retain(|id, service| service.asked.is_some() || touched.contains(id));
}
