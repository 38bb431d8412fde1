//! Notices as JSON to an address of one's own, signed as Standard Webhooks does.
//!
//! ```yaml
//! hook: { kind: webhook, url: { env: ROTAKEY_HOOK_URL }, secret: { env: ROTAKEY_HOOK_SECRET } }
//! ```
//!
//! The secret is `whsec_` and base64, or base64 alone. Each request carries `webhook-id` (the notice's id, the same at
//! every try, so that a receiver can drop a second copy), `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and
//! the base64 of HMAC-SHA256 over `id.timestamp.body`. The body is `{type, timestamp, data}`, the type `rotation.` and the
//! event. Source: the Standard Webhooks specification 1.0.0, looked at on 2026-11-23.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, TimeDelta};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use crate::http::{Api, Endpoint, HiddenUrl};
use crate::model::{Clock, Credential, Effect, Fault, Finding, SecretValue};

use super::{Channel, ChannelKind, ChannelStarter, Event, Letter, Loudness, Sources, needed};

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "webhook",
    needs: &["url", "secret"],
    takes: &[],
    starter: ChannelStarter {
        about: "signed JSON to an address of yours",
        keys: ", url: { env: NOTIFY_URL }, secret: { env: NOTIFY_SECRET }",
    },
};

/// No key that is not secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

pub(super) struct Webhook {
    url: Credential,
    secret: Credential,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    pub(super) fn open(sources: &Sources, clock: &Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self {
            url: needed(sources, "url")?,
            secret: needed(sources, "secret")?,
            clock: Arc::clone(clock),
        })
    }

    fn post(&self, letter: &Letter<'_>) -> Result<Effect<Option<String>>, Fault> {
        let (api, url) = address(&self.url, &self.clock)?;
        let key = key(self.secret.value()?)?;
        let seconds = self.clock.now().timestamp();
        let body = body(letter);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)
            .map_err(|_| Fault::refused("the signing secret cannot be used"))?;
        mac.update(format!("{}.{seconds}.", letter.id).as_bytes());
        mac.update(&body);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let call = api
            .post_to(&url)
            .header("webhook-id", letter.id)
            .header("webhook-timestamp", &seconds.to_string())
            .header("webhook-signature", &format!("v1,{signature}"))
            .bytes("application/json", body)
            .timeout(TimeDelta::seconds(15))
            .pace(letter.pace)
            .any_body();
        // The receiver can tell a second copy by its id.
        Ok(call.repeatable().map(|_| None))
    }
}

impl Channel for Webhook {
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>> {
        self.post(letter).unwrap_or_else(Effect::NotDone)
    }

    fn check(&self) -> Vec<Finding> {
        let looked = || -> Result<String, Fault> {
            let (_, url) = address(&self.url, &self.clock)?;
            key(self.secret.value()?)?;
            Ok(format!("{} (nothing was sent)", url.base()))
        };
        vec![Finding {
            what: "webhook".to_owned(),
            result: looked(),
        }]
    }
}

/// An address that is a secret, ready to be called.
pub(super) fn address(url: &Credential, clock: &Arc<dyn Clock>) -> Result<(Api, HiddenUrl), Fault> {
    let hidden = HiddenUrl::parse(url.value()?.expose())
        .map_err(|why| Fault::refused(format!("{}: {why}", url.source())))?;
    let endpoint = Endpoint {
        base: hidden.base().to_owned(),
        name: "the webhook".to_owned(),
        in_flight: 1,
    };
    Ok((Api::new(endpoint, Arc::clone(clock))?, hidden))
}

fn key(secret: &SecretValue) -> Result<zeroize::Zeroizing<Vec<u8>>, Fault> {
    let text = secret.expose();
    let bytes = STANDARD
        .decode(text.strip_prefix("whsec_").unwrap_or(text))
        .ok()
        .filter(|key| key.len() >= 24);
    bytes.map(zeroize::Zeroizing::new).ok_or_else(|| {
        Fault::refused("the signing secret is not base64 of 24 bytes or more")
            .hint("make one with: echo whsec_$(head -c 32 /dev/urandom | base64)")
    })
}

fn body(letter: &Letter<'_>) -> Vec<u8> {
    let event = letter.event.map_or("answer", Event::word);
    let value = json!({
        "type": format!("rotation.{event}"),
        "timestamp": letter.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "data": {
            "notice": letter.id,
            "secret": letter.secret,
            "service": crate::model::sanitise(letter.message.title()),
            "heading": letter.message.heading(),
            "lines": letter.lines(),
            "audit_head": letter.head,
            "loud": letter.loud == Loudness::Loud,
            "again": letter.again,
        },
    });
    value.to_string().into_bytes()
}
