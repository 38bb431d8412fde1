//! Does what the plan says: all rotations of a run together, wave by wave.
//!
//! A wave is one step of every rotation that has reached it: all issues, all deliveries, one redeploy per service
//! however many secrets changed, all confirms. A secret that fails drops out and is undone; the others go on. Every
//! step first makes its intent durable, then acts, then records what came of it, so that a run that dies anywhere is
//! finished by the next one through the same code: each wave asks the ledger who stands before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::ledger::{
    Alarm, Change, Facts, LedgerError, LockedLedger, Phase, Progress as Inside, Rotation,
    SecretState, Version, What,
};
use crate::model::{Clock, Instant, Key, RunId, SecretName, ServiceId, SiteId, Tag, VersionNumber};
use crate::targets::Pass;

use super::crew::Crew;
use super::observe::Look;
use super::outcome::{Ending, Outcome};
use super::plan::{Item, Move};
use super::progress::{Happening, News, Progress};
use super::secret::Secret;

/// What a drive works with.
pub struct Tools<'a> {
    /// Every configured secret.
    pub secrets: &'a BTreeMap<SecretName, Secret>,
    /// The ledger, claimed.
    pub ledger: &'a mut LockedLedger,
    /// Time.
    pub clock: &'a dyn Clock,
    /// This run.
    pub run: RunId,
    /// How many calls may be under way at once.
    pub workers: usize,
    /// Keys that a person handed over, for assisted issuers.
    pub supplied: BTreeMap<SecretName, Key>,
    /// Why a person asked for it.
    pub reason: Option<String>,
    /// The leak, when that is why.
    pub leak: Option<Leak>,
    /// What else the log is to say of rotations that begin: a ticket, an approver.
    pub facts: Facts,
    /// Where the sealed ledger is put if it cannot be committed while a new key is only in memory.
    pub refuge: PathBuf,
    /// Who watches.
    pub progress: &'a mut dyn Progress,
}

/// A key leaked.
#[derive(Clone, Debug)]
pub struct Leak {
    /// How, in a person's words.
    pub reason: String,
    /// Since when it is fought, and what goes first.
    pub alarm: Alarm,
}

/// How much of the grace is left to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// All of it.
    Kept,
    /// None: a person said so, or a key leaked. Every other guard stays.
    Waived,
}

/// Begins and continues rotations up to the promotion, and takes back those that fail. Emergencies go on to the end.
/// A leak that was told in the middle of a rotation needs another one after it: the ledger says so, and the caller
/// plans again, for the credentials rotakey works with may have changed.
pub fn rotate(tools: Tools<'_>, plan: &[Item]) -> Result<Vec<Outcome>, LedgerError> {
    let work = plan
        .iter()
        .filter_map(|item| item.rotate.map(|step| (item.secret.clone(), step)));
    let mut drive = Drive::new(tools, work.collect());
    drive.take_over()?;
    let escalated = drive.escalate()?;
    drive.close_lost(&escalated)?;
    drive.go_forward()?;
    drive.pass()?;
    drive.finish()
}

/// Kills old versions whose grace is over, and whatever was left behind by rotations that were taken back.
pub fn revoke(tools: Tools<'_>, plan: &[Item], grace: Grace) -> Result<Vec<Outcome>, LedgerError> {
    let work = plan
        .iter()
        .filter_map(|item| item.revoke.map(|step| (item.secret.clone(), step)));
    let mut drive = Drive::new(tools, work.collect());
    drive.take_over()?;
    drive.put_off_ends()?;
    drive.settle_lost_replies(Lost::GiveUp)?;
    drive.discard()?;
    drive.revoke(grace)?;
    drive.finish()
}

/// Takes an open rotation back because a person said so.
pub fn rollback(
    tools: Tools<'_>,
    secret: &SecretName,
    why: &str,
) -> Result<Vec<Outcome>, LedgerError> {
    let mut drive = Drive::new(tools, BTreeMap::from([(secret.clone(), Move::Continue)]));
    drive.take_over()?;
    drive.settle_lost_replies(Lost::PersonLooked)?;
    let back = [Phase::Issued, Phase::Delivering, Phase::Grace];
    for name in drive.at(&back) {
        if !drive.no_way_back(&name) {
            drive.begin_undo(&name, why)?;
        }
    }
    drive.undo()?;
    drive.discard()?;
    drive.finish()
}

/// What to do about a create whose reply was lost, once its key is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Ask for another key.
    AskAgain,
    /// Close the rotation.
    GiveUp,
    /// Close the rotation, also where only a person could look whether a key was made.
    PersonLooked,
}

/// One run's way through its rotations.
pub(super) struct Drive<'a> {
    pub(super) secrets: &'a BTreeMap<SecretName, Secret>,
    pub(super) ledger: &'a mut LockedLedger,
    pub(super) clock: &'a dyn Clock,
    pub(super) run: RunId,
    pub(super) workers: usize,
    pub(super) supplied: BTreeMap<SecretName, Key>,
    pub(super) reason: Option<String>,
    pub(super) leak: Option<Leak>,
    pub(super) facts: Facts,
    pub(super) refuge: PathBuf,
    pub(super) work: BTreeMap<SecretName, Move>,
    /// What this run found at the sites of a secret, until something was written.
    pub(super) looks: BTreeMap<SecretName, Look>,
    /// Through which destination of a secret this run came to a site. Two destinations may lie at one target.
    pub(super) homes: BTreeMap<(SecretName, SiteId), usize>,
    /// Versions that worked at the issuer in this run (G4), and the issuer's clock at that moment.
    pub(super) proven: BTreeMap<(SecretName, VersionNumber), Option<Instant>>,
    /// Services whose redeploy became necessary in this run: nobody can have asked for it before.
    pub(super) turned: BTreeSet<ServiceId>,
    /// Rotations that had been given up and that a person named, and why they had been.
    pub(super) by_hand: BTreeMap<SecretName, String>,
    progress: &'a mut dyn Progress,
    endings: BTreeMap<SecretName, Ending>,
    pass: u64,
}

impl<'a> Drive<'a> {
    fn new(tools: Tools<'a>, work: BTreeMap<SecretName, Move>) -> Self {
        let Tools {
            secrets,
            ledger,
            clock,
            run,
            workers,
            supplied,
            reason,
            leak,
            facts,
            refuge,
            progress,
        } = tools;
        Self {
            secrets,
            ledger,
            clock,
            run,
            workers,
            supplied,
            reason,
            leak,
            facts,
            refuge,
            work,
            looks: BTreeMap::new(),
            homes: BTreeMap::new(),
            proven: BTreeMap::new(),
            turned: BTreeSet::new(),
            by_hand: BTreeMap::new(),
            progress,
            endings: BTreeMap::new(),
            pass: 0,
        }
    }

    /// The secrets of this run that stand in one of these phases and have not ended.
    pub(super) fn at(&self, phases: &[Phase]) -> Vec<SecretName> {
        let here = |name: &&SecretName| {
            !self.endings.contains_key(*name)
                && self
                    .phase(name)
                    .is_some_and(|phase| phases.contains(&phase))
        };
        self.work.keys().filter(here).cloned().collect()
    }

    /// Whether this run is done with the secret.
    pub(super) fn has_ended(&self, name: &SecretName) -> bool {
        self.endings.contains_key(name)
    }

    pub(super) fn secret(&self, name: &SecretName) -> &'a Secret {
        // Work comes from a plan over these secrets.
        &self.secrets[name]
    }

    pub(super) fn state(&self, name: &SecretName) -> Option<&SecretState> {
        self.ledger.state().secret(name)
    }

    pub(super) fn open(&self, name: &SecretName) -> Option<&Rotation> {
        self.state(name)?.rotation.as_deref()
    }

    pub(super) fn phase(&self, name: &SecretName) -> Option<Phase> {
        self.open(name)?.phase().ok()
    }

    /// Whether the old version is dead, or about to be.
    pub(super) fn no_way_back(&self, name: &SecretName) -> bool {
        self.state(name).is_some_and(SecretState::no_way_back)
    }

    /// The version the open rotation comes from.
    pub(super) fn old(&self, name: &SecretName) -> Option<&Version> {
        let state = self.state(name)?;
        state.version(state.rotation.as_ref()?.from?)
    }

    /// The version the open rotation brings.
    pub(super) fn new_version(&self, name: &SecretName) -> Option<&Version> {
        let state = self.state(name)?;
        state.version(state.rotation.as_ref()?.to?)
    }

    pub(super) fn record(&mut self, secret: &SecretName, what: What) -> Result<(), LedgerError> {
        self.ledger.record(
            self.clock.now(),
            Change {
                secret: secret.clone(),
                what,
            },
        )
    }

    pub(super) fn inside(&mut self, secret: &SecretName, what: Inside) -> Result<(), LedgerError> {
        self.record(secret, What::Progress(what))
    }

    pub(super) fn crew(&self) -> Crew<'a> {
        Crew {
            claim: self.ledger.claim(),
            clock: self.clock,
            workers: self.workers,
        }
    }

    pub(super) fn next_pass(&mut self) -> Pass {
        self.pass += 1;
        Pass(self.pass)
    }

    pub(super) fn tell(&mut self, name: &SecretName, what: Happening<'_>) {
        let title = &self.secrets[name].policy.title;
        self.progress.tell(News {
            secret: name,
            title,
            what,
        });
    }

    /// This run is done with the secret.
    pub(super) fn end(&mut self, name: &SecretName, ending: Ending) {
        self.endings.entry(name.clone()).or_insert(ending);
    }

    /// A person has to come, whatever else was said of the secret: it is said as well, and its own way out comes first.
    pub(super) fn call_person(&mut self, name: &SecretName, more: String, hint: String) {
        let (why, hint) = match self.endings.remove(name) {
            Some(Ending::NeedsPerson { why, hint }) => (format!("{why}; {more}"), hint),
            Some(Ending::Waiting { why, .. } | Ending::Watching { why }) => {
                (format!("{why}; {more}"), hint)
            }
            _ => (more, hint),
        };
        self.end(name, Ending::NeedsPerson { why, hint });
    }

    /// All waves, from the first key to the last revocation of an emergency.
    fn pass(&mut self) -> Result<(), LedgerError> {
        self.settle_lost_replies(Lost::AskAgain)?;
        self.begin()?;
        self.issue()?;
        self.verify()?;
        self.revoke_first()?;
        // A run may have died between the last confirmation of a stage and its soak.
        self.close_stage()?;
        // Once a signal has come nothing is sent or seen any more, so that nothing would ever be confirmed.
        while !self.clock.stopping() && self.deliver()? {
            self.activate()?;
            self.confirm()?;
            self.close_stage()?;
        }
        self.promote()?;
        self.undo()?;
        self.discard()?;
        self.revoke_leaked()
    }

    /// Takes over what earlier runs left: says go on to rotations that were given up and that a person named, and
    /// counts requests of a run that died from now on, for nobody knows when the last of them left (G2).
    fn take_over(&mut self) -> Result<(), LedgerError> {
        for name in self.work.keys().cloned().collect::<Vec<_>>() {
            let Some(open) = self.open(&name) else {
                continue;
            };
            let stuck = open.stuck.clone();
            let left = open
                .sending
                .as_ref()
                .is_some_and(|sending| sending.run != self.run);
            // Dated by a clock that was ahead: it counts from now on as well.
            let now = self.clock.now();
            let doubted = open.unsettled.as_ref();
            let ahead = doubted.is_some_and(|doubt| doubt.since > now);
            let batches = matches!(
                open.phase(),
                Ok(Phase::Delivering | Phase::Undoing | Phase::Grace)
            );
            // Those that only watch, or put off an end, stay as they are: nobody has said anything.
            if let Some(why) =
                stuck.filter(|_| !matches!(self.work.get(&name), Some(Move::Watch | Move::PutOff)))
            {
                self.inside(&name, Inside::Unstuck)?;
                self.by_hand.insert(name.clone(), why);
            }
            if ahead || left && batches {
                self.inside(&name, Inside::LeftBehind)?;
            }
        }
        Ok(())
    }

    /// `rotate NAME` on a rollback that was given up means: forward after all. Where only the removal of the new key is
    /// left, that is done all the same, unless the new key is the only one that works.
    fn go_forward(&mut self) -> Result<(), LedgerError> {
        for name in self.at(&[Phase::Undoing, Phase::Discarding]) {
            if !self.by_hand.contains_key(&name) {
                continue;
            }
            if self.phase(&name) == Some(Phase::Undoing) || self.only_new_works(&name) {
                self.record(&name, What::Resumed)?;
            }
        }
        Ok(())
    }

    /// A name for something that belongs to this secret and to nothing else, ever: the run's id is random.
    pub(super) fn unique(&self, name: &SecretName, kind: &str) -> String {
        let step = self.open(name).map_or(0, |open| open.path.len());
        let digest = Sha256::digest(format!("{kind}\0{}\0{name}\0{step}", self.run));
        digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    pub(super) fn tag(&self, name: &SecretName) -> Tag {
        Tag::new(format!("rotakey-{name}-{}", self.unique(name, "tag")))
    }

    /// Everything is recorded; says what became of each secret and which key is live.
    fn finish(mut self) -> Result<Vec<Outcome>, LedgerError> {
        for name in self.work.keys().cloned().collect::<Vec<_>>() {
            if self.endings.contains_key(&name) {
                continue;
            }
            let why = match self.phase(&name) {
                None | Some(Phase::Grace) => continue,
                Some(_) if self.clock.stopping() => {
                    "stopped by a signal; nothing was left half recorded"
                }
                Some(_) => "it could not be finished in this run",
            };
            self.later(&name, why, None);
        }
        self.ledger.commit()?;
        let state = self.ledger.state();
        let outcome = |(secret, result)| {
            let live = super::live::sentence(state.secret(&secret));
            Outcome {
                secret,
                result,
                live,
            }
        };
        Ok(self.endings.into_iter().map(outcome).collect())
    }
}
