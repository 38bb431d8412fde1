//! Everything that can happen to the state, in the past tense. Recording a change changes the state and yields its
//! audit event: there is no other way to do either.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::{
    Hint, Instant, Key, KeyId, RotationId, RunId, SecretName, ServiceId, SiteId, StageName, Tag,
};

use super::event::Facts;
use super::state::{Alarm, Running, ServiceProgress, SiteProgress, SiteWrite, Trigger, Way};

/// One change to one secret.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose.
    pub secret: SecretName,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A live key was taken over. A former current version, observed dead, becomes a tombstone.
    Adopted(NewVersion),
    /// Somebody said that the live key has leaked; nothing is done about it yet.
    Leaked {
        /// How, in a person's words.
        reason: String,
        /// Since when it is fought, and what goes first.
        alarm: Alarm,
    },
    /// A rotation began; the request that makes the key is about to be sent.
    Begun(Begun),
    /// The first key was removed by its tag, or never came to be; another is about to be asked for.
    Retagged {
        /// The new mark.
        tag: Tag,
        /// The value, where rotakey or a person chooses it.
        proposal: Option<Key>,
        /// Which run sends the request.
        run: RunId,
    },
    /// The issuer made the version.
    Issued(NewVersion),
    /// Nothing was issued and the rotation is over.
    Abandoned {
        /// Why.
        why: String,
    },
    /// The new version worked at the issuer.
    Verified {
        /// By which call.
        how: String,
    },
    /// Every service was observed on the new version.
    Promoted {
        /// The issuer's clock.
        issuer_date: Option<Instant>,
    },
    /// The delete of the old version is about to be sent.
    RevokeIntended {
        /// Which run sends it.
        run: RunId,
    },
    /// The old version was observed refused, or there was none: the rotation is over.
    Finished {
        /// How it was observed.
        observed: Option<String>,
    },
    /// The rotation is to be taken back.
    UndoBegun {
        /// Why.
        why: String,
    },
    /// A person decided to go forward after all, instead of putting the old version back.
    Resumed,
    /// Every service was observed back on the old version.
    Restored,
    /// The new version was observed refused: the rotation is over and taken back.
    Discarded {
        /// How it was observed.
        observed: Option<String>,
    },
    /// The new version was observed refused, and the old one cannot be put back: nothing can come of the rotation any
    /// more, and another one has to make a key.
    Lost {
        /// How that is known.
        observed: String,
        /// What is left of the old version.
        old: OldKey,
    },
    /// A due date was moved.
    Skipped {
        /// To when.
        until: Instant,
        /// Why.
        reason: String,
    },
    /// People were warned of this due date.
    Warned {
        /// The date.
        due: Instant,
    },
    /// People are to be told, once, what only a person can mend.
    Told {
        /// What it is.
        why: String,
    },
    /// Something inside a phase of the open rotation.
    Progress(Progress),
}

/// What is left of the old version of a rotation that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldKey {
    /// It was observed refused, or there never was one.
    Refused,
    /// It may still be accepted, and sites may still use it.
    Accepted,
}

/// What happened inside a phase.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A key with the tag of this rotation, whose value nobody holds, was removed.
    OrphanReaped {
        /// Its public id.
        key_id: Option<KeyId>,
    },
    /// Sites were discovered. Known ones keep what they have.
    SitesFound(BTreeMap<SiteId, SiteProgress>),
    /// Sites that were known are not there any more.
    SitesGone(Vec<SiteId>),
    /// Sites are about to be written that way, and the services that use them will have to be redeployed.
    Turned {
        /// Which way.
        way: Way,
        /// The sites.
        sites: Vec<SiteId>,
        /// The services.
        services: BTreeMap<ServiceId, ServiceProgress>,
    },
    /// Requests are about to be sent; until they are settled they may land at any time (G2).
    Sent {
        /// Of which step.
        step: Step,
        /// Where to.
        places: Vec<String>,
        /// Which run sends them.
        run: RunId,
    },
    /// Every request this run has sent has an outcome, doubtful ones included.
    Settled,
    /// A request had no outcome.
    Doubted {
        /// Of which step.
        step: Step,
        /// Where.
        place: String,
        /// Why.
        why: String,
        /// Which run sent it.
        run: RunId,
    },
    /// A request was clearly not done.
    NotDone {
        /// Of which step.
        step: Step,
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
    /// A site took the value.
    Written {
        /// Which.
        site: SiteId,
        /// What the platform said.
        write: SiteWrite,
    },
    /// A redeploy was accepted.
    Activated {
        /// Which service.
        service: ServiceId,
        /// The platform's id.
        deployment: Option<String>,
    },
    /// A service was observed to serve the way it was turned.
    Confirmed {
        /// Which service.
        service: ServiceId,
        /// What was observed.
        how: String,
    },
    /// Sites and services were found that do not serve the new version: they are delivered to again.
    Reopened {
        /// Sites that hold something else, or are new.
        sites: BTreeMap<SiteId, SiteProgress>,
        /// Services to look at again.
        services: BTreeMap<ServiceId, ServiceProgress>,
    },
    /// A person or a leak allows no grace any more.
    Escalated {
        /// Why.
        reason: String,
        /// Since when, and what goes first.
        alarm: Alarm,
    },
    /// A delete of the old version is about to be sent before the new one is delivered: there is no way back.
    EndFirstIntended,
    /// The first delete of that kind was clearly not done: there is a way back again.
    EndFirstNotDone,
    /// The old version was observed refused before the new one was delivered.
    EndedFirst {
        /// How it was observed.
        observed: String,
    },
    /// A stage is confirmed and soaks from now.
    Soaking {
        /// Which.
        stage: StageName,
    },
    /// The old key is about to be told to end by itself. From here on it may, whatever comes of the request.
    ExpiryIntended {
        /// This long from now.
        after: TimeDelta,
    },
    /// Requests of a run that died may still land: from now on they are waited for (G2).
    LeftBehind,
    /// An end was clearly not set: the key ends when it did before.
    ExpiryNotSet {
        /// When.
        end: Option<Instant>,
    },
    /// The old key will end by itself.
    ExpirySet {
        /// This long from now.
        after: TimeDelta,
    },
    /// A run got no further.
    Stalled {
        /// Why.
        why: String,
    },
    /// Neither key of the rotation is accepted by its issuer any more.
    BothRefused,
    /// Only a person can go on.
    Stuck {
        /// Why.
        why: String,
    },
    /// A run has said why only a person can go on, and what is to be done.
    Heard,
    /// A person says: go on; or the reason is gone.
    Unstuck,
}

/// The steps of a rotation, for the audit log and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Make the new version.
    Issue,
    /// Prove it at the issuer.
    Verify,
    /// Write it to a site.
    Deliver,
    /// Redeploy a service.
    Activate,
    /// Observe a service.
    Confirm,
    /// Make the new version current.
    Promote,
    /// Kill a version.
    Revoke,
    /// Write the old version back to a site.
    Restore,
    /// Set an end on the old version.
    Expire,
}

impl Step {
    /// The verb, as it stands in the audit log.
    pub const fn verb(self) -> &'static str {
        match self {
            Step::Issue => "issue",
            Step::Verify => "verify",
            Step::Deliver => "deliver",
            Step::Activate => "activate",
            Step::Confirm => "confirm",
            Step::Promote => "promote",
            Step::Revoke => "revoke",
            Step::Restore => "restore",
            Step::Expire => "expire",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(self.verb())
    }
}

/// The beginning of a rotation.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its id.
    pub rotation: RotationId,
    /// What set it off.
    pub trigger: Trigger,
    /// Why, in a person's words.
    pub reason: Option<String>,
    /// The leak it answers, where it is an emergency.
    pub alarm: Option<Alarm>,
    /// The mark for the key that will be asked for.
    pub tag: Tag,
    /// The value, where rotakey or a person chooses it.
    pub proposal: Option<Key>,
    /// Which run sends the request that follows.
    pub run: RunId,
    /// What the log is to say of it besides: when it was due, who approved it.
    pub facts: Facts,
}

/// What the configuration says, as far as evidence needs it.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The file and the program.
    pub running: Running,
    /// Of each secret: its owner, its policy, its issuer and targets.
    pub secrets: BTreeMap<SecretName, Facts>,
}

/// A version that came to be known.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The key.
    pub key: Key,
    /// How people recognise it.
    pub hint: Hint,
    /// A keyed digest.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Instant,
}
