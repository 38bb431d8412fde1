//! What both halves of the tests are made of.

mod sent;
mod verdicts;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use crate::model::Instant;

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_772_366_400 + seconds, 0).expect("a valid time")
}

fn time(seconds: i64) -> String {
    at(seconds).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A deploy that was created and ended at these seconds.
fn deploy(id: &str, status: &str, created: i64, ended: Option<i64>) -> Value {
    let mut deploy = json!({"id": id, "status": status, "trigger": "api", "createdAt": time(created), "commit": {"id": "c0ffee"}});
    if let Some(ended) = ended {
        deploy["finishedAt"] = json!(time(ended));
    }
    deploy
}
