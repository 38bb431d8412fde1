//! The documents of the protocol, question and answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exec::Confided;
use crate::model::Instant;

#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub(super) protocol: u8,
    pub(super) operation: &'static str,
    pub(super) settings: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    pub(super) about: About<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum About<'a> {
    Everything {},
    Site {
        site: &'a str,
        value: &'a str,
    },
    Service {
        service: &'a str,
    },
    Since {
        service: &'a str,
        written_at: Option<Instant>,
        activated: bool,
        deployment: Option<&'a str>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Places {
    pub(super) sites: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) label: Option<String>,
    pub(super) value: Option<Confided>,
    pub(super) marker: Option<String>,
    #[serde(default)]
    pub(super) services: Vec<Running>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Running {
    pub(super) id: String,
    pub(super) label: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stamp {
    pub(super) at: Option<Instant>,
    pub(super) marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) deployment: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observed {
    pub(super) state: State,
    pub(super) what: Option<String>,
    pub(super) again: Option<u32>,
    pub(super) deployment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Serving,
    Waiting,
    Stale,
    Failed,
}
