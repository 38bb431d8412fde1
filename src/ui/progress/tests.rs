//! One rotation as each kind of watcher shows it, to the letter.

mod json;
mod plain;
mod terminal;

use std::sync::Mutex;

use chrono::TimeDelta;

use super::*;
use crate::ledger::Step;
use crate::model::{Hint, Instant, Making, SecretName, SecretValue, Span};
use crate::rotation::Happening;
use crate::ui::Outlet;
use crate::ui::testing::{Paper, no_environment};

struct Still(Mutex<Instant>);

impl Still {
    fn clock() -> Arc<dyn Clock> {
        Arc::new(Self(Mutex::new(at("2024-02-18T09:00:00Z"))))
    }
}

impl Clock for Still {
    fn now(&self) -> Instant {
        *self.0.lock().expect("no reader has panicked")
    }

    fn wait(&self, span: TimeDelta) {
        *self.0.lock().expect("no reader has panicked") += span;
    }

    fn stopping(&self) -> bool {
        false
    }
}

fn at(text: &str) -> Instant {
    text.parse().expect("an instant in a test")
}

fn key(end: &str) -> Hint {
    let value = SecretValue::new(format!("sk-{}{end}", "x".repeat(40)));
    Hint::of(&value, Making::Machine)
}

fn spoken() -> Spoken {
    Spoken::from([("vercel/acme".to_owned(), "Vercel env vars".to_owned())])
}

fn tell(watcher: &mut dyn Progress, what: Happening<'_>) {
    let secret = SecretName::from("openai");
    watcher.tell(News {
        secret: &secret,
        title: "OpenAI API",
        what,
    });
}

const VERCEL: &str = "vercel/acme";

const FILE: &str = "dotenv/.env";

fn began(watcher: &mut dyn Progress, step: Step, target: &str, places: usize) {
    tell(
        watcher,
        Happening::StepBegan {
            step,
            target,
            places,
        },
    );
}

fn done(watcher: &mut dyn Progress, step: Step, target: &str, place: &str) {
    tell(
        watcher,
        Happening::PlaceDone {
            step,
            target,
            place,
        },
    );
}

fn failed(watcher: &mut dyn Progress, step: Step, target: &str, place: &str, why: &str) {
    tell(
        watcher,
        Happening::PlaceFailed {
            step,
            target,
            place,
            why,
        },
    );
}

fn begin(watcher: &mut dyn Progress) {
    let (old, new) = (key("x7K2"), key("j9M1"));
    tell(
        watcher,
        Happening::Started {
            old: Some(&old),
            resumed: false,
            leak: None,
        },
    );
    tell(watcher, Happening::Issued { new: &new });
    began(watcher, Step::Deliver, VERCEL, 2);
    done(watcher, Step::Deliver, VERCEL, "vercel/web");
    done(watcher, Step::Deliver, VERCEL, "vercel/api");
    began(watcher, Step::Deliver, FILE, 1);
    done(watcher, Step::Deliver, FILE, ".env");
    began(watcher, Step::Activate, VERCEL, 2);
    began(watcher, Step::Confirm, VERCEL, 2);
    done(watcher, Step::Confirm, VERCEL, "vercel/web");
}

fn succeed(watcher: &mut dyn Progress) {
    begin(watcher);
    let (old, new) = (key("x7K2"), key("j9M1"));
    let (place, doing) = ("vercel/api", "building");
    tell(
        watcher,
        Happening::PlaceWaits {
            step: Step::Confirm,
            target: VERCEL,
            place,
            doing,
        },
    );
    done(watcher, Step::Confirm, VERCEL, place);
    tell(
        watcher,
        Happening::Promoted {
            new: &new,
            old: Some(&old),
            services: (2, 2),
            grace: Span::hours(24),
        },
    );
}

fn fall_back(watcher: &mut dyn Progress) {
    begin(watcher);
    failed(watcher, Step::Confirm, VERCEL, "vercel/api", "build failed");
    tell(
        watcher,
        Happening::UndoBegan {
            why: "vercel/api: build failed",
        },
    );
    began(watcher, Step::Restore, VERCEL, 2);
    done(watcher, Step::Restore, VERCEL, "vercel/web");
    done(watcher, Step::Restore, VERCEL, "vercel/api");
    began(watcher, Step::Confirm, VERCEL, 2);
    done(watcher, Step::Confirm, VERCEL, "vercel/web");
    done(watcher, Step::Confirm, VERCEL, "vercel/api");
    let live = key("x7K2");
    tell(
        watcher,
        Happening::RolledBack {
            why: "vercel/api: build failed",
            live: Some(&live),
            hint: Some("mend it"),
        },
    );
}

/// What stands on stdout and stderr after all of it.
fn watched(manner: Manner, story: fn(&mut dyn Progress)) -> (String, String) {
    let (out, talk) = (Paper::default(), Paper::default());
    let mut printer = Printer::new(
        Outlet::plain(out.clone()),
        Outlet::plain(talk.clone()),
        manner,
        &no_environment,
    );
    let run = RunId::from("run_1");
    story(&mut *printer.watch(&run, Still::clock(), spoken()));
    printer.finish().expect("it was written");
    (out.text(), talk.text())
}
