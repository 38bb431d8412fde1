//! `pass`, the standard Unix password manager: one line of one entry.
//!
//! ```yaml
//! targets:
//!   - kind: pass
//!     entry: api/openai
//!     key: token                     # the line `token: …`; unless said, the first line, which holds the password
//!     store: /srv/pass               # unless said, what PASSWORD_STORE_DIR says, or ~/.password-store
//!     gnupg_home: /srv/gnupg         # unless said, what GNUPGHOME says, or ~/.gnupg
//! ```
//!
//! The entry must be there, and the line in it exactly once: nothing is created. `pass insert` would replace the whole
//! entry, so it is read first and every other line goes back as it was, byte for byte. A store that is a git
//! repository gets a commit from `pass` itself, which is the entry's history; the entry gets no note of rotakey's own.
//!
//! The value goes to `pass` on standard input and comes back on standard output; only the name of the entry stands in
//! an argument list. Nothing is done twice: `pass` does not write atomically and says little by its exit code, so what
//! the entry holds afterwards decides whether a write was done, not done, or is uncertain.
//!
//! Reading needs the secret half of a key of the store, and under cron nobody answers a passphrase prompt: use a key
//! without one, or an agent that has it. Readers see the new value at once; nothing is redeployed.
//!
//! Tried with pass 1.7.4 and gpg 2.2 of Debian 12: `insert --multiline` stores standard input byte for byte; `show` of
//! a folder lists it and exits with 0, which is refused here. Source of the rest: pass(1).

mod text;

use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::whole::{Now, alone, settled};
use super::{Pass, Site, Stored, Target, Written};
use crate::exec::{Ending, Program};
use crate::model::{
    Effect, Fault, Finding, SecretValue, SiteId, TargetKind, TargetStarter, sanitise,
};
use text::Line;

/// Where the store is and how gpg behaves, for a `pass` that a person set up by the environment.
const ENVIRONMENT: [&str; 5] = [
    "PASSWORD_STORE_DIR",
    "PASSWORD_STORE_GPG_OPTS",
    "PASSWORD_STORE_SIGNING_KEY",
    "PASSWORD_STORE_UMASK",
    "GNUPGHOME",
];

/// The row of this kind in the table.
pub(super) const KIND: TargetKind = TargetKind {
    name: "pass",
    account: None,
    address: &["store?", "entry", "key?"],
    starter: TargetStarter {
        about: "an entry of pass, the Unix password manager",
        keys: ", entry: rotakey/NAME",
        account: None,
    },
};

/// The keys of `kind: pass`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    entry: String,
    key: Option<String>,
    store: Option<PathBuf>,
    gnupg_home: Option<PathBuf>,
}

/// One line of one entry.
pub(super) struct PasswordStore {
    config: Config,
    line: Line,
}

impl PasswordStore {
    pub(super) fn new(config: Config) -> Result<Self, Fault> {
        if !is_entry(&config.entry) {
            return Err(Fault::refused(format!(
                "`{}` is not the name of an entry",
                sanitise(&config.entry)
            ))
            .hint("write it as `pass ls` shows it, such as `api/payments`"));
        }
        let line = match &config.key {
            Some(key) => Line::keyed(key)?,
            None => Line::First,
        };
        Ok(Self { config, line })
    }

    /// A call of `pass`. Where the store is configured, `env` tells `pass` so: its own environment is not changed.
    fn program(&self, words: &[&str]) -> Program {
        let mut argv = vec!["env".to_owned()];
        let places = [
            ("PASSWORD_STORE_DIR", &self.config.store),
            ("GNUPGHOME", &self.config.gnupg_home),
        ];
        for (name, place) in places {
            argv.extend(
                place
                    .iter()
                    .map(|path| format!("{name}={}", path.display())),
            );
        }
        argv.push("pass".to_owned());
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(["--".to_owned(), self.config.entry.clone()]);
        let mut program = Program::new(argv);
        program.env = ENVIRONMENT.map(str::to_owned).to_vec();
        program
    }

    /// The whole entry.
    fn show(&self) -> Result<Zeroizing<String>, Fault> {
        let output = match self.program(&["show"]).run(b"") {
            Ending::Exited(0, output) => output,
            Ending::Exited(code, _) => return Err(self.unreadable(code)),
            Ending::NotStarted(fault) | Ending::Lost(fault) => return Err(fault),
        };
        let text = Zeroizing::new(output.text()?.to_owned());
        if text::is_folder(&text, &self.config.entry) {
            return Err(
                Fault::refused("it is a folder, or an entry that holds its own name")
                    .hint("name one entry of it"),
            );
        }
        Ok(text)
    }

    fn unreadable(&self, code: i32) -> Fault {
        match code {
            1 => Fault::missing("the store has no such entry").hint(format!(
                "make it once by hand: pass insert {}",
                self.config.entry
            )),
            127 => Fault::refused("`pass` is not installed where PATH leads")
                .hint("install it; the PATH of cron is shorter than a shell's"),
            _ => Fault::refused(format!("the entry cannot be read (exit {code})")).hint(format!(
                "as the same user, without a terminal: pass show {}",
                self.config.entry
            )),
        }
    }

    fn insert(&self, new: &str, old: &str) -> Effect<()> {
        let ending = self
            .program(&["insert", "--multiline", "--force"])
            .tell(new.as_bytes());
        let exited = matches!(ending, Ending::Exited(..));
        let effect = settled(ending, "`pass insert` changed nothing", || {
            let now = self.show()?;
            Ok(match now.as_str() {
                now if now == new => (Now::New, ()),
                now if now == old => (Now::Old, ()),
                _ => (Now::Other, ()),
            })
        });
        match effect {
            Effect::NotDone(fault) if exited => Effect::NotDone(
                fault.hint("look for the reason by hand: pass edit, as the same user"),
            ),
            other => other,
        }
    }

    fn store(&self, value: &SecretValue) -> Effect<()> {
        let old = match self.show() {
            Ok(old) => old,
            Err(fault) => return Effect::NotDone(fault),
        };
        match self.line.replaced(&old, value) {
            Ok(new) if *new == *old => Effect::Done(()),
            Ok(new) => self.insert(&new, &old),
            Err(fault) => Effect::NotDone(fault),
        }
    }

    fn site(&self) -> Result<Site, Fault> {
        let value = self.line.value(&self.show()?)?;
        let store = self.config.store.as_deref();
        let store = store.map(|store| store.display().to_string());
        let key = self.config.key.as_deref().unwrap_or_default();
        let (store, entry) = (store.unwrap_or_default(), &self.config.entry);
        Ok(Site {
            id: SiteId::new(format!("pass:{store}#{entry}#{key}")),
            label: format!("{} {}", self.label(), self.line),
            services: Vec::new(),
            stored: Stored::Value(value),
        })
    }
}

impl Target for PasswordStore {
    fn label(&self) -> String {
        format!("pass/{}", sanitise(&self.config.entry))
    }

    fn check(&self) -> Vec<Finding> {
        vec![Finding {
            what: format!("{}: read {}", self.label(), self.line),
            result: self.site().map(|_| String::new()),
        }]
    }

    fn sites(&self, _pass: Pass) -> Result<Vec<Site>, Fault> {
        let site = self.site().map_err(|fault| fault.at(self.label()))?;
        Ok(vec![site])
    }

    fn write(&self, _site: &Site, value: &SecretValue) -> Effect<Written> {
        let _alone = alone();
        // `pass` has no clock of its own, and the value can be read.
        self.store(value).map(|()| Written {
            at: None,
            marker: None,
        })
    }
}

/// Names with parts such as `..` are refused by `pass` as well; one that ends in a slash would mean a folder.
fn is_entry(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !matches!(part, "." | "..");
    name.split('/').all(part) && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests;
