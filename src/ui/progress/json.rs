//! Progress for machines (`--json`): one object a line on stdout, one line a piece of news.
//!
//! Every object has `at`, `run`, `secret` and `news`. The other fields, by `news`:
//!
//! | `news` | fields |
//! | --- | --- |
//! | `started` | `title`, `old`, `resumed` |
//! | `issued` | `new` |
//! | `step_began` | `step`, `target`, `places` |
//! | `place_done` | `step`, `target`, `place` |
//! | `place_waits` | `step`, `target`, `place`, `doing` |
//! | `place_failed` | `step`, `target`, `place`, `why` |
//! | `soaking` | `stage`, `until` |
//! | `promoted` | `new`, `old`, `services_observed`, `services`, `grace_seconds` |
//! | `undo_began` | `why` |
//! | `rolled_back` | `why`, `live` |
//! | `revoked` | `old`, `next` |
//! | `note` | `text` |
//!
//! Times are RFC 3339 in UTC with milliseconds; keys appear as hints (`sk-...x7K2`); a field without a value is left out.
//! Names stay, fields may be added.

use std::sync::Arc;

use chrono::SecondsFormat;
use serde::Serialize;

use crate::model::{Clock, Hint, Instant, RunId, SecretName};
use crate::rotation::{Happening, News, Progress};
use crate::ui::printer::Printer;

/// JSON lines on stdout.
pub(super) struct Json<'a> {
    printer: &'a mut Printer,
    run: RunId,
    clock: Arc<dyn Clock>,
}

impl<'a> Json<'a> {
    pub(super) fn new(printer: &'a mut Printer, run: RunId, clock: Arc<dyn Clock>) -> Self {
        Self {
            printer,
            run,
            clock,
        }
    }
}

impl Progress for Json<'_> {
    fn tell(&mut self, news: News<'_>) {
        let object = Object {
            at: time(self.clock.now()),
            run: &self.run,
            secret: news.secret,
            told: Told::of(&news),
        };
        // Strings, numbers and dates cannot fail to become JSON.
        if let Ok(line) = serde_json::to_string(&object) {
            self.printer.line(&line);
        }
    }
}

fn time(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[derive(Serialize)]
struct Object<'a> {
    at: String,
    run: &'a RunId,
    secret: &'a SecretName,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
#[serde(tag = "news", rename_all = "snake_case")]
enum Told<'a> {
    Started {
        title: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<&'a Hint>,
        resumed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        leak: Option<&'a str>,
    },
    Issued {
        new: &'a Hint,
    },
    StepBegan {
        step: &'static str,
        target: &'a str,
        places: usize,
    },
    PlaceDone {
        step: &'static str,
        target: &'a str,
        place: &'a str,
    },
    PlaceWaits {
        step: &'static str,
        target: &'a str,
        place: &'a str,
        doing: &'a str,
    },
    PlaceFailed {
        step: &'static str,
        target: &'a str,
        place: &'a str,
        why: &'a str,
    },
    Soaking {
        stage: &'a str,
        until: String,
    },
    Promoted {
        new: &'a Hint,
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<&'a Hint>,
        services_observed: usize,
        services: usize,
        grace_seconds: i64,
    },
    UndoBegan {
        why: &'a str,
    },
    RolledBack {
        why: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        live: Option<&'a Hint>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    },
    Revoked {
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<&'a Hint>,
        observed: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    Note {
        text: &'a str,
    },
}

impl<'a> Told<'a> {
    fn of(news: &News<'a>) -> Self {
        match news.what {
            Happening::Started { old, resumed, leak } => Told::Started {
                title: news.title,
                old,
                resumed,
                leak,
            },
            Happening::Issued { new } => Told::Issued { new },
            Happening::StepBegan {
                step,
                target,
                places,
            } => Told::StepBegan {
                step: step.verb(),
                target,
                places,
            },
            Happening::PlaceDone {
                step,
                target,
                place,
            } => Told::PlaceDone {
                step: step.verb(),
                target,
                place,
            },
            Happening::PlaceWaits {
                step,
                target,
                place,
                doing,
            } => Told::PlaceWaits {
                step: step.verb(),
                target,
                place,
                doing,
            },
            Happening::PlaceFailed {
                step,
                target,
                place,
                why,
            } => Told::PlaceFailed {
                step: step.verb(),
                target,
                place,
                why,
            },
            Happening::Soaking { stage, until } => Told::Soaking {
                stage,
                until: time(until),
            },
            Happening::Promoted {
                new,
                old,
                services: (services_observed, services),
                grace,
            } => Told::Promoted {
                new,
                old,
                services_observed,
                services,
                grace_seconds: grace.delta().num_seconds(),
            },
            Happening::UndoBegan { why } => Told::UndoBegan { why },
            Happening::RolledBack { why, live, hint } => Told::RolledBack { why, live, hint },
            Happening::Revoked {
                old,
                observed,
                next,
                ..
            } => Told::Revoked {
                old,
                observed,
                next: next.map(time),
            },
            Happening::Note { text } => Told::Note { text },
        }
    }
}
