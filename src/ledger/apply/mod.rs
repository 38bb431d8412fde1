//! What each change does to the state, and the audit events it leaves.

mod declared;
mod progress;

use std::collections::BTreeMap;

use chrono::SecondsFormat;

use crate::model::{Hint, Instant, Key, RotationId, SecretName, Span, Tag, VersionNumber};

use super::change::{Begun, Change, NewVersion, OldKey, Step, What};
use super::event::{Event, KeyMark};
use super::known::KnownSites;
use super::outbox::News;
use super::phase::{IllegalMilestone, Milestone, next};
use super::state::{
    Alarm, Leaked, Promoted, Rotation, SecretState, Setback, SiteProgress, Skip, Stage, State,
    Trigger, Unsettled, Version, Way,
};

/// Why a change cannot be recorded. A broken invariant of our own, never a person's mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IllegalChange {
    /// The milestone cannot follow.
    Milestone(IllegalMilestone),
    /// The change speaks of a rotation, version, site or service that does not exist.
    Absent {
        /// Of which secret.
        secret: SecretName,
        /// What is absent.
        what: &'static str,
    },
}

/// What a change leaves behind, apart from the state.
pub(in crate::ledger) struct Applied {
    /// What the audit log is to hold.
    pub(in crate::ledger) events: Vec<Event>,
    /// What people are to be told, if anybody is to be told.
    pub(in crate::ledger) news: Vec<News>,
    /// In which rotation.
    pub(in crate::ledger) rotation: Option<RotationId>,
}

impl State {
    /// Applies a change at that instant and says what the audit log is to hold of it.
    pub(in crate::ledger) fn apply(
        &mut self,
        at: Instant,
        change: Change,
    ) -> Result<Applied, IllegalChange> {
        let Change { secret: name, what } = change;
        let secret = self.secrets.entry(name.clone()).or_default();
        let news = Vec::new();
        let mut applying = Applying {
            at,
            name,
            secret,
            news,
        };
        // The marks are taken twice: a new version exists only after the change, an open rotation may end with it.
        let before = applying.marked(Event::new(""));
        let mut events = applying.what(what)?;
        let after = applying.marked(Event::new(""));
        for event in &mut events {
            event.secret = Some(applying.name.clone());
            event.rotation = after.rotation.clone().or_else(|| before.rotation.clone());
            event.trigger = after.trigger.or(before.trigger);
            event.old = event
                .old
                .take()
                .or_else(|| after.old.clone())
                .or_else(|| before.old.clone());
            event.new = event
                .new
                .take()
                .or_else(|| after.new.clone())
                .or_else(|| before.new.clone());
        }
        let rotation = after.rotation.or(before.rotation);
        Ok(Applied {
            events,
            news: applying.news,
            rotation,
        })
    }
}

struct Applying<'a> {
    at: Instant,
    name: SecretName,
    secret: &'a mut SecretState,
    news: Vec<News>,
}

type Events = Result<Vec<Event>, IllegalChange>;

impl Applying<'_> {
    fn what(&mut self, what: What) -> Events {
        match what {
            What::Adopted(version) => self.adopted(version),
            What::Leaked { reason, alarm } => {
                self.exposed(reason.clone(), alarm);
                Ok(vec![noted("leak.told", Some(reason))])
            }
            What::Begun(begun) => self.begun(begun),
            What::Retagged { tag, proposal, run } => {
                self.reach(Milestone::Intended)?;
                let since = self.at;
                let open = self.open()?;
                open.send(since, run);
                (open.tag, open.proposal) = (tag, proposal);
                Ok(vec![noted("issue.sent", Some(open.tag.to_string()))])
            }
            What::Issued(version) => self.issued(version),
            What::Abandoned { why } => {
                self.ended(Milestone::Abandoned, "rotation.abandoned", Some(why))
            }
            What::Verified { how } => {
                self.reach(Milestone::Verified)?;
                Ok(vec![noted("verify.done", Some(how))])
            }
            What::Promoted { issuer_date } => self.promoted(issuer_date),
            What::RevokeIntended { run } => {
                let since = self.at;
                self.reach(Milestone::RevokeIntended)?;
                self.open()?.send(since, run);
                Ok(vec![Event::new("revoke.intended")])
            }
            What::Finished { observed } => {
                self.ended(Milestone::Finished, "rotation.finished", observed)
            }
            What::UndoBegun { why } => {
                self.reach(Milestone::UndoBegun)?;
                self.open()?.trouble = Some(why.clone());
                Ok(vec![noted("undo.begun", Some(why))])
            }
            What::Resumed => self.resumed(),
            What::Restored => self.restored(),
            What::Discarded { observed } => {
                self.ended(Milestone::Discarded, "rotation.rolled_back", observed)
            }
            What::Lost { observed, old } => self.lost(observed, old),
            What::Skipped { until, reason } => {
                let times = self.secret.skip.as_ref().map_or(0, |skip| skip.times) + 1;
                let skip = Skip {
                    until,
                    reason: reason.clone(),
                    times,
                };
                self.secret.skip = Some(Box::new(skip));
                Ok(vec![Event {
                    until: Some(until),
                    ..noted("skip.done", Some(reason))
                }])
            }
            What::Warned { due } => {
                self.secret.warned = Some(due);
                let current = self.secret.current().map(|version| version.hint.clone());
                self.news.push(News::Upcoming { due, current });
                Ok(vec![Event {
                    until: Some(due),
                    ..Event::new("warn.done")
                }])
            }
            What::Told { why } => {
                if self.secret.tell(&why) {
                    self.news.push(News::PersonNeeded { why: why.clone() });
                }
                Ok(vec![noted("person.needed", Some(why))])
            }
            What::Progress(progress) => self.progress(progress),
        }
    }

    fn adopted(&mut self, new: NewVersion) -> Events {
        let at = self.at;
        let former = self.secret.current();
        let same = former.is_some_and(|former| former.fingerprint == new.fingerprint);
        let versions = self.secret.versions.iter_mut();
        versions
            .filter(|version| version.stage == Stage::Current)
            .for_each(|former| bury(former, at));
        self.secret.rotated_at = Some(new.created_at);
        let created_at = ("created_at".to_owned(), written(new.created_at));
        self.secret.skip = None;
        self.secret.told = None;
        let mark = self.add(new, Stage::Current, None);
        let number = self.secret.current().map(|current| current.number);
        // A leak of a key that was not known then, or of the same value under another id, is one of the key that is taken
        // over now.
        let meant = |leak: &&mut Leaked| same || leak.newest == VersionNumber(0);
        if let (Some(leak), Some(number)) = (self.secret.leak.as_mut().filter(meant), number) {
            leak.newest = number;
        }
        self.over(Milestone::Finished);
        Ok(vec![Event {
            new: Some(mark),
            facts: [created_at].into(),
            ..Event::new("adopt.done")
        }])
    }

    fn begun(&mut self, begun: Begun) -> Events {
        let from = self.secret.current().map(|version| version.number);
        // A late write of the rotation before may land on what this one delivers (G2).
        let at = self.at;
        let doubt = self.secret.doubt.take().map(|doubt| *doubt);
        let doubt = doubt.filter(|doubt| at < doubt.since + Unsettled::QUIET);
        let Begun {
            rotation,
            trigger,
            reason,
            alarm,
            tag,
            proposal,
            run,
            facts,
        } = begun;
        let events = vec![
            Event {
                facts,
                ..noted("rotation.begun", reason.clone())
            },
            noted("issue.sent", Some(tag.to_string())),
        ];
        let open = Rotation {
            id: rotation,
            trigger,
            reason,
            alarm,
            begun_at: self.at,
            since: self.secret.rotated_at,
            path: Vec::new(),
            tag,
            proposal,
            from,
            to: None,
            sites: BTreeMap::new(),
            services: BTreeMap::new(),
            sending: Some(Unsettled {
                since: self.at,
                run,
            }),
            unsettled: doubt,
            soaking: BTreeMap::new(),
            promoted: None,
            expires_at: None,
            ends_first: false,
            both_refused: false,
            attempts: 0,
            trouble: None,
            stuck: None,
            heard: false,
        };
        self.secret.rotation = Some(Box::new(open));
        self.reach(Milestone::Intended)?;
        self.leaked()?;
        Ok(events)
    }

    fn issued(&mut self, new: NewVersion) -> Events {
        self.reach(Milestone::Issued)?;
        let tag = self.open()?.tag.clone();
        let number = VersionNumber(
            self.secret
                .versions
                .last()
                .map_or(1, |last| last.number.0 + 1),
        );
        let mark = self.add(new, Stage::Pending, Some(tag));
        let open = self.open()?;
        // The version holds the value now; a second copy would outlive it.
        (open.to, open.proposal, open.sending) = (Some(number), None, None);
        let from = open.from;
        if let Some(new) = self.hint(Some(number)) {
            let old = self.hint(from);
            self.news.push(News::Started { old, new });
        }
        Ok(vec![Event {
            new: Some(mark),
            ..Event::new("issue.done")
        }])
    }

    fn promoted(&mut self, issuer_date: Option<Instant>) -> Events {
        self.reach(Milestone::Promoted)?;
        let at = self.at;
        let open = self.open()?;
        open.promoted = Some(Promoted { at, issuer_date });
        let (from, to) = (open.from, open.to);
        let took = (at - open.begun_at).num_seconds().max(0);
        let (services, leaked) = (open.services.len(), open.trigger == Trigger::Emergency);
        self.stage(from, Stage::Previous);
        self.stage(to, Stage::Current);
        if let Some(new) = self.hint(to) {
            let old = self.hint(from);
            self.news.push(News::Complete {
                new,
                old,
                services,
                leaked,
            });
        }
        self.secret.rotated_at = Some(at);
        self.secret.took = Some(Span::seconds(took));
        self.secret.lost = false;
        self.secret.setback = None;
        self.secret.skip = None;
        self.secret.warned = None;
        self.secret.told = None;
        Ok(vec![Event::new("promote.done")])
    }

    fn resumed(&mut self) -> Events {
        self.reach(Milestone::Resumed)?;
        let open = self.open()?;
        // A site that was put back, or may have been, is written again. Where it was headed stays on record: one that was
        // ever touched is never taken for untouched.
        let turned = |site: &&mut SiteProgress| site.heading == Some(Way::Back);
        for site in open.sites.values_mut().filter(turned) {
            site.write = None;
        }
        for service in open.services.values_mut() {
            (service.way, service.asked, service.confirmed) = (Way::Forward, None, false);
        }
        let (from, to) = (open.from, open.to);
        // A rollback out of the grace is taken back to before the promotion: it is proven and promoted again.
        open.promoted = None;
        self.stage(to, Stage::Pending);
        self.stage(from, Stage::Current);
        Ok(vec![Event::new("rotation.forward")])
    }

    fn restored(&mut self) -> Events {
        self.reach(Milestone::Restored)?;
        let open = self.open()?;
        let (from, to) = (open.from, open.to);
        let (since, end) = (open.since, open.expires_at);
        self.stage(to, Stage::Pending);
        self.stage(from, Stage::Current);
        // An end that could only be put off stays with the key, and the next rotation comes before it.
        let stays = from.and_then(|number| self.secret.version_mut(number));
        if let (Some(stays), Some(end)) = (stays, end) {
            let end = end.to_rfc3339_opts(SecondsFormat::Secs, true);
            drop(stays.notes.insert(Key::EXPIRES_AT.to_owned(), end));
        }
        // The old version is as old as it was, also for the next due date.
        self.secret.rotated_at = since;
        Ok(vec![Event::new("restore.confirmed")])
    }

    /// The rotation is over. The version that lost is observed dead, so its value is dropped only now.
    fn ended(&mut self, milestone: Milestone, kind: &str, said: Option<String>) -> Events {
        self.reach(milestone)?;
        let at = self.at;
        let open = self.open()?;
        let (from, trouble) = (open.from, open.trouble.clone());
        let services = open.services.len();
        if milestone == Milestone::Discarded {
            let why = trouble.clone().unwrap_or_default();
            let times = self.secret.setback.as_ref().map_or(0, |last| last.times) + 1;
            self.secret.setback = Some(Box::new(Setback { times, at, why }));
        }
        let open = self.open()?;
        let loser = match milestone {
            Milestone::Discarded => open.to,
            Milestone::Finished => open.from,
            _ => None,
        };
        let mut events = Vec::new();
        let dying = loser.and_then(|number| self.secret.version_mut(number));
        // One that was ended first is dead already, and its death is on record.
        if let Some(version) = dying.filter(|version| version.stage != Stage::Revoked) {
            bury(version, at);
            events.push(noted("revoke.done", said.clone()));
        }
        if milestone == Milestone::Discarded {
            let (why, live) = (trouble.unwrap_or_default(), self.hint(from));
            self.news.push(News::RolledBack { why, live });
        } else if let Some(old) = self.hint(loser) {
            self.news.push(News::Revoked { old, services });
        }
        self.over(milestone);
        events.push(noted(kind, said));
        Ok(events)
    }

    /// Remembers a leak until every version that was exposed is dead.
    fn exposed(&mut self, reason: String, alarm: Alarm) {
        let newest = self.secret.versions.last();
        let newest = newest.map_or(VersionNumber(0), |newest| newest.number);
        // Exposure counts from the first who said so.
        let first = self.secret.leak.as_ref().map(|leak| leak.alarm.raised_at);
        let raised_at = first.map_or(alarm.raised_at, |first| first.min(alarm.raised_at));
        let alarm = Alarm { raised_at, ..alarm };
        self.secret.leak = Some(Leaked {
            reason,
            alarm,
            newest,
        });
    }

    /// Only the dead of the rotation that has just ended are remembered, for people are told of them: a commit is not to
    /// cost more in year five than on day one, and the audit log holds the mark of every key for ever. A number follows
    /// the newest version, which is never forgotten.
    fn forget(&mut self, but: [Option<VersionNumber>; 2]) {
        let kept = |version: &Version| {
            version.stage != Stage::Revoked || but.contains(&Some(version.number))
        };
        self.secret.versions.retain(kept);
    }

    /// No rotation is open any more: its sites are kept in mind, and a leak whose keys are all dead is answered.
    fn over(&mut self, end: Milestone) {
        let mut of_it = [None; 2];
        if let Some(open) = self.secret.rotation.take() {
            of_it = [open.from, open.to];
            self.secret.doubt = open.unsettled.or(open.sending).map(Box::new);
            let sites = open.sites.into_iter();
            let sites: KnownSites = sites.map(|(id, site)| (id, site.label.into())).collect();
            if !sites.is_empty() {
                self.secret.sites = sites;
            }
        }
        self.forget(of_it);
        let versions = &self.secret.versions;
        let lives = |newest| {
            versions
                .iter()
                .any(|version| version.number <= newest && version.stage != Stage::Revoked)
        };
        // A key that was never known cannot be seen to die: once another one is everywhere, a person is told.
        let unknown = |leak: &Leaked| leak.newest == VersionNumber(0);
        let answered = |leak: &Leaked| match unknown(leak) {
            true => end == Milestone::Finished,
            false => !lives(leak.newest),
        };
        if self.secret.leak.as_ref().is_some_and(answered) {
            self.secret.leak = None;
        }
    }

    /// Nothing can come of the rotation any more. What was observed dead loses its value; an old version that may still be
    /// accepted is what the next rotation comes from.
    fn lost(&mut self, observed: String, old: OldKey) -> Events {
        self.reach(Milestone::Lost)?;
        let at = self.at;
        let open = self.open()?;
        let (from, to, since) = (open.from, open.to, open.since);
        let dead = match old {
            OldKey::Refused => [to, from],
            OldKey::Accepted => [to, None],
        };
        for number in dead.into_iter().flatten() {
            let version = self.secret.version_mut(number);
            if let Some(version) = version.filter(|version| version.stage != Stage::Revoked) {
                bury(version, at);
            }
        }
        self.stage(from, Stage::Current);
        let known = self.secret.current().is_some();
        self.secret.rotated_at = since.filter(|_| known);
        self.secret.lost = true;
        self.over(Milestone::Lost);
        let left = match known {
            true => "accepted",
            false => "refused",
        };
        Ok(vec![Event {
            facts: [("old_key".to_owned(), left.to_owned())].into(),
            ..noted("rotation.lost", Some(observed))
        }])
    }

    fn add(&mut self, new: NewVersion, stage: Stage, tag: Option<Tag>) -> KeyMark {
        let number = VersionNumber(
            self.secret
                .versions
                .last()
                .map_or(1, |last| last.number.0 + 1),
        );
        let version = Version {
            number,
            stage,
            key_id: new.key.id,
            tag,
            fields: Some(new.key.fields),
            notes: new.key.notes,
            fingerprint: new.fingerprint,
            hint: new.hint,
            created_at: new.created_at,
            revoked_at: None,
        };
        let mark = mark(&version);
        self.secret.versions.push(version);
        mark
    }

    /// A leak is told at once, before anything is done about it.
    fn leaked(&mut self) -> Result<(), IllegalChange> {
        let open = self.open()?;
        let (trigger, from) = (open.trigger, open.from);
        let reason = open.reason.clone().unwrap_or_default();
        if trigger == Trigger::Emergency {
            let old = self.hint(from);
            self.news.push(News::Emergency { old, reason });
        }
        Ok(())
    }

    fn hint(&self, number: Option<VersionNumber>) -> Option<Hint> {
        let version = number.and_then(|number| self.secret.version(number));
        version.map(|version| version.hint.clone())
    }

    fn stage(&mut self, number: Option<VersionNumber>, stage: Stage) {
        let version = number.and_then(|number| self.secret.version_mut(number));
        if let Some(version) = version.filter(|version| version.stage != Stage::Revoked) {
            version.stage = stage;
        }
    }

    fn reach(&mut self, milestone: Milestone) -> Result<(), IllegalChange> {
        let open = self.open()?;
        let phase = open.phase().map_err(IllegalChange::Milestone)?;
        next(phase, milestone).map_err(IllegalChange::Milestone)?;
        open.path.push(milestone);
        // Getting further is what resets the patience with a rotation.
        open.attempts = 0;
        Ok(())
    }

    fn open(&mut self) -> Result<&mut Rotation, IllegalChange> {
        let name = &self.name;
        self.secret
            .rotation
            .as_deref_mut()
            .ok_or_else(|| IllegalChange::Absent {
                secret: name.clone(),
                what: "open rotation",
            })
    }

    fn absent(&self, what: &'static str) -> Events {
        Err(IllegalChange::Absent {
            secret: self.name.clone(),
            what,
        })
    }

    /// What every event of an open rotation says: which rotation, which keys.
    fn marked(&self, event: Event) -> Event {
        let Some(open) = &self.secret.rotation else {
            return event;
        };
        let marked = |number: Option<VersionNumber>| {
            number
                .and_then(|number| self.secret.version(number))
                .map(mark)
        };
        Event {
            rotation: Some(open.id.clone()),
            trigger: Some(open.trigger),
            old: marked(open.from),
            new: marked(open.to),
            ..event
        }
    }
}

/// A dead version keeps its tombstone, which tells whose key it was, and loses its value and what helped to find it.
fn bury(version: &mut Version, at: Instant) {
    (version.stage, version.fields, version.revoked_at) = (Stage::Revoked, None, Some(at));
    (version.tag, version.notes) = (None, BTreeMap::new());
}

fn mark(version: &Version) -> KeyMark {
    KeyMark {
        hint: version.hint.clone(),
        fingerprint: version.fingerprint.clone(),
        id: version.key_id.as_ref().map(ToString::to_string),
    }
}

/// An instant as a fact.
fn written(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn noted(kind: &str, note: Option<String>) -> Event {
    Event {
        note,
        ..Event::new(kind)
    }
}

fn placed(step: Step, outcome: &str, place: String) -> Event {
    Event {
        place: Some(place),
        ..Event::new(format!("{step}.{outcome}"))
    }
}

impl std::fmt::Display for IllegalChange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IllegalChange::Milestone(illegal) => illegal.fmt(out),
            IllegalChange::Absent { secret, what } => {
                write!(out, "secret `{secret}` has no such {what}")
            }
        }
    }
}

impl std::error::Error for IllegalChange {}
