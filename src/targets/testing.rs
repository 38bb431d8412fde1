//! What the tests of several kinds share: opening a target, a vendor's command of one's own, and what `confirm` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Confirmation, Connections, Target, Written};
use crate::http::testing::JumpingClock;
use crate::model::{Account, Credential, DeploymentId, Effect, Fault, SecretValue};

/// How a kind opens its target.
type Build<C> = fn(C, &Arc<Account>, &Connections) -> Result<Arc<dyn Target>, Fault>;

/// An account that holds one credential.
pub(super) fn account(kind: &str, credential: &str, value: &'static str) -> Account {
    let held = Credential::new("test", move || Ok(SecretValue::new(value)));
    Account::new(kind.into(), kind).with(credential, held)
}

/// The target of one kind, on one thread and in a run of its own.
pub(super) fn opened<C: DeserializeOwned>(
    build: Build<C>,
    config: Value,
    account: Account,
) -> Result<Arc<dyn Target>, Fault> {
    let config = serde_json::from_value(config).expect("a configuration");
    let connections = Connections::new(JumpingClock::new(), 1).in_run("run_2a".into());
    build(config, &Arc::new(account), &connections)
}

/// The folder of a stand-in for a vendor's command: the program, what it holds, its troubles, and what it was called
/// with.
pub(super) struct StandIn {
    folder: tempfile::TempDir,
    command: &'static str,
    state: &'static str,
}

impl StandIn {
    /// The program `tests/support/COMMAND.py`, which keeps what it holds in that file.
    pub(super) fn new(command: &'static str, state: &'static str, held: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support");
        let program = programs.join(format!("{command}.py"));
        std::os::unix::fs::symlink(program, folder.path().join(command)).expect("a link");
        let stand_in = Self {
            folder,
            command,
            state,
        };
        stand_in.write(state, held);
        stand_in
    }

    /// The path of the program.
    pub(super) fn command(&self) -> PathBuf {
        self.folder.path().join(self.command)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.folder.path().join(name), value.to_string()).expect("a file");
    }

    /// What it holds now.
    pub(super) fn state(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join(self.state));
        serde_json::from_str(&text.expect("a file")).expect("what it holds")
    }

    /// Changes one entry of what it holds.
    pub(super) fn set(&self, key: &str, value: Value) {
        let mut state = self.state();
        state[key] = value;
        self.write(self.state, &state);
    }

    /// What is to go wrong from now on.
    pub(super) fn trouble(&self, kinds: &Value) {
        self.write("trouble.json", kinds);
    }

    /// Everything it was called with.
    pub(super) fn calls(&self) -> Vec<Value> {
        let calls = self.folder.path().join("calls.jsonl");
        let text = std::fs::read_to_string(calls).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a call"))
            .collect()
    }

    /// The words of every call, without those that are always there.
    pub(super) fn words(&self, own: fn(&[String]) -> &[String]) -> Vec<String> {
        let words = |call: Value| {
            let argv: Vec<String> = serde_json::from_value(call["argv"].clone()).expect("words");
            own(&argv).join(" ")
        };
        self.calls().into_iter().map(words).collect()
    }
}

/// A write that the platform dates.
pub(super) fn written_at(instant: &str) -> Effect<Written> {
    Effect::Done(Written {
        at: Some(instant.parse().expect("an instant")),
        marker: None,
    })
}

pub(super) fn serving(id: &str) -> Confirmation {
    Confirmation::Serving {
        deployment: Some(DeploymentId::new(id)),
    }
}

pub(super) fn waiting(doing: &str, seconds: i64) -> Confirmation {
    Confirmation::Waiting {
        doing: doing.to_owned(),
        again: TimeDelta::seconds(seconds),
    }
}

pub(super) fn stale(what: &str) -> Confirmation {
    Confirmation::Stale {
        what: what.to_owned(),
    }
}

pub(super) fn failed(what: &str) -> Confirmation {
    Confirmation::Failed {
        what: what.to_owned(),
    }
}
