//! What the configuration says of each secret, for the log: without it nobody could tell later who owned a key, how often
//! it had to change, and whether the log is about all of them.

use sha2::{Digest as _, Sha256};

use crate::model::SecretName;

use super::super::chain::hex;
use super::super::change::Declaration;
use super::super::event::{Event, Facts};
use super::super::state::State;

impl State {
    /// Takes note of the configuration and says what the log is to hold of it: nothing where nothing changed.
    pub(in crate::ledger) fn declare(&mut self, declaration: Declaration) -> Vec<Event> {
        let Declaration { running, secrets } = declaration;
        let mut events = Vec::new();
        if self.config.as_ref() != Some(&running) {
            let facts = [("config", &running.config), ("tool", &running.tool)];
            events.push(Event {
                facts: facts
                    .map(|(name, fact)| (name.to_owned(), fact.clone()))
                    .into(),
                ..Event::new("config.changed")
            });
            self.config = Some(running);
        }
        let gone: Vec<SecretName> = self
            .declared
            .keys()
            .filter(|name| !secrets.contains_key(name))
            .cloned()
            .collect();
        for name in gone {
            self.declared.remove(&name);
            events.push(about(name, "secret.unmanaged", Facts::new()));
        }
        for (name, facts) in secrets {
            let digest = digest(&facts);
            match self.declared.insert(name.clone(), digest.clone()) {
                Some(former) if former == digest => {}
                Some(_) => events.push(about(name, "secret.changed", facts)),
                None => events.push(about(name, "secret.managed", facts)),
            }
        }
        events
    }
}

fn about(secret: SecretName, kind: &str, facts: Facts) -> Event {
    Event {
        secret: Some(secret),
        facts,
        ..Event::new(kind)
    }
}

/// Half of a SHA-256: it only has to differ where the facts differ.
fn digest(facts: &Facts) -> String {
    let mut hasher = Sha256::new();
    for text in facts.iter().flat_map(|(name, fact)| [name, fact]) {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hex(&hasher.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::super::super::state::Running;
    use super::*;

    fn declared(config: &str, secrets: &[(&str, &str)]) -> Declaration {
        let secret = |(name, owner): &(&str, &str)| {
            let facts = [("owner".to_owned(), (*owner).to_owned())];
            (SecretName::new(*name), facts.into())
        };
        Declaration {
            running: Running {
                config: config.to_owned(),
                tool: "1.0.0".to_owned(),
            },
            secrets: secrets.iter().map(secret).collect(),
        }
    }

    fn told(state: &mut State, config: &str, secrets: &[(&str, &str)]) -> Vec<String> {
        let events = state.declare(declared(config, secrets));
        let said = |event: &Event| {
            let secret = event.secret.as_ref().map_or("", SecretName::as_str);
            format!("{} {secret}", event.kind).trim().to_owned()
        };
        events.iter().map(said).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut state = State::default();
        let both = [("a", "ada"), ("b", "bob")];
        let first = ["config.changed", "secret.managed a", "secret.managed b"];
        assert_eq!(told(&mut state, "one", &both), first);
        assert!(told(&mut state, "one", &both).is_empty());
        assert_eq!(told(&mut state, "two", &both), ["config.changed"]);
        let other = [("b", "eve"), ("c", "cyd")];
        assert_eq!(
            told(&mut state, "two", &other),
            ["secret.unmanaged a", "secret.changed b", "secret.managed c"]
        );
        assert_eq!(told(&mut state, "two", &both)[0], "secret.unmanaged c");
    }
}
