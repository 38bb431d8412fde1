//! `notify:`, `heartbeat:`, `metrics:` and `audit_log:`: who hears of what, and what hears that nothing was heard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::model::{Credential, SecretName};
use crate::notify::{self, ChannelConfig, ChannelKind, Event, Sources};

use super::complaint::{Complaints, Mark};
use super::fields::Fields;
use super::file::{Entry, Node, Value};
use super::say::{meant, quoted};
use super::secrets::{kind_of, read_rest};
use super::source::{Source, Surroundings};

/// Everything about hearing of rotations.
#[derive(Debug, Default)]
pub struct Hearing {
    /// The channels by name.
    pub channels: BTreeMap<String, ChannelSetup>,
    /// An address that is called when a run begins and when it ends.
    pub heartbeat: Option<Credential>,
    /// A file for node_exporter's textfile collector.
    pub metrics: Option<PathBuf>,
    /// Where people find the audit log, for messages.
    pub audit_log: Option<String>,
}

/// One channel as it is meant.
#[derive(Debug)]
pub struct ChannelSetup {
    /// The keys of its kind.
    pub config: ChannelConfig,
    /// Its tokens and addresses.
    pub sources: Sources,
    /// What it is told.
    pub events: BTreeSet<Event>,
    /// Of which secrets; `None` for all.
    pub secrets: Option<BTreeSet<SecretName>>,
    /// For what it calls people.
    pub loud: BTreeSet<Event>,
    /// Whether it may name secrets.
    pub names: Names,
}

/// Whether a channel may name secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// It may.
    Shown,
    /// It may not.
    Hidden,
}

/// What the section is read with.
pub(super) struct Hearers<'n, 's> {
    pub(super) around: &'n Surroundings,
    /// The names under `secrets:`, as they were typed.
    pub(super) secrets: &'s [&'s str],
    pub(super) complaints: &'n Complaints<'n>,
}

impl<'n> Hearers<'n, '_> {
    /// Takes the keys of the file that are about hearing.
    pub(super) fn read(&self, fields: &mut Fields<'n, '_>) -> Hearing {
        let channels = fields.take("notify").map(|node| self.channels(node));
        let heartbeat = fields
            .take("heartbeat")
            .and_then(|node| self.heartbeat(node));
        let metrics = fields.text("metrics");
        let link = fields.parsed("audit_log", |text| {
            let fits = text.starts_with("https://") && !text.contains(char::is_whitespace);
            fits.then(|| text.to_owned())
                .ok_or_else(|| "expected an address that begins with https://".to_owned())
        });
        Hearing {
            channels: channels.unwrap_or_default(),
            heartbeat,
            metrics: metrics.map(|path| self.around.dir.join(path)),
            audit_log: link.map(|(link, _)| link),
        }
    }

    fn channels(&self, node: &'n Node<'_>) -> BTreeMap<String, ChannelSetup> {
        let Value::Map(entries) = &node.value else {
            let what = format!("`notify`: expected a map, found {}", node.found());
            let hint = "name each channel: `notify: { ops: { kind: slack, … } }`";
            self.complaints.advise(node.at, what, hint);
            return BTreeMap::new();
        };
        let read = |entry| Some((super::names::channel(entry, self.complaints)?, entry));
        let named = entries.iter().filter_map(read);
        named
            .filter_map(|(name, entry)| Some((name.to_owned(), self.channel(name, entry)?)))
            .collect()
    }

    fn channel(&self, name: &str, entry: &'n Entry<'_>) -> Option<ChannelSetup> {
        let of = format!("channel `{name}`");
        let mut fields = Fields::of(of, &entry.node, self.complaints)?;
        fields.at = entry.at;
        let kind = kind_of(&mut fields, notify::KINDS, |kind| kind.name)?;
        let sources = self.sources(kind, entry, &mut fields);
        let events = events(&mut fields, "events").unwrap_or_else(|| Event::ALL.into());
        let loud = events_or(&mut fields, "loud", &Event::LOUD);
        let secrets = self.secrets(&mut fields);
        let names = fields.parsed("redact_names", |text| match text {
            "true" => Ok(Names::Hidden),
            "false" => Ok(Names::Shown),
            _ => Err("expected true or false".to_owned()),
        });
        let config = read_rest(kind.name, fields)?;
        Some(ChannelSetup {
            config,
            sources,
            events,
            secrets,
            loud,
            names: names.map_or(Names::Shown, |(names, _)| names),
        })
    }

    fn sources(
        &self,
        kind: &ChannelKind,
        entry: &Entry<'_>,
        fields: &mut Fields<'n, '_>,
    ) -> Sources {
        let mut sources = Sources::new();
        for key in kind.needs.iter().chain(kind.takes) {
            if kind.needs.contains(key) && entry.node.get(key).is_none() {
                let variable = example(kind.name, key);
                fields.missing(key, &format!("write `{key}: {{ env: {variable} }}`"));
            }
            let Some(typed) = fields.take_entry(key) else {
                continue;
            };
            let of = fields.of.clone();
            if let Some(credential) = self.source(&of, typed, &example(kind.name, key)) {
                sources.insert(key, credential);
            }
        }
        sources
    }

    fn source(&self, of: &str, entry: &Entry<'_>, example: &str) -> Option<Credential> {
        let source = Source::read(of, entry, example, self.complaints)?;
        if let Source::Secret(secret) = &source
            && !self.secrets.contains(&secret.as_str())
        {
            self.unknown(of, secret.as_str(), entry.node.at);
            return None;
        }
        Some(source.credential(self.around))
    }

    fn secrets(&self, fields: &mut Fields<'n, '_>) -> Option<BTreeSet<SecretName>> {
        let of = fields.of.clone();
        let texts = fields.texts("secrets")?;
        for (text, at) in &texts {
            if !self.secrets.contains(text) {
                self.unknown(&of, text, *at);
            }
        }
        let names = texts.into_iter().map(|(text, _)| SecretName::from(text));
        Some(names.collect())
    }

    fn unknown(&self, of: &str, secret: &str, at: Mark) {
        let what = format!("{of}: unknown secret {}", quoted(secret));
        self.complaints
            .advise(at, what, meant(secret, self.secrets));
    }

    fn heartbeat(&self, node: &'n Node<'_>) -> Option<Credential> {
        let mut fields = Fields::of("`heartbeat`", node, self.complaints)?;
        if node.get("url").is_none() {
            fields.missing("url", "write `url: { env: HEARTBEAT_URL }`");
        }
        let entry = fields.take_entry("url");
        let url = entry.and_then(|entry| self.source("`heartbeat`", entry, "HEARTBEAT_URL"));
        fields.close();
        url
    }
}

fn events(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<BTreeSet<Event>> {
    let of = fields.of.clone();
    let texts = fields.texts(key)?;
    let mut events = BTreeSet::new();
    for (text, at) in texts {
        match Event::ALL.into_iter().find(|event| event.word() == text) {
            Some(event) => drop(events.insert(event)),
            None => {
                let known = Event::ALL.map(Event::word);
                let what = format!("{of}: `{key}`: unknown event {}", quoted(text));
                fields.complaints.advise(at, what, meant(text, &known));
            }
        }
    }
    Some(events)
}

fn events_or(fields: &mut Fields<'_, '_>, key: &'static str, usual: &[Event]) -> BTreeSet<Event> {
    events(fields, key).unwrap_or_else(|| usual.iter().copied().collect())
}

/// `SLACK_TOKEN`: the variable an example reads.
fn example(kind: &str, key: &str) -> String {
    format!("{kind}_{key}").to_uppercase().replace('-', "_")
}
