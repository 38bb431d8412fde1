//! The channels of this configuration: opened, and asked who hears what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::config::Hearing;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Audience, News};
use crate::model::{Clock, SecretName};
use crate::notify::{self, Channel, Event};

/// The channels by name.
pub(super) type Channels = BTreeMap<String, Arc<dyn Channel>>;

/// Opens them. Sends nothing and loads no credential.
pub(super) fn open(hearing: &Hearing, clock: &Arc<dyn Clock>, beside: &Path) -> Result<Channels> {
    let opened = hearing.channels.iter().map(|(name, setup)| {
        let channel = notify::build(&setup.config, &setup.sources, clock, beside);
        let channel = channel.map_err(|fault| {
            Error::from(fault)
                .with_exit(Exit::Usage)
                .context(format!("channel `{name}`"))
        });
        Ok((name.clone(), channel?))
    });
    opened.collect()
}

/// The kind of a piece of news; `None` for an answer to somebody.
pub(super) const fn event(news: &News) -> Option<Event> {
    match news {
        News::Upcoming { .. } => Some(Event::Upcoming),
        News::Started { .. } => Some(Event::Started),
        News::Emergency { .. } => Some(Event::Emergency),
        News::Complete { .. } => Some(Event::Complete),
        News::Revoked { .. } => Some(Event::Revoked),
        News::RolledBack { .. } => Some(Event::RolledBack),
        News::PersonNeeded { .. } => Some(Event::PersonNeeded),
        News::Postponed { .. } | News::NotPostponed { .. } => None,
    }
}

/// Who is told what. `by_hand` are the secrets whose key a person makes: their notice is also a call for somebody.
pub(super) fn audience(hearing: &Hearing, by_hand: BTreeSet<SecretName>) -> Audience {
    let wishes: Vec<_> = hearing
        .channels
        .iter()
        .map(|(name, setup)| (name.clone(), setup.events.clone(), setup.secrets.clone()))
        .collect();
    Arc::new(move |secret, news| {
        let wants = |events: &BTreeSet<Event>| {
            let call = matches!(news, News::Upcoming { .. }) && by_hand.contains(secret);
            event(news).is_some_and(|event| events.contains(&event))
                || (call && events.contains(&Event::PersonNeeded))
        };
        let told = wishes.iter().filter(|(_, events, secrets)| {
            let whose = secrets.as_ref();
            wants(events) && whose.is_none_or(|secrets| secrets.contains(secret))
        });
        told.map(|(name, ..)| name.clone()).collect()
    })
}
