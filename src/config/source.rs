//! Where a credential of rotakey itself comes from: `{env: NAME}`, `{file: PATH}`, `{command: [argv…]}` or
//! `{secret: NAME}`. Nothing is loaded before it is needed.

mod load;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{Credential, Fault, SecretName, SecretValue};

use super::complaint::Complaints;
use super::fields::Fields;
use super::file::{Entry, Value};
use super::say::{meant, quoted};
pub use load::private_file;

/// What the configuration may ask of the world around it. Handed in, so that it never reads the environment itself.
#[derive(Clone)]
pub struct Surroundings {
    /// Relative paths start here: the directory of `rotations.yaml`.
    pub dir: PathBuf,
    /// A variable of the environment.
    pub env: Environment,
    /// The current value of a secret that rotakey itself rotates.
    pub secret: Lookup,
}

/// Looks a variable up.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Looks the current value of a secret up.
pub type Lookup = Arc<dyn Fn(&SecretName) -> Result<SecretValue, Fault> + Send + Sync>;

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Secret(SecretName),
}

impl Source {
    const KINDS: &'static [&'static str] = &["env", "file", "command", "secret"];

    /// Reads the value of `entry`, a key of `of`. `example` is the variable a hint names.
    pub(super) fn read(
        of: &str,
        entry: &Entry<'_>,
        example: &str,
        complaints: &Complaints<'_>,
    ) -> Option<Self> {
        let key = &*entry.key;
        let Value::Map(keys) = &entry.node.value else {
            let what = match entry.node.text() {
                Some(_) => {
                    format!("{of}: `{key}`: a value stands here; this file never holds a secret")
                }
                None => format!(
                    "{of}: `{key}`: expected a source, found {}",
                    entry.node.found()
                ),
            };
            let hint = format!(
                "write `{key}: {{ env: {example} }}`, and replace the key if others have seen the file"
            );
            complaints.advise(entry.node.at, what, hint);
            return None;
        };
        let [only] = &keys[..] else {
            let what = format!("{of}: `{key}`: expected one of {}", listed());
            complaints.add(entry.node.at, what);
            return None;
        };
        let mut fields = Fields::of(format!("{of}: `{key}`"), &entry.node, complaints)?;
        match &*only.key {
            "env" => {
                let (name, _) = fields.parsed("env", variable)?;
                Some(Self::Env(name))
            }
            "file" => Some(Self::File(PathBuf::from(fields.text("file")?))),
            "secret" => Some(Self::Secret(SecretName::new(fields.text("secret")?))),
            "command" => {
                let argv = fields.texts("command")?;
                if argv.is_empty() {
                    complaints.add(only.node.at, format!("{}: `command` is empty", fields.of));
                    return None;
                }
                let argv = argv.into_iter().map(|(part, _)| part.to_owned());
                Some(Self::Command(argv.collect()))
            }
            unknown => {
                let what = format!("{}: unknown source {}", fields.of, quoted(unknown));
                complaints.advise(only.at, what, meant(unknown, Self::KINDS));
                None
            }
        }
    }

    /// The credential, loaded when it is first asked for.
    pub(super) fn credential(self, around: &Surroundings) -> Credential {
        let around = around.clone();
        Credential::new(self.to_string(), move || {
            load::value(&self, &around).map_err(|fault| fault.at(&self))
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(out, "env {name}"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Command(argv) => {
                write!(out, "command {}", argv.first().map_or("", String::as_str))
            }
            Self::Secret(name) => write!(out, "secret {name}"),
        }
    }
}

fn listed() -> &'static str {
    "`{ env: NAME }`, `{ file: PATH }`, `{ command: [PROGRAM, …] }`, `{ secret: NAME }`"
}

/// A name a shell can export. Anything else is more likely a pasted value.
fn variable(text: &str) -> Result<String, String> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if begins && plain {
        return Ok(text.to_owned());
    }
    Err(format!("{} is not the name of a variable", quoted(text)))
}
