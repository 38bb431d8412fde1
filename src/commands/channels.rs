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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{Surroundings, resolve};
    use crate::model::{Fault, Instant};

    fn told(channel: &str, secret: &str, news: &News) -> bool {
        let around = Surroundings {
            dir: PathBuf::from("/"),
            env: Arc::new(|_| None),
            secret: Arc::new(|_| Err(Fault::refused("none"))),
        };
        let app = "{ every: 30d, issuer: { kind: generated }, targets: [ { kind: dotenv, path: NAME, variable: A } ] }";
        let secrets = ["app", "web"].map(|name| format!("{name}: {}", app.replace("NAME", name)));
        let text = format!(
            "notify: {{ hook: {{ kind: webhook, url: {{ env: A }}, secret: {{ env: B }}, {channel} }} }}\nsecrets: {{ {} }}\n",
            secrets.join(", ")
        );
        let config =
            resolve(&text, "rotations.yaml", &around).unwrap_or_else(|errors| panic!("{errors}"));
        let audience = audience(&config.hearing, BTreeSet::from(["web".into()]));
        audience(&secret.into(), news).contains("hook")
    }

    #[test]
    fn a_channel_hears_what_it_asked_for_and_of_whom() {
        let upcoming = News::Upcoming {
            due: Instant::UNIX_EPOCH,
            current: None,
        };
        let person = News::PersonNeeded { why: String::new() };
        assert!(told("loud: []", "app", &upcoming) && told("loud: []", "app", &person));
        assert!(!told("events: [person_needed]", "app", &upcoming));
        assert!(told("events: [person_needed]", "app", &person));
        assert!(!told("secrets: [web]", "app", &person));
        // A key that a person makes: its warning is a call for that person.
        assert!(told("events: [person_needed]", "web", &upcoming));
        assert!(!told("events: [complete]", "web", &upcoming));
    }

    #[test]
    fn an_answer_is_for_nobody_but_the_one_who_asked() {
        let answer = News::NotPostponed { why: String::new() };
        assert!(!told("loud: []", "app", &answer));
    }
}
