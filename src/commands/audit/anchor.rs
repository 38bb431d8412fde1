//! `rotakey audit anchor`: has the head of the log held by others.

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::audit::anchor::git::{Repository, Signing};
use crate::audit::anchor::timestamp;
use crate::audit::checkpoint::{self, Checkpoint};
use crate::commands::joined::{Joined, join, refused};
use crate::config::Authority;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::http::Api;
use crate::ledger::{Event, Facts, LockedLedger};
use crate::model::{Effect, Fault, when};
use crate::run::Run;

/// Have the head of the audit log held by others
///
/// Sets a tag in a git repository, or asks a time-stamping authority for a token, as `anchors:` in the configuration
/// says. Whoever can write the ledger can write another log; an anchor shows that they did not. With nothing new since
/// the last one, nothing is done.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {}

/// What it takes to set one anchor.
enum Anchor {
    Git(Repository),
    Authority(Authority),
}

/// Sets every anchor that is configured.
pub fn anchor(run: &mut Run, _: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let anchors = configured(&joined)?;
    let mut ledger = joined.lock(run)?;
    let read = checkpoint::read(ledger.id(), ledger.events()).map_err(refused)?;
    let folder = folder(&joined.ledger_path(run));
    let mut exit = Exit::Done;
    for anchor in anchors {
        let place = anchor.place();
        if read.fresh.contains(&place) {
            continue;
        }
        note(
            run,
            &mut ledger,
            "anchor.sent",
            &place,
            facts(&read.now),
            None,
        )?;
        ledger.claim().check().map_err(refused)?;
        match anchor.set(run, &read.now, &folder) {
            Ok(more) => {
                let facts = facts(&read.now).into_iter().chain(more).collect();
                note(run, &mut ledger, "anchor.done", &place, facts, None)?;
                let events =
                    when::counted(i64::try_from(read.now.size).unwrap_or(i64::MAX), "event");
                run.ui.say(&format!(
                    "{place}: {events} anchored, head {}",
                    read.now.head
                ));
            }
            Err((outcome, error)) => {
                let why = Some(error.to_string());
                note(run, &mut ledger, outcome, &place, facts(&read.now), why)?;
                exit = exit.merge(error.exit());
                run.ui.error(&error);
            }
        }
    }
    Ok(exit)
}

fn configured(joined: &Joined) -> Result<Vec<Anchor>> {
    let anchors = &joined.anchors;
    let git = anchors.git.as_ref().map(|git| {
        Anchor::Git(Repository {
            path: git.repository.clone(),
            signing: if git.sign {
                Signing::Signed
            } else {
                Signing::Unsigned
            },
            push: git.push.clone(),
        })
    });
    let authority = anchors.timestamp.clone().map(Anchor::Authority);
    let all: Vec<Anchor> = git.into_iter().chain(authority).collect();
    if all.is_empty() {
        let error = Error::says(Exit::Usage, "no anchor is configured");
        return Err(
            error.hint("write `anchors: { git: { repository: . } }`, or `timestamp: { url: … }`")
        );
    }
    Ok(all)
}

/// Why an anchor is not set, and the kind of event that tells of it.
type Failure = (&'static str, Error);

impl Anchor {
    fn place(&self) -> String {
        match self {
            Anchor::Git(repository) => repository.place(),
            Anchor::Authority(authority) => format!("timestamp {}", authority.endpoint().name),
        }
    }

    fn set(&self, run: &Run, checkpoint: &Checkpoint, folder: &Path) -> Result<Facts, Failure> {
        match self {
            Anchor::Git(repository) => {
                outcome(repository.set(checkpoint), &self.place())?;
                Ok([("tag".to_owned(), Repository::tag(checkpoint))].into())
            }
            Anchor::Authority(authority) => {
                let token = self.asked(authority, run, checkpoint)?;
                let file =
                    kept(&token, checkpoint, folder).map_err(|error| ("anchor.not_done", error))?;
                let digest: String = Sha256::digest(&token.bytes)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                Ok([
                    ("token".to_owned(), file),
                    ("token_sha256".to_owned(), digest),
                    ("stated_at".to_owned(), token.stated_at),
                ]
                .into())
            }
        }
    }

    fn asked(
        &self,
        authority: &Authority,
        run: &Run,
        checkpoint: &Checkpoint,
    ) -> Result<Token, Failure> {
        let place = self.place();
        let nonce = u64::try_from((run.random)() >> 65).unwrap_or_default();
        let api = Api::new(authority.endpoint(), Arc::clone(&run.clock));
        let api = api.map_err(|fault| failed(fault, &place))?;
        let path = if authority.path.is_empty() {
            "/"
        } else {
            authority.path.as_str()
        };
        let call = api
            .post(path)
            .any_body()
            .header("accept", "application/timestamp-reply");
        let call = call.bytes(timestamp::QUERY, timestamp::request(checkpoint, nonce));
        // Asked twice, an authority gives two tokens, and either is good.
        let reply = outcome(call.repeatable(), &place)?;
        let at = timestamp::granted(reply.bytes(), checkpoint, nonce)
            .map_err(|fault| failed(fault, &place))?;
        Ok(Token {
            bytes: reply.bytes().to_vec(),
            stated_at: at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        })
    }
}

/// An answer of an authority, and the time it states.
struct Token {
    bytes: Vec<u8>,
    stated_at: String,
}

/// Puts a token beside the ledger and says under which name.
fn kept(token: &Token, checkpoint: &Checkpoint, folder: &Path) -> Result<String> {
    let head = checkpoint.head.to_string();
    let name = format!("{}-{}.tsr", checkpoint.size, &head[..8]);
    let write = || -> std::io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&token.bytes)?;
        file.as_file().sync_all()?;
        file.persist(folder.join(&name))
            .map(drop)
            .map_err(|error| error.error)
    };
    write()
        .with_context(|| format!("keep the token in {}", folder.display()))
        .map_err(|error| Error::new(Exit::Failed, error))?;
    let folder = folder.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{folder}/{name}"))
}

/// `ledger.anchors` beside `ledger.json.age`.
fn folder(ledger: &Path) -> PathBuf {
    let name = ledger.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    ledger.with_file_name(format!("{stem}.anchors"))
}

fn facts(checkpoint: &Checkpoint) -> Facts {
    [
        ("head".to_owned(), checkpoint.head.to_string()),
        ("size".to_owned(), checkpoint.size.to_string()),
    ]
    .into()
}

/// Writes it down, durably, before anything else happens.
fn note(
    run: &Run,
    ledger: &mut LockedLedger,
    kind: &str,
    place: &str,
    facts: Facts,
    note: Option<String>,
) -> Result<()> {
    let event = Event {
        place: Some(place.to_owned()),
        facts,
        note,
        ..Event::new(kind)
    };
    ledger.note(run.clock.now(), event);
    ledger.commit().map_err(refused)
}

fn outcome<T>(effect: Effect<T>, place: &str) -> Result<T, Failure> {
    match effect {
        Effect::Done(done) => Ok(done),
        Effect::NotDone(fault) => Err(failed(fault, place)),
        Effect::Uncertain(fault) => Err((
            "anchor.uncertain",
            Error::from(fault).context(place.to_owned()),
        )),
    }
}

fn failed(fault: Fault, place: &str) -> Failure {
    (
        "anchor.not_done",
        Error::from(fault).context(place.to_owned()),
    )
}
