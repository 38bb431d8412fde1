//! Revoke: the point of no return. Every condition is looked at here, in this run, right before the delete is sent.

use chrono::TimeDelta;

use crate::issuers::{Ability, Verdict};
use crate::ledger::{
    LedgerError, Order, Phase, Progress as Inside, Rotation, ServiceProgress, SiteProgress, Step,
    Way, What,
};
use crate::model::{Effect, Fault, FaultKind, Instant, Key, SecretName, ServiceId, SiteId};

use super::deliver::Sites;
use super::drive::{Drive, Grace};
use super::guard;
use super::observe::{Freshness, Survey};
use super::outcome::{Course, Ending};
use super::plan;
use super::progress::Happening;

/// How long the old key may go on being accepted after the delete: the waits between the looks. Stripe was seen to
/// take several minutes, OpenAI and SendGrid announce a delay.
const DYING: [i64; 8] = [1, 2, 4, 8, 15, 30, 60, 60];

/// How long after the promotion the old key may still be used by requests that were under way.
const LAST_REQUESTS: TimeDelta = TimeDelta::minutes(15);

/// How long the old key must have been left alone by a consumer that nobody configured. What an issuer tells of the last
/// use never goes back, so that a consumer that has moved on shows by time alone.
const UNUSED_FOR: TimeDelta = TimeDelta::hours(24);

impl Drive<'_> {
    /// The old keys of emergencies, in the same run: no grace, every guard.
    pub(super) fn revoke_leaked(&mut self) -> Result<(), LedgerError> {
        let leaked: Vec<_> = self
            .at(&[Phase::Grace, Phase::Revoking])
            .into_iter()
            .filter(|name| self.is_emergency(name))
            .collect();
        self.revoke_those(leaked, Grace::Waived)
    }

    pub(super) fn revoke(&mut self, grace: Grace) -> Result<(), LedgerError> {
        let names = self.at(&[Phase::Grace, Phase::Revoking]);
        self.revoke_those(names, grace)
    }

    fn revoke_those(&mut self, names: Vec<SecretName>, grace: Grace) -> Result<(), LedgerError> {
        for name in names {
            if self.clock.stopping() {
                break;
            }
            let grace = if self.is_emergency(&name) {
                Grace::Waived
            } else {
                grace
            };
            if let Some(died) = self.died_first(&name) {
                self.gone(&name, None, died)?;
                continue;
            }
            if !self.may_destroy(&name, grace)? || !self.reap_twins(&name)? {
                self.put_off_end(&name)?;
                continue;
            }
            // One that had to die first has no value any more, and its rotation goes on until every site has the new one.
            let Some(key) = self.old(&name).and_then(|old| old.key()) else {
                let why = "not every site has the new key yet".to_owned();
                let course = Course::Trouble;
                self.end(
                    &name,
                    Ending::Waiting {
                        why,
                        until: None,
                        course,
                    },
                );
                continue;
            };
            if self.phase(&name) == Some(Phase::Grace) {
                self.record(
                    &name,
                    What::RevokeIntended {
                        run: self.run.clone(),
                    },
                )?;
            }
            let Some(observed) = self.kill(&name, &key)? else {
                continue;
            };
            let now = self.clock.now();
            self.gone(&name, Some(observed), now)?;
        }
        self.ledger.commit()
    }

    /// The old key is dead, and with it the rotation is over.
    fn gone(
        &mut self,
        name: &SecretName,
        observed: Option<String>,
        died: Instant,
    ) -> Result<(), LedgerError> {
        let old = self.old(name).map(|old| old.hint.clone());
        let exposed = self.exposed(name, died);
        let secret = self.secret(name);
        let observed = observed.map(|observed| counted(observed, exposed));
        let seen = observed.clone();
        let seen = seen.unwrap_or_else(|| counted("it died before the delivery".into(), exposed));
        self.record(name, What::Finished { observed })?;
        self.ledger.commit()?;
        let next = self.state(name).and_then(|state| plan::due(secret, state));
        self.tell(
            name,
            Happening::Revoked {
                old: old.as_ref(),
                observed: &seen,
                next,
            },
        );
        self.end(name, Ending::Revoked { old, exposed });
        Ok(())
    }

    /// When the old key died, where it had to die first.
    fn died_first(&self, name: &SecretName) -> Option<Instant> {
        let everywhere = self.open(name).is_some_and(super::deliver::is_everywhere);
        self.old(name)?.revoked_at.filter(|_| everywhere)
    }

    fn exposed(&self, name: &SecretName, died: Instant) -> Option<TimeDelta> {
        let alarm = self.open(name)?.alarm?;
        Some((died - alarm.raised_at).max(TimeDelta::zero()))
    }

    /// A leak for which an outage is the smaller harm: the old key is told to end before anything is delivered, and
    /// whatever comes of that, the new one goes out at once. Where it is not seen dead yet, the end of the run looks
    /// again.
    pub(super) fn revoke_first(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Delivering]) {
            let first = self.open(&name).and_then(|open| open.alarm);
            let first = first.is_some_and(|alarm| alarm.order == Order::RevokeFirst);
            let old = self.old(&name).and_then(|old| old.key());
            let (Some(key), false) = (old.filter(|_| first), self.clock.stopping()) else {
                continue;
            };
            // G4 here too: of two keys the one that works is never the one that dies.
            if !self.new_works(&name)? {
                continue;
            }
            let is_first = self.open(&name).is_some_and(|open| !open.ends_first);
            self.inside(&name, Inside::EndFirstIntended)?;
            if let Err(fault) = self.send_revoke(&name, &key)? {
                if is_first {
                    self.inside(&name, Inside::EndFirstNotDone)?;
                }
                let why = fault.what;
                let place = self.secret(&name).issuer.place();
                self.failed_place(&name, Step::Revoke, &place, &place, &why);
            }
            if self.is_dead(&name, &key) {
                let place = self.secret(&name).issuer.place();
                let exposed = self.exposed(&name, self.clock.now());
                let observed = counted(format!("{place} refuses it"), exposed);
                self.inside(&name, Inside::EndedFirst { observed })?;
            }
        }
        self.ledger.commit()
    }

    /// Whether the new version worked at the issuer in this run. Where it does not, `deliver` says so.
    fn new_works(&mut self, name: &SecretName) -> Result<bool, LedgerError> {
        let Some(to) = self.open(name).and_then(|open| open.to) else {
            return Ok(false);
        };
        if !self.is_proven(name, to) {
            drop(self.ask(&[(name.clone(), to)], Freshness::Known)?);
        }
        Ok(self.is_proven(name, to))
    }

    /// All conditions at once, in this run. What is not met is said; nothing is sent.
    fn may_destroy(&mut self, name: &SecretName, grace: Grace) -> Result<bool, LedgerError> {
        let secret = self.secret(name);
        let now = self.clock.now();
        let Some((open, current)) = self
            .open(name)
            .zip(self.state(name).and_then(|state| state.current()))
        else {
            return Ok(false);
        };
        let number = current.number;
        let skip = self.state(name).and_then(|state| state.skip.as_ref());
        let patience = match (grace, skip.filter(|skip| skip.until > now)) {
            (Grace::Waived, _) => Ok(()),
            (Grace::Kept, Some(skip)) => Err(guard::Wait::skipped(skip.until)),
            (Grace::Kept, None) => guard::grace_over(open, secret.policy.grace, now),
        };
        let quiet = guard::settled(open, now, &self.run);
        let forwards = guard::clock_went_back(self.ledger.high_time(), now);
        if let Err(wait) = patience.and(quiet).and(forwards) {
            self.wait(name, wait);
            return Ok(false);
        }
        // The new key works now (G4), and the issuer's clock agrees that the grace is over.
        let seen = self
            .ask(&[(name.clone(), number)], Freshness::Known)?
            .remove(name);
        let Some(seen) = seen else { return Ok(false) };
        if seen.verdict == Verdict::Refused {
            self.current_refused(name, &Fault::refused("the key is refused"))?;
            return Ok(false);
        }
        if let Some(fault) = super::deliver::refusal(&seen.verdict) {
            let fault = fault.at("the current key must work before the old one is revoked");
            self.cannot_look(name, &fault)?;
            return Ok(false);
        }
        if let Err(fault) = self.serves_us(name) {
            self.cannot_look(name, &fault)?;
            return Ok(false);
        }
        if grace == Grace::Kept
            && let Some(open) = self.open(name)
            && let Err(wait) = guard::clocks_agree(open, secret.policy.grace, now, seen.date)
        {
            self.wait(name, wait);
            return Ok(false);
        }
        Ok(self.nothing_holds_old(name)? && self.nobody_uses_old(name)?)
    }

    /// Where rotakey itself works with this secret: one privileged call with the current version. The last key to its
    /// own account is never taken away.
    fn serves_us(&self, name: &SecretName) -> Result<(), Fault> {
        let current = self.state(name).and_then(|state| state.current());
        let fields = current.and_then(|current| current.fields.as_ref());
        match (&self.secret(name).proof, fields) {
            (Some(proof), Some(fields)) => proof(fields)
                .map_err(|fault| fault.at("rotakey's own account must work with the new key")),
            _ => Ok(()),
        }
    }

    /// A guard keeps the old key, so that it must not end by itself either: the dead-man's switch is set anew, a day
    /// after the grace counted from now.
    fn put_off_end(&mut self, name: &SecretName) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let Some(end) = self.open(name).and_then(|open| open.expires_at) else {
            return Ok(());
        };
        let emergency = self.is_emergency(name);
        if emergency
            || self.phase(name) != Some(Phase::Grace)
            || end > now + super::promote::SWITCH_AFTER
        {
            return Ok(());
        }
        let Some(key) = self.old(name).and_then(|old| old.key()) else {
            return Ok(());
        };
        let after = self.secret(name).policy.grace.delta() + super::promote::SWITCH_AFTER;
        drop(self.set_end(name, &key, after)?);
        self.ledger.commit()
    }

    /// A guard could not look. Nothing was sent, so that every night looks again by itself; a clear refusal is told
    /// each time until it is mended.
    pub(super) fn cannot_look(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        if fault.kind == FaultKind::Passing {
            return self.dead_end_fault(name, fault);
        }
        let kept = match self.phase(name) {
            Some(Phase::Discarding) => "the key that was taken back",
            _ => "the old key",
        };
        let why = format!("{kept} is kept: {}", fault.what);
        let hint = fault.hint.clone();
        let hint = hint.unwrap_or_else(|| format!("mend it, then run `rotakey revoke {name}`"));
        self.end(name, Ending::NeedsPerson { why, hint });
        Ok(())
    }

    /// G3: every site of today's configuration stores the current version and every service runs it.
    fn nothing_holds_old(&mut self, name: &SecretName) -> Result<bool, LedgerError> {
        let survey = match self.survey(name)? {
            Ok(survey) => survey,
            Err(fault) => {
                self.cannot_look(name, &fault)?;
                return Ok(false);
            }
        };
        let secret = self.secret(name);
        let astray = match (
            self.open(name),
            self.state(name).and_then(|state| state.current()),
        ) {
            (Some(open), Some(current)) => survey.strays(secret, open, current),
            _ => return Ok(false),
        };
        let astray: Vec<SiteId> = match astray {
            Ok(astray) => astray.into_keys().collect(),
            Err(fault) => {
                self.cannot_look(name, &fault)?;
                return Ok(false);
            }
        };
        let site = astray.first().map(|id| {
            format!(
                "`{}` does not hold the current key",
                survey.look.sites[id].site.label
            )
        });
        let service = || {
            survey
                .behind()
                .next()
                .map(|running| format!("`{}` {}", running.service.label, running.says()))
        };
        let Some(why) = site.or_else(service) else {
            return Ok(self.missing_sites(name, &survey.look)? == Sites::AllFound);
        };
        self.reopen(name, &survey, &astray)?;
        let why = format!("the old key is kept: {why}");
        self.end(
            name,
            Ending::NeedsPerson {
                why,
                hint: format!("rotakey rotate {name}   delivers it again"),
            },
        );
        Ok(false)
    }

    /// Sites that were added, or that went back to something else, are delivered to again by the next `rotate`.
    fn reopen(
        &mut self,
        name: &SecretName,
        survey: &Survey,
        astray: &[SiteId],
    ) -> Result<(), LedgerError> {
        let secret = self.secret(name);
        let site = |id: &SiteId| -> (SiteId, SiteProgress) {
            let seen = &survey.look.sites[id];
            let stage = seen.destination(secret).stage.clone();
            (id.clone(), seen.progress(secret, stage, None))
        };
        let sites = astray.iter().map(site).collect();
        let service = |running: &super::observe::Running| -> (ServiceId, ServiceProgress) {
            let target = secret.destinations[running.destination].target.label();
            let label = running.service.label.clone();
            let progress = ServiceProgress {
                label,
                target,
                way: Way::Forward,
                asked: None,
                confirmed: false,
            };
            (running.service.id.clone(), progress)
        };
        let services = survey.behind().map(service).collect();
        self.inside(name, Inside::Reopened { sites, services })?;
        self.ledger.commit()
    }

    /// A consumer that nobody configured still uses the old key. A leaked key is used by whoever stole it, so that an
    /// emergency does not ask.
    fn nobody_uses_old(&mut self, name: &SecretName) -> Result<bool, LedgerError> {
        let secret = self.secret(name);
        if secret.issuer.capabilities().reports_use == Ability::No || self.is_emergency(name) {
            return Ok(true);
        }
        let Some(key) = self.old(name).and_then(|old| old.key()) else {
            return Ok(true);
        };
        let promoted = self
            .open(name)
            .and_then(|open| open.promoted.as_ref())
            .map(|promoted| promoted.at);
        // A site that was found in grace used the old key until it was delivered to.
        let delivered = self.open(name).and_then(|open| {
            let writes = open.sites.values().filter_map(|site| site.write.as_ref());
            writes.filter_map(|write| write.at).max()
        });
        let moved = promoted.map(|promoted| delivered.map_or(promoted, |at| at.max(promoted)));
        match (secret.issuer.last_used(&key), moved) {
            // A run died between the delete and its record, or a person was faster.
            (Err(fault), _) if fault.kind == FaultKind::Missing => Ok(true),
            (Ok(Some(used)), Some(moved))
                if used > moved + LAST_REQUESTS && self.clock.now() < used + UNUSED_FOR =>
            {
                let used = used.format("%Y-%m-%d %H:%M UTC");
                let why = format!(
                    "the old key is kept: something that is not configured used it at {used}"
                );
                let hint = format!(
                    "find it and give it the new key: the old one goes once it was unused for 24 hours; `rotakey rotate \
                     --emergency {name}` does not wait"
                );
                self.end(name, Ending::NeedsPerson { why, hint });
                Ok(false)
            }
            (Ok(_), _) => Ok(true),
            (Err(fault), _) => {
                self.cannot_look(name, &fault)?;
                Ok(false)
            }
        }
    }

    /// Kills a key and watches it die. `None`: it is not dead yet, and the ending says why.
    pub(super) fn kill(
        &mut self,
        name: &SecretName,
        key: &Key,
    ) -> Result<Option<String>, LedgerError> {
        let secret = self.secret(name);
        let place = secret.issuer.place();
        let capabilities = secret.issuer.capabilities();
        if capabilities.revokes == Ability::Yes {
            if let Err(fault) = self.send_revoke(name, key)?
                && !self.is_dead(name, key)
            {
                self.dead_end_fault(name, &fault)?;
                return Ok(None);
            }
        } else if self
            .open(name)
            .and_then(|open| open.sending.as_ref())
            .is_some_and(|sending| sending.run == self.run)
        {
            // Nothing is sent where a person does it, so that nothing has to land.
            self.inside(name, Inside::Settled)?;
        }
        if capabilities.shows_death == Ability::No {
            return Ok(Some("no site holds it any more".to_owned()));
        }
        for seconds in DYING {
            if self.is_dead(name, key) {
                return Ok(Some(format!("{place} refuses it")));
            }
            if self.clock.stopping() || capabilities.revokes == Ability::No {
                break;
            }
            self.clock.wait(TimeDelta::seconds(seconds));
        }
        if capabilities.revokes == Ability::No {
            self.ask_person_to_end(name, key)?;
        } else {
            let why = format!("{place} still accepts the old key after the delete");
            self.end(
                name,
                Ending::Waiting {
                    why,
                    until: None,
                    course: Course::Trouble,
                },
            );
        }
        Ok(None)
    }

    /// Sends the delete. `Err`: it was clearly not done.
    fn send_revoke(
        &mut self,
        name: &SecretName,
        key: &Key,
    ) -> Result<Result<(), Fault>, LedgerError> {
        let secret = self.secret(name);
        let place = secret.issuer.place();
        let (step, run) = (Step::Revoke, self.run.clone());
        let places = vec![place.clone()];
        self.inside(
            name,
            Inside::Sent {
                step,
                places,
                run: run.clone(),
            },
        )?;
        self.ledger.commit()?;
        self.ledger.claim().check()?;
        let killed = match self.is_emergency(name) {
            true => secret.issuer.revoke_leaked(key),
            false => secret.issuer.revoke(key),
        };
        let refused = match killed {
            Effect::Done(()) => {
                self.inside(name, Inside::Settled)?;
                Ok(())
            }
            Effect::NotDone(fault) => {
                self.inside(name, Inside::Settled)?;
                let (place, why) = (place.clone(), fault.what.clone());
                self.inside(name, Inside::NotDone { step, place, why })?;
                Err(fault)
            }
            Effect::Uncertain(Fault { what: why, .. }) => {
                let place = place.clone();
                self.inside(
                    name,
                    Inside::Doubted {
                        step,
                        place,
                        why,
                        run,
                    },
                )?;
                Ok(())
            }
        };
        self.ledger.commit()?;
        Ok(refused.map_err(|fault| fault.at(format!("revoke at {place}"))))
    }

    /// Says what a person has to do until some run has lived to say it; then every run looks whether it was done.
    fn ask_person_to_end(&mut self, name: &SecretName, key: &Key) -> Result<(), LedgerError> {
        let why = match self.phase(name) {
            Some(Phase::Discarding) => {
                "the key that was taken back is to be ended by a person; rotakey looks until it is refused"
            }
            _ => "the old key is to be ended by a person; rotakey looks until it is refused",
        };
        let said = |open: &Rotation| open.heard && open.stuck.as_deref() == Some(why);
        if self.open(name).is_some_and(said) {
            let why = why.to_owned();
            self.end(name, Ending::Watching { why });
            return Ok(());
        }
        let steps = self.secret(name).issuer.removal(key).join("; ");
        self.stick(name, why, steps)
    }

    pub(super) fn is_dead(&self, name: &SecretName, key: &Key) -> bool {
        self.secret(name).issuer.verify(key).verdict == Verdict::Refused
    }
}

/// What was observed, and how long after somebody had said that the key leaked.
fn counted(observed: String, exposed: Option<TimeDelta>) -> String {
    match exposed {
        Some(exposed) => format!("{observed}, {} s after the command", exposed.num_seconds()),
        None => observed,
    }
}
