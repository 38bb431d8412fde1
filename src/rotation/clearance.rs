//! Clearance: every condition of a delete at once, looked at in this run, right before it is sent (G2, G3, G4 and both
//! clocks).

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::issuers::{Ability, Verdict};
use crate::ledger::{LedgerError, Phase, Progress as Inside, ServiceProgress, SiteProgress, Way};
use crate::model::{Fault, FaultKind, Instant, SecretName, ServiceId, SiteId};

use super::deliver::Sites;
use super::drive::{Drive, Grace};
use super::guard;
use super::observe::Freshness;
use super::outcome::Ending;
use super::plan::Move;
use super::survey::{Running, Survey};

/// How long after the promotion the old key may still be used by requests that were under way.
const LAST_REQUESTS: TimeDelta = TimeDelta::minutes(15);

/// How long the old key must have been left alone by a consumer that nobody configured. What an issuer tells of the last
/// use never goes back, so that a consumer that has moved on shows by time alone.
const UNUSED_FOR: TimeDelta = TimeDelta::hours(24);

/// Whether a key may be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a key that is ended without it may be in use"]
pub(super) enum Clearance {
    /// Every condition that was looked at is met.
    Given,
    /// One is not; the ending of the secret says which, and nothing is sent.
    Withheld,
}

impl Drive<'_> {
    /// All conditions at once, in this run. What is not met is said; nothing is sent.
    pub(super) fn may_destroy(
        &mut self,
        name: &SecretName,
        grace: Grace,
    ) -> Result<Clearance, LedgerError> {
        let secret = self.secret(name);
        let now = self.clock.now();
        let Some((open, current)) = self
            .open(name)
            .zip(self.state(name).and_then(|state| state.current()))
        else {
            self.later(name, "no key is current yet", None);
            return Ok(Clearance::Withheld);
        };
        let number = current.number;
        let skip = self.state(name).and_then(|state| state.skip.as_ref());
        let patience = match (grace, skip.filter(|skip| skip.until > now)) {
            (Grace::Waived, _) => Ok(()),
            (Grace::Kept, Some(skip)) => Err(guard::Wait::skipped(skip.until)),
            (Grace::Kept, None) => guard::grace_over(open, secret.policy.grace, now),
        };
        let quiet = guard::settled(open, now, &self.run);
        if let Err(wait) = patience.and(quiet) {
            self.wait(name, wait);
            return Ok(Clearance::Withheld);
        }
        // The new key works now (G4), and the issuer's clock agrees that the grace is over.
        let seen = self
            .ask(&[(name.clone(), number)], Freshness::Known)?
            .remove(name);
        let Some(seen) = seen else {
            self.later(name, "the current key could not be asked about", None);
            return Ok(Clearance::Withheld);
        };
        if self.clock_is_right(name, seen.date) == Clearance::Withheld {
            return Ok(Clearance::Withheld);
        }
        if seen.verdict == Verdict::Refused {
            self.current_refused(name, &Fault::refused("the key is refused"))?;
            return Ok(Clearance::Withheld);
        }
        if let Some(fault) = super::observe::refusal(&seen.verdict) {
            let fault = fault.at("the current key must work before the old one is revoked");
            self.cannot_look(name, &fault)?;
            return Ok(Clearance::Withheld);
        }
        if let Err(fault) = self.serves_us(name) {
            self.cannot_look(name, &fault)?;
            return Ok(Clearance::Withheld);
        }
        if grace == Grace::Kept
            && let Some(open) = self.open(name)
            && let Err(wait) = guard::clocks_agree(open, secret.policy.grace, now, seen.date)
        {
            self.wait(name, wait);
            return Ok(Clearance::Withheld);
        }
        match self.nothing_holds_old(name)? {
            Clearance::Given => self.nobody_uses_old(name),
            Clearance::Withheld => Ok(Clearance::Withheld),
        }
    }

    /// Our clock has not gone back, or the issuer's says the same: then it was the ledger that saw a wrong one. No grace
    /// is measured for a leaked key, so that no clock has a part in it.
    pub(super) fn clock_is_right(
        &mut self,
        name: &SecretName,
        issuer: Option<Instant>,
    ) -> Clearance {
        let (high, now) = (self.ledger.high_time(), self.clock.now());
        match guard::clock_went_back(high, now, issuer) {
            Err(wait) if !self.is_emergency(name) => {
                self.wait(name, wait);
                Clearance::Withheld
            }
            _ => Clearance::Given,
        }
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

    /// Keys whose rotation waits for a person. Nothing else is done about them.
    pub(super) fn put_off_ends(&mut self) -> Result<(), LedgerError> {
        let waiting = self.work.iter().filter(|(_, step)| **step == Move::PutOff);
        for name in waiting.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.put_off_end(&name)?;
            self.work.remove(&name);
        }
        Ok(())
    }

    /// A guard keeps the old key, so that it must not end by itself either: the dead-man's switch is set anew, a day
    /// after the grace counted from now.
    pub(super) fn put_off_end(&mut self, name: &SecretName) -> Result<(), LedgerError> {
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
        if let Err(fault) = self.set_end(name, &key, after)? {
            let end = end.format("%Y-%m-%d %H:%M UTC");
            let why = format!(
                "the old key ends by itself at {end}, and that could not be put off: {}",
                fault.what
            );
            let hint = fault.hint.unwrap_or_else(|| {
                format!("see that nothing uses the old key by then, or run `rotakey revoke {name}` again to put it off")
            });
            self.call_person(name, why, hint);
        }
        self.ledger.commit()
    }

    /// A guard could not look. Nothing was sent, so that every run looks again by itself, however often; a clear refusal
    /// is told each time until it is mended.
    pub(super) fn cannot_look(
        &mut self,
        name: &SecretName,
        fault: &Fault,
    ) -> Result<(), LedgerError> {
        if fault.kind == FaultKind::Passing {
            let until = fault.retry_after.map(|after| self.clock.now() + after);
            self.later(name, &fault.what, until);
            return Ok(());
        }
        let why = format!("{} is kept: {}", self.doomed(name), fault.what);
        let hint = fault.hint.clone();
        let hint = hint.unwrap_or_else(|| format!("mend it, then run `rotakey revoke {name}`"));
        self.end(name, Ending::NeedsPerson { why, hint });
        Ok(())
    }

    /// G3: every site of today's configuration stores the current version and every service runs it.
    fn nothing_holds_old(&mut self, name: &SecretName) -> Result<Clearance, LedgerError> {
        let survey = match self.survey(name)? {
            Ok(survey) => survey,
            Err(fault) => {
                self.cannot_look(name, &fault)?;
                return Ok(Clearance::Withheld);
            }
        };
        let secret = self.secret(name);
        let astray = match (
            self.open(name),
            self.state(name).and_then(|state| state.current()),
        ) {
            (Some(open), Some(current)) => survey.strays(secret, open, current),
            _ => {
                self.later(name, "no key is current yet", None);
                return Ok(Clearance::Withheld);
            }
        };
        let astray: Vec<SiteId> = match astray {
            Ok(astray) => astray.into_keys().collect(),
            Err(fault) => {
                self.cannot_look(name, &fault)?;
                return Ok(Clearance::Withheld);
            }
        };
        if self.missing_sites(name, &survey.look)? == Sites::Missing {
            return Ok(Clearance::Withheld);
        }
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
            return Ok(Clearance::Given);
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
        Ok(Clearance::Withheld)
    }

    /// Sites that were added, or that went back to something else, are delivered to again by the next `rotate`.
    fn reopen(
        &mut self,
        name: &SecretName,
        survey: &Survey,
        astray: &[SiteId],
    ) -> Result<(), LedgerError> {
        let secret = self.secret(name);
        let Some(open) = self.open(name) else {
            return Ok(());
        };
        // What waits for `rotate` already is not told to it again.
        let news = |id: &&SiteId| open.sites.get(*id).is_none_or(|site| site.write.is_some());
        let settled = |running: &&Running| {
            let known = open.services.get(&running.service.id);
            known.is_none_or(|known| known.confirmed)
        };
        let site = |id: &SiteId| -> (SiteId, SiteProgress) {
            let seen = &survey.look.sites[id];
            let stage = seen.destination(secret).stage.clone();
            (id.clone(), seen.progress(secret, stage, None))
        };
        let sites: BTreeMap<_, _> = astray.iter().filter(news).map(site).collect();
        let service = |running: &Running| -> (ServiceId, ServiceProgress) {
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
        let services: BTreeMap<_, _> = survey.behind().filter(settled).map(service).collect();
        if sites.is_empty() && services.is_empty() {
            return Ok(());
        }
        self.inside(name, Inside::Reopened { sites, services })?;
        self.ledger.commit()
    }

    /// A consumer that nobody configured still uses the old key. A leaked key is used by whoever stole it, so that an
    /// emergency does not ask.
    fn nobody_uses_old(&mut self, name: &SecretName) -> Result<Clearance, LedgerError> {
        let secret = self.secret(name);
        if secret.issuer.capabilities().reports_use == Ability::No || self.is_emergency(name) {
            return Ok(Clearance::Given);
        }
        let Some(key) = self.old(name).and_then(|old| old.key()) else {
            return Ok(Clearance::Given);
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
            (Err(fault), _) if fault.kind == FaultKind::Missing => Ok(Clearance::Given),
            (Ok(Some(used)), Some(moved))
                if used > moved + LAST_REQUESTS && self.clock.now() < used + UNUSED_FOR =>
            {
                let used = used.format("%Y-%m-%d %H:%M UTC");
                let why = format!(
                    "the old key is kept: something that is not configured used it at {used}"
                );
                let hint = format!(
                    "find it and give it the new key: the old one goes once it was unused for 24 hours; `rotakey rotate \
                     --emergency --reason TEXT {name}` does not wait"
                );
                self.end(name, Ending::NeedsPerson { why, hint });
                Ok(Clearance::Withheld)
            }
            (Ok(_), _) => Ok(Clearance::Given),
            // Whatever stands in the way of asking: a person has ended it.
            (Err(_), _) if self.is_dead(name, &key) => Ok(Clearance::Given),
            (Err(fault), _) => {
                self.cannot_look(name, &fault)?;
                Ok(Clearance::Withheld)
            }
        }
    }
}
