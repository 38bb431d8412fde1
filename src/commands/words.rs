//! The words of a notice: what the ledger kept of it, joined with the configuration and with how things stand now.

use crate::config::Names;
use crate::issuers::ValueBy;
use crate::ledger::{News, Notice, State};
use crate::model::{Instant, Span};
use crate::notify::{Action, Message, Postpone};
use crate::rotation::{self, Ask, Grace, Item, Manner, Secret};

use super::joined::Joined;

/// The words of a notice on a channel.
pub(super) fn message(
    joined: &Joined,
    notice: &Notice,
    channel: &str,
    state: &State,
    progress: Vec<String>,
) -> Option<Message> {
    let secret = joined.secrets.get(&notice.secret)?;
    let setup = joined.hearing.channels.get(channel)?;
    let message = match &notice.news {
        News::Upcoming { due, current } => Message::Upcoming {
            title: secret.policy.title.clone(),
            current: current.clone(),
            due: *due,
            now: notice.at,
            action: action(secret),
            postpone: Some(match setup.config.approvers() {
                [] => Postpone::Command(secret.name.clone(), secret.policy.skip),
                _ => Postpone::Reply(secret.policy.skip),
            }),
        },
        news => told(joined, secret, news, notice.at, state, progress),
    };
    Some(match setup.names {
        Names::Shown => message,
        Names::Hidden => message.redacted(),
    })
}

/// What somebody has to do before a rotation.
pub(super) fn action(secret: &Secret) -> Action {
    match secret.issuer.capabilities().value {
        ValueBy::Person => {
            let mut steps = secret.issuer.instructions();
            steps.push(format!("rotakey rotate {}", secret.name));
            Action::Person(steps)
        }
        ValueBy::Issuer | ValueBy::Rotakey => Action::None,
    }
}

fn told(
    joined: &Joined,
    secret: &Secret,
    news: &News,
    at: Instant,
    state: &State,
    progress: Vec<String>,
) -> Message {
    let title = secret.policy.title.clone();
    let known = state.secret(&secret.name);
    let again = format!("mend it, then run `rotakey rotate {}`", secret.name);
    match news.clone() {
        News::Upcoming { due, current } => Message::Upcoming {
            title,
            current,
            due,
            now: at,
            action: action(secret),
            postpone: None,
        },
        News::Started { old, new } => Message::Started {
            title,
            old,
            new: Some(new),
            progress,
        },
        News::Emergency { old, reason } => Message::Emergency { title, old, reason },
        News::Complete {
            new,
            old,
            services,
            leaked,
        } => Message::Complete {
            title,
            new,
            old,
            services: (services, services),
            grace: if leaked {
                Span::ZERO
            } else {
                secret.policy.grace
            },
            now: at,
            audit_log: joined.hearing.audit_log.clone(),
        },
        News::Revoked { old, services } => Message::Revoked {
            title,
            old: Some(old),
            services,
            next: known.and_then(|state| rotation::due(secret, state)),
        },
        News::RolledBack { why, live } => Message::RolledBack {
            title,
            why,
            live,
            hint: Some(again),
        },
        News::PersonNeeded { why } => Message::PersonNeeded {
            title,
            why,
            live: rotation::sentence(known),
            steps: vec![errand(joined, secret, state, at).unwrap_or(again)],
        },
        News::Postponed { until, capped } => Message::Postponed {
            title,
            until,
            capped,
        },
        News::NotPostponed { why } => Message::NotPostponed { title, why },
    }
}

/// What the plan asks a person to do.
fn errand(joined: &Joined, secret: &Secret, state: &State, now: Instant) -> Option<String> {
    let ask = Ask {
        names: std::slice::from_ref(&secret.name),
        now,
        manner: Manner::Unattended,
        grace: Grace::Kept,
        frozen: None,
        most: 1,
    };
    let items = rotation::plan(&joined.secrets, state, &ask);
    let Item { person, .. } = items.into_iter().next()?;
    person
        .map(|errand| errand.hint)
        .filter(|hint| !hint.is_empty())
}
