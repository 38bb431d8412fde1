//! The vendor: makes keys, lists them by tag, ends them.

use crate::issuers::{
    Ability, Capabilities, Found, Issuer, Overlap, Request, Seen, Trust, ValueBy, Verdict,
};
use crate::model::{Clock, Effect, Fault, Fields, Finding, Instant, Key, KeyId, SecretValue, Tag};

use super::*;

/// The vendor.
pub(in crate::rotation::tests) struct Vendor {
    pub(in crate::rotation::tests) outside: Outside,
    pub(in crate::rotation::tests) value: ValueBy,
}

impl Issuer for Vendor {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Many,
            value: self.value,
            finds: self.by_call(),
            expires: Ability::No,
            reports_use: match self.outside.world().used {
                Some(_) => Ability::Yes,
                None => Ability::No,
            },
            revokes: self.by_call(),
            shows_death: Ability::Yes,
        }
    }

    fn place(&self) -> String {
        "vendor".to_owned()
    }

    fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn propose(&self, current: Option<&Key>, _trust: Trust) -> Result<Option<Key>, Fault> {
        let last = current
            .and_then(|key| key.fields.primary())
            .map_or(0, |value| value.expose().len());
        let value = SecretValue::new(format!(
            "sk-chosen-here-{last:03}-{:024}",
            self.outside.now().timestamp()
        ));
        Ok((self.value == ValueBy::Rotakey).then(|| Key::of(Fields::single(value))))
    }

    fn removal(&self, key: &Key) -> Vec<String> {
        let value = key.fields.primary().map_or("", |value| value.expose());
        vec!["open the dashboard".to_owned(), format!("end {value}")]
    }

    fn issue(&self, request: &Request<'_>) -> Effect<Key> {
        let chosen = request
            .proposal
            .and_then(|key| key.fields.primary())
            .map(|value| value.expose().to_owned());
        let value = chosen.unwrap_or_default();
        let tag = request.tag.to_string();
        if self.value == ValueBy::Person {
            let made = request.proposal.cloned();
            return made.map_or(Effect::NotDone(Fault::refused("no key")), Effect::Done);
        }
        if !value.is_empty()
            && self
                .outside
                .world()
                .keys
                .values()
                .any(|key| key.value == value)
        {
            // Asked again with the same value: done already.
            return self
                .found(&tag)
                .map_or(Effect::NotDone(Fault::refused("taken")), Effect::Done);
        }
        let asked = self.outside.call(Act::Issue {
            value,
            tag: tag.clone(),
        });
        let made = asked.read(|()| {
            self.found(&tag)
                .ok_or_else(|| Fault::passing("made and not there"))
        });
        let nameless = self.outside.world().nameless;
        made.map(|key| match nameless {
            true => Key { id: None, ..key },
            false => key,
        })
    }

    fn find(&self, tag: &Tag) -> Result<Vec<Found>, Fault> {
        let world = self.outside.world();
        let tagged = world
            .keys
            .iter()
            .filter(|(_, key)| key.alive && key.tag == tag.as_str());
        let found = |id: &String| Found {
            key: self.key(id, Fields::default()),
            created_at: None,
        };
        Ok(tagged.map(|(id, _)| found(id)).collect())
    }

    fn verify(&self, key: &Key) -> Seen {
        let world = self.outside.world();
        let value = key.fields.primary().map_or("", |value| value.expose());
        let works = world
            .keys
            .values()
            .any(|known| known.alive && known.value == value);
        Seen {
            verdict: if works && !world.suspended {
                Verdict::Works
            } else {
                Verdict::Refused
            },
            date: Some(world.now),
        }
    }

    fn last_used(&self, _key: &Key) -> Result<Option<Instant>, Fault> {
        Ok(self.outside.world().used)
    }

    fn revoke(&self, key: &Key) -> Effect<()> {
        let id = key.id.as_ref().map(ToString::to_string).unwrap_or_default();
        self.outside.call(Act::Revoke { id })
    }
}

impl Vendor {
    /// Whether it has calls that list and kill keys. Where a person makes them, it has none.
    fn by_call(&self) -> Ability {
        match self.value {
            ValueBy::Person => Ability::No,
            ValueBy::Issuer | ValueBy::Rotakey => Ability::Yes,
        }
    }

    fn found(&self, tag: &str) -> Option<Key> {
        let world = self.outside.world();
        let (id, known) = world.keys.iter().find(|(_, key)| key.tag == tag)?;
        Some(self.key(id, Fields::single(SecretValue::new(known.value.clone()))))
    }

    fn key(&self, id: &str, fields: Fields) -> Key {
        Key {
            id: Some(KeyId::new(id)),
            ..Key::of(fields)
        }
    }
}
