//! What both halves of the tests are made of.

mod pending;
mod sent;
mod verdicts;

use chrono::DateTime;
use serde_json::{Value, json};

use super::wire::{Deployment, Project};
use crate::model::Instant;

const NOW: i64 = 1_772_366_400_000;

fn at(milliseconds: i64) -> Instant {
    DateTime::from_timestamp_millis(NOW + milliseconds).expect("a valid time")
}

fn project(fields: Value) -> Project {
    let mut project = json!({"id": "prj_1", "name": "web"});
    for (key, value) in fields.as_object().expect("a map") {
        project[key] = value.clone();
    }
    serde_json::from_value(project).expect("a project")
}

fn deployment(id: &str, created: i64, fields: Value) -> Value {
    let mut deployment = json!({
        "id": id, "createdAt": NOW + created, "readyState": "READY", "readySubstate": "PROMOTED",
        "aliasAssigned": true, "aliasError": null, "target": "production",
    });
    for (key, value) in fields.as_object().expect("a map") {
        deployment[key] = value.clone();
    }
    deployment
}

fn parsed(deployment: Value) -> Deployment {
    serde_json::from_value(deployment).expect("a deployment")
}
