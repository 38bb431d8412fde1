//! What changed around the secrets: the configuration, the policies, who is in and who is out.

use crate::ledger::{Digest, EntryRef};
use crate::model::Instant;

use super::lives::Lives;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When it was recorded. It was made between the run before and this one.
    pub at: Instant,
    /// What: the kind of the event.
    pub what: String,
    /// Of which secret; empty where it concerns all.
    pub service: String,
    /// From what to what.
    pub detail: String,
    /// Who ran rotakey when it was recorded.
    pub who: String,
    /// The run.
    pub run: String,
    /// The number of the event.
    pub event: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Change {
    /// What an event changed, compared with what is known so far.
    pub(super) fn of(entry: &EntryRef<'_>, lives: &Lives) -> Option<Self> {
        let detail = match &*entry.kind {
            "ledger.created" | "ledger.recipients" => {
                entry.note.as_deref().unwrap_or_default().to_owned()
            }
            "config.changed" | "secret.managed" => listed(entry),
            "secret.changed" => difference(entry, lives),
            "secret.unmanaged" => "taken out of the configuration".to_owned(),
            _ => return None,
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Some(Self {
            at: entry.at,
            what: entry.kind.to_string(),
            service: text(entry.secret.as_deref()),
            detail,
            who: format!("{}: {}", entry.actor.kind.as_str(), &*entry.actor.id),
            run: entry.run.to_string(),
            event: entry.seq,
            hash: entry.hash.unwrap_or(Digest::GENESIS),
        })
    }
}

fn listed(entry: &EntryRef<'_>) -> String {
    let facts = entry.facts.iter().flatten();
    let facts: Vec<String> = facts
        .map(|(name, fact)| format!("{name}: {fact}"))
        .collect();
    facts.join("; ")
}

fn difference(entry: &EntryRef<'_>, lives: &Lives) -> String {
    let before = lives.about(entry);
    let now = entry.facts.iter().flatten();
    let changed = now.filter_map(|(name, fact)| match before.get(&**name) {
        Some(same) if **fact == **same => None,
        Some(other) => Some(format!("{name}: {other} → {fact}")),
        None => Some(format!("{name}: {fact}")),
    });
    let gone = before
        .iter()
        .filter(|(name, _)| entry.fact(name).is_none())
        .map(|(name, fact)| format!("{name}: {fact} → nothing"));
    let all: Vec<String> = changed.chain(gone).collect();
    all.join("; ")
}
