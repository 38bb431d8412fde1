//! What the ledger remembers of each secret: its versions, and the rotation that is open.
//!
//! Nothing here is changed directly; a [`Change`](super::Change) is recorded, and it changes the state and writes the
//! audit event in one step.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{
    Fields, Hint, Instant, Key, KeyId, RotationId, RunId, SecretName, SecretValue, ServiceId,
    SiteId, Span, StageName, Tag, VersionNumber,
};

use super::known::KnownSites;
use super::outbox::Outbox;
use super::phase::{IllegalMilestone, Milestone, Phase, next};
use super::seal::{sealed_fields, sealed_key, sealed_value};

/// Everything that outlives a run, except the audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The secrets the ledger has ever seen.
    pub secrets: BTreeMap<SecretName, SecretState>,
    /// What people are to be told.
    #[serde(default, skip_serializing_if = "Outbox::is_empty")]
    pub outbox: Outbox,
    /// A digest of what the configuration last said of each secret, so that the log tells when that changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<SecretName, String>,
    /// The configuration and the program that wrote last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Running>,
}

/// With what a run works, as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// SHA-256 of the configuration file: `sha256:` and 64 digits.
    pub config: String,
    /// The version of rotakey.
    pub tool: String,
}

/// One secret. What few secrets have stands in a place of its own, for there may be ten thousand of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretState {
    /// The versions that live and the dead ones of the latest rotation, oldest first. These are tombstones without a value.
    #[serde(deserialize_with = "without_room")]
    pub versions: Vec<Version>,
    /// The rotation that has not ended. In a place of its own: it is large, and most secrets have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Box<Rotation>>,
    /// When the current version came to life; the due date counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Instant>,
    /// How long the latest rotation took from its intent to its promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Span>,
    /// A leak that was told and is not answered: until every version that was exposed is dead, whoever runs goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<Leaked>,
    /// The rotations in a row that were taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setback: Option<Box<Setback>>,
    /// Whether the latest rotation was lost: sites may hold a key that is dead, until the next promotion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What the latest rotation left unanswered. It may land on what the next one delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Box<Unsettled>>,
    /// The sites of the latest rotation that found any, by what people call them. One that is not found the next time may
    /// be hidden, and may use the old key.
    #[serde(default, skip_serializing_if = "KnownSites::is_empty")]
    pub sites: KnownSites,
    /// A postponement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Box<Skip>>,
    /// The due date people were last warned of, so that they are warned once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<Instant>,
    /// What only a person can mend and people were told of, so that they are told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// One issued value of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Counted from 1.
    pub number: VersionNumber,
    /// Where in its life it stands.
    pub stage: Stage,
    /// The issuer's public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// The mark rotakey put on it; `None` when it was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// The secret part, until the version is revoked.
    #[serde(
        with = "sealed_fields",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub fields: Option<Fields>,
    /// The issuer's own public notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// A keyed digest that outlives the value: `fp1_…`.
    pub fingerprint: String,
    /// How people recognise it.
    pub hint: Hint,
    /// When the issuer made it, as far as is known.
    pub created_at: Instant,
    /// When it was observed refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
}

/// The stages of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Issued, not yet proven everywhere.
    Pending,
    /// What every site should hold.
    Current,
    /// The one before, alive for the grace.
    Previous,
    /// Observed refused.
    Revoked,
}

/// A leak that is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaked {
    /// How, in a person's words.
    pub reason: String,
    /// Since when it is fought, and what goes first.
    pub alarm: Alarm,
    /// The newest version then. All up to it were exposed.
    pub newest: VersionNumber,
}

/// Rotations in a row that were taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setback {
    /// How many.
    pub times: u32,
    /// When the latest one was over.
    pub at: Instant,
    /// What had gone wrong with it.
    pub why: String,
}

/// A postponement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// Not due before this.
    pub until: Instant,
    /// Why.
    pub reason: String,
    /// How often in a row it was postponed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub times: u32,
}

/// One passage of a secret from one version to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Unique for ever.
    pub id: RotationId,
    /// What set it off.
    pub trigger: Trigger,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The leak it answers, where it is an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// When the intent was recorded.
    pub begun_at: Instant,
    /// When the version that was current then had come to life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// The way so far; folding [`next`] over it gives the phase, live and when a ledger is loaded.
    pub path: Vec<Milestone>,
    /// The mark for the key that is being asked for (G1).
    pub tag: Tag,
    /// The value rotakey or a person chose, durable before the issuer sees it.
    #[serde(with = "sealed_key", default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Key>,
    /// The version that was current when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<VersionNumber>,
    /// The version it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<VersionNumber>,
    /// Every site it touches.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sites: BTreeMap<SiteId, SiteProgress>,
    /// Every service it redeploys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<ServiceId, ServiceProgress>,
    /// Requests a run has sent and not yet had all answers to. Left behind by a run that died, they count as unsettled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<Unsettled>,
    /// The latest request that never had an answer and may still land (G2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Unsettled>,
    /// Which stages are confirmed, and since when they soak.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub soaking: BTreeMap<StageName, Instant>,
    /// When it was promoted, by both clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<Promoted>,
    /// Whether the dead-man's switch on the old key is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Whether a delete of the old version may have been sent before the new one was delivered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_first: bool,
    /// Whether neither key was accepted any more when a run last looked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub both_refused: bool,
    /// Runs in a row that got no further.
    #[serde(default)]
    pub attempts: u32,
    /// What went wrong last, in words fit to print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Set when only a person can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
    /// Whether a run has lived to say so. One that died before leaves it to the next.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
}

/// What set a rotation off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// It was due.
    Scheduled,
    /// A person named it.
    Manual,
    /// A key leaked: no grace.
    Emergency,
}

/// A leak: when somebody said so, and what goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// When the run began that was told.
    pub raised_at: Instant,
    /// What goes first.
    pub order: Order,
}

/// What goes first when a key has leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new key is everywhere before the old one dies: nobody is refused.
    DeliverFirst,
    /// The old key dies first: whoever uses it is refused until it has the new one.
    RevokeFirst,
}

/// How far one site has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteProgress {
    /// The label of its target.
    pub target: String,
    /// How people know it.
    pub label: String,
    /// Which services use it.
    pub services: Vec<ServiceId>,
    /// In which stage it is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// What it held before, where that could be read and was not the current version.
    #[serde(
        with = "sealed_value",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub before: Option<SecretValue>,
    /// Which way a write was last about to be sent. Whatever came of it, the site may have been touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<Way>,
    /// What the platform said of the latest write, and which way it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<SiteWrite>,
}

/// The latest write to a site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteWrite {
    /// Forward to the new version, or back to the old one.
    pub way: Way,
    /// The platform's clock at the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// How the write is recognised where the value cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Which way a write or a redeploy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// To the new version.
    Forward,
    /// Back to the old one.
    Back,
}

/// How far one service has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProgress {
    /// How people know it.
    pub label: String,
    /// The label of the target that redeploys it.
    pub target: String,
    /// Which way the latest redeploy went.
    pub way: Way,
    /// Whether a redeploy was asked for, and the platform's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Whether it was observed to serve that way.
    #[serde(default)]
    pub confirmed: bool,
}

/// A redeploy that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// When, by our clock.
    pub at: Instant,
    /// The platform's id, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

/// A request that may still land.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsettled {
    /// Since when, by our clock.
    pub since: Instant,
    /// Which run sent it.
    pub run: RunId,
}

impl Unsettled {
    /// How long an unanswered request may still land. OpenBao's Kubernetes engine waits the same time before it rolls
    /// back a write-ahead entry.
    pub const QUIET: TimeDelta = TimeDelta::minutes(10);
}

/// The moment of promotion by both clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promoted {
    /// By ours.
    pub at: Instant,
    /// By the issuer's, where it sends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_date: Option<Instant>,
}

/// Reads a list that takes no more memory than it needs: most of ten thousand secrets have two versions, and a list
/// that grows leaves room for four.
fn without_room<'de, D, T>(json: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let mut list = Vec::deserialize(json)?;
    list.shrink_to_fit();
    Ok(list)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference to the field"
)]
fn is_zero(times: &u32) -> bool {
    *times == 0
}

impl State {
    /// What is known of a secret.
    pub fn secret(&self, name: &SecretName) -> Option<&SecretState> {
        self.secrets.get(name)
    }

    /// Whether the whole hangs together; looked at when a ledger is loaded.
    pub(super) fn check(&self) -> Result<(), IllegalMilestone> {
        self.secrets
            .values()
            .filter_map(|secret| secret.rotation.as_ref())
            .try_for_each(|open| open.phase().map(drop))
    }
}

impl SecretState {
    /// The version of that number.
    pub fn version(&self, number: VersionNumber) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    /// The version every site should hold.
    pub fn current(&self) -> Option<&Version> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.stage == Stage::Current)
    }

    /// Whether the old version of the open rotation is dead, or about to be: then there is only the way forward.
    pub fn no_way_back(&self) -> bool {
        let Some(open) = &self.rotation else {
            return false;
        };
        let old = open.from.and_then(|from| self.version(from));
        open.ends_first
            || open.phase() == Ok(Phase::Revoking)
            || old.is_some_and(|old| old.stage == Stage::Revoked)
    }

    /// The version before, while it lives.
    pub fn previous(&self) -> Option<&Version> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.stage == Stage::Previous)
    }

    pub(super) fn version_mut(&mut self, number: VersionNumber) -> Option<&mut Version> {
        self.versions
            .iter_mut()
            .find(|version| version.number == number)
    }
}

impl Version {
    /// The key as its issuer knows it; `None` once the value is dropped.
    pub fn key(&self) -> Option<Key> {
        let fields = self.fields.clone()?;
        Some(Key {
            id: self.key_id.clone(),
            fields,
            notes: self.notes.clone(),
        })
    }
}

impl Rotation {
    /// Requests of this run are about to be sent. What another run left unanswered stays in doubt: an old request may
    /// land after everything this run does, however well this run's own requests are answered.
    pub(super) fn send(&mut self, since: Instant, run: RunId) {
        if let Some(former) = self.sending.take()
            && former.run != run
        {
            let younger = self
                .unsettled
                .take()
                .filter(|known| known.since > former.since);
            self.unsettled = Some(younger.unwrap_or(former));
        }
        self.sending = Some(Unsettled { since, run });
    }

    /// How far it has come.
    pub fn phase(&self) -> Result<Phase, IllegalMilestone> {
        self.path
            .iter()
            .try_fold(Phase::Unbegun, |phase, milestone| next(phase, *milestone))
    }
}
