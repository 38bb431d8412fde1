//! An issuer of your own: a program that makes and kills keys where rotakey knows no API.
//!
//! ```yaml
//! issuer:
//!   kind: command
//!   run: [/usr/local/bin/partner-keys]
//!   overlap: many
//!   find: true
//! ```
//!
//! | key | means | unless said |
//! | --- | --- | --- |
//! | `run` | the program and its arguments; no shell, never a secret | |
//! | `overlap` | how many keys may live at once: `many`, `two`, `none` | `none` |
//! | `value` | who makes the value up: the `issuer`, `rotakey`, or a `person` who hands it over | `issuer` |
//! | `generate` | with `value: rotakey`, how: the keys of `kind: generated` | 48 characters |
//! | `instructions` | with `value: person`, what to do, a list of lines | |
//! | `fields` | the fields a version has | `[value]` |
//! | `find` | it can list keys by tag | `false` |
//! | `last_used` | it can tell when a key was last used | `false` |
//! | `revoke` | it can kill a key; otherwise a person does, and rotakey watches | `true` |
//! | `settings` | texts that are handed to the program with every question | |
//! | `env` | names of environment variables it gets besides PATH, HOME, LANG and TZ | |
//! | `timeout`, `cwd` | how long one question may take; where it runs | `60s`; where rotakey runs |
//!
//! # The protocol, version 1
//!
//! The program is started once for every question. The question is one JSON document on standard input; the answer is
//! one JSON document on standard output, with exit code 0. Every question has `protocol`, `operation`, `secret` (its
//! name) and `settings`. A key is `{"id": …, "fields": {"value": …}, "notes": {…}}`: `id` is public and may be absent,
//! `notes` are public texts of the program's own that come back with the key.
//!
//! | `operation` | with | answer |
//! | --- | --- | --- |
//! | `check` | | `{"findings": [{"what": …, "ok": true, "detail": …}]}`; changes nothing |
//! | `issue` | `tag`, `current` (the live key or null), `proposal` (with `value: rotakey` or `person`) | `{"key": {…}}`; to a proposal also `{}` |
//! | `find` | `tag` | `{"keys": [{"id": …, "notes": {…}, "created_at": "2026-11-23T09:00:00Z"}]}` |
//! | `verify` | `key` | `{"verdict": "works"}`, or `denied` (genuine, but not allowed this call), `refused` (dead), `unknown`; `"date"` is the issuer's clock |
//! | `revoke` | `key` | `{}`; a key that is gone already is success |
//! | `last_used` | `key` | `{"at": "2026-11-23T09:00:00Z"}` or `{"at": null}` |
//!
//! An operation the program does not know ends with exit code 64.
//!
//! **Exit codes decide what happens next** (see [`exec`](crate::exec)): 75 and the rest of 64 to 78 say that *nothing
//! was done*. Everything else that is not 0 is uncertain: rotakey then looks for the key by its tag, which is why
//! `issue` must mark what it makes with the tag, and why a program without `find` can leave a key behind that only a
//! person finds. `issue` is started once and never repeated, except with a proposal: then it may be asked again with
//! the same one and must succeed again. Keep one question well below the ten minutes after which rotakey takes an
//! unanswered request for dead.
//!
//! `examples/issuer.py` is a whole program of this kind.

mod protocol;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::exec::Program;
use crate::model::{
    Effect, Fault, FieldName, Fields, Finding, Instant, IssuerKind, IssuerStarter, Key, SecretName,
    Span, Tag, sanitise,
};

use super::generated::{self, Generated};
use super::{Ability, Capabilities, Found, Issuer, Overlap, Request, Seen, Trust, ValueBy};
use protocol::{Checked, Issued, Listed, Nothing, Question, Told, Used, Verified};

/// Its row in [`KINDS`](super::KINDS).
pub(super) const KIND: IssuerKind = IssuerKind {
    name: "command",
    account: None,
    starter: IssuerStarter {
        about: "a key that a program of yours makes and kills",
        secret: "partner",
        title: "Partner API",
        every: "quarterly",
        keys: ", run: [/usr/local/bin/partner-keys]",
        variable: "PARTNER_KEY",
        value: None,
        account: None,
        note: "As automatic as your program is: see examples/issuer.py.",
    },
};

/// The keys of `kind: command`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    run: Vec<String>,
    #[serde(default)]
    overlap: Lives,
    #[serde(default)]
    value: Maker,
    generate: Option<generated::Config>,
    #[serde(default)]
    instructions: Vec<String>,
    fields: Option<Vec<String>>,
    #[serde(default)]
    find: bool,
    #[serde(default)]
    last_used: bool,
    #[serde(default = "yes")]
    revoke: bool,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    env: Vec<String>,
    timeout: Option<Span>,
    cwd: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lives {
    Many,
    Two,
    #[default]
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Maker {
    #[default]
    Issuer,
    Rotakey,
    Person,
}

const fn yes() -> bool {
    true
}

/// A program that makes and kills keys.
pub(super) struct Command {
    config: Config,
    secret: SecretName,
    program: Program,
    maker: Option<Generated>,
}

impl Config {
    /// The fields every version has.
    pub fn fields(&self) -> Vec<FieldName> {
        match (&self.fields, &self.generate) {
            (Some(names), _) => names.iter().map(FieldName::new).collect(),
            (None, Some(generate)) => generate.fields(),
            (None, None) => vec![FieldName::new(Fields::VALUE)],
        }
    }
}

impl Command {
    pub(super) fn new(config: Config, secret: SecretName) -> Result<Self, Fault> {
        if config.run.is_empty() {
            return Err(Fault::refused("`run` names no program"));
        }
        if config.generate.is_some() && config.value != Maker::Rotakey {
            return Err(Fault::refused("`generate` goes with `value: rotakey`"));
        }
        if config.fields.is_some() && config.value == Maker::Rotakey {
            return Err(Fault::refused(
                "`fields` follow from `generate` where rotakey makes the value",
            ));
        }
        let generate = config.generate.clone().unwrap_or_default();
        let maker = (config.value == Maker::Rotakey).then(|| Generated::new(&generate));
        let mut program = Program::new(config.run.clone());
        program.env.clone_from(&config.env);
        program.cwd.clone_from(&config.cwd);
        if let Some(timeout) = config.timeout {
            program.timeout = timeout.delta().to_std().unwrap_or_default();
        }
        Ok(Self {
            config,
            secret,
            program,
            maker,
        })
    }

    fn question<'a>(&'a self, operation: &'a str) -> Question<'a> {
        Question::new(operation, &self.secret, &self.config.settings)
    }

    /// The key that was made, if it is what the configuration promises.
    fn complete(&self, key: Key) -> Result<Key, Fault> {
        let mut promised = self.config.fields();
        promised.sort();
        let empty = key.fields.iter().any(|(_, value)| value.is_empty());
        if empty || !key.fields.iter().map(|(name, _)| name).eq(&promised) {
            let names: Vec<&str> = promised.iter().map(FieldName::as_str).collect();
            return Err(Fault::refused(format!(
                "the key that was made does not have the fields {}",
                names.join(", ")
            )));
        }
        Ok(key)
    }
}

impl Issuer for Command {
    fn capabilities(&self) -> Capabilities {
        let able = |able: bool| if able { Ability::Yes } else { Ability::No };
        Capabilities {
            overlap: match self.config.overlap {
                Lives::Many => Overlap::Many,
                Lives::Two => Overlap::Two,
                Lives::None => Overlap::None,
            },
            value: match self.config.value {
                Maker::Issuer => ValueBy::Issuer,
                Maker::Rotakey => ValueBy::Rotakey,
                Maker::Person => ValueBy::Person,
            },
            finds: able(self.config.find),
            expires: Ability::No,
            reports_use: able(self.config.last_used),
            revokes: able(self.config.revoke),
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        format!("command {}", sanitise(self.program.name()))
    }

    fn check(&self) -> Vec<Finding> {
        let checked = self.program.look::<Checked>(&self.question("check"));
        match checked {
            Ok(checked) => checked.findings(),
            Err(fault) => vec![Finding {
                what: self.place(),
                result: Err(fault),
            }],
        }
    }

    fn propose(&self, current: Option<&Key>, trust: Trust) -> Result<Option<Key>, Fault> {
        match &self.maker {
            Some(maker) => maker.propose(current, trust),
            None => Ok(None),
        }
    }

    fn instructions(&self) -> Vec<String> {
        self.config.instructions.clone()
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let mut question = self.question("issue").tagged(request.tag);
        question.current = request.current.map(Told::of);
        question.proposal = request.proposal.map(Told::of);
        let issued: Effect<Issued> = self.program.ask(&question);
        issued.read(|issued| match (request.proposal, issued.key()?) {
            (Some(proposal), made) => Ok(proposed(proposal, made)),
            (None, Some(made)) => self.complete(made),
            (None, None) => Err(Fault::refused("no key was answered")),
        })
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let listed: Listed = self.program.look(&self.question("find").tagged(tag))?;
        listed.found()
    }

    fn verify(&self, key: &Key) -> Seen {
        let verified = self
            .program
            .look::<Verified>(&self.question("verify").about(key));
        match verified {
            Ok(verified) => verified.seen(),
            Err(fault) => Seen::unknown(fault),
        }
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        if !self.config.revoke {
            return Effect::NotDone(Fault::refused("a person has to revoke this key"));
        }
        let revoked: Effect<Nothing> = self.program.ask(&self.question("revoke").about(key));
        revoked.map(|Nothing {}| ())
    }

    fn last_used(&self, key: &Key) -> Result<Option<Instant>, Fault> {
        let used: Used = self.program.look(&self.question("last_used").about(key))?;
        Ok(used.at)
    }
}

/// What was proposed, with what the program has to add to it.
fn proposed(proposal: &Key, made: Option<Key>) -> Key {
    let mut key = proposal.clone();
    if let Some(made) = made {
        key.id = made.id.or(key.id);
        key.notes.extend(made.notes);
    }
    key
}

#[cfg(test)]
mod tests;
