//! Each row of the table at the top of `http`.

mod again;
mod once;
mod told;

use serde_json::json;

use super::Reply;
use super::testing::{Answer, JumpingClock, Server};
use crate::model::{Effect, FaultKind};

fn outcome(effect: Effect<Reply>) -> (&'static str, Option<FaultKind>, String) {
    match effect {
        Effect::Done(reply) => ("done", None, reply.status.to_string()),
        Effect::NotDone(fault) => ("not done", Some(fault.kind), fault.what),
        Effect::Uncertain(fault) => ("uncertain", Some(fault.kind), fault.what),
    }
}

fn row(
    outcome: &'static str,
    kind: FaultKind,
    what: &str,
) -> (&'static str, Option<FaultKind>, String) {
    (outcome, Some(kind), what.to_owned())
}

fn once(answer: Answer) -> (&'static str, Option<FaultKind>, String) {
    let server = Server::start(vec![answer]);
    let api = server.api(&JumpingClock::new());
    outcome(api.post("/x").json(&json!({})).once())
}
