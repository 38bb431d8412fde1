//! Issuers as the program builds them, and the words of a rotation.

use std::sync::Arc;

use rotakey::issuers::{self, Ability, Issuer, Request, Verdict};
use rotakey::model::{
    Account, Clock, Credential, Effect, FieldName, Fields, Key, SecretName, SecretValue, Tag,
};
use rotakey::run::{Signals, SystemClock};
use serde_json::Value;

use crate::server::ACCOUNT_PASSWORD;

/// An issuer at a server on this machine, with more keys and other settings than the usual ones.
pub(crate) fn at(
    port: u16,
    mut config: Value,
    more: Value,
    settings: &[(&str, &str)],
) -> Arc<dyn Issuer> {
    for keys in config.as_object_mut().unwrap().values_mut() {
        let more = more.as_object().unwrap().clone();
        keys.as_object_mut().unwrap().extend(more);
    }
    let port = port.to_string();
    let usual = [
        ("host", "127.0.0.1"),
        ("port", &port),
        ("user", "rotakey"),
        ("password", ACCOUNT_PASSWORD),
    ];
    let all: Vec<_> = usual.into_iter().chain(settings.iter().copied()).collect();
    build(config, &all)
}

/// An issuer with an account of these settings. `password` is a credential.
fn build(config: Value, settings: &[(&str, &str)]) -> Arc<dyn Issuer> {
    let kind = config.as_object().unwrap().keys().next().unwrap().clone();
    let mut account = Account::new(kind.as_str().into(), kind.as_str());
    for (name, text) in settings {
        let text = (*text).to_owned();
        account = match *name {
            "password" => account.with(
                *name,
                Credential::new("test", move || Ok(SecretValue::new(text.clone()))),
            ),
            _ => account.set(*name, text),
        };
    }
    let config = serde_json::from_value(config).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Signals::default()));
    issuers::build(
        config,
        &SecretName::new("database"),
        Some(&Arc::new(account)),
        &clock,
    )
    .unwrap()
}

/// A key of a person, who knows user and password.
pub(crate) fn key(user: &str, password: &str) -> Key {
    let fields = [("user", user), ("password", password)];
    let fields = fields.map(|(name, text)| (FieldName::new(name), SecretValue::new(text)));
    Key::of(fields.into_iter().collect::<Fields>())
}

pub(crate) fn field<'k>(key: &'k Key, name: &str) -> &'k str {
    key.fields.field(&FieldName::new(name)).unwrap().expose()
}

/// Asks for the next version.
pub(crate) fn ask(issuer: &dyn Issuer, tag: &str, current: Option<&Key>) -> (Key, Effect<Key>) {
    let proposal = issuer
        .propose(current, rotakey::issuers::Trust::Kept)
        .unwrap()
        .unwrap();
    let effect = repeat(issuer, tag, &proposal, current);
    (proposal, effect)
}

pub(crate) fn repeat(
    issuer: &dyn Issuer,
    tag: &str,
    proposal: &Key,
    current: Option<&Key>,
) -> Effect<Key> {
    issuer.issue(&Request {
        tag: &Tag::new(tag),
        proposal: Some(proposal),
        current,
    })
}

#[track_caller]
pub(crate) fn issued(issuer: &dyn Issuer, tag: &str, current: Option<&Key>) -> Key {
    let (_, effect) = ask(issuer, tag, current);
    let Effect::Done(key) = effect else {
        panic!("{effect:?}");
    };
    assert_eq!(issuer.verify(&key).verdict, Verdict::Works);
    key
}

/// The words of a clear no.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(effect: Effect<T>) -> String {
    match effect {
        Effect::NotDone(fault) => fault.what,
        other => panic!("{other:?}"),
    }
}

/// What every issuer must do with versions that exist side by side. Returns the passwords that were used.
pub(crate) fn conformance(issuer: &dyn Issuer, adopted: Option<Key>) -> Vec<String> {
    let tag = |number: u32| format!("rk-conf-{number}");
    let finds = issuer.capabilities().finds == Ability::Yes;
    let mut passwords = Vec::new();
    let mut current = adopted;
    for number in 1..=4 {
        let (proposal, first) = ask(issuer, &tag(number), current.as_ref());
        let Effect::Done(new) = first else {
            panic!("{first:?}")
        };
        passwords.push(field(&new, "password").to_owned());
        // The reply was lost: asked again with the same value, it succeeds again and makes nothing else.
        let again = repeat(issuer, &tag(number), &proposal, current.as_ref());
        assert_eq!(again, Effect::Done(new.clone()));
        assert_eq!(issuer.verify(&new).verdict, Verdict::Works);
        if finds {
            let found = issuer.find(&Tag::new(tag(number))).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(
                (&found[0].key.id, &found[0].key.notes),
                (&new.id, &new.notes)
            );
            assert_eq!(issuer.find(&Tag::new("rk-nobody")).unwrap(), []);
        }
        let mut wrong = key(field(&new, "user"), "not the password of anybody here");
        wrong.id = new.id.clone();
        assert_eq!(issuer.verify(&wrong).verdict, Verdict::Refused);
        if let Some(old) = current.replace(new) {
            assert_eq!(
                issuer.verify(&old).verdict,
                Verdict::Works,
                "the old one lives through the grace"
            );
            assert_eq!(issuer.revoke(&old), Effect::Done(()));
            assert_eq!(issuer.verify(&old).verdict, Verdict::Refused);
            assert_eq!(issuer.revoke(&old), Effect::Done(()));
            let now = current.as_ref().unwrap();
            assert_eq!(
                issuer.verify(now).verdict,
                Verdict::Works,
                "the new one outlives the old"
            );
        }
    }
    // An orphan is known by its tag alone, without any value.
    let (_, lost) = ask(issuer, "rk-lost", current.as_ref());
    let Effect::Done(lost) = lost else {
        panic!("{lost:?}")
    };
    let orphan = match finds {
        true => issuer.find(&Tag::new("rk-lost")).unwrap().remove(0).key,
        false => lost.clone(),
    };
    assert_eq!(orphan.fields.is_empty(), finds);
    assert_eq!(issuer.revoke(&orphan), Effect::Done(()));
    assert_eq!(issuer.verify(&lost).verdict, Verdict::Refused);
    if finds {
        assert_eq!(issuer.find(&Tag::new("rk-lost")).unwrap(), []);
    }
    assert_eq!(
        issuer.verify(current.as_ref().unwrap()).verdict,
        Verdict::Works
    );
    passwords
}
